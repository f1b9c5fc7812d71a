"""Keeps the state of models, optimizers and random generators, and puts it back exactly as it was.

What is kept is the object and its content: tensors get their old values in place, dictionaries and lists their old
entries, so that whoever holds a reference to one of them sees nothing of what happened in between.
"""

from __future__ import annotations

import collections
import contextlib
import random
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import torch

__all__ = ["Kept", "RandomState", "unwatched"]


class RandomState:
    """The state of the random generators of torch (CPU, CUDA, MPS), Python and numpy, and of `generators` besides."""

    def __init__(self, generators: tuple[torch.Generator, ...] = ()) -> None:
        self._python = random.getstate()
        self._torch = torch.get_rng_state()
        on_cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        self._cuda = torch.cuda.get_rng_state_all() if on_cuda else []
        self._mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
        # Whoever did not import numpy draws nothing from it.
        self._numpy = sys.modules["numpy"].random.get_state() if "numpy" in sys.modules else None
        self._generators = [(generator, generator.get_state()) for generator in generators]

    def restore(self) -> None:
        """Sets the generators back. It may be called any number of times."""
        random.setstate(self._python)
        torch.set_rng_state(self._torch)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)
        if self._mps is not None:
            torch.mps.set_rng_state(self._mps)
        if self._numpy is not None:
            sys.modules["numpy"].random.set_state(self._numpy)
        for generator, state in self._generators:
            generator.set_state(state)


class Kept:
    """The state of models and optimizers: tensors with their gradients, containers and plain attributes.

    Objects of other kinds that a model or an optimizer refers to are not looked into.
    """

    def __init__(self, *owners: torch.nn.Module | torch.optim.Optimizer, without: Iterable[torch.Tensor] = ()) -> None:
        """Keeps the state of `owners` as it is now; the tensors in `without` are left out."""
        self._without = list(without)
        self._seen = {id(tensor) for tensor in self._without}
        self._tensors: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor | None, bool]] = []
        self._containers: list[tuple[Any, Any]] = []
        for owner in owners:
            parts = owner.modules() if isinstance(owner, torch.nn.Module) else (owner,)
            for part in parts:
                self._keep(vars(part))
            if isinstance(owner, torch.nn.Module):
                # A scripted module has its tensors elsewhere.
                for tensor in [*owner.parameters(), *owner.buffers()]:
                    self._keep(tensor)

    def _keep(self, value: Any) -> None:
        if not isinstance(value, (torch.Tensor, dict, list, tuple, set, collections.deque)) or id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, torch.Tensor):
            self._keep_tensor(value)
        elif isinstance(value, dict):
            self._containers.append((value, dict(value)))
            for entry in [*value, *value.values()]:
                self._keep(entry)
        else:
            if not isinstance(value, tuple):
                self._containers.append((value, list(value)))
            for entry in list(value):
                self._keep(entry)

    def _keep_tensor(self, tensor: torch.Tensor) -> None:
        # Asking a tensor for a gradient that it cannot have makes torch warn.
        gradient = tensor.grad if tensor.is_leaf else None
        self._tensors.append((tensor, tensor.detach().clone(), gradient, tensor.requires_grad))
        if gradient is not None:
            self._keep(gradient)

    def restore(self) -> None:
        """Puts everything back. It may be called any number of times."""
        for container, content in self._containers:
            container.clear()
            if isinstance(container, (dict, set)):
                container.update(content)
            else:
                container.extend(content)
        with torch.no_grad():
            for tensor, value, gradient, needs_gradient in self._tensors:
                self._restore_tensor(tensor, value, gradient, needs_gradient)

    @staticmethod
    def _restore_tensor(tensor: Any, value: Any, gradient: Any, needs_gradient: bool) -> None:
        if not _repeats_memory(tensor):
            tensor.copy_(value)
        if tensor.is_leaf:
            tensor.requires_grad_(needs_gradient)
            tensor.grad = gradient


def _repeats_memory(tensor: torch.Tensor) -> bool:
    """Whether several elements share one place in memory.

    Torch refuses to write there, so that nobody else has written either.
    """
    if tensor.layout is not torch.strided:
        return False
    return any(stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.shape))


@contextlib.contextmanager
def unwatched() -> Iterator[None]:
    """A run that is being watched sees nothing of what happens within: it is no part of the training."""
    hooks: Any = sys.modules.get("barograph._torch.hooks")
    supervisor = hooks.supervisor() if hooks is not None else None
    if supervisor is None:
        yield
        return
    quiet, supervisor.quiet, hooks._supervisor = supervisor.quiet, True, None
    try:
        yield
    finally:
        supervisor.quiet, hooks._supervisor = quiet, supervisor
