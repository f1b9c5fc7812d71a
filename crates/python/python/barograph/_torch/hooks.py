"""Where torch is listened to: modules, operations, the backward pass, optimizers, clipping and loss scaling.

Everything is put in place once, and taken out again by `remove`. Whatever goes wrong in here never reaches the script.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from threading import get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.modules import module as torch_module
from torch.optim import optimizer as torch_optimizer

from barograph import _native

from . import repeat
from .budget import BARE, FULL
from .memory import keep_freed
from .policy import NonFinite
from .ranks import COLLECTIVES

if TYPE_CHECKING:
    from .supervisor import Supervisor

_module_hooks: list[Any] = []
_undo: list[Callable[[], None]] = []
_supervisor: Supervisor | None = None
_is_compiling = torch.compiler.is_compiling
_compiles = False
"""Whether the script compiles something: only then hooks may be met by the compiler, which must not see what they do."""

_DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
_native.set_torch(
    [getattr(torch, name) for name in _DTYPES], [torch.Tensor, torch.nn.Parameter], torch.is_grad_enabled
)


def supervisor() -> Supervisor | None:
    """The supervisor at work in this process, if there is one."""
    return _supervisor


def _let_go() -> None:
    """A forked process trains nothing that the run here is about."""
    global _supervisor
    if _supervisor is not None:
        _supervisor.quiet = True
    _supervisor = None


os.register_at_fork(after_in_child=_let_go)


def install(supervisor: Supervisor) -> None:
    """Lets `supervisor` see what torch does in this process. There is one at a time."""
    global _supervisor
    remove()
    supervisor.quiet = supervisor.muted = False  # It may have been at work before.
    supervisor.steady.leave()
    _supervisor = supervisor
    keep_freed()
    _listen_to_modules(supervisor.level)
    _keep(lambda: _listen_to_modules(BARE))
    supervisor.on_level = _listen_to_modules
    _keep(torch_optimizer.register_optimizer_step_pre_hook(_before_step).remove)
    _keep(torch_optimizer.register_optimizer_step_post_hook(_after_step).remove)
    _put(torch.autograd, "backward", _seen_backward(torch.autograd.backward))
    _wrap(torch.optim.Optimizer, "__init__", _new_optimizer)
    _put(torch.optim.Optimizer, "zero_grad", _without_operations(torch.optim.Optimizer.zero_grad))
    _wrap(torch.nn.Module, "zero_grad", _silent)
    _wrap(torch.autograd, "grad", _grad)
    _wrap_function()
    _wrap(torch.nn.utils, "clip_grad_norm_", _clip)
    _wrap(torch.nn.utils, "clip_grad_value_", _clip)
    _wrap(torch.amp.GradScaler, "scale", _scale)
    _wrap(torch, "compile", _compile)
    if supervisor.ranks and torch.distributed.is_available():
        for name in filter(torch.distributed.__dict__.get, COLLECTIVES):
            _wrap(torch.distributed, name, _collective)
    for owner, name in ((torch.jit, "trace"), (torch.jit, "trace_module"), (torch.export, "export"), (torch.onnx, "export")):
        _wrap(owner, name, _unseen)
    supervisor.operations.enter()
    _keep(supervisor.operations.leave)


def _listen_to_modules(level: int) -> None:
    """Hooks of modules are in place only where they are wanted: where there are none, torch calls modules directly."""
    wanted = level != BARE
    if wanted and not _module_hooks and _supervisor is not None:
        native = _supervisor.module_hooks
        enter, leave = (enter_module, leave_module) if _may_compile() else (native.enter, native.leave)
        _module_hooks.append(torch_module.register_module_forward_pre_hook(enter))
        _module_hooks.append(torch_module.register_module_forward_hook(leave, with_kwargs=True))
    while _module_hooks and not wanted:
        _module_hooks.pop().remove()


def _listen_anew() -> None:
    """Hooks that are in place are those of another supervisor, or are to be others."""
    if _module_hooks:
        _listen_to_modules(BARE)
        _listen_to_modules(FULL)


def _may_compile() -> bool:
    """Whether the compiler may meet the hooks: it can see through those in Python only."""
    compiler = sys.modules.get("torch._dynamo.eval_frame")
    backends = getattr(compiler, "cached_backends", {})
    return _compiles or any(backend is not None for backend in backends.values())


def _succeed(old: Supervisor) -> None:
    """Another training begins: its supervisor takes over, and with it the mode that sees operations."""
    global _supervisor
    if old.on_another is None:
        return
    new = old.on_another()
    if new is None:
        remove()
        return
    new.operations, new.optimizer_exists = old.operations, True
    new.operations.belong_to(new)
    new.on_level = _listen_to_modules
    _supervisor = new
    _listen_anew()


def remove() -> None:
    """Puts everything back as it was."""
    global _supervisor
    if _supervisor is not None:
        _supervisor.quiet = True  # In whichever thread it still is.
    _supervisor = None
    while _undo:
        _undo.pop()()


def _keep(undo: Callable[[], None]) -> None:
    _undo.append(undo)


def _wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Puts `around(original, *args, **kwargs)` in place of a function of torch."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return around(original, *args, **kwargs)

    _put(owner, name, wrapper)


def _put(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    original = getattr(owner, name)
    setattr(owner, name, wrapper)
    _keep(lambda: setattr(owner, name, original))


_PASSED_ON = (NonFinite, KeyboardInterrupt, SystemExit)
"""What may go through supervision: what was asked for, and what ends the script."""


def _guarded(see: Callable[..., None], *args: Any) -> None:
    """Shows the supervisor something; an error stays here."""
    try:
        see(*args)
    except _PASSED_ON:
        raise
    except BaseException as error:  # noqa: BLE001 - the training does not notice, not even a panic of the extension module
        if _supervisor is not None:
            _supervisor.trouble(error)


# Most calls of modules do not come here: see `_native.ModuleHooks`.


def enter_module(module: torch.nn.Module, _args: Any) -> None:
    """A module is called."""
    if _compiles and _is_compiling():
        return
    watching = _supervisor
    if watching is None or watching.module_hooks.quiet or get_ident() != watching.thread:
        return
    if watching.stack:
        watching.stack.append(module)
    else:
        begun = perf_counter()
        if watching.newcomer and watching.begins_anew(module):
            _guarded(_succeed, watching)
            if _supervisor is None:
                return
            watching = _supervisor
        _guarded(watching.enter_call, module)
        watching.budget.spent += perf_counter() - begun


def leave_module(module: torch.nn.Module, args: Any, kwargs: Any, out: Any) -> None:
    """A module has its result."""
    if _compiles and _is_compiling():
        return
    watching = _supervisor
    if watching is None or watching.module_hooks.quiet or not watching.stack or get_ident() != watching.thread:
        return
    stack, reads = watching.stack, watching.module_hooks.reads_modules
    while stack and stack.pop() is not module:
        pass  # A forward pass below this one ended with an exception that the script caught.
    if stack and not reads:
        return
    begun = perf_counter()
    if reads:
        _guarded(watching.leave_module, module, args, out)
    if not stack:
        _guarded(watching.leave_call, args, kwargs, out)
    watching.budget.spent += perf_counter() - begun


def begin_call(module: torch.nn.Module) -> None:
    """A model that was called as in the step before turns out to end otherwise."""
    if _supervisor is not None:
        _guarded(_supervisor.begin_call, module)


# The hooks that run at every step guard themselves: each call of a Python function takes as long as to read a small tensor.


def _is_elsewhere(watching: Supervisor) -> bool:
    """Whether what happens belongs to another thread than the training whose models were seen."""
    return get_ident() != watching.thread and bool(watching.layers.roots)


def _before_step(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> tuple[Any, Any] | None:
    watching = _supervisor
    if watching is None or (_compiles and _is_compiling()) or _is_elsewhere(watching):
        return None
    closure = args[1] if len(args) > 1 else kwargs.get("closure")
    if closure is None:
        try:
            if not watching.steady.before_step(optimizer):
                watching.before_step(optimizer)
        except _PASSED_ON:
            raise
        except BaseException as error:  # noqa: BLE001 - as in `_guarded`
            watching.trouble(error)
        return None
    _guarded(watching.see_new_optimizer)
    seen = _seen_closure(watching, optimizer, closure)
    return ((args[0], seen, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "closure": seen})


def _seen_closure(watching: Supervisor, optimizer: torch.optim.Optimizer, closure: Callable[[], Any]) -> Callable[[], Any]:
    """A closure makes the gradients within the step: only after its first call is the optimizer about to change a weight."""
    first = True

    @functools.wraps(closure)
    def seen() -> Any:
        nonlocal first
        watching.unmute()
        loss = closure()
        if first:
            _guarded(watching.before_step, optimizer)
        else:
            watching.mute()
        first = False
        return loss

    return seen


def _after_step(optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
    watching = _supervisor
    if watching is None or (_compiles and _is_compiling()) or _is_elsewhere(watching):
        return
    try:
        if not watching.steady.after_step(optimizer):
            watching.after_step(optimizer)
    except _PASSED_ON:
        raise
    except BaseException as error:  # noqa: BLE001 - as in `_guarded`
        watching.trouble(error)


def _seen_backward(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def backward(*args: Any, **kwargs: Any) -> Any:
        watching = _supervisor
        if watching is None or watching.module_hooks.quiet or watching.in_backward or _is_elsewhere(watching):
            return original(*args, **kwargs)
        try:
            roots = args[0] if args else kwargs.get("tensors")
            if not watching.steady.before_backward(roots):
                watching.before_backward(roots)
        except _PASSED_ON:
            raise
        except BaseException as error:  # noqa: BLE001 - as in `_guarded`
            watching.trouble(error)
        try:
            return original(*args, **kwargs)
        finally:
            if watching.steady.is_on:
                watching.in_backward = False
            else:
                _guarded(watching.after_backward)

    return backward


def _grad(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """In a loop without an optimizer, this is the backward pass; elsewhere it is part of a loss."""
    watching = _supervisor
    if watching is None or watching.quiet or watching.in_backward or watching.optimizer_exists or kwargs.get("create_graph"):
        return original(*args, **kwargs)
    if _is_elsewhere(watching):
        return original(*args, **kwargs)
    outputs = args[0] if args else kwargs.get("outputs")
    inputs = args[1] if len(args) > 1 else kwargs.get("inputs")
    _guarded(watching.before_backward, outputs)
    gradients = None
    try:
        gradients = original(*args, **kwargs)
        return gradients
    finally:
        _guarded(watching.after_grad, inputs, gradients)


def _wrap_function() -> None:
    """Functions with a derivative of their own are operations, which torch does not show to a mode."""
    original = torch.autograd.Function.__dict__["apply"]

    def apply(function: Any, *args: Any, **kwargs: Any) -> Any:
        out = original.__get__(None, function)(*args, **kwargs)
        watching = _supervisor
        if watching is not None:
            _guarded(watching.see_custom_function, function.__name__, args, out)
        return out

    torch.autograd.Function.apply = classmethod(apply)  # type: ignore[method-assign]
    _keep(lambda: setattr(torch.autograd.Function, "apply", original))


def _new_optimizer(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    watching = _supervisor
    out = _silent(original, *args, **kwargs)
    if watching is not None:
        _guarded(watching.see_new_optimizer, args[0])
    return out


def _silent(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Looking after gradients takes many small operations that tell nothing."""
    watching = _supervisor
    if watching is None or watching.muted:
        return original(*args, **kwargs)
    watching.mute()
    try:
        return original(*args, **kwargs)
    finally:
        watching.unmute()


def _without_operations(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def silent(*args: Any, **kwargs: Any) -> Any:
        if _supervisor is None or _supervisor.muted:
            return original(*args, **kwargs)
        return _silent(original, *args, **kwargs)

    return silent


def _unseen(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What traces a model writes down the frames that it sees, and runs the model more than once: no part of the training."""
    watching = _supervisor
    if watching is None or watching.quiet:
        return original(*args, **kwargs)
    watching.quiet = True
    try:
        return _silent(original, *args, **kwargs)
    finally:
        watching.quiet = False


def _clip(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    watching = _supervisor
    if watching is None or _is_elsewhere(watching):
        return original(*args, **kwargs)
    with torch._C.DisableTorchFunction():
        _guarded(watching.see_gradients_before_clipping)
    out = _silent(original, *args, **kwargs)
    limit = kwargs.get("max_norm", args[1] if len(args) > 1 else None)
    if isinstance(out, torch.Tensor) and limit is not None:
        with torch._C.DisableTorchFunction():
            _guarded(watching.see_clipped, float(out), float(limit))
    return out


def _scale(original: Callable[..., Any], scaler: Any, outputs: Any) -> Any:
    scaled = original(scaler, outputs)
    watching = _supervisor
    if watching is not None:
        _guarded(lambda: watching.see_scaled(scaled, outputs, scaler.get_scale()))
    return scaled


def _collective(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Time in which a rank may wait for others is not its own."""
    if repeat.current is not None:
        raise RuntimeError("the forward pass was not repeated: the other processes would not take part")
    watching = _supervisor
    if watching is None or watching.ranks is None or _is_compiling() or not watching.ranks.begin_wait(watching.budget.spent):
        return original(*args, **kwargs)
    try:
        return original(*args, **kwargs)
    finally:
        watching.ranks.end_wait(watching.budget.spent)


def _compile(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Compiled code runs without our mode: its operations cannot be seen, and the mode would make it compile anew."""
    global _compiles
    if not _compiles:
        _compiles = True
        _listen_anew()
    from torch._dynamo.eval_frame import OptimizeContext

    if not hasattr(OptimizeContext.__call__, "__wrapped__"):
        _wrap(OptimizeContext, "__call__", _compiled)
    return original(*args, **kwargs)


def _compiled(original: Callable[..., Any], context: Any, function: Any) -> Any:
    compiled = original(context, function)
    if isinstance(compiled, torch.nn.Module) or not inspect.isfunction(compiled):
        return compiled

    @functools.wraps(compiled)
    def unseen(*args: Any, **kwargs: Any) -> Any:
        return _silent(compiled, *args, **kwargs)

    return unseen
