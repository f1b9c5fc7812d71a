"""The readings of one step, taken where the tensors are: on the CPU at once, on an accelerator in one packed copy a step later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from barograph import _native

if TYPE_CHECKING:
    from .layers import Layer

WEIGHT, GRADIENT, PRE_ACTIVATION, ACTIVATION, ACTIVATION_GRADIENT, UPDATE, OPTIMIZER_STATE, INPUT, TARGET, OUTPUT = range(10)
"""The roles of tensors, by their codes."""


class Readings:
    """Reads tensors on the CPU into the session, once a step each."""

    def __init__(self, session: _native.Session) -> None:
        self.session = session
        self.units_due = False
        self._seen: set[tuple[int, int]] = set()

    def begin_step(self, step: int, epoch: int) -> None:
        self.session.begin_step(step, epoch)
        self.units_due = self.session.units_due()
        self._seen.clear()

    def end_step(self) -> list[tuple[str, str, int, str]]:
        return self.session.end_step()

    def site(self, path: str, units: int, shape: list[int]) -> int:
        return self.session.site(path, units, shape)

    def read(self, site: int, role: int, tensor: torch.Tensor) -> bool:
        """Reads a tensor, unless this site and role were read in this step already: of accumulated batches, the first counts.

        Returns whether it was read already.
        """
        key = (site, role)
        if key in self._seen:
            return True
        self._seen.add(key)
        self.session.read(site, role, tensor)
        return False

    def read_all(self, sites: list[int], role: int, tensors: list[torch.Tensor | None]) -> tuple[int, float]:
        """Reads one tensor a site. Returns how many elements are not finite, and the norm over all tensors."""
        return self.session.read_all(sites, role, tensors)

    def read_units(self, site: int, role: int, tensor: torch.Tensor, layout: tuple[int, int, int]) -> None:
        self.session.read_units(site, role, tensor, layout)

    def relabel(self, site: int, old: int, new: int) -> None:
        self.session.relabel(site, old, new)

    def scalar(self, name: str, value: float) -> None:
        self.session.scalar(name, value)

    def layer_facts(self, layer: Layer, function: str) -> None:
        """Writes down what kind of layer it is, and which activation function stands behind it."""
        self.session.fact("layer", layer.kind, "inferred", layer.site)
        self.session.fact("activation", function, "inferred", layer.site)

    def fact(self, key: str, value: Any, provenance: str = "inferred", site: int | None = None) -> None:
        self.session.fact(key, value, provenance, site)
