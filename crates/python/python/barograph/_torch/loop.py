"""Loop code: the operations that a script does between the calls of its models, above all the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import TYPE_CHECKING, Any

import torch

from barograph import _native

from . import names, source
from .budget import FIRST_STEPS, FULL
from .flow import Event, floats, is_finite, rows_of, statistics, tensors

if TYPE_CHECKING:
    from .supervisor import Supervisor

_MOST_OPERATIONS = 5_000
"""Operations of loop code that are remembered in one step (our choice)."""

_MOST_OPERANDS = 256
"""Operations of loop code whose operands are kept until the end of the step: the latest (our choice)."""

_LISTEN_EVERY = 16
"""Steps after which a loop that is known is listened to again (our choice)."""

_SMALL = 65_536
"""Elements up to which the operands of loop code are kept until the end of the step (our choice: 256 KB)."""


@dataclass(slots=True)
class Operation:
    """An operation of loop code that takes part in the backward pass."""

    name: str
    place: tuple[CodeType, int] | None
    inputs: list[torch.Tensor]
    of_library: bool = False
    """Whether it is a loss of `torch.nn.functional`."""
    again: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None
    """Such a loss once more, of other outputs and targets; `None` where it was given more than the output of the model itself."""
    bad_gradient: bool = False
    """Whether the gradient that it handed on was not finite, and the one that it was given was."""
    handed_on_bad: bool = False
    rows: tuple[list[int], int] = field(default_factory=lambda: ([], 0))
    incoming: _native.Statistics | None = None


class Loop:
    """What loop code did in the step under way, and what is known of it from earlier steps."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._operations: list[Operation] = []
        self._remembered: list[Operation] = []
        self.last_scalar: torch.Tensor | None = None
        """The latest single number that can be differentiated: where nothing else is known, the loss."""
        self.is_known = False
        """Whether this step need not be listened to."""
        self._is_simple = False
        self._others = 0
        """Operations of this step besides a loss of the library."""
        self.shown: tuple[int, Event] | None = None
        """The step, and where the first number began that the script looked at and that was not finite."""

    def remembered(self) -> list[Operation]:
        """Operations of loop code in this step, or, where it was not seen, in the latest step that was."""
        return self._operations or self._remembered

    def library_loss(self) -> Operation | None:
        """The one operation of the loop, where this step was not listened to because it is known."""
        return self._remembered[0] if self.is_known and self._remembered else None

    @property
    def repeats_loss(self) -> bool:
        """Whether the loss of a step that is known can be computed once more from the output of the model and the targets."""
        return bool(self._remembered) and self._remembered[0].again is not None

    def can_repeat_loss(self) -> bool:
        """Whether this step's loss can be computed once more from the output of the model."""
        loss = self.library_loss()
        return loss is not None and loss.again is not None and self._supervisor.answers.targets is not None

    def gradient_of(self, output: torch.Tensor) -> torch.Tensor | None:
        """The derivative of this step's loss by the output of the model, computed once more."""
        loss, targets = self.library_loss(), self._supervisor.answers.targets
        if loss is None or loss.again is None or targets is None:
            return None
        output = output.detach().requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(loss.again(output, targets), output)
        return gradient

    def end_step(self, step: int) -> None:
        """A loop that only calls a model and a loss of the library, and does not look at the loss before the backward pass, need
        not be listened to at every step: which loss it is, its line and its targets are known without. It is listened to again
        now and then, for loops change, and whenever a model is called without gradients, as in a validation."""
        if not self.is_known and self._operations:
            only_one = len(self._operations) == 1 and self._operations[0].of_library
            self._is_simple = only_one and not self._others
        self.is_known = self._is_simple and step >= FIRST_STEPS and step % _LISTEN_EVERY != 0

    def forget(self) -> None:
        """Lets go of the tensors of a step that is over."""
        self._remembered = self._operations or self._remembered
        for operation in self._remembered:
            operation.inputs = []
        self._operations = []
        self.last_scalar = None
        self._others = 0

    def see(self, kind: int, name: str, args: Any, kwargs: Any, out: Any) -> None:
        """Takes in an operation that was done."""
        if kind is names.SHOWN or kind is names.COMPARED:
            self._others += not self._supervisor.backward_seen
            if kind is names.SHOWN:
                self._see_shown(args)
            return
        self._others += kind is not names.VIEW and kind is not names.LOSS
        self._see_computed(kind, name, args, kwargs, out)

    def _see_shown(self, args: Any) -> None:
        """The script looks at a number. One that is not finite may never come near a loss, as in a validation."""
        shown = args[0] if args else None
        if self.shown is None and isinstance(shown, torch.Tensor) and shown.is_floating_point() and not is_finite(shown):
            origin = self._supervisor.flow.origin(shown)
            if isinstance(origin, Event):
                self.shown = (self._supervisor.step, origin)

    def _see_computed(self, kind: int, name: str, args: Any, kwargs: Any, out: Any) -> None:
        supervisor = self._supervisor
        if kind is names.TARGET or kind is names.LOSS:
            self._see_targets(kind, args)
        results = floats(out)
        if not results and name != "__setitem__":
            return
        if kind is names.ACTIVATION and supervisor.level == FULL and args and results and results[0].requires_grad:
            supervisor.begin()
            supervisor.layers.see_function(names.activation(name), args[0], out, None)
        plain = names.plain(name)
        if name == "__setitem__" or not all(map(is_finite, results)):
            self._see_bad(plain, args, kwargs, out, results)
        # A weight that is updated in place requires gradients too, but belongs to no graph.
        if kind is names.VIEW or not results or _node(results[0]) is None:
            return
        supervisor.end_without_optimizer()
        if results[0].dim() == 0:
            self.last_scalar = results[0]
        self._remember(kind, name, args, kwargs, results[0])

    def _see_bad(self, name: str, args: Any, kwargs: Any, out: Any, results: list[torch.Tensor]) -> None:
        flow, calls = self._supervisor.flow, self._supervisor.calls
        line = source.line(source.place(5))
        site = "loss" if len(calls) else "loop"
        known = len(flow.events)
        event = flow.see(name, args, kwargs, out, site=site, source=line, rows=calls.rows)
        by_hand = not torch.is_grad_enabled() and self._changes_a_weight(args)
        if event is None or len(flow.events) == known:
            return
        if not by_hand and any(result.requires_grad for result in results):
            return
        if self._supervisor.backward_seen or by_hand:
            event.phase = "update"  # Arithmetic of the loop's own between the backward pass and the next forward pass.
        elif self._supervisor.step == 0 and not len(calls):
            event.phase = "data"  # Nothing that is trained has met it yet.

    def _changes_a_weight(self, args: Any) -> bool:
        """Whether loop code works on a weight itself, between the steps of an optimizer."""
        supervisor = self._supervisor
        return not len(supervisor.calls) and any(supervisor.parameters.knows(id(tensor)) for tensor in tensors(args))

    def _remember(self, kind: int, name: str, args: Any, kwargs: Any, result: torch.Tensor) -> None:
        node = _node(result)
        if node is None or len(self._operations) >= _MOST_OPERATIONS:
            return
        inputs = list(tensors(args))
        if self._supervisor.answers.targets is None and len(self._supervisor.calls):
            self._guess_targets(inputs)
        self._see_compared(inputs)
        kept = [tensor.detach() for tensor in inputs if tensor.numel() <= _SMALL]
        operation = Operation(names.plain(name), source.place(5), kept, of_library=kind is names.LOSS)
        if operation.of_library:
            operation.again = self._again(name, args, kwargs)
        self._operations.append(operation)
        if len(self._operations) > _MOST_OPERANDS:
            self._operations[-_MOST_OPERANDS - 1].inputs = []
        node.register_hook(self._backward_hook(operation))

    def _again(self, name: str, args: Any, kwargs: Any) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None:
        call, function = self._supervisor.calls.last, getattr(torch.nn.functional, name, None)
        if function is None or call is None or len(args) < 2 or len(call.results) != 1 or args[0] is not call.results[0]:
            return None
        others, named = args[2:], kwargs or {}
        return lambda output, targets: function(output, targets, *others, **named)

    def _backward_hook(self, operation: Operation) -> Callable[[Any, Any], None]:
        def see(handed_on: Any, given: Any) -> None:
            bad = [t for t in handed_on if t is not None and not is_finite(t)]
            if not bad:
                return
            operation.handed_on_bad = True
            came_in = [t for t in given if t is not None]
            operation.bad_gradient = all(map(is_finite, came_in))
            operation.rows = rows_of(bad, self._supervisor.calls.rows)
            if came_in:
                operation.incoming = statistics(came_in[0], "gradient")

        return see

    def _see_targets(self, kind: int, args: Any) -> None:
        place = 0 if kind is names.TARGET else 1
        if len(args) > place and isinstance(args[place], torch.Tensor):
            self._supervisor.answers.targets = args[place]

    def _see_compared(self, inputs: list[torch.Tensor]) -> None:
        """Outputs `(N, 1)` beside targets `(N)`, or the other way round, become `(N, N)`: every row is compared with every other."""
        if len(inputs) < 2:
            return
        one, other = inputs[0], inputs[1]
        rows = self._supervisor.calls.rows
        if rows < 2 or one.requires_grad == other.requires_grad or one.numel() != rows or other.numel() != rows:
            return
        spread = {one.dim(), other.dim()} == {1, 2} and (one if one.dim() == 2 else other).shape[1] == 1
        if spread or one.shape == other.shape:
            self._supervisor.readings.scalar("loss_rows_compared", float(rows if spread else 1))

    def _guess_targets(self, inputs: list[torch.Tensor]) -> None:
        """Of a loss that is written by hand: what meets the outputs and is no result of the model."""
        if len(inputs) < 2 or not any(tensor.requires_grad for tensor in inputs):
            return
        for tensor in inputs:
            if not tensor.requires_grad and tensor.dim() > 0 and tensor.shape[0] == self._supervisor.calls.rows:
                self._supervisor.answers.targets = tensor


def _node(tensor: torch.Tensor) -> Any:
    """The node of the graph that made a tensor; torch refuses to tell for some views of what was changed in place."""
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None
