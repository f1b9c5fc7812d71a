"""Repeats a call of a model with the same inputs, weights and random numbers, and looks at every operation of it.

The weights, the buffers, the gradients and the state of the random numbers are afterwards what they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from . import names, source
from .aside import aside
from .flow import Event, Flow, floats, is_finite_anywhere, rows_of, statistics
from .operations import kind_of

if TYPE_CHECKING:
    from .calls import Call
    from .layers import Layers


class _Stop(BaseException):
    """The operation was found; the rest of the forward pass is of no interest."""


current: _Trace | None = None
"""The trace under way: functions with a derivative of their own are shown to it by name."""


class _Trace(TorchFunctionMode):
    """Looks at the result of every operation. With `nodes`, also notes each operation's node in the backward pass."""

    def __init__(self, call: Call, layers: Layers, stack: list[Any], rows: int, nodes: bool) -> None:
        super().__init__()
        self._called_at = call.place
        self.flow = Flow(is_finite_anywhere)
        self.nodes: list[_Node] | None = [] if nodes else None
        self._layers, self._stack, self._rows = layers, stack, rows
        self._depth = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kind = kind_of(func)
        before = self._versions(args) if func.__name__.endswith("_") else []
        out = func(*args, **(kwargs or {}))
        if kind is not names.SILENT:
            with torch._C.DisableTorchFunction():
                self.see(kind, names.plain(func.__name__), args, kwargs, out, before)
        return out

    def see(self, kind: int, name: str, args: Any, kwargs: Any, out: Any, before: Any = ()) -> None:
        """Looks at the result of an operation. `before` holds what an operation in place was given."""
        # In a model that is made of torch's own modules alone, no line of the user's is nearer than the call of the model.
        at = source.place(2, within=(repeat_forward.__code__, repeat_backward.__code__)) or self._called_at
        line, site = source.line(at), self._site()
        if any(not is_finite_anywhere(tensor) for tensor in floats(out)):
            given = [*before, *args[1:]] if before else args
            event = self.flow.see(name, given, kwargs, out, site=site, source=line, rows=self._rows)
            if event is not None and self.nodes is None:
                raise _Stop
        if self.nodes is not None and kind is not names.VIEW:
            self._note(name, site, line, args, out)

    @staticmethod
    def _versions(args: Any) -> list[torch.Tensor]:
        """What an operation in place is given, before it is overwritten."""
        first = args[0] if args and isinstance(args[0], torch.Tensor) else None
        return [first.detach().clone()] if first is not None else []

    def _site(self) -> str:
        layer = self._layers.of(self._stack[-1]) if self._stack else None
        return layer.path if layer else ""

    def _note(self, name: str, site: str, line: Any, args: Any, out: Any) -> None:
        for result in floats(out)[:1]:
            if result.grad_fn is not None and self.nodes is not None:
                node = _Node(name, site, line, [t.detach() for t in floats(args)], result.grad_fn)
                self.nodes.append(node)
                result.grad_fn.register_hook(node.see)


class _Node:
    """An operation of a repeated forward pass, and what its backward pass did."""

    def __init__(self, name: str, site: str, line: Any, inputs: list[torch.Tensor], node: Any) -> None:
        self.name, self.site, self.line, self.inputs, self.node = name, site, line, inputs, node
        self.began = self.handed_on_bad = False
        self.given: list[torch.Tensor] = []
        self.bad: list[torch.Tensor] = []

    def see(self, handed_on: Any, given: Any) -> None:
        self.bad = [t for t in handed_on if t is not None and not is_finite_anywhere(t)]
        self.given = [t for t in given if t is not None]
        self.handed_on_bad = bool(self.bad)
        self.began = self.handed_on_bad and all(map(is_finite_anywhere, self.given))


@contextmanager
def _again(call: Call) -> Iterator[tuple[Any, Any, Any, list[Any]]]:
    """The model of a call, copies of its arguments, and the modules that are under way while it runs."""
    stack: list[Any] = []
    with aside(call) as (module, args, kwargs), torch.enable_grad(), torch._C._EnableTorchFunction():
        torch.nn.modules.module.register_module_forward_pre_hook(lambda module, _: stack.append(module))
        torch.nn.modules.module.register_module_forward_hook(lambda module, _, __: stack.pop() and None)
        yield module, args, kwargs, stack


def repeat_forward(call: Call, layers: Layers, rows: int) -> Event | None:
    """The first operation of the call with finite inputs and a non-finite result; `None` if this time there is none."""
    with _again(call) as (module, args, kwargs, stack):
        trace = _Trace(call, layers, stack, rows, nodes=False)
        try:
            with trace, _shown_to(trace):
                module(*args, **kwargs)
        except _Stop:
            pass
    events = trace.flow.events
    if not events:
        return None
    events[0].repeated = True
    events[0].phase = "forward" if events[0].phase == "data" and events[0].operation != "input" else events[0].phase
    return events[0]


def repeat_backward(call: Call, layers: Layers, rows: int) -> Event | None:
    """The operation of the call whose derivative is not finite although the gradient that it is given is."""
    with _again(call) as (module, args, kwargs, stack):
        trace = _Trace(call, layers, stack, rows, nodes=True)
        with trace, _shown_to(trace):
            out = module(*args, **kwargs)
        output = next((tensor for tensor in floats(out) if tensor.requires_grad), None)
        weights = [parameter for parameter in module.parameters() if parameter.requires_grad]
        if output is None or call.gradient is None or call.gradient.shape != output.shape or not weights:
            return None
        nodes = _with_unseen(trace.nodes or [], output)
        torch.autograd.grad(output, weights, call.gradient, allow_unused=True)
    found = next((node for node in reversed(nodes) if node.began), None) or _hidden(nodes)
    if found is None:
        return None
    event = Event("backward", found.name, found.site, found.line, repeated=True)
    shown = [statistics(tensor, f"input {i}") for i, tensor in enumerate(found.inputs[:3])]
    shown += [statistics(tensor, "gradient") for tensor in found.given[:1]]
    event.inputs = [given for given in shown if given is not None]
    event.rows, event.row_count = rows_of(found.bad, rows)
    return event


@contextmanager
def _shown_to(trace: _Trace) -> Iterator[None]:
    global current
    current = trace
    try:
        yield
    finally:
        current = None


_MOST_NODES = 20_000


def _with_unseen(nodes: list[_Node], output: torch.Tensor) -> list[_Node]:
    """The nodes of the backward pass in the order of the forward pass: those of the operations seen, and the ones between."""
    known = {node.node: node for node in nodes}
    queue: list[Any] = [output.grad_fn]
    seen: set[Any] = set()
    while queue and len(seen) < _MOST_NODES:
        graph_node = queue.pop()
        if graph_node is None or graph_node in seen or hasattr(graph_node, "variable"):
            continue
        seen.add(graph_node)
        queue.extend(following for following, _ in graph_node.next_functions)
    order = sorted(seen, key=lambda graph_node: graph_node._sequence_nr())
    result: list[_Node] = []
    for graph_node in order:
        node = known.get(graph_node)
        if node is None:
            # An operation may be several nodes; the one that was seen is its last, and comes next.
            following = next((known[later] for later in order[order.index(graph_node) :] if later in known), None)
            if following is None:
                continue
            node = _Node(following.name, following.site, following.line, following.inputs, graph_node)
            graph_node.register_hook(node.see)
        result.append(node)
    return result


def _hidden(nodes: list[_Node]) -> _Node | None:
    """The operation that took up the result of the last one that was given bad gradients: it hid them in a node of its own."""
    for number in range(len(nodes) - 1, -1, -1):
        if nodes[number].handed_on_bad:
            return next((later for later in nodes[number + 1 :] if not later.handed_on_bad), nodes[number])
    return None
