"""What is done when a loss or a gradient is not finite, before the optimizer changes a weight."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from .supervisor import Supervisor

POLICIES = ("report", "skip", "stop", "rollback")


class NonFinite(ArithmeticError):
    """Raised before the optimizer's step, where `stop` was asked for and the loss or a gradient is not finite."""


class Policy:
    """`report` changes nothing; `skip` leaves the weights as they are in this step; `stop` raises `NonFinite`; `rollback` sets
    weights and optimizer state back to the last good copy, which is taken every `every` steps, and skips the step."""

    def __init__(self, name: str = "report", every: int = 20) -> None:
        if name not in POLICIES:
            raise ValueError(f"unknown policy {name!r}; choose one of {', '.join(POLICIES)}")
        self.name = name
        self.acts = name != "report"
        """Whether anything is done in a step that is not finite."""
        self._every = every
        self._hidden: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._good: tuple[list[torch.Tensor], dict[str, Any]] | None = None
        self._good_step = 0

    def before_step(self, supervisor: Supervisor, optimizer: torch.optim.Optimizer) -> None:
        """Acts, if this step is not finite and something was asked for."""
        if not self.acts:
            return
        if not supervisor.is_broken():
            self._keep(supervisor, optimizer)
            return
        if self.name == "stop":
            raise NonFinite(supervisor.broken_text())
        if self.name == "rollback" and self._good is not None:
            self._restore(supervisor, optimizer)
        # Without gradients, an optimizer leaves the weights and its own state alone.
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._hidden.append((parameter, parameter.grad))
                    parameter.grad = None
        supervisor.session.note(f"the step was skipped: {supervisor.broken_text()}")

    def after_step(self, supervisor: Supervisor, optimizer: torch.optim.Optimizer) -> None:
        """Gives back the gradients that the optimizer was not to see."""
        for parameter, gradient in self._hidden:
            parameter.grad = gradient
        self._hidden.clear()

    def _keep(self, supervisor: Supervisor, optimizer: torch.optim.Optimizer) -> None:
        if self.name != "rollback" or (self._good is not None and supervisor.step - self._good_step < self._every):
            return
        weights = [parameter.detach().clone() for parameter in supervisor.parameters.tensors()]
        self._good = (weights, copy.deepcopy(optimizer.state_dict()))
        self._good_step = supervisor.step

    def _restore(self, supervisor: Supervisor, optimizer: torch.optim.Optimizer) -> None:
        weights, state = self._good or ([], {})
        with torch.no_grad():
            for parameter, good in zip(supervisor.parameters.tensors(), weights):
                parameter.copy_(good)
        rates = [group["lr"] for group in optimizer.param_groups]
        optimizer.load_state_dict(copy.deepcopy(state))
        for group, rate in zip(optimizer.param_groups, rates):
            group["lr"] = rate  # A schedule goes on; only what went wrong is taken back.
        supervisor.session.note(f"weights and optimizer were set back to step {self._good_step}")
