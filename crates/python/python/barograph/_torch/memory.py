"""Memory of the process that the training shares with us."""

from __future__ import annotations

import torch

_LARGEST = 31 << 20
"""Bytes just below those up to which the C library learns from what is freed (32 MB, `DEFAULT_MMAP_THRESHOLD_MAX` of glibc)."""


def keep_freed() -> None:
    """Has the C library keep what a step frees for the next step, as it does in every process that ever freed a large tensor.

    Glibc gives memory back to the system once twice the largest block that was ever freed lies idle. In a training of small tensors that
    is little, and what we keep within a step decides whether each step passes it: its memory is then taken anew, page by page, which
    costs up to 2 % of a step. One large block that is freed untouched costs nothing, and moves the bound to 64 MB (mallopt(3),
    M_MMAP_THRESHOLD).
    """
    torch.empty(_LARGEST, dtype=torch.uint8, device="cpu")
