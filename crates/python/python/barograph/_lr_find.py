"""The learning rate range test: which rates a model can be trained with, found in a short run without a trace."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch

from . import _lr_plot
from ._keep import Kept, RandomState, unwatched

__all__ = ["LearningRates", "Suggestions", "lr_find"]

_LEFT_OUT = 10
"""The first of so many parts of the test is left out of suggestions, as in fastai: its average has not settled."""

_LAST = 5
"""Steps at the end that are not looked at for suggestions, as in fastai: the loss is on its way up there."""

_FEWEST = 8
"""Steps below which nothing is suggested (our choice)."""

_LEAST_FALL = 0.01
"""Share of the loss by which it must have fallen before anything is suggested (our choice)."""

_SLIDE_WIDTH, _SLIDE_FLAT = 15, 0.005
"""Of fastai's `slide`: the width of its interval in steps, and the difference of slopes that counts as flat."""

Stopped = Literal["highest", "diverged", "not finite"]


class Suggestions(NamedTuple):
    """Learning rates that may be used; all `None` where the loss did not fall during the test.

    All are read off the smoothed loss, as fastai does it (https://docs.fast.ai/callback.schedule.html#lrfinder).
    """

    valley: float | None = None
    """Half way along the longest stretch over which the loss falls: a rate that trains well, far from too high."""
    steep: float | None = None
    """Where the loss falls fastest per factor of the rate: a good start for training with a constant rate."""
    minimum: float | None = None
    """A tenth of the rate at which the loss is lowest: about the highest that is safe, as the peak of a schedule."""
    slide: float | None = None
    """The left end of an interval that slides down from the highest rates until the loss has the same slope at both its
    ends: it depends on noise and on the unit of the loss, so trust it least."""


@dataclass(frozen=True)
class LearningRates:
    """The result of `lr_find`. Its text holds a table and a plot; a notebook shows the picture that `svg` returns."""

    rates: list[float]
    """The learning rate of each step, rising; of several parameter groups, that of the one with the highest rate."""
    losses: list[float]
    """The loss of each step, before the update. The last one is not finite if `stopped` says so."""
    smoothed: list[float]
    """The smoothed loss of each step with a finite loss."""
    suggestions: Suggestions
    """Rates by rule, each with its meaning: `valley`, `steep`, `minimum`, `slide`."""
    stopped: Stopped
    """Why the test ended: the `highest` rate was reached, the loss `diverged`, or it was `not finite`."""

    @property
    def suggestion(self) -> float | None:
        """The rate at the valley, the rule to begin with; `None` where the loss did not fall during the test."""
        return self.suggestions.valley

    def svg(self) -> str:
        """A picture of the losses over the rates with the suggestions marked: one SVG, for any background."""
        return _lr_plot.svg(self.rates, self.losses, self.smoothed, self._marks())

    def _repr_svg_(self) -> str:
        return self.svg()

    def _marks(self) -> list[tuple[str, float]]:
        return [(name, rate) for name, rate in self.suggestions._asdict().items() if rate is not None]

    def __str__(self) -> str:
        marks = self._marks()
        if marks:
            lines = [f"suggested learning rate: {self.suggestions.valley:.3g}", ""]
            lines += [f"  {name:8} {rate:<9.3g} {_MEANING[name]}" for name, rate in marks]
        else:
            lines = ["no learning rate is suggested: the loss did not fall while the rate rose"]
        lines += ["", *_lr_plot.text(self.rates, self.smoothed, marks), ""]
        return "\n".join([*lines, self._end()])

    def _end(self) -> str:
        why = {
            "highest": "the highest rate was reached",
            "diverged": "the loss diverged",
            "not finite": "the loss was not finite",
        }
        return f"{len(self.rates)} steps, ended at the rate {self.rates[-1]:.3g}: {why[self.stopped]}"


_MEANING = {
    "valley": "amid the longest fall of the loss",
    "steep": "where the loss falls fastest",
    "minimum": "a tenth of the rate at the lowest loss",
    "slide": "found by a sliding interval; trust it least",
}


def lr_find(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Callable[[Any, Any], torch.Tensor],
    batches: Iterable[Any],
    *,
    lowest: float = 1e-7,
    highest: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.05,
    diverged: float = 4.0,
) -> LearningRates:
    """Trains for some steps while the learning rate rises from `lowest` to `highest`, and looks at what the loss does.

    The rate of step `i` is `lowest * (highest / lowest) ** (i / (steps - 1))`. `batches` yields pairs `(inputs,
    targets)` and is begun anew when it ends; of an iterator, which cannot be, the batches are kept. The model is called
    with `inputs` (a tuple or list stands for several arguments, a dictionary for named ones), and `loss(output,
    targets)` is a tensor with one element. Tensors are moved to where the model's weights are. Parameter groups keep
    the ratios of their learning rates; the rates of the result are those of the group with the highest one.

    The smoothed loss is an exponential average in which a new loss has the weight `smoothing` (1 for none), corrected
    for its beginning as in Adam. The test ends when it exceeds the lowest one by `diverged - 1` times its size, that is
    at `diverged` times the lowest one for a positive loss, and at once when a loss is not finite; weights are not
    updated with either.

    Weights, gradients, buffers, the optimizer's state and rates, the mode and the random generators are afterwards what
    they were, also when the test ends with an exception. A run that is being watched sees nothing of it. An iterator is
    used up as far as it was read.

    Source: L. N. Smith, Cyclical Learning Rates for Training Neural Networks, https://arxiv.org/abs/1506.01186 (2015),
    with a rate that grows exponentially and a smoothed loss as in fastai.

    Raises ValueError for a setting out of range, an optimizer of another model, `batches` without a batch, batches that
    are no pairs and a loss that is no single number; TypeError for an optimizer that chooses its own step lengths
    (LBFGS).

    >>> import torch
    >>> model = torch.nn.Linear(3, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> inputs = torch.eye(3)
    >>> found = lr_find(model, optimizer, torch.nn.functional.mse_loss, [(inputs, 10 * inputs.sum(1, keepdim=True))])
    >>> 1e-3 < found.suggestion < 1
    True
    >>> optimizer.param_groups[0]["lr"]
    0.1
    """
    _check_settings(lowest, highest, steps, smoothing, diverged)
    if isinstance(optimizer, torch.optim.LBFGS):
        raise TypeError("LBFGS searches for the length of each step itself; there is no learning rate to be found")
    if any(torch.nn.parameter.is_lazy(tensor) for tensor in [*model.parameters(), *model.buffers()]):
        raise ValueError("the model has parameters without a shape; run a batch through it first")
    parts = [part for part in (model, loss) if isinstance(part, torch.nn.Module)]
    _must_belong_together(parts, optimizer)
    with unwatched():
        kept, random_state = Kept(*parts, optimizer), RandomState(_generators(batches))
        try:
            test = _RangeTest(model, optimizer, loss, smoothing, diverged)
            test.run(_rates(lowest, highest, steps), _endless(batches))
        finally:
            kept.restore()
            random_state.restore()
    return LearningRates(
        test.rates, test.losses, test.smoothed, _suggest(test.rates, test.losses, test.smoothed), test.stopped
    )


def _check_settings(lowest: float, highest: float, steps: int, smoothing: float, diverged: float) -> None:
    if not 0 < lowest < highest < math.inf:
        raise ValueError(f"the rates rise from lowest to highest, above 0; not from {lowest} to {highest}")
    if steps < 2:
        raise ValueError(f"a test takes 2 steps or more; not {steps}")
    if not 0 < smoothing <= 1:
        raise ValueError(f"smoothing is the weight of a new loss, above 0 and up to 1; not {smoothing}")
    if not diverged > 1:
        raise ValueError(f"diverged is a multiple of the lowest loss, above 1; not {diverged}")


def _must_belong_together(parts: list[torch.nn.Module], optimizer: torch.optim.Optimizer) -> None:
    own = {id(parameter) for part in parts for parameter in part.parameters()}
    if not any(id(parameter) in own for group in optimizer.param_groups for parameter in group["params"]):
        raise ValueError("the optimizer trains none of the model's parameters; make it from this model's parameters()")


def _rates(lowest: float, highest: float, steps: int) -> list[float]:
    return [lowest * (highest / lowest) ** (step / (steps - 1)) for step in range(steps)]


def _generators(batches: Any) -> tuple[torch.Generator, ...]:
    """The random generators that a data loader draws its order from."""
    owners = [batches, getattr(batches, "sampler", None), getattr(batches, "batch_sampler", None)]
    found = [getattr(owner, "generator", None) for owner in owners]
    return tuple({id(g): g for g in found if isinstance(g, torch.Generator)}.values())


def _endless(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches, over and over."""
    iterator = iter(batches)
    kept: list[Any] | None = [] if iterator is batches else None
    seen = False
    for batch in iterator:
        seen = True
        if kept is not None:
            kept.append(batch)
        yield batch
    while seen:
        seen = False
        for batch in batches if kept is None else kept:
            seen = True
            yield batch


class _RangeTest:
    """One training with a rising rate."""

    def __init__(
        self, model: torch.nn.Module, optimizer: torch.optim.Optimizer, loss: Any, smoothing: float, diverged: float
    ) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self.stopped: Stopped = "highest"
        self._model = model
        self._optimizer = optimizer
        self._loss = loss
        self._smoothing = smoothing
        self._diverged = diverged
        self._average = 0.0
        self._lowest = math.inf
        self._shares = _shares([float(group["lr"]) for group in optimizer.param_groups])

    def run(self, rates: list[float], batches: Iterator[Any]) -> None:
        """Takes one step for each rate, until the loss diverges."""
        # A model in training mode may have parts that are kept in evaluation mode on purpose.
        if not self._model.training:
            self._model.train()
        device = next((parameter.device for parameter in self._model.parameters()), torch.device("cpu"))
        with torch.enable_grad():
            for rate, batch in zip(rates, batches):
                self._set_rate(rate)
                if not self._step(rate, _moved(batch, device)):
                    return
        if not self.losses:
            raise ValueError("there is no batch to train with")

    def _set_rate(self, rate: float) -> None:
        for group, share in zip(self._optimizer.param_groups, self._shares):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate * share)
            else:
                group["lr"] = rate * share

    def _step(self, rate: float, batch: Any) -> bool:
        """One step of training. Returns whether it can go on."""
        inputs, targets = _pair(batch)
        self._optimizer.zero_grad()
        value = self._loss(_called(self._model, inputs), targets)
        if not isinstance(value, torch.Tensor) or value.numel() != 1:
            raise ValueError("the loss must be a tensor with one element")
        self.rates.append(rate)
        self.losses.append(float(value.detach()))
        if not self._goes_on(self.losses[-1]):
            return False
        value.reshape(()).backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return True

    def _goes_on(self, loss: float) -> bool:
        # Every comparison with NaN is false, so that only asking for it stops a test that has one.
        if not math.isfinite(loss):
            self.stopped = "not finite"
            return False
        self._average += self._smoothing * (loss - self._average)
        smoothed = self._average / (1 - (1 - self._smoothing) ** len(self.losses))
        self.smoothed.append(smoothed)
        if smoothed > self._lowest + (self._diverged - 1) * abs(self._lowest):
            self.stopped = "diverged"
            return False
        self._lowest = min(self._lowest, smoothed)
        return True


def _shares(rates: list[float]) -> list[float]:
    """The rates of the groups as shares of the highest one; all alike where there is none."""
    highest = max(rates, default=0.0)
    return [rate / highest for rate in rates] if highest > 0 else [1.0] * len(rates)


def _pair(batch: Any) -> tuple[Any, Any]:
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise ValueError(f"a batch is a pair of inputs and targets, not {_described(batch)}")
    return batch[0], batch[1]


def _described(batch: Any) -> str:
    name = type(batch).__name__
    return f"a {name} of {len(batch)}" if isinstance(batch, (tuple, list, dict)) else f"a {name}"


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: _moved(entry, device) for key, entry in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_moved(entry, device) for entry in value)
    return value


def _called(model: torch.nn.Module, inputs: Any) -> Any:
    if isinstance(inputs, dict):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, (tuple, list)) else model(inputs)


def _suggest(rates: list[float], losses: list[float], smoothed: list[float]) -> Suggestions:
    count = len(smoothed)
    first = count // _LEFT_OUT
    looked_at = range(first, max(first, count - _LAST))
    if len(looked_at) < _FEWEST or not _fell(losses, smoothed, first):
        return Suggestions()
    rates, smoothed = [rates[i] for i in looked_at], [smoothed[i] for i in looked_at]
    lowest = min(range(len(smoothed)), key=smoothed.__getitem__)
    return Suggestions(
        valley=rates[_valley(smoothed)],
        steep=rates[_steepest(rates, smoothed)],
        minimum=rates[lowest] / 10,
        slide=rates[_slide(smoothed)],
    )


def _fell(losses: list[float], smoothed: list[float], first: int) -> bool:
    """Whether the loss fell by more than it varies from batch to batch at the low rates of the beginning."""
    beginning = losses[: max(2, first)]
    mean = statistics.fmean(beginning)
    return mean - min(smoothed) > max(statistics.stdev(beginning), _LEAST_FALL * abs(mean))


def _steepest(rates: list[float], losses: list[float]) -> int:
    """Where the loss falls most from one rate to the next. Rates rise by one factor, so that it does not matter."""
    slopes = [after - before for before, after in itertools.pairwise(losses)]
    return min(range(len(slopes)), key=slopes.__getitem__)


def _valley(losses: list[float]) -> int:
    """Half way along the longest sequence of falling losses, which may skip steps in between.

    The rule of fastai (`fastai.callback.schedule.valley`): the longest decreasing subsequence is found, its length is
    counted back from its end, and the answer lies in the middle of that stretch.
    """
    longest = [1] * len(losses)
    for i, loss in enumerate(losses):
        longest[i] += max((longest[j] for j in range(i) if losses[j] > loss), default=0)
    end = max(range(len(losses)), key=longest.__getitem__)
    start = end - longest[end] + 1
    return start + (end - start) // 2


def _slide(losses: list[float]) -> int:
    """Slides an interval down from the end while the slopes at its two ends differ; its left end is the answer.

    The rule of fastai (`fastai.callback.schedule.slide`), there after Novetta's.
    """
    slopes = _slopes(losses)
    right = len(losses) - 1
    left = max(0, right - _SLIDE_WIDTH)
    found = left
    while left >= 0 and abs(slopes[right] - slopes[left]) > _SLIDE_FLAT:
        found, left, right = left, left - 1, right - 1
    return found


def _slopes(values: list[float]) -> list[float]:
    """Central differences, one-sided ones at both ends, as `numpy.gradient` has them."""
    last = len(values) - 1
    return [
        (values[min(i + 1, last)] - values[max(i - 1, 0)]) / (min(i + 1, last) - max(i - 1, 0)) for i in range(last + 1)
    ]
