"""Barograph watches a training run and says what went wrong: at which step, in which layer and operation, why, and what fixes it.

It must never change a training's result, raise into a script, or send anything anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._native import Statistics, __version__
from ._native import statistics as _statistics

if TYPE_CHECKING:
    from .torch import Watch, watch

__all__ = ["Statistics", "Watch", "__version__", "gradcheck", "lr_find", "stats", "watch"]

_LAZY = {
    "watch": "barograph.torch",
    "Watch": "barograph.torch",
    "NonFinite": "barograph.torch",
    "gradcheck": "barograph._gradcheck",
    "lr_find": "barograph._lr_find",
}
"""Names whose modules import torch, and so are imported when they are used."""


def stats(array: Any) -> Statistics:
    """The statistics of an array, gathered in one pass over its memory.

    `array` is a torch tensor (moved to the CPU if it lives elsewhere), a numpy array, or anything that `numpy.asarray` takes,
    of any shape and strides, of float16, bfloat16 (torch), float32 or float64.

    >>> import numpy
    >>> found = stats(numpy.array([1.0, -2.0, float("nan"), 0.0]))
    >>> found.count, found.nan, found.zeros, found.min, found.max
    (4, 1, 1, -2.0, 1.0)
    """
    if type(array).__module__.split(".")[0] == "torch":
        from ._torch import hooks as _registers_dtypes  # noqa: F401

        return _statistics(array.detach().cpu())
    if not hasattr(array, "__array_interface__"):
        import numpy

        array = numpy.asarray(array)
    return _statistics(array)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'barograph' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext barograph`: watches every training of the notebook; `%barograph` shows the report so far."""
    from ._notebook import load

    load(shell)
