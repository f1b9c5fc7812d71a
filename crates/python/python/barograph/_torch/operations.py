"""Sees every operation of torch that Python code calls, while it is entered."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Callable

from torch.overrides import TorchFunctionMode

from . import names

if TYPE_CHECKING:
    from .supervisor import Supervisor

_kinds: dict[Any, int] = {}
_WITHIN_MODULES = (names.ACTIVATION, names.RANDOM)


def kind_of(function: Callable[..., Any]) -> int:
    """What kind of operation a function of torch is; looked up once."""
    try:
        return _kinds[function]
    except KeyError:
        kind = _kinds[function] = names.kind(function)
        return kind
    except TypeError:
        return names.SILENT


class Operations(TorchFunctionMode):
    """Hands each operation to the supervisor after it was done. Changes neither arguments nor result."""

    def __init__(self, supervisor: Supervisor) -> None:
        super().__init__()
        self._supervisor = supervisor

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **kwargs) if kwargs else func(*args)
        try:
            kind = _kinds[func]
        except (KeyError, TypeError):
            kind = kind_of(func)
        supervisor = self._supervisor
        # Within modules only activation functions are looked at: what a layer puts out is read where the layer ends.
        if kind is names.SILENT or supervisor.quiet or (supervisor.stack and kind not in _WITHIN_MODULES):
            return out
        begun = perf_counter()
        try:
            supervisor.see_operation(kind, func.__name__, args, kwargs, out)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in supervision never reaches the script
            supervisor.trouble(error)
        supervisor.budget.spent += perf_counter() - begun
        return out
