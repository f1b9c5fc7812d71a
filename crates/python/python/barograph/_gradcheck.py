"""Checks the derivatives that autograd computes against differences of function values, in double precision."""

from __future__ import annotations

import contextlib
import copy
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ._keep import Kept, RandomState, unwatched

__all__ = ["GradientCheck", "TensorCheck", "gradcheck"]

_EPSILON = sys.float_info.epsilon

STEP = _EPSILON ** (1 / 3)
"""The step of a central difference that balances its two errors, for arguments of scale 1: 6.1e-6.

Cutting off the Taylor series costs `step**2 * f'''/6` and rounding costs `epsilon * f / step`; their sum is least near
`epsilon**(1/3)` (Press et al., Numerical Recipes, 3rd edition, section 5.7).
"""

TOLERANCE = 1e-5
"""Largest relative error that passes. Correct derivatives come to 1e-7 and less in double precision, wrong ones to 1e-2
and more (Stanford CS231n, notes on gradient checks); in between lies our choice."""

SAMPLES = 20
"""Elements that are checked of each tensor, each by two evaluations (our choice)."""

_SHARES = (1.0, 0.1, 0.01)
"""Steps that are tried, as shares of the first: a smaller one does not reach to a kink nearby (our choice)."""

_ROUNDING = 32.0
"""Rounding error of a function value, as a multiple of `epsilon` (our choice: a sum of a few hundred terms)."""

_SHRINKS = 0.5
"""Where a function is smooth, its one-sided differences draw together in proportion to the step, ten times between two
of ours. Where they keep more than this share of their distance, it has a kink (our choice)."""


@dataclass(frozen=True)
class TensorCheck:
    """How the derivatives of one tensor compare."""

    name: str
    """The parameter's path, or `input 0` and so on."""
    shape: tuple[int, ...]
    checked: int
    """Elements that were compared; at a kink nothing is."""
    error: float
    """Largest relative error among them, as `gradcheck` defines it; 0 if there is none, `inf` if one is not finite."""
    index: tuple[int, ...] | None
    """Where it is; `None` if no element was compared."""
    autograd: float
    """Autograd's derivative there."""
    difference: float
    """The central difference there."""
    kinks: int
    """Elements at which the function has a kink or a jump and so no derivative, such as ReLU at 0.

    Autograd's choice is accepted there, if it lies between the one-sided differences.
    """
    not_finite: int
    """Elements of the tensor whose derivative is not finite by autograd, or, where checked, by differences."""
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether all derivatives are finite and none is off by more than the tolerance."""
        return self.not_finite == 0 and self.error <= self.tolerance

    @property
    def remark(self) -> str:
        """What there is to say: `ok`, `WRONG` or `NOT FINITE`, and how many elements lie at a kink."""
        said = "ok" if self.ok else f"NOT FINITE: {self.not_finite}" if self.not_finite else "WRONG"
        return f"{said}, at a kink: {self.kinks}" if self.kinks else said


@dataclass(frozen=True)
class GradientCheck:
    """The result of `gradcheck`; its text is a table with one line a tensor."""

    subject: str
    """What was checked: the name of the function, or the model's class."""
    tensors: list[TensorCheck] = field(default_factory=list)
    """One result for each tensor that requires gradients, parameters first."""
    tolerance: float = TOLERANCE
    conversions: list[str] = field(default_factory=list)
    """Operations within the function that turn float64 into a type of fewer digits. Differences are too coarse then, so
    that a correct derivative may seem wrong."""

    @property
    def ok(self) -> bool:
        """Whether every tensor is."""
        return all(tensor.ok for tensor in self.tensors)

    def raise_if_wrong(self) -> None:
        """Raises AssertionError with the table, unless `ok`."""
        if not self.ok:
            raise AssertionError(str(self))

    def __str__(self) -> str:
        count, wrong = len(self.tensors), sum(not tensor.ok for tensor in self.tensors)
        said = (
            f"{wrong} of {count} tensors wrong" if wrong else f"{count} {'tensor' if count == 1 else 'tensors'} right"
        )
        head = f"derivatives of {self.subject}: {said} (float64, tolerance {self.tolerance:g})"
        titles = ("tensor", "shape", "checked", "error", "worst at", "autograd", "difference", "")
        lines = [head, "", *_aligned([titles, *map(_row, self.tensors)])]
        if wrong and self.conversions:
            lines += ["", f"the function does not compute in float64 throughout ({', '.join(self.conversions)}):"]
            lines += ["its values have too few digits for this check, and a correct derivative may seem wrong"]
        return "\n".join(lines)


def _row(tensor: TensorCheck) -> tuple[str, ...]:
    checked = f"{tensor.checked} of {math.prod(tensor.shape)}"
    if tensor.index is None:
        return (tensor.name, str(list(tensor.shape)), checked, "-", "-", "-", "-", tensor.remark)
    numbers = (f"{tensor.error:.1e}", str(list(tensor.index)), f"{tensor.autograd:.6g}", f"{tensor.difference:.6g}")
    return (tensor.name, str(list(tensor.shape)), checked, *numbers, tensor.remark)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows)]
    # Words to the left, numbers to the right.
    left = {0, 1, 4, len(widths) - 1}
    cells = (
        [cell.ljust(w) if i in left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))] for row in rows
    )
    return ["  ".join(row).rstrip() for row in cells]


def gradcheck(
    function: Callable[..., Any],
    *inputs: Any,
    loss: Callable[..., torch.Tensor] | None = None,
    parameters: bool = True,
    samples: int = SAMPLES,
    step: float | None = None,
    tolerance: float = TOLERANCE,
) -> GradientCheck:
    """Compares autograd's derivatives with central differences, for each input and parameter that requires gradients.

    `function` is a module, or any function of tensors. Without a `loss` it is called with `inputs`; what it returns (a
    tensor of any shape, or a tuple, list or dictionary of them) is reduced to one number by fixed random weights, so
    that no output can hide another. With a `loss`, it is called with the first input only (a tuple stands for several
    arguments), and the number is `loss(output, *further_inputs)`, a tensor with one element.

    Everything is done on copies in float64, in the mode (train or eval) that the model is in: the model, its gradients
    and buffers and all random generators stay as they are. Each evaluation begins from the same random state and the
    same buffers, so that a dropout mask is the same in all of them. Tensors that a plain function takes from elsewhere
    are not copied; parameters in there are not checked.

    Of each tensor, at most `samples` elements are checked: half of them those with the largest derivative, the rest
    drawn at random, the same ones each time. `parameters=False` checks the inputs alone. `step` is the distance at
    which the function is evaluated (default: `6.1e-6 * max(1, |x|)`). The relative error of a derivative `a` beside a
    difference `d` is

        |a - d| / max(|a|, |d|, rounding / tolerance),   rounding = 32 * 2.2e-16 * |f| / step

    that is the one of Stanford's CS231n notes (https://cs231n.github.io/neural-networks-3/#gradcheck), with a floor at
    which a derivative is too small to be told from rounding. An element that does not pass is looked at again with
    steps that are 10 and 100 times smaller, and one in proportion to a small `x`: a kink nearby, such as that of ReLU,
    or a pole falls out of reach then. Where the one-sided differences stay apart, the kink is at this very place; it is
    counted, and autograd's derivative passes if it lies between them.

    Raises ValueError if nothing requires gradients, if the function does not compute in float64 or is not the same
    function each time, or for a setting out of range; TypeError for complex tensors that require gradients.

    >>> import torch
    >>> x = torch.linspace(-1, 1, 6).requires_grad_()
    >>> gradcheck(torch.tanh, x).ok
    True
    >>> print(gradcheck(torch.nn.Linear(3, 2), torch.ones(4, 3)).tensors[0].name)
    weight
    """
    _check_settings(samples, step, tolerance)
    with unwatched(), _same_random_state() as random_state, torch.enable_grad():
        checked = _Function(function, inputs, loss, parameters, random_state)
        derivatives = checked.derivatives()
        checked.must_repeat()
        comparison = _Comparison(checked, step, tolerance)
        results = [
            comparison.of(name, tensor, derivative, samples)
            for (name, tensor), derivative in zip(checked.tensors.items(), derivatives)
        ]
    return GradientCheck(_name_of(function), results, tolerance, list(checked.conversions))


def _check_settings(samples: int, step: float | None, tolerance: float) -> None:
    if samples < 1:
        raise ValueError(f"samples is the number of elements to check of each tensor, 1 or more; not {samples}")
    if step is not None and not 0 < step < math.inf:
        raise ValueError(f"the step is a distance above 0, or None; not {step}")
    if not 0 < tolerance < 1:
        raise ValueError(f"the tolerance is a relative error between 0 and 1; not {tolerance}")


def _name_of(function: Any) -> str:
    return (
        type(function).__name__
        if isinstance(function, torch.nn.Module)
        else getattr(function, "__name__", "the function")
    )


@contextlib.contextmanager
def _same_random_state() -> Iterator[RandomState]:
    """The random state as it is, which is also what it will be afterwards."""
    state = RandomState()
    try:
        yield state
    finally:
        state.restore()


class _Function:
    """A number as a function of tensors in double precision."""

    def __init__(
        self, function: Any, inputs: Sequence[Any], loss: Any, parameters: bool, random_state: RandomState
    ) -> None:
        copies: dict[int, Any] = {}
        self.tensors: dict[str, torch.Tensor] = {}
        """The tensors whose derivatives are checked, by name."""
        self._function = _in_double(function, copies)
        self._loss = _in_double(loss, copies)
        self._inputs = [_copied(entry, copies) for entry in inputs]
        self._random_state = random_state
        modules = [module for module in (self._function, self._loss) if isinstance(module, torch.nn.Module)]
        # The checked elements are moved between evaluations, so that parameters are not set back, unlike buffers.
        self._kept = Kept(*modules, without=[p for module in modules for p in module.parameters()])
        self.conversions: dict[str, None] = {}
        """Operations that make numbers of fewer digits out of float64, as far as they were seen."""
        self._weights: list[torch.Tensor] = []
        if loss is not None and not inputs:
            raise ValueError("with a loss, the first input is what the function is called with; there is none")
        if parameters:
            for module in modules:
                self._take(module.named_parameters())
        self._take(_named_tensors(self._inputs))
        if not self.tensors:
            raise ValueError(
                "there is nothing to check: no input and no parameter requires gradients; call x.requires_grad_() first"
            )

    def _take(self, named: Any) -> None:
        known = {id(tensor) for tensor in self.tensors.values()}
        for name, tensor in named:
            if not tensor.requires_grad or id(tensor) in known:
                continue
            if tensor.is_complex():
                raise TypeError(f"{name} is complex; only derivatives by real numbers are checked")
            known.add(id(tensor))
            # A loss with parameters may use the names of the model's.
            self.tensors[name if name not in self.tensors else f"loss.{name}"] = tensor

    def _value(self) -> tuple[torch.Tensor, float]:
        """The function's value, and a bound on the numbers that were added up for it."""
        self._random_state.restore()
        self._kept.restore()
        if self._loss is None:
            outputs = list(_tensors(self._function(*self._inputs)))
        else:
            first, *targets = self._inputs
            given = self._function(*first) if isinstance(first, tuple) else self._function(first)
            outputs = [self._loss(given, *targets)]
            _must_be_number(outputs[0])
        outputs = [output for output in outputs if isinstance(output, torch.Tensor) and output.is_floating_point()]
        if not outputs:
            raise ValueError("the function returns no tensor of real numbers")
        for output in outputs:
            if output.dtype != torch.float64:
                raise ValueError(
                    f"the function returns {str(output.dtype)[6:]} although all its inputs are float64: "
                    "too few digits for differences; take out the conversion for the check"
                )
        return self._reduced(outputs)

    def _reduced(self, outputs: list[torch.Tensor]) -> tuple[torch.Tensor, float]:
        if len(outputs) == 1 and outputs[0].numel() == 1:
            return outputs[0].reshape(()), abs(float(outputs[0].detach()))
        if not self._weights:
            generator = torch.Generator().manual_seed(0)
            for output in outputs:
                drawn = torch.rand(output.shape, generator=generator, dtype=torch.float64) + 0.5
                self._weights.append(drawn.to(output.device))
        products = [output * weights for output, weights in zip(outputs, self._weights)]
        value = torch.stack([product.sum() for product in products]).sum()
        return value, sum(float(product.detach().abs().sum()) for product in products)

    def __call__(self) -> tuple[float, float]:
        """The value, and the magnitude whose rounding disturbs it."""
        value, magnitude = self._value()
        return float(value.detach()), magnitude

    def derivatives(self) -> list[torch.Tensor]:
        """Autograd's, for each tensor; zeros for a tensor that the value does not depend on."""
        with _Conversions(self.conversions):
            value, _ = self._value()
        tensors = list(self.tensors.values())
        found: Sequence[torch.Tensor | None] = [None] * len(tensors)
        if value.requires_grad:
            found = torch.autograd.grad(value, tensors, allow_unused=True)
        derivatives = (g if g is not None else torch.zeros_like(t) for g, t in zip(found, tensors))
        return [(g.to_dense() if g.is_sparse else g).detach() for g in derivatives]

    def must_repeat(self) -> None:
        """Raises ValueError where two evaluations differ by more than the order of a sum explains."""
        (first, magnitude), (second, _) = self(), self()
        if abs(first - second) > _ROUNDING * _EPSILON * magnitude:
            raise ValueError(
                f"the function gives {first!r} and then {second!r} for the same inputs: it draws from a random "
                "generator of its own, or keeps a state outside its module"
            )


class _Conversions(TorchFunctionMode):
    """Notes which operations turn float64 into a type of fewer digits."""

    def __init__(self, found: dict[str, None]) -> None:
        super().__init__()
        self._found = found

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if _is_short(out) and any(isinstance(given, torch.Tensor) and given.dtype == torch.float64 for given in args):
            self._found[f"{getattr(func, '__name__', 'an operation')} to {str(out.dtype)[6:]}"] = None
        return out


def _is_short(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point() and value.dtype != torch.float64


def _must_be_number(value: Any) -> None:
    if not isinstance(value, torch.Tensor) or value.numel() != 1:
        what = f"a tensor of shape {list(value.shape)}" if isinstance(value, torch.Tensor) else type(value).__name__
        raise ValueError(f"the loss must be a tensor with one element, not {what}")


def _in_double(function: Any, copies: dict[int, Any]) -> Any:
    if not isinstance(function, torch.nn.Module):
        return function
    if any(torch.nn.parameter.is_lazy(tensor) for tensor in [*function.parameters(), *function.buffers()]):
        raise ValueError("the model has parameters without a shape; run a batch through it first")
    for module in function.modules():
        for value in vars(module).values():
            # Torch refuses to copy results of operations, such as a state that a module carries from call to call.
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                copies[id(value)] = value.detach().clone()
    copied = copy.deepcopy(function, copies).double()
    for module in copied.modules():
        for name, value in list(vars(module).items()):
            if _is_short(value):
                vars(module)[name] = value.double()
    return copied


def _copied(value: Any, copies: dict[int, Any]) -> Any:
    """A copy of an input; a tensor that is given twice is one tensor in the copy, too."""
    if isinstance(value, tuple):
        return tuple(_copied(entry, copies) for entry in value)
    if not isinstance(value, torch.Tensor):
        return value
    if id(value) not in copies:
        dtype = torch.float64 if value.is_floating_point() else value.dtype
        fresh = value.detach().to(dtype, copy=True, memory_format=torch.contiguous_format)
        copies[id(value)] = fresh.requires_grad_(value.requires_grad)
    return copies[id(value)]


def _named_tensors(inputs: Sequence[Any]) -> Iterator[tuple[str, torch.Tensor]]:
    for number, entry in enumerate(inputs):
        if isinstance(entry, torch.Tensor):
            yield f"input {number}", entry
        elif isinstance(entry, tuple):
            for inner, tensor in enumerate(entry):
                if isinstance(tensor, torch.Tensor):
                    yield f"input {number}.{inner}", tensor


def _tensors(output: Any) -> Iterator[Any]:
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, dict):
        for entry in output.values():
            yield from _tensors(entry)
    elif isinstance(output, (tuple, list)):
        for entry in output:
            yield from _tensors(entry)


@dataclass(frozen=True)
class _Differences:
    """What is seen around one element at one step."""

    left: float
    central: float
    right: float
    rounding: float
    """What rounding can make of the central difference."""

    @property
    def gap(self) -> float:
        return abs(self.right - self.left)


@dataclass(frozen=True)
class _Element:
    index: tuple[int, ...]
    autograd: float
    difference: float
    error: float
    kink: bool = False


class _Comparison:
    """Compares derivatives with differences, element by element."""

    def __init__(self, function: _Function, step: float | None, tolerance: float) -> None:
        self._function = function
        self._step = step
        self._tolerance = tolerance
        self._here, _ = function()

    def of(self, name: str, tensor: torch.Tensor, derivative: torch.Tensor, samples: int) -> TensorCheck:
        """The result for one tensor."""
        finite = torch.isfinite(derivative)
        bad = int((~finite).sum())
        elements = [self._element(tensor, index, float(derivative[index])) for index in _sample(derivative, samples)]
        bad += sum(math.isfinite(e.autograd) and not math.isfinite(e.error) for e in elements)
        compared = [element for element in elements if not element.kink]
        worst = max(compared, key=lambda element: element.error, default=None)
        return TensorCheck(
            name=name,
            shape=tuple(tensor.shape),
            checked=len(compared),
            error=worst.error if worst else 0.0,
            index=worst.index if worst else None,
            autograd=worst.autograd if worst else 0.0,
            difference=worst.difference if worst else 0.0,
            kinks=len(elements) - len(compared),
            not_finite=bad,
            tolerance=self._tolerance,
        )

    def _element(self, tensor: torch.Tensor, index: tuple[int, ...], autograd: float) -> _Element:
        best: _Element | None = None
        seen: list[_Differences] = []
        for share in self._shares(abs(float(tensor.detach()[index]))):
            differences = self._differences(tensor, index, share)
            seen.append(differences)
            # Rounding must not excuse more and more as the step shrinks, or every derivative would pass in the end.
            rounding = min(differences.rounding, seen[0].rounding / _SHARES[-1])
            error = self._error(autograd, differences.central, rounding)
            # The first is as good as the next ones, and has the most digits.
            if best is None or error < best.error:
                best = _Element(index, autograd, differences.central, error)
            if error <= self._tolerance:
                return best
        assert best is not None
        if self._is_at_kink(seen[0], seen[len(_SHARES) - 1], autograd):
            return _Element(index, autograd, best.difference, best.error, kink=True)
        return best

    def _shares(self, size: float) -> tuple[float, ...]:
        """Shares of the first step to try. For a small argument, the last one is in proportion to it, as near
        `log(0)`."""
        if self._step is None and 0 < size < _SHARES[-1]:
            return (*_SHARES, size)
        return _SHARES

    def _differences(self, tensor: torch.Tensor, index: tuple[int, ...], share: float) -> _Differences:
        here = float(tensor.detach()[index])
        step = share * (self._step or STEP * max(1.0, abs(here)))
        # The step is rounded when it is added; what counts is where the function was evaluated.
        above, below = here + step, here - step
        (upper, magnitude), (lower, other) = self._at(tensor, index, above), self._at(tensor, index, below)
        self._put(tensor, index, here)
        rounding = _ROUNDING * _EPSILON * max(magnitude, other) / step
        central = (upper - lower) / (above - below)
        return _Differences(
            (self._here - lower) / (here - below), central, (upper - self._here) / (above - here), rounding
        )

    def _at(self, tensor: torch.Tensor, index: tuple[int, ...], value: float) -> tuple[float, float]:
        self._put(tensor, index, value)
        return self._function()

    def _put(self, tensor: torch.Tensor, index: tuple[int, ...], value: float) -> None:
        with torch.no_grad():
            tensor[index] = value

    def _error(self, autograd: float, difference: float, rounding: float) -> float:
        apart, size = abs(autograd - difference), max(abs(autograd), abs(difference), rounding / self._tolerance)
        if not math.isfinite(apart):
            return math.inf
        return apart / size if size > 0 else 0.0

    def _is_at_kink(self, first: _Differences, last: _Differences, autograd: float) -> bool:
        if not (math.isfinite(first.gap) and math.isfinite(last.gap) and math.isfinite(autograd)):
            return False
        apart = last.gap > _SHRINKS * first.gap and last.gap > 2 * last.rounding
        slack = self._tolerance * abs(autograd) + last.rounding
        return apart and min(last.left, last.right) - slack <= autograd <= max(last.left, last.right) + slack


def _sample(derivative: torch.Tensor, samples: int) -> list[tuple[int, ...]]:
    """Indices of elements: all of them, or half with the largest derivatives and half drawn from a fixed seed."""
    count = derivative.numel()
    if count <= samples:
        chosen = list(range(count))
    else:
        # What is not finite is counted anyway; it must not take the places of those that can be compared.
        sizes = torch.nan_to_num(derivative.abs(), nan=0.0, posinf=0.0).flatten().cpu()
        largest = torch.argsort(sizes, descending=True, stable=True)[: (samples + 1) // 2].tolist()
        drawn = torch.randperm(count, generator=torch.Generator().manual_seed(count)).tolist()
        chosen = list(dict.fromkeys([*largest, *drawn]))[:samples]
    return [_unravelled(number, tuple(derivative.shape)) for number in sorted(chosen)]


def _unravelled(number: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    index: list[int] = []
    for size in reversed(shape):
        number, rest = divmod(number, size)
        index.append(rest)
    return tuple(reversed(index))
