"""Weights, gradients and updates of the parameters that are trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch

from .flow import has_no_numbers, is_finite, is_finite_anywhere, statistics
from .ranks import local
from .readings import GRADIENT, WEIGHT

if TYPE_CHECKING:
    from .layers import Layers
    from .readings import Readings


_KEPT = 16_000_000
"""Elements up to which the memory for old weights is kept between the steps at which it is used (our choice: 64 MB)."""

_LOOKED_AT = 65_536
"""Elements up to which a gradient is looked at for what an earlier step left in it (our choice)."""


class Parameters:
    """The parameters of every model that was called and of every optimizer that took a step, in their order."""

    UNITS = 0
    """The axis of a weight along which its units lie."""

    def __init__(self, readings: Readings, layers: Layers) -> None:
        self._readings = readings
        self._layers = layers
        self._known: set[int] = set()
        self._learned_of: tuple[int, int, int] | None = None
        self._sites: list[int] = []
        self._tensors: list[torch.Tensor] = []
        self._paths: list[str] = []
        self._spread = False
        """Whether a rank of several holds but a part of some; then that part is read."""
        self.given: dict[int, torch.Tensor] = {}
        """Gradients that were handed to the script instead of being stored, by the id of their parameter."""
        self._old: list[torch.Tensor] | None = None
        self._copies: list[torch.Tensor] = []
        """Memory for old weights; for small models it is kept, since to get it anew costs more than to fill it."""

    def learn(self, optimizers: list[torch.optim.Optimizer]) -> None:
        """Takes in parameters that are new: those of the models first, then what the optimizers have besides."""
        key = (len(self._layers.roots), len(optimizers), sum([len(o.param_groups) for o in optimizers]))
        if key == self._learned_of:
            return
        self._learned_of = key
        for root in self._layers.roots:
            module = root()
            for parameter in module.parameters() if module is not None else ():
                self._add(parameter, self._layers.parameter_path(parameter))
        trained = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
        # Tensors that only the optimizer knows and that never get a gradient are not what is trained here.
        for parameter in trained:
            if parameter.grad is not None:
                self._add(parameter, None)
        if optimizers:
            optimized = set(map(id, trained))
            for site, tensor in zip(self._sites, self._tensors):
                self._readings.fact("optimized", id(tensor) in optimized, site=site)

    def hold_old_gradients(self) -> bool | None:
        """Whether a gradient of an earlier step is still there, to which the next backward pass adds. `None` if what is there is too
        large to be looked at, or lives on an accelerator."""
        kept = [p.grad for p in self._tensors if p.requires_grad and p.grad is not None]
        looked_at = [gradient for gradient in kept if gradient.is_cpu and gradient.numel() <= _LOOKED_AT]
        if kept and not looked_at:
            return None
        found = [statistics(gradient, "") for gradient in looked_at]
        return any(one is not None and one.abs_max > 0.0 for one in found)

    def learn_leaves(self, loss: torch.Tensor) -> None:
        """Takes in what a loss is differentiated by: the parameters of a loop that has no optimizer."""
        queue, seen, leaves = [loss.grad_fn], set(), []
        while queue:
            node = queue.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            if hasattr(node, "variable"):
                leaves.append(node.variable)
            queue.extend(following for following, _ in node.next_functions)
        for leaf in reversed(leaves):
            self._add(leaf, self._layers.parameter_path(leaf))

    def _add(self, parameter: torch.Tensor, path: str | None) -> None:
        if id(parameter) in self._known or not parameter.is_floating_point() or has_no_numbers(parameter):
            return
        self._known.add(id(parameter))
        self._spread = self._spread or local(parameter) is not parameter
        path = path or f"parameters.{len(self._tensors)}"
        shape = list(parameter.shape)
        site = self._readings.site(path, shape[self.UNITS] if len(shape) > 1 else 1, shape)
        self._readings.fact("trainable", parameter.requires_grad, site=site)
        self._sites.append(site)
        self._tensors.append(parameter)
        self._paths.append(path)

    def knows(self, identity: int) -> bool:
        """Whether the tensor with this `id` is one of them."""
        return identity in self._known

    def named(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Each of them with its path."""
        return zip(self._paths, self._tensors)

    @property
    def are_plain(self) -> bool:
        """Whether each of them is read as it is, and its gradient where torch keeps it."""
        return not (self.given or self._spread)

    def sited(self) -> tuple[list[int], list[torch.Tensor]]:
        """Their sites, and they themselves."""
        return self._sites, self._tensors

    def _here(self) -> list[torch.Tensor]:
        """What this process holds of each."""
        return [local(tensor) for tensor in self._tensors] if self._spread else self._tensors

    @property
    def count(self) -> int:
        """Elements of all trainable parameters."""
        return sum(p.numel() for p in self._tensors if p.requires_grad)

    def path(self, parameter: torch.Tensor) -> str:
        for path, tensor in zip(self._paths, self._tensors):
            if tensor is parameter:
                return path
        return "parameters"

    def read_weights(self) -> int:
        """Reads every weight. Returns how many elements are not finite."""
        bad, _ = self._readings.read_all(self._sites, WEIGHT, self._here())
        if self._readings.units_due and not self._spread:
            for site, tensor in zip(self._sites, self._tensors):
                if tensor.dim() > 1:
                    units = tensor.detach().movedim(self.UNITS, 0)
                    self._readings.read_weight_units(site, units)
        return bad

    def read_gradients(self) -> int:
        """Reads every gradient, and their global norm. Returns how many elements are not finite."""
        if self.are_plain and not self._readings.is_late:
            return self._readings.session.read_gradients(self._sites, self._tensors)
        gradients = [self._gradient(tensor) for tensor in self._tensors]
        if all(gradient is None for gradient in gradients):
            return 0
        bad, norm = self._readings.read_all(self._sites, GRADIENT, gradients)
        if norm is not None:
            self._readings.scalar("gradient_norm", norm)
        return bad

    def _gradient(self, tensor: torch.Tensor) -> torch.Tensor | None:
        if not tensor.requires_grad:
            return None  # Frozen; what it still holds is of an earlier training.
        gradient = self.given[id(tensor)] if id(tensor) in self.given else tensor.grad
        return local(gradient) if self._spread and gradient is not None else gradient

    def gradients_are_bad(self) -> bool:
        """Whether a gradient is not finite, wherever the gradients live. Waits for an accelerator, once."""
        if self.are_plain:
            finite = self._readings.session.gradients_are_finite(self._tensors)
            if finite is not None:
                return not finite
        gradients = [g for g in map(self._gradient, self._tensors) if g is not None and not g.is_sparse]
        elsewhere = [gradient for gradient in gradients if not gradient.is_cpu]
        if elsewhere and not bool(torch.isfinite(torch.stack(torch._foreach_norm(elsewhere))).all()):
            return True
        return not all(is_finite(gradient) for gradient in gradients)

    def first_bad(self, of_gradients: bool) -> tuple[str, torch.Tensor] | None:
        """The first weight, or gradient, with a non-finite element, and its path."""
        for path, tensor in zip(self._paths, self._tensors):
            looked_at = self._gradient(tensor) if of_gradients else local(tensor)
            if looked_at is not None and not is_finite_anywhere(looked_at):
                return path, looked_at
        return None

    def tensors(self) -> list[torch.Tensor]:
        return self._tensors

    def keep_old(self) -> None:
        """Copies the weights, for a step at which updates are measured."""
        with torch.no_grad():
            weights = self._here()
            if len(self._copies) != len(weights) or any(c.shape != w.shape for c, w in zip(self._copies, weights)):
                self._copies = [torch.empty_like(weight) for weight in weights]
            if weights:
                torch._foreach_copy_(self._copies, [weight.detach() for weight in weights])
        self._old = self._copies
        if sum(copy.numel() for copy in self._copies) > _KEPT:
            self._copies = []

    def read_updates(self) -> None:
        """Reads what the optimizer added to each weight, if the old ones were kept."""
        old, self._old = self._old, None
        for site, tensor, before in zip(self._sites, self._here(), old or ()):
            if tensor.shape == before.shape:
                self._readings.read_update(site, tensor, before)

    def state_of(self, optimizer: torch.optim.Optimizer, parameter: torch.Tensor) -> dict[str, Any]:
        """The tensors that an optimizer keeps for a parameter."""
        state = optimizer.state.get(parameter, {})
        return {name: value for name, value in state.items() if isinstance(value, torch.Tensor) and value.numel() > 1}
