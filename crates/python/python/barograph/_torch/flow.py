"""Follows non-finite numbers through the operations of one step, and knows with which operation they began.

An infinity that a script puts there itself (a mask of -inf before a softmax) is meant, and begins nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from barograph import _native

from . import names
from .ranks import local
from .source import Line

_MOST_INPUTS = 4
"""Inputs of an operation whose statistics are kept (our choice: no operation of interest has more)."""


_MOST_KEPT = 64
"""Tensors with non-finite numbers of the data that are remembered beyond their step (our choice)."""

_MOST_BYTES = 64 << 20
"""Bytes of tensors with non-finite numbers that are remembered within a step, beyond that many tensors (our choice)."""


@dataclass(eq=False)
class Event:
    """Where non-finite numbers began: an operation with finite inputs and a non-finite result, or what they entered with."""

    phase: str
    operation: str
    site: str
    source: Line | None
    inputs: list[_native.Statistics] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    row_count: int = 0
    doubt: str = ""
    repeated: bool = False
    may_be_meant: bool = False
    """Whether there are only infinities, which a model may put out on purpose; then `met` holds where they did harm."""
    met: Event | None = None
    call: Any = None
    """The call of a model in which it lies, where the operation itself is still to be found."""


class Meant:
    """Marks infinities that the script put there itself."""


MEANT = Meant()


def tensors(value: Any, depth: int = 3) -> Iterator[torch.Tensor]:
    """The tensors in an argument or a result: in lists, tuples, dictionaries and objects with such fields (model outputs)."""
    if isinstance(value, torch.Tensor):
        yield value
    elif depth and isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors(item, depth - 1)
    elif depth and isinstance(value, dict):
        for item in value.values():
            yield from tensors(item, depth - 1)
    elif depth and hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from tensors(getattr(value, name, None), depth - 1)


def floats(value: Any) -> list[torch.Tensor]:
    """The floating-point tensors in an argument or a result."""
    if type(value) is torch.Tensor:  # The usual case, at every operation.
        return [value] if value.is_floating_point() else []
    return [tensor for tensor in tensors(value) if tensor.is_floating_point() and not tensor.is_nested]


def has_no_numbers(tensor: torch.Tensor) -> bool:
    """Whether a tensor only stands for one: it has a shape and nothing in it."""
    return tensor.is_meta or (type(tensor) is not torch.Tensor and type(tensor.data).__name__ == "FakeTensor")


def is_finite(tensor: torch.Tensor) -> bool:
    """Whether every element is finite, where that is known at once: on an accelerator nothing is waited for."""
    return _native.is_finite(tensor)


def is_finite_anywhere(tensor: torch.Tensor) -> bool:
    """Whether every element is finite, wherever the tensor lives; for when a run broke and waiting does not matter."""
    return _native.is_finite(tensor) if tensor.is_cpu else bool(torch.isfinite(local(tensor)).all())


def statistics(tensor: torch.Tensor, name: str) -> _native.Statistics | None:
    try:
        return _native.statistics(tensor.detach().cpu(), name)
    except (TypeError, NotImplementedError):
        return None


def is_mask(tensor: torch.Tensor) -> bool:
    """Whether infinities are there on purpose: beside them there are only zeros, and no NaN."""
    found = statistics(tensor, "")
    return found is not None and found.nan == 0 and found.abs_max == 0.0


def _does_harm(tensor: torch.Tensor) -> bool:
    """Whether there is a NaN or a positive infinity: what a logarithm of a probability that is meant to be zero does not give."""
    found = statistics(tensor, "")
    return found is not None and found.nan + found.pos_inf > 0


def has_nan(tensor: torch.Tensor) -> bool:
    found = statistics(tensor, "")
    return found is None or found.nan > 0


def _scalars(args: Any, kwargs: Any) -> Iterator[float]:
    for value in (*args, *(kwargs or {}).values()):
        if isinstance(value, float):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from (item for item in value if isinstance(item, float))


class Flow:
    """The origins of the non-finite tensors of a step, by the memory that they lie in, so that views share them."""

    def __init__(self, finite: Callable[[torch.Tensor], bool] = is_finite) -> None:
        self._finite = finite
        self._origins: dict[int, Event | Meant] = {}
        self._kept: list[torch.Tensor] = []
        self._bytes = 0
        self.events: list[Event] = []

    def clear(self) -> None:
        """Forgets the step. What entered with tensors that live on (the data set) is met again where they are used."""
        if not self._origins and not self.events:
            return
        lasting = [event for event in self._origins.values() if isinstance(event, Event) and event.phase == "data"]
        if lasting and len(self._kept) < _MOST_KEPT:
            self._origins = {memory: event for memory, event in self._origins.items() if event in lasting}
        else:
            self._origins.clear()
            self._kept.clear()
            self._bytes = 0
        self.events = []

    def origin(self, tensor: torch.Tensor) -> Event | Meant | None:
        """What the non-finite numbers of a tensor began with, if that was seen."""
        return self._origins.get(_memory(tensor))

    def mark(self, tensor: torch.Tensor, origin: Event | Meant) -> None:
        """Says what the non-finite numbers of a tensor began with. The tensor is kept, so that its memory is not used anew."""
        memory = _memory(tensor)
        if memory not in self._origins:
            self._kept.append(tensor.detach())
            self._bytes += tensor.numel() * tensor.element_size()
        self._origins[memory] = origin
        while self._bytes > _MOST_BYTES and len(self._kept) > _MOST_KEPT:
            oldest = self._kept.pop(0)
            self._bytes -= oldest.numel() * oldest.element_size()
            self._origins.pop(_memory(oldest), None)

    def see(
        self, name: str, args: Any, kwargs: Any, out: Any, *, site: str, source: Line | None, rows: int
    ) -> Event | None:
        """Takes in an operation with a non-finite result. Returns the event, if this is where non-finite numbers began."""
        results = [tensor for tensor in floats(out) if not self._finite(tensor)]
        inputs = floats((args, kwargs))
        in_place = {id(tensor) for tensor in tensors(out)} | ({id(args[0])} if name == "setitem" else set())
        bad = [tensor for tensor in inputs if id(tensor) not in in_place and not self._finite(tensor)]
        origin = self._carried(bad) or self._overwritten(name, inputs, in_place)
        if not results and name == "setitem" and inputs and not self._finite(inputs[0]):
            results = inputs[:1]
        if not results:
            return None
        if origin is None:
            origin = self._begun(name, args, kwargs, results, inputs, bad, site=site, source=source, rows=rows)
        elif origin is MEANT and name not in names.MASKS and any(has_nan(tensor) for tensor in results):
            origin = self._begun(name, args, kwargs, results, inputs, [], site=site, source=source, rows=rows)
        elif isinstance(origin, Event) and origin.may_be_meant and origin.met is None and any(map(_does_harm, results)):
            origin.met = Event("forward", name, site, source)
            origin.met.inputs = [found for found in (statistics(t, f"input {i}") for i, t in enumerate(inputs)) if found]
            origin.met.rows, origin.met.row_count = rows_of(inputs, rows)
        for tensor in results:
            self.mark(tensor, origin)
        return origin if isinstance(origin, Event) and origin is (self.events[-1] if self.events else None) else None

    def _carried(self, bad: list[torch.Tensor]) -> Event | Meant | None:
        """What the non-finite inputs of an operation began with: an event rather than an infinity that is meant."""
        known = [origin for origin in map(self.origin, bad) if origin is not None]
        events = [origin for origin in known if isinstance(origin, Event)]
        if events:
            return events[0]
        if bad and not known and all(is_mask(tensor) and not tensor.requires_grad for tensor in bad):
            return MEANT
        return known[0] if known else None

    def _overwritten(self, name: str, inputs: list[torch.Tensor], in_place: set[int]) -> Event | None:
        """What the non-finite numbers began with that an operation in place took up and overwrote."""
        if name in names.CREATIONS:
            return None
        known = (self.origin(tensor) for tensor in inputs if id(tensor) in in_place)
        return next((origin for origin in known if isinstance(origin, Event)), None)

    def _begun(
        self, name: str, args: Any, kwargs: Any, results: Any, inputs: Any, bad: Any, *, site: str, source: Line | None, rows: int
    ) -> Event | Meant:
        written = any(not math.isfinite(scalar) for scalar in _scalars(args, kwargs))
        if (written or name in names.CREATIONS or name in names.MASKS) and not any(map(has_nan, results)):
            return MEANT
        entered = bool(bad) or name in names.CREATIONS or written
        event = Event("data" if entered else "forward", "input" if entered else name, site, source)
        shown = bad or inputs or results
        event.inputs = [found for found in (statistics(t, f"input {i}") for i, t in enumerate(shown[:_MOST_INPUTS])) if found]
        event.rows, event.row_count = rows_of(results + bad + inputs, rows)
        self.events.append(event)
        return event


def rows_of(candidates: list[torch.Tensor], rows: int) -> tuple[list[int], int]:
    """The rows of the batch that are not finite: those of the first tensor that has one line a row and a bad one among them."""
    for tensor in candidates:
        if rows > 1 and tensor.dim() > 0 and tensor.shape[0] == rows:
            listed, count = _native.bad_rows(tensor.detach().cpu(), rows)
            if count:
                return listed, count
    return [], 0


def _memory(tensor: torch.Tensor) -> int:
    try:
        return tensor.untyped_storage().data_ptr() or id(tensor)
    except (RuntimeError, NotImplementedError):
        return id(tensor)
