"""Supervision of PyTorch. `hooks` listens, `supervisor` keeps the account of a step, the rest knows one thing each."""
