"""Sees every operation of torch that Python code calls, while it is entered."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode, _pop_mode, _push_mode
from torch.utils._device import DeviceContext

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

    def belong_to(self, supervisor: Supervisor) -> None:
        """Shows operations to another supervisor from now on."""
        self._supervisor = supervisor

    def enter(self) -> None:
        """Takes its place in this thread's stack of modes: below those of the script, so that these come and go as ever."""
        if torch._C._len_torch_function_stack() == 0:
            _push_mode(self)  # As it nearly always is.
            return
        above = _taken_off()
        if above and isinstance(above[-1], DeviceContext):
            _push_mode(above.pop())  # It insists on the lowest place.
        _push_mode(self)
        _put_on(above)

    def leave(self) -> None:
        """Leaves this thread's stack of modes, if it is there; the modes of the script stay."""
        above = _taken_off()
        if above != [self]:
            _put_on([mode for mode in above if mode is not self])

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
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever goes wrong in supervision never reaches the script
            supervisor.trouble(error)
        supervisor.budget.spent += perf_counter() - begun
        return out


def _taken_off() -> list[Any]:
    """Empties the stack of modes. Returns what was on it, the topmost first."""
    return [_pop_mode() for _ in range(torch._C._len_torch_function_stack())]


def _put_on(modes: list[Any]) -> None:
    for mode in reversed(modes):
        _push_mode(mode)
