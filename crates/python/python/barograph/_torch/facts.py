"""What a model and an optimizer tell of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from .readings import Readings


def model(readings: Readings, module: torch.nn.Module, autocast: list[tuple[str, torch.dtype]]) -> None:
    """Writes down the mode that a model is trained in, and the element type that it computes in; `autocast` as `aside.autocast`."""
    readings.fact("training_mode", module.training)
    weight = next((weight for weight in module.parameters() if weight.is_floating_point()), None)
    if weight is not None:
        dtype = dict(autocast).get(weight.device.type, weight.dtype)
        readings.fact("precision", str(dtype).removeprefix("torch."))


def optimizer(readings: Readings, optimizer: torch.optim.Optimizer) -> None:
    """Writes down the class and the settings of an optimizer; of several groups of parameters, those of the first."""
    group = optimizer.param_groups[0]
    readings.fact("optimizer", type(optimizer).__name__.lower())
    numbers = {
        "learning_rate": group.get("lr"),
        "momentum": group["betas"][0] if "betas" in group else group.get("momentum"),
        "epsilon": group.get("eps"),
        "weight_decay": group.get("weight_decay"),
    }
    for key, value in numbers.items():
        if isinstance(value, (int, float)):
            readings.fact(key, float(value))
