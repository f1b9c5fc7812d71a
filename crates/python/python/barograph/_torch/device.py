"""Readings on an accelerator: tensors are reduced where they are, and one copy a step brings all figures over, without waiting.

The figures of a step are read when the next step ends; by then they have long arrived. Until then the step's record is held back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from barograph import _native

from .ranks import local

_LOWEST_EXPONENT, _BINS = -40, 64
"""The histogram of log2 magnitudes, as `barograph.stats` has it: zeros, below 2**-40, one bin an octave, from 2**21 up."""

_FIGURES = 14 + _BINS


def figures(tensor: torch.Tensor, bound: float = float("nan")) -> torch.Tensor:
    """The statistics of a tensor as one vector of 78 numbers on its device, in the order that `Session.take` expects.

    Sums are taken in double precision, where the device has it. Nothing waits for the device.
    """
    x = local(tensor).detach().reshape(-1)
    wide = torch.float32 if x.device.type == "mps" else torch.float64
    finite = torch.isfinite(x)
    y = torch.where(finite, x, torch.zeros_like(x)).to(wide)
    size = y.abs()
    some = finite.any() if x.numel() else torch.zeros((), dtype=torch.bool, device=x.device)
    count = finite.sum().clamp(min=1)
    mean = y.sum() / count
    spread = torch.where(finite, (y - mean) ** 2, torch.zeros_like(y)).sum()
    low = _extreme(torch.where(finite, y, torch.full_like(y, float("inf"))), torch.amin, some)
    high = _extreme(torch.where(finite, y, torch.full_like(y, float("-inf"))), torch.amax, some)
    counts = [
        torch.full((), x.numel(), dtype=wide, device=x.device), torch.isnan(x).sum(), torch.isposinf(x).sum(),
        torch.isneginf(x).sum(), (finite & (x == 0)).sum(), (finite & (x < 0)).sum(), (finite & (size >= bound)).sum(),
        low, high, mean, spread, size.sum(), (y * y).sum().sqrt(), torch.maximum(high.abs(), low.abs()),
    ]  # fmt: skip
    return torch.cat([torch.stack([value.to(wide) for value in counts]), _histogram(size, finite).to(wide)])


def _extreme(values: torch.Tensor, reduce: Callable[..., torch.Tensor], some: torch.Tensor) -> torch.Tensor:
    found = reduce(values) if values.numel() else torch.zeros((), dtype=values.dtype, device=values.device)
    return torch.where(some, found, torch.zeros_like(found))


def _histogram(size: torch.Tensor, finite: torch.Tensor) -> torch.Tensor:
    _, exponent = torch.frexp(size)
    # frexp has the mantissa in 0.5 .. 1, so the octave of a number is one below its exponent.
    octave = (exponent.to(torch.int64) - 1 - _LOWEST_EXPONENT + 2).clamp(1, _BINS - 1)
    place = torch.where(size == 0, torch.zeros_like(octave), octave)
    place = torch.where(finite, place, torch.full_like(place, _BINS))  # A bin of its own, which is left out.
    bins = torch.zeros(_BINS + 1, dtype=torch.float32, device=size.device)
    return bins.scatter_add_(0, place, torch.ones_like(place, dtype=torch.float32))[:_BINS]


_ANSWERS = ("output_row_sum", "output_row_sum_error", "accuracy", "r2")


def answers(output: torch.Tensor, targets: torch.Tensor | None, logits: bool) -> torch.Tensor:
    """What `output`, `[rows, width]` or `[rows]`, says beside the targets: mean sum of a row, largest distance of one from 1,
    share of right answers, coefficient of determination; NaN for what does not apply. As the session has it for the CPU."""
    wide = torch.float32 if output.device.type == "mps" else torch.float64
    rows = output.detach().reshape(-1, output.shape[-1] if output.dim() > 1 else 1).to(wide)
    nothing = torch.full((), float("nan"), dtype=wide, device=rows.device)
    sums = rows.sum(1)
    found = [sums.mean(), (sums - 1).abs().max()] if rows.shape[1] > 1 else [nothing, nothing]
    right, r2 = nothing, nothing
    if targets is not None and targets.numel() == rows.shape[0] and not targets.is_floating_point():
        threshold = 0.0 if logits else 0.5
        said = rows.argmax(1) if rows.shape[1] > 1 else (rows[:, 0] > threshold).to(torch.int64)
        right = (said == targets.detach().reshape(-1)).to(wide).mean()
    elif targets is not None and targets.is_floating_point() and targets.numel() == rows.numel():
        wanted = targets.detach().reshape(rows.shape).to(wide)
        binary = ((wanted == 0) | (wanted == 1)).all()
        hits = ((rows > (0.0 if logits else 0.5)) == (wanted > 0.5)).to(wide).mean()
        spread = ((wanted - wanted.mean(0)) ** 2).sum()
        right = torch.where(binary, hits, nothing)
        r2 = torch.where(binary | (spread == 0), nothing, 1 - ((rows - wanted) ** 2).sum() / spread)
    vector = torch.stack([*found, right, r2])
    return torch.cat([vector, torch.zeros(_FIGURES - len(_ANSWERS), dtype=wide, device=rows.device)])


class _Pack:
    """The figures of one step, on their way to the host."""

    def __init__(self, calls: list[tuple[str, Any]], vectors: list[torch.Tensor]) -> None:
        self.calls = calls
        self._event: Any = None
        packed = torch.stack(vectors) if vectors else torch.zeros(0, _FIGURES)
        if packed.is_cuda:
            self._host = torch.empty(packed.shape, dtype=packed.dtype, pin_memory=True)
            self._host.copy_(packed, non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record()
        else:
            self._host = packed.to("cpu")

    def rows(self) -> list[list[float]]:
        if self._event is not None:
            self._event.synchronize()
        rows: list[list[float]] = self._host.tolist()
        return rows


class LateReadings:
    """Holds a step's record back until its figures have come over: what was said of the step is said to the session then."""

    def __init__(self, session: _native.Session) -> None:
        self._session = session
        self._calls: list[tuple[str, Any]] = []
        self._vectors: list[torch.Tensor] = []
        self._waiting: _Pack | None = None

    def say(self, method: str, *arguments: Any) -> None:
        """A call of the session that belongs to this step."""
        self._calls.append((method, arguments))

    def read(self, site: int, role: int, tensor: torch.Tensor, bound: float = float("nan")) -> None:
        """A reading of this step."""
        self._calls.append(("take", (site, role, len(self._vectors))))
        self._vectors.append(figures(tensor, bound))

    def see_answers(self, output: torch.Tensor, targets: torch.Tensor | None, logits: bool) -> None:
        """What the outputs of this step say beside the targets."""
        self._calls.append(("answers", len(self._vectors)))
        self._vectors.append(answers(output, targets, logits))

    def end_step(self) -> list[tuple[str, str, int, str]]:
        """Sends this step's figures off, and ends the step before, whose figures are there. Returns what that one showed."""
        pack = _Pack(self._calls, self._vectors)
        self._calls, self._vectors = [], []
        before, self._waiting = self._waiting, pack
        return self._complete(before)

    def flush(self) -> list[tuple[str, str, int, str]]:
        """Ends the last step."""
        before, self._waiting = self._waiting, None
        return self._complete(before)

    def _complete(self, pack: _Pack | None) -> list[tuple[str, str, int, str]]:
        if pack is None:
            return []
        rows = pack.rows()
        for method, arguments in pack.calls:
            if method == "take":
                site, role, row = arguments
                self._session.take(site, role, rows[row])
            elif method == "answers":
                for name, value in zip(_ANSWERS, rows[arguments]):
                    if value == value:
                        self._session.scalar(name, value)
            else:
                getattr(self._session, method)(*arguments)
        return self._session.end_step()
