"""The readings of one step, taken where the tensors are: on the CPU at once, on an accelerator in one packed copy a step later."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from barograph import _native

from .device import LateReadings

if TYPE_CHECKING:
    from .layers import Layer

WEIGHT, GRADIENT, PRE_ACTIVATION, ACTIVATION, ACTIVATION_GRADIENT, UPDATE, OPTIMIZER_STATE, INPUT, TARGET, OUTPUT = range(10)
"""The roles of tensors, by their codes."""

Told = tuple[str, str, int, str]
"""A finding: severity, code, step and message."""

_BOUND = 4.0
"""Magnitude from which a pre-activation saturates a sigmoid, as the session has it for tensors on the CPU."""


class Readings:
    """Reads tensors into the session, once a step each. `late` holds the records back until an accelerator has sent its figures;
    it begins by itself with the first tensor that lives on one."""

    def __init__(self, session: _native.Session, late: bool = False) -> None:
        self.session = session
        self.units_due = False
        # What is called at every step goes to the session at once, until a tensor lives elsewhere.
        self.read: Callable[[int, int, torch.Tensor], bool] = session.read_once
        """`read(site, role, tensor)` reads a tensor, unless this site and role were read in this step already: of accumulated
        batches, the first counts. Returns whether it was read already."""
        self.scalar: Callable[[str, float], None] = session.scalar
        """`scalar(name, value)` takes in a number of the step."""
        self.read_all: Callable[[list[int], int, Sequence[torch.Tensor | None]], tuple[int, float | None]] = session.read_all
        """`read_all(sites, role, tensors)` reads one tensor a site. Returns how many elements are not finite, and the norm over all
        tensors; on an accelerator both are known only later, and are 0 and `None`."""
        self.see_answers: Callable[[int, torch.Tensor, tuple[int, int], tuple[int, torch.Tensor] | None, int, bool], bool]
        """`see_answers(site, output, (rows, width), targets, columns, logits)` reads outputs and targets, these with their site, and
        what they say beside each other, unless outputs were read in this step already. Returns whether they were."""
        self.see_answers = session.see_answers
        self.end_step: Callable[[], list[Told]] = session.end_step
        """`end_step()` ends the step. Returns the findings that are new."""
        self.is_late = False
        """Whether the figures of a step arrive when the next one ends."""
        self._seen: set[tuple[int, int]] = set()
        self._late: LateReadings | None = None
        self._began: tuple[int, int] = (0, 0)
        self._facts: dict[tuple[str, int | None], Any] = {}
        self._batch_sites: dict[str, int] = {}
        if late:
            self._begin_late()

    def see_device(self, tensor: torch.Tensor) -> None:
        """Takes note of where a model lives, before anything of it is read."""
        if self._late is None and not tensor.is_cpu and tensor.device.type != "meta":
            self._begin_late().say("begin_step", *self._began)

    def _begin_late(self) -> LateReadings:
        late = self._late = LateReadings(self.session)
        self.is_late, self.read, self.read_all = True, self._read_late, self._read_all_late
        self.see_answers, self.end_step = self._see_answers_late, late.end_step
        self.scalar = lambda name, value: late.say("scalar", name, value)
        return late

    def begin_step(self, step: int, epoch: int) -> None:
        self._began = (step, epoch)
        if self._late is None:
            self.units_due = self.session.begin_step(step, epoch)
        else:
            self.units_due = self.session.due(step)
            self._seen.clear()
            self._late.say("begin_step", step, epoch)

    def flush(self) -> list[Told]:
        """Ends what is held back, at the end of the run."""
        return [] if self._late is None else self._late.flush()

    def _say(self, method: str, *arguments: Any) -> None:
        if self._late is None:
            getattr(self.session, method)(*arguments)
        else:
            self._late.say(method, *arguments)

    def site(self, path: str, units: int, shape: list[int]) -> int:
        return self.session.site(path, units, shape)

    def batch_site(self, path: str, units: int, batch: torch.Tensor) -> int:
        """The site of inputs, outputs or targets; with 0 units, every number of an example is one."""
        site = self._batch_sites.get(path)
        if site is None:
            shape = list(batch.shape[1:])
            site = self._batch_sites[path] = self.site(path, units or math.prod(shape), shape)
        return site

    def site_of_input(self) -> int | None:
        """The site of the inputs of models, if some were read."""
        return self._batch_sites.get("input")

    def _read_late(self, site: int, role: int, tensor: torch.Tensor) -> bool:
        assert self._late is not None
        key = (site, role)
        if key in self._seen:
            return True
        self._seen.add(key)
        # Classes are numbers too.
        numbers = tensor if tensor.is_floating_point() else tensor.to(torch.float32)
        self._late.read(site, role, numbers, _BOUND if role == PRE_ACTIVATION else float("nan"))
        return False

    def _read_all_late(self, sites: list[int], role: int, tensors: Sequence[torch.Tensor | None]) -> tuple[int, None]:
        for site, tensor in zip(sites, tensors):
            if tensor is not None:
                self.read(site, role, tensor)
        return 0, None

    def read_units(self, site: int, role: int, tensor: torch.Tensor, layout: tuple[int, int, int]) -> None:
        if self._late is None:
            self.session.read_units(site, role, tensor, layout)

    def read_weight_units(self, site: int, tensor: torch.Tensor) -> None:
        """Reads a weight `[units, ...]` per unit."""
        if self._late is None:
            self.session.read_weight_units(site, tensor, tensor.shape[0])

    def read_update(self, site: int, new: torch.Tensor, old: torch.Tensor) -> None:
        """Reads `new - old`."""
        if self._late is None:
            self.session.read_update(site, new, old)
        else:
            self._late.read(site, UPDATE, new.detach() - old)

    def _see_answers_late(
        self,
        site: int,
        output: torch.Tensor,
        shape: tuple[int, int],
        targets: tuple[int, torch.Tensor] | None,
        columns: int,
        logits: bool,
    ) -> bool:
        assert self._late is not None
        if self.read(site, OUTPUT, output):
            return True
        if targets is not None:
            self.read(targets[0], TARGET, targets[1])
        self._late.see_answers(output, None if targets is None else targets[1], logits)
        self.scalar("batch_rows", float(shape[0]))
        return False

    def see_data(self, inputs: torch.Tensor, features: int, targets: torch.Tensor, columns: int, outputs: int) -> bool:
        """Feeds the first epoch to the reading of the data. Returns whether more is wanted."""
        return self._late is None and self.session.see_data(inputs, features, targets, columns, outputs)

    def relabel(self, site: int, old: int, new: int) -> None:
        self._say("relabel", site, old, new)

    def layer_facts(self, layer: Layer, function: str) -> None:
        """Writes down what kind of layer it is, and which activation function stands behind it."""
        self.session.fact("layer", layer.kind, "inferred", layer.site)
        self.session.fact("activation", function, "inferred", layer.site)

    def fact(self, key: str, value: Any, provenance: str = "inferred", site: int | None = None) -> None:
        if self._facts.get((key, site)) != value:
            self._facts[key, site] = value
            self.session.fact(key, value, provenance, site)
