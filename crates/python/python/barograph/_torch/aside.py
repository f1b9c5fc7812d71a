"""Lets a model run once more without leaving a trace: it works on copies of what it may change, and what it prints goes nowhere.

Meanwhile the hooks and modes of the script are not called, and nothing is compiled.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import io
import random
import sys
from collections.abc import Callable, Iterator
from threading import get_ident
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules import module as torch_module
from torch.overrides import _pop_mode, _push_mode
from torch.utils._device import DeviceContext

from barograph import _ranks

from .ranks import communicates

if TYPE_CHECKING:
    from .calls import Call

_MOST_WEIGHTS = 1 << 30
"""Bytes of weights up to which they are copied, too (our choice): then not even a forward pass that writes them leaves a trace."""

_MOST_ENTRIES = 10_000
"""Entries up to which the contents of a container are copied with it (our choice)."""

_KINDS = ("cpu", "cuda")

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def why_not(module: torch.nn.Module) -> str | None:
    """Why this model must not run once more, or `None`."""
    if _ranks.here() is not None and communicates(bare(module)):
        return "the forward pass was not repeated: the other processes would not take part"
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        return "the forward pass was not repeated: the model is compiled by torch.jit"
    return None


def bare(module: torch.nn.Module) -> torch.nn.Module:
    """The model within wrappers that compile it or synchronize its gradients."""
    while True:
        inner = vars(module)["_modules"].get("module" if type(module).__name__ == "DistributedDataParallel" else "_orig_mod")
        if inner is None:
            return module
        module = inner


def autocast() -> list[tuple[str, torch.dtype]]:
    """The kinds of devices whose operations choose their precision themselves, and the low one."""
    return [(kind, torch.get_autocast_dtype(kind)) for kind in _KINDS if torch.is_autocast_enabled(kind)]


@contextlib.contextmanager
def aside(call: Call) -> Iterator[tuple[torch.nn.Module, Any, Any]]:
    """The model of a call, and copies of its arguments, as they were before the call as far as that is known."""
    module = bare(call.module)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_silence())
        stack.enter_context(_without_modes())
        stack.enter_context(_without_hooks())
        stack.enter_context(_random_numbers(call.random_state))
        for kind, low in autocast():
            stack.enter_context(torch.autocast(kind, low, enabled=False))
        for kind, low in call.autocast:
            stack.enter_context(torch.autocast(kind, low, cache_enabled=False))
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        copies = _Copies()
        for part in module.modules():
            stack.callback(_put_back, part, dict(vars(part)))
        stack.enter_context(_kept_versions(copies.set_up(module)))
        args, kwargs = copies.of(call.args), copies.of(call.kwargs)
        yield module, args, kwargs


def _put_back(module: torch.nn.Module, attributes: dict[str, Any]) -> None:
    vars(module).clear()
    vars(module).update(attributes)


class _Copies:
    """Copies of tensors, containers and generators of random numbers; whatever occurs twice is copied once."""

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}
        self._originals: list[Any] = []

    def set_up(self, module: torch.nn.Module) -> list[torch.Tensor]:
        """Gives every module of a model copies of what it holds. Returns the weights that are too large for that."""
        weights: list[torch.Tensor] = list(module.parameters())
        shared = sum(weight.numel() * weight.element_size() for weight in weights) > _MOST_WEIGHTS
        for weight in weights:
            self._remember(weight, weight if shared else self._weight(weight))
        for part in module.modules():
            attributes = vars(part)
            for name, value in list(attributes.items()):
                if name in _HOOKS:
                    attributes[name] = _of_torch(value)
                elif name == "_modules":
                    attributes[name] = copy.copy(value)
                else:
                    attributes[name] = self.of(value)
        return weights if shared else []

    @staticmethod
    def _weight(weight: torch.Tensor) -> torch.Tensor:
        made = copy.copy(weight)  # a weight of the same class, in the same memory
        made.data = weight.detach().clone()
        return made

    def of(self, value: Any, depth: int = 5) -> Any:
        """A copy of a value, or the value itself where it is of no kind that a forward pass is expected to change."""
        if id(value) in self._made:
            return self._made[id(value)]
        make = _maker(value)
        if make is None or not depth:
            return value
        try:
            made = make(self, value, depth)
        except Exception:  # noqa: BLE001 - a class of the script's own that refuses; then it is shared
            return value
        return self._remember(value, made)

    def _remember(self, value: Any, made: Any) -> Any:
        self._made[id(value)] = made
        self._originals.append(value)  # As long as it lives, its id is its own.
        return made

    def tensor(self, value: torch.Tensor, _depth: int) -> torch.Tensor:
        if value.requires_grad:
            # No leaf, or operations in place would be refused.
            return value.detach().requires_grad_().clone()
        return value.clone()

    def sequence(self, value: Any, depth: int) -> Any:
        if len(value) > _MOST_ENTRIES:
            return copy.copy(value)
        entries = [self.of(entry, depth - 1) for entry in value]
        if isinstance(value, tuple):
            return tuple(entries) if type(value) is tuple else type(value)(*entries)
        made = copy.copy(value)
        made.clear()
        made.extend(entries)
        return made

    def mapping(self, value: Any, depth: int) -> Any:
        made = copy.copy(value)
        if len(value) <= _MOST_ENTRIES:
            for key, entry in list(value.items()):
                made[key] = self.of(entry, depth - 1)
        return made

    def whole(self, value: Any, _depth: int) -> Any:
        return copy.deepcopy(value)

    def shallow(self, value: Any, _depth: int) -> Any:
        return copy.copy(value)


def _maker(value: Any) -> Callable[[_Copies, Any, int], Any] | None:
    if isinstance(value, torch.Tensor):
        return _Copies.tensor
    if isinstance(value, (list, tuple, collections.deque)):
        return _Copies.sequence
    if isinstance(value, dict):
        return _Copies.mapping
    if isinstance(value, (set, bytearray)):
        return _Copies.shallow
    if isinstance(value, (torch.Generator, random.Random)) or type(value).__module__.split(".")[0] == "numpy":
        return _Copies.whole
    return None


def _of_torch(hooks: Any) -> Any:
    """The hooks that torch itself put there: they compute weights that are normalized."""
    kept = copy.copy(hooks)
    for key, hook in list(hooks.items()):
        if not str(getattr(hook, "__module__", "")).startswith("torch."):
            del kept[key]
    return kept


@contextlib.contextmanager
def _kept_versions(tensors: list[torch.Tensor]) -> Iterator[None]:
    """The backward pass refuses weights that were written since; these get the same numbers back."""
    if not tensors:
        yield
        return
    with torch.autograd.grad_mode._unsafe_preserve_version_counter(tuple(tensors)):
        yield


@contextlib.contextmanager
def _random_numbers(state: torch.Tensor | None) -> Iterator[None]:
    """Sets torch's random numbers back to `state`, and afterwards all of them to where they were."""
    python = random.getstate()
    numpy = getattr(sys.modules.get("numpy"), "random", None)
    numbers = numpy.get_state() if numpy is not None else None
    try:
        with torch.random.fork_rng():
            if state is not None:
                torch.set_rng_state(state)
            yield
    finally:
        random.setstate(python)
        if numpy is not None:
            numpy.set_state(numbers)


@contextlib.contextmanager
def _without_hooks() -> Iterator[None]:
    """The hooks for all modules are not called."""
    registries = [getattr(torch_module, f"_global{name}") for name in _HOOKS]
    contents = [list(registry.items()) for registry in registries]
    for registry in registries:
        registry.clear()
    try:
        yield
    finally:
        for registry, content in zip(registries, contents):
            registry.clear()
            registry.update(content)


@contextlib.contextmanager
def _without_modes() -> Iterator[None]:
    """The modes of the script see nothing, except for the one that chooses the device of new tensors."""
    modes = []
    while torch._C._len_torch_function_stack():
        modes.append(_pop_mode())
    if modes and isinstance(modes[-1], DeviceContext):
        _push_mode(modes.pop())
    try:
        yield
    finally:
        for mode in reversed(modes):
            _push_mode(mode)


class _Silent(io.TextIOBase):
    """What this thread writes goes nowhere; what other threads write meanwhile goes on to where it belongs."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._thread = stream, get_ident()

    def write(self, text: str) -> int:
        if get_ident() == self._thread or self._stream is None:
            return len(text)
        return int(self._stream.write(text))

    def flush(self) -> None:
        if self._stream is not None:
            self._stream.flush()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Silent(out), _Silent(err)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
