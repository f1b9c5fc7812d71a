"""Steps that go as the step before went: most of a training, and what supervision costs."""

from __future__ import annotations

import math
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch

from .budget import FULL

if TYPE_CHECKING:
    from .calls import Call
    from .supervisor import Supervisor

_without_functions = torch._C.DisableTorchFunction


class Steady:
    """Does what `Supervisor` does in a step, in few and short pieces, where nothing is new: one model that is called once, on the CPU,
    a loss of the library that is known, one optimizer, and nothing that is not finite.

    Between two steps of a small model, the processor has forgotten all that Python keeps: each line costs a wait for memory, so that
    few lines are run here. Whatever is not as it was goes to the supervisor, before anything of it was looked at.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._session = supervisor.session
        self._hooks = supervisor.module_hooks
        self.is_on = False
        """Whether the step under way is such a step so far."""
        self._optimizer: torch.optim.Optimizer | None = None
        self._groups = 0
        self._model: tuple[int, int | None] = (0, None)
        self._sites: list[int] = []
        self._weights: list[torch.Tensor] = []
        self._output = self._target = 0
        self._takes_logits = False

    def begin(self, call: Call | None, optimizer: torch.optim.Optimizer) -> None:
        """A step begins after one that the supervisor ended, with this call and this optimizer."""
        supervisor, answers = self._supervisor, self._supervisor.answers
        self.is_on = False
        if call is None or supervisor.optimizers != [optimizer] or not self._is_known(call):
            self._hooks.expect_nothing()
            return
        self.is_on = True
        self._optimizer, self._groups = optimizer, len(optimizer.param_groups)
        self._sites, self._weights = supervisor.parameters.sited()
        self._output, self._target, self._takes_logits = answers.places()
        self._model = id(call.module), supervisor.readings.site_of_input()
        self._hooks.expect(*self._model)

    def _is_known(self, call: Call) -> bool:
        """Whether nothing is to be learnt in a step that begins with a call like this one."""
        supervisor, readings, loop = self._supervisor, self._supervisor.readings, self._supervisor.loop
        is_measured = supervisor.level == FULL and not readings.units_due and not readings.is_late and supervisor.parameters.are_plain
        is_learnt = loop.is_known and loop.repeats_loss and supervisor.answers.are_settled and not supervisor.layers.calls_functions
        is_alone = not supervisor.ranks and not supervisor.newcomer and supervisor.optimizers_made < 2
        is_left_alone = not supervisor.policy.acts and supervisor.incidents.first is None
        return is_measured and is_learnt and is_alone and is_left_alone and call.random_state is None

    def leave(self) -> None:
        """This step is not as the one before; the supervisor goes on with it."""
        if not self.is_on:
            return
        self.is_on = False
        taken = self._hooks.taken()
        self._hooks.expect_nothing()
        if taken is not None:
            self._supervisor.calls.take(*taken)

    def before_backward(self, roots: Any) -> bool:
        """The loss is differentiated. Returns whether all was done that is to be done."""
        if not self.is_on:
            return False
        begun = perf_counter()
        supervisor = self._supervisor
        if type(roots) is torch.Tensor and not supervisor.backward_seen:
            with _without_functions():
                targets = getattr(roots.grad_fn, "_saved_target", None)
                value = roots.item() if targets is not None else math.nan
                if math.isfinite(value) and self._hooks.see_answers(self._output, self._target, targets, self._takes_logits):
                    supervisor.backward_seen = supervisor.in_backward = True
                    supervisor.losses.append(value)
                    supervisor.last_loss = value
                    supervisor.incidents.see_loss(value)
                    supervisor.answers.targets = targets
                    supervisor.budget.spent += perf_counter() - begun + self._hooks.take_seconds()
                    return True
        self.leave()
        return False

    def before_step(self, optimizer: torch.optim.Optimizer) -> bool:
        """An optimizer is about to change the weights. Returns whether all was done that is to be done."""
        if not self.is_on:
            return False
        begun = perf_counter()
        supervisor, groups = self._supervisor, optimizer.param_groups
        if (
            optimizer is not self._optimizer
            or len(groups) != self._groups
            or not supervisor.backward_seen
            or supervisor.gradients_read
        ):
            self.leave()
            return False
        bad = self._session.read_gradients(self._sites, self._weights)
        supervisor.gradients_read = True
        self._session.scalar("learning_rate", float(groups[0]["lr"]))
        if bad:
            self.leave()
            supervisor.see_bad_gradients()
        supervisor.budget.spent += perf_counter() - begun
        return True

    def after_step(self, optimizer: torch.optim.Optimizer) -> bool:
        """The optimizer has changed the weights. Returns whether all was done that is to be done."""
        if not self.is_on:
            return False
        begun = perf_counter()
        supervisor = self._supervisor
        if optimizer is not self._optimizer or not supervisor.gradients_read:
            self.leave()
            return False
        loss = supervisor.losses[0]
        told, due, bad = self._session.go_on(loss, supervisor.step + 1, self._sites, self._weights)
        supervisor.step_loss = loss
        supervisor.losses.clear()
        supervisor.backward_seen = supervisor.gradients_read = False
        supervisor.answers.targets = None
        supervisor.readings.units_due = due
        if told:
            supervisor.tell(told)
        supervisor.next_step()
        if supervisor.loop.is_known and supervisor.level == FULL and not due and not bad:
            self._hooks.expect(*self._model)
        else:
            self._end(optimizer, due, bad)
        supervisor.budget.spent += perf_counter() - begun
        return True

    def _end(self, optimizer: torch.optim.Optimizer, due: bool, bad: int) -> None:
        """The step that begins is another than the one that ends."""
        supervisor = self._supervisor
        self.is_on = False
        self._hooks.taken()
        self._hooks.expect_nothing()
        if due:
            bad = supervisor.parameters.read_weights()
        if bad:
            supervisor.see_bad_weights(optimizer, None)
        supervisor.listen()
