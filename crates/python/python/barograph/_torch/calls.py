"""The calls of models that loop code makes in a step: what went in, what came out, and how to make them again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import CodeType
from typing import TYPE_CHECKING, Any

import torch

from barograph import _native

from . import aside, facts, source
from .budget import FIRST_STEPS, FULL
from .flow import Event, floats, has_nan, is_finite, is_mask, rows_of, statistics
from .readings import INPUT

if TYPE_CHECKING:
    from .layers import Layer
    from .supervisor import Supervisor

_MOST_CALLS = 8
"""Calls of models that are remembered in one step, as where many batches make one step, or none (our choice)."""


@dataclass(slots=True)
class Call:
    """A call of a model from loop code."""

    module: torch.nn.Module
    random_state: torch.Tensor | None
    args: Any = None
    kwargs: Any = None
    place: tuple[CodeType, int] | None = None
    results: list[torch.Tensor] = field(default_factory=list)
    """The floating-point tensors that came out."""
    autocast: list[tuple[str, torch.dtype]] = field(default_factory=list)
    """The kinds of devices whose operations chose their precision themselves, and the low one."""
    gradient: torch.Tensor | None = None
    """The gradient that came back to its output."""
    number: int = 0
    """Which result of its operation the output is."""

    def keep_gradient(self, gradient: torch.Tensor) -> None:
        """A hook of the output."""
        self.gradient = gradient

    def keep_gradients(self, gradients: tuple[torch.Tensor | None, ...]) -> None:
        """A hook of the operation that made the output."""
        self.gradient = gradients[self.number]

    def await_gradient(self) -> None:
        """Waits for the gradient of the output, and lets go of the graph behind it: it lives as long as the script wants it."""
        for result in self.results:
            node = result.grad_fn
            if node is not None:
                self.number = result.output_nr
                node.register_prehook(self.keep_gradients)  # A hook of the tensor costs five times as much.
                break
            if result.requires_grad:
                result.register_hook(self.keep_gradient)
                break
        self.results = [result.detach() for result in self.results]


class Calls:
    """The latest calls of the step under way."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._calls: list[Call] = []
        self._place: tuple[CodeType, int] | None = None
        """Where the model was called, the last time that this was looked up."""
        self._autocast: list[tuple[str, torch.dtype]] = []
        """The autocast in force then."""
        self.last: Call | None = None
        """The latest of this step."""
        self.rows = 0
        """Rows of the batch that the latest model put out."""

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls)

    def __reversed__(self) -> Iterator[Call]:
        return reversed(self._calls)

    def __getitem__(self, number: int) -> Call:
        return self._calls[number]

    def forget(self) -> None:
        """The step is over."""
        self._calls.clear()
        self.last = None

    def await_gradients(self) -> None:
        """Keeps the gradients that come back to the outputs of models in this backward pass: to find where a bad one began."""
        for call in self._calls:
            call.await_gradient()

    def enter(self, module: torch.nn.Module, layer: Layer | None) -> None:
        """A model is called, of which `layer` is known."""
        self._add(Call(module, self._random_state(module, layer)))

    def take(self, module: torch.nn.Module, args: Any, out: torch.Tensor) -> None:
        """A model was called as in the step before: with one tensor, for one that is finite."""
        self._add(Call(module, None, args, {}, self._place, [out], self._autocast))
        self.rows = out.shape[0]

    def _add(self, call: Call) -> None:
        self.last = call
        self._calls.append(call)
        if len(self._calls) > 2:
            self._calls[-3].await_gradient()
            del self._calls[:-_MOST_CALLS]

    def _random_state(self, module: torch.nn.Module, layer: Layer | None) -> torch.Tensor | None:
        """The state of the random numbers, if the model draws any: to copy it costs as much as a small layer."""
        if layer is not None and layer.draws is None:
            layer.draws = any(_may_drop(part) for part in module.modules())
        draws = layer is None or layer.draws
        return torch.get_rng_state() if draws or self._supervisor.step < FIRST_STEPS else None

    def leave(self, args: Any, kwargs: Any, out: Any) -> None:
        """The model that was called last has its result."""
        supervisor, call = self._supervisor, self.last
        if call is None:
            return
        if not supervisor.loop.is_known or len(self._calls) > 1:
            self._place, self._autocast = source.place(4), aside.autocast()
            facts.model(supervisor.readings, call.module, self._autocast)
        results = floats(out)
        call.args, call.kwargs, call.results, call.place, call.autocast = args, kwargs, results, self._place, self._autocast
        given = floats(args[0]) if len(args) == 1 and not kwargs else floats((args, kwargs))
        self.rows = 0
        for result in results:
            if result.dim() > 0:
                self.rows = result.shape[0]
                break
        if given and supervisor.level == FULL:
            supervisor.readings.read(supervisor.readings.batch_site("input", 0, given[0]), INPUT, given[0])
        if not all(map(_native.is_finite, results)):
            self._see_bad(call, [result for result in results if not is_finite(result)], given)

    def _see_bad(self, call: Call, bad: list[torch.Tensor], given: list[torch.Tensor]) -> None:
        supervisor, flow = self._supervisor, self._supervisor.flow
        supervisor.check_late()
        entered = [tensor for tensor in given if not is_finite(tensor)]
        known = [origin for origin in map(flow.origin, entered) if isinstance(origin, Event)]
        known += [event for event in flow.events if event.phase == "update"]
        if known:
            event = known[0]
        elif any(not is_mask(tensor) for tensor in entered):
            event = entered_bad(call, entered)
            flow.events.append(event)
        else:
            event = Event("forward", type(call.module).__name__, self._path(call), source.line(call.place), call=call)
            event.rows, event.row_count = rows_of(bad, self.rows)
            event.may_be_meant = not any(has_nan(tensor) for tensor in bad)
            flow.events.append(event)
        for tensor in bad:
            flow.mark(tensor, event)

    def _path(self, call: Call) -> str:
        layer = self._supervisor.layers.of(call.module)
        return layer.path if layer else ""


def entered_bad(call: Call, entered: list[torch.Tensor]) -> Event:
    """A model was given these inputs, which are not finite."""
    event = Event("data", "input", "input", source.line(call.place))
    event.inputs = [found for found in (statistics(t, f"input {i}") for i, t in enumerate(entered)) if found]
    event.rows, event.row_count = rows_of(entered, entered[0].shape[0] if entered[0].dim() else 0)
    return event


def _may_drop(module: torch.nn.Module) -> bool:
    """Whether a module is told to drop something, by its class or by its settings."""
    return "Dropout" in type(module).__name__ or bool(getattr(module, "dropout", 0.0))
