"""Finds the operation with which non-finite numbers began: forward, backward, or in an update."""

from __future__ import annotations

from types import CodeType
from typing import TYPE_CHECKING, Any

import torch

from . import source
from .aside import why_not
from .calls import entered_bad
from .flow import Event, floats, is_finite_anywhere, rows_of, statistics
from .repeat import repeat_backward, repeat_forward

if TYPE_CHECKING:
    from .loop import Operation
    from .supervisor import Supervisor


def forward(supervisor: Supervisor, loss: torch.Tensor) -> Event | None:
    """Where a loss that is not finite began."""
    origin = supervisor.flow.origin(loss)
    if isinstance(origin, Event):
        return resolved(supervisor, origin)
    if supervisor.flow.events:
        return resolved(supervisor, supervisor.flow.events[0])
    for call in supervisor.calls:
        if not all(map(is_finite_anywhere, call.results)):
            layer = supervisor.layers.of(call.module)
            event = Event("forward", type(call.module).__name__, layer.path if layer else "", source.line(call.place), call=call)
            return resolved(supervisor, event)
    library_loss = supervisor.loop.library_loss()
    if library_loss is not None:
        event = Event("forward", library_loss.name, "loss", source.line(library_loss.place))
        outputs = [tensor for call in supervisor.calls for tensor in call.results][:1]
        event.inputs = [found for found in (statistics(tensor, "input 0") for tensor in outputs) if found]
        return event
    return _from_graph(supervisor, loss)


def resolved(supervisor: Supervisor, event: Event) -> Event:
    """The event itself, or, where it only names a call of a model, the operation within that call."""
    if event.call is None:
        return event
    refused = why_not(event.call.module)
    if refused is not None:
        event.doubt, event.call = refused, None
        return event
    supervisor.quiet = True
    try:
        found = repeat_forward(event.call, supervisor.layers, supervisor.calls.rows)
    except Exception as error:  # noqa: BLE001 - repeating runs the user's code, which may refuse
        supervisor.trouble(error)
        found = None
    finally:
        supervisor.quiet = False
    if found is None and event.met is not None:
        return event.met
    if found is None:
        event.doubt = "the forward pass, repeated with the same inputs, gave finite outputs"
        event.call = None
        return event
    return found


def backward(supervisor: Supervisor) -> Event | None:
    """Where gradients that are not finite began although the loss is finite."""
    operations = supervisor.loop.remembered()
    for operation in reversed(operations):
        if operation.bad_gradient:
            return _of_operation(operation)
    for number, operation in enumerate(operations):
        if operation.handed_on_bad:
            # It was given bad gradients by what took up its result; the nearest such operation hid them in a node of its own.
            taker = next((later for later in operations[number + 1 :] if not later.handed_on_bad), operation)
            return _of_operation(taker)
    return _within_a_call(supervisor) or _of_parameter(supervisor)


def _of_operation(operation: Operation) -> Event:
    event = Event("backward", operation.name, "loss", source.line(operation.place))
    shown = [statistics(tensor, f"input {i}") for i, tensor in enumerate(t for t in operation.inputs if t.is_floating_point())]
    event.inputs = [found for found in (*shown, operation.incoming) if found is not None]
    event.rows, event.row_count = operation.rows
    return event


def _within_a_call(supervisor: Supervisor) -> Event | None:
    supervisor.quiet = True
    try:
        for call in reversed(supervisor.calls):
            entered = [tensor for tensor in floats((call.args, call.kwargs)) if not is_finite_anywhere(tensor)]
            if entered:  # They did no harm in the forward pass; the gradient of the first weight is a product with them.
                return entered_bad(call, entered)
            if call.gradient is None and call is supervisor.calls.last and call.results:
                call.gradient = supervisor.loop.gradient_of(call.results[0])
            if call.gradient is not None and is_finite_anywhere(call.gradient) and why_not(call.module) is None:
                found = repeat_backward(call, supervisor.layers, supervisor.calls.rows)
                if found is not None:
                    return found
    except Exception as error:  # noqa: BLE001 - repeating runs the user's code, which may refuse
        supervisor.trouble(error)
    finally:
        supervisor.quiet = False
    return None


def _of_parameter(supervisor: Supervisor) -> Event | None:
    """All that is known is whose gradient is not finite."""
    bad = supervisor.parameters.first_bad(of_gradients=True)
    if bad is None:
        return None
    path, gradient = bad
    event = Event("backward", "backward", path, None)
    event.inputs = [found for found in [statistics(gradient, "gradient")] if found]
    event.doubt = "the backward pass was not seen operation by operation"
    return event


def update(
    supervisor: Supervisor, optimizer: torch.optim.Optimizer, place: tuple[CodeType, int] | None
) -> Event:
    """A step of the optimizer that made weights non-finite although the gradients were finite."""
    event = Event("update", f"{type(optimizer).__name__.lower()} update", "", source.line(place))
    bad = supervisor.parameters.first_bad(of_gradients=False)
    if bad is None:
        return event
    event.site, weight = bad
    shown: list[tuple[str, Any]] = [("new weight", weight)]
    if weight.grad is not None:
        shown.append(("gradient", weight.grad))
    shown.extend(supervisor.parameters.state_of(optimizer, weight).items())
    event.inputs = [found for found in (statistics(tensor, name) for name, tensor in shown) if found]
    return event


_NODES = {
    "Log": "log", "Log2": "log2", "Log10": "log10", "Log1P": "log1p", "Div": "div", "Reciprocal": "reciprocal", "Exp": "exp",
    "Sqrt": "sqrt", "Rsqrt": "rsqrt", "Pow": "pow", "LinalgVectorNorm": "norm", "Norm": "norm", "Acos": "acos", "Asin": "asin",
    "Tan": "tan", "Atanh": "atanh", "Logit": "logit", "Std": "std", "Softmax": "softmax", "LogSoftmax": "log_softmax",
    "Mean": "mean", "Expm1": "expm1", "Lgamma": "lgamma",
}  # fmt: skip
"""Nodes of the autograd graph that can make non-finite numbers of finite ones, and their operations."""

_MOST_NODES = 2_000


def _from_graph(supervisor: Supervisor, loss: torch.Tensor) -> Event | None:
    """Reads the saved tensors behind a loss whose operations were not seen: the first that took finite numbers to others."""
    found: list[tuple[int, str, Any]] = []
    queue: list[Any] = [loss.grad_fn]
    seen: set[Any] = set()
    while queue and len(seen) < _MOST_NODES:
        node = queue.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        name = type(node).__name__.split("Backward")[0]
        operation = _NODES.get(name)
        if operation and _makes_bad(node, name):
            found.append((node._sequence_nr(), operation, node))
        queue.extend(following for following, _ in node.next_functions)
    if not found:
        return _into_the_graph(seen)
    _, operation, node = min(found, key=lambda entry: entry[0])
    same = [known for known in supervisor.loop.remembered() if known.name == operation]
    event = Event("forward", operation, "loss", source.line(same[0].place) if same else None)
    saved = getattr(node, "_saved_self", None)
    if isinstance(saved, torch.Tensor):
        event.inputs = [given for given in [statistics(saved, "input 0")] if given]
        event.rows, event.row_count = rows_of([_again(operation, saved)], supervisor.calls.rows)
    event.doubt = "this step was measured in part: the operation was read off the autograd graph"
    if same:
        event.doubt += ", and its line off an earlier step"
    return event


def _into_the_graph(nodes: set[Any]) -> Event | None:
    """The first operation of the graph that was given non-finite numbers: they were made before anything that is trained."""
    for node in sorted(nodes, key=lambda node: node._sequence_nr()):
        saved = [getattr(node, name) for name in dir(node) if name.startswith("_saved_")]
        bad = [value for value in saved if isinstance(value, torch.Tensor) and not is_finite_anywhere(value)]
        if bad:
            event = Event("data", "input", "input", None)
            event.inputs = [found for found in [statistics(bad[0], "input 0")] if found]
            event.doubt = "this step was measured in part: what made these numbers was not seen"
            return event
    return None


def _again(operation: str, saved: torch.Tensor) -> torch.Tensor:
    function = getattr(torch, operation, None)
    with torch.no_grad():
        try:
            return function(saved.detach()) if function else saved
        except (RuntimeError, TypeError):
            return saved


def _makes_bad(node: Any, name: str) -> bool:
    """Whether the node's saved input is finite and its result is not."""
    saved = getattr(node, "_saved_self", None)
    result = getattr(node, "_saved_result", None)
    if isinstance(result, torch.Tensor):
        return not is_finite_anywhere(result)
    if name == "Div":
        divisor = getattr(node, "_saved_other", None)
        return isinstance(divisor, torch.Tensor) and bool((divisor == 0).any())
    if name == "Mean":
        return False
    if not isinstance(saved, torch.Tensor) or not is_finite_anywhere(saved):
        return False
    return not is_finite_anywhere(_again(_NODES[name], saved))
