"""Barograph watches a training run and says what went wrong: at which step, in which layer and operation, why, and what fixes it.

It must never change a training's result, raise into a script, or send anything anywhere.
"""

from __future__ import annotations

import sys
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
    of any shape, strides and byte order, of float16, bfloat16 (torch), float32 or float64. Raises TypeError for other types. Of a
    masked array, all elements count.

    >>> import numpy
    >>> found = stats(numpy.array([1.0, -2.0, float("nan"), 0.0]))
    >>> found.count, found.nan, found.zeros, found.min, found.max
    (4, 1, 1, -2.0, 1.0)
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(array, torch.Tensor):
        from ._torch import hooks as _registers_dtypes  # noqa: F401

        if not array.dtype.is_floating_point:
            raise TypeError(
                f"statistics are of floating-point numbers, not of {array.dtype}: convert with tensor.double()"
            )
        # A view may stand for the negative of what lies in memory.
        return _statistics(array.detach().cpu().resolve_neg())
    if not hasattr(array, "__array_interface__"):
        import numpy

        array = numpy.asarray(array)
    dtype = array.dtype if hasattr(array, "dtype") else None
    if dtype is not None and dtype.kind == "f" and not (dtype.isnative and array.flags.aligned):
        array = array.astype(dtype.newbyteorder("="))
    elif dtype is not None and dtype.kind in "iub":
        raise TypeError(
            f"statistics are of floating-point numbers, not of {dtype}: convert with array.astype('float64')"
        )
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


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext barograph`: ends the run of the notebook and takes the magics away."""
    from ._notebook import unload

    unload(shell)
