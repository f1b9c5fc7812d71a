"""What a model answers beside what it should have answered: loss, outputs, targets, and the data of the first epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from .calls import Call
from .flow import floats
from .loss import read_loss
from .readings import OUTPUT

if TYPE_CHECKING:
    from .calls import Calls
    from .readings import Readings


class Answers:
    """Reads outputs and targets, and learns which loss it is that compares them."""

    def __init__(self, readings: Readings, calls: Calls) -> None:
        self._readings = readings
        self._calls = calls
        self.targets: torch.Tensor | None = None
        """What the loss of this step compares the outputs with, as far as it is known."""
        self.loss_is_known = False
        """Whether it is known which loss it is."""
        self._takes_logits = self._several_losses = False
        self._wants_data = True
        self._output_site: int | None = None
        self._target_site: int | None = None

    def declare_loss(self, name: str, takes: str, reduction: str | None) -> None:
        """Says which loss it is."""
        self.loss_is_known = True
        self._takes_logits = takes == "logits"
        self._readings.fact("loss", name)
        self._readings.fact("loss_takes", takes)
        if reduction is not None:
            self._readings.fact("loss_reduction", reduction)

    @property
    def are_settled(self) -> bool:
        """Whether nothing is learnt any more of outputs and targets: they are only read, each at its site."""
        known = self.loss_is_known and self._output_site is not None and self._target_site is not None
        return known and not self._several_losses and not self._wants_data

    def places(self) -> tuple[int, int, bool]:
        """The sites of outputs and targets, and whether the loss takes logits."""
        assert self._output_site is not None and self._target_site is not None
        return self._output_site, self._target_site, self._takes_logits

    def learn_loss(self, loss: torch.Tensor) -> None:
        """Reads off the autograd graph which loss it is, once."""
        if self.loss_is_known or loss.grad_fn is None:
            return
        results = [result for call in self._calls for result in call.results if result.dim() > 0]
        outputs = {result.grad_fn for result in results if result.grad_fn is not None}
        name, takes, reduction, self._several_losses = read_loss(loss, outputs)
        self.declare_loss(name, takes, reduction)

    def see(self, several_optimizers: bool, broken: bool) -> None:
        """Reads what the last model that was called put out, beside the targets. `broken` says that the run had an incident: the
        data before it tell more."""
        call = self._calls.last
        # Models that compute their own loss put it out beside what they answer.
        for result in call.results if call is not None else ():
            if result.dim() > 0:
                break
        else:
            return
        readings, shape = self._readings, result.shape
        width = shape[-1] if len(shape) > 1 else 1
        if self._output_site is None:
            self._output_site = readings.batch_site("output", width, result)
        # Of models that are trained against each other, each has targets of its own, and together they have none; so have the parts
        # of a loss that are different losses.
        several = several_optimizers or self._several_losses
        targets = None if several else self.targets
        columns, sited = 1, None
        if targets is not None:
            columns = math.prod(targets.shape[1:])
            if self._target_site is None:
                self._target_site = readings.batch_site("target", columns, targets)
            sited = (self._target_site, targets)
        if readings.see_answers(self._output_site, result, (shape[0], width), sited, columns, self._takes_logits):
            return
        if readings.units_due:
            readings.read_units(self._output_site, OUTPUT, _plain(result), (result.numel() // width, width, 1))
        if self._wants_data and targets is not None:
            self._wants_data = not broken and self._see_data(self._calls[0], _plain(targets), columns, width)

    def _see_data(self, call: Call, targets: torch.Tensor, columns: int, width: int) -> bool:
        """Feeds a batch to the reading of the data. Returns whether more is wanted."""
        given = [tensor for tensor in floats((call.args, call.kwargs)) if not tensor.requires_grad]
        if not given or given[0].dim() == 0 or given[0].shape[0] == 0 or targets.dim() == 0:
            return False
        inputs = _plain(given[0])
        rows = inputs.shape[0]
        if targets.shape[0] != rows:
            return False
        if self._readings.see_data(inputs, math.prod(inputs.shape[1:]), targets, columns, width):
            return True
        self._readings.fact("rows", float(self._readings.session.rows_seen()), "measured")
        return False


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """In one piece, and of float32 where it is of some float."""
    if tensor.dtype != torch.float32 and tensor.is_floating_point():
        tensor = tensor.detach().float()
    return tensor if tensor.is_contiguous() else tensor.detach().contiguous()
