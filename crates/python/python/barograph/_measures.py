"""The names that people give to losses and measures, in Barograph's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MEASURES = {
    "loss": "loss",
    "acc": "accuracy",
    "accuracy": "accuracy",
    "binary_accuracy": "accuracy",
    "categorical_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
    "r2": "r2",
    "r2_score": "r2",
    "r2score": "r2",
}
_VALIDATION = ("val", "valid", "validation", "eval", "dev")
_TRAINING = ("train", "training")


def means(measures: Mapping[str, Any]) -> dict[str, float]:
    """What `measures` tells of an epoch: `loss`, `accuracy` and `r2`, with `validation_` before what validation gave.

    `val_acc`, `valid/accuracy` and `eval_loss` are understood; other names are passed over. A name without such a mark
    belongs to the training. Of two names for one thing, the first counts.
    """
    found: dict[str, float] = {}
    for name, value in measures.items():
        known = _word(name)
        if known is None or known in found:
            continue
        try:
            found[known] = float(value)
        except (TypeError, ValueError):
            continue  # A measure of several numbers, such as one for each class, is not a mean.
    return found


def _word(name: str) -> str | None:
    plain = name.lower().replace("/", "_").replace(".", "_").replace("-", "_").removesuffix("_epoch")
    mark, _, rest = plain.partition("_")
    if mark in _VALIDATION and rest in _MEASURES:
        return f"validation_{_MEASURES[rest]}"
    if mark in _TRAINING and rest in _MEASURES:
        return _MEASURES[rest]
    return _MEASURES.get(plain)


class Mean:
    """The running mean of the losses of an epoch."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, value: float | None) -> None:
        """Takes in a value, if there is one."""
        if value is not None:
            self._sum, self._count = self._sum + value, self._count + 1

    def take(self) -> dict[str, float]:
        """The mean as `loss`, if there was a value; counting begins anew."""
        found = {"loss": self._sum / self._count} if self._count else {}
        self._sum, self._count = 0.0, 0
        return found
