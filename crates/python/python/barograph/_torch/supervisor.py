"""One observed training: what torch does is brought here, measured, judged and logged; nothing of it is changed."""

from __future__ import annotations

import math
import struct
import threading
import traceback
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from types import CodeType
from typing import Any

import torch

from barograph import _native, _ranks

from . import aside, facts, hooks, locate, names, repeat, source
from .budget import BARE, FIRST_STEPS, FULL, Budget
from .flow import Event, Flow, floats, has_nan, has_no_numbers, is_finite, is_mask, statistics, tensors
from .layers import Layers
from .loss import read_loss
from .operations import Operations
from .parameters import Parameters
from .policy import Policy
from .ranks import RankReadings
from .readings import INPUT, OUTPUT, TARGET, Readings

Told = tuple[str, str, int, str]
"""A finding: severity, code, step and message."""

_MOST_OPERATIONS = 5_000
"""Operations of loop code that are remembered in one step (our choice)."""

_MOST_OPERANDS = 256
"""Operations of loop code whose operands are kept until the end of the step: the latest (our choice)."""

_MOST_CALLS = 8
"""Calls of models that are remembered in one step, as where many batches make one step, or none (our choice)."""

_LISTEN_EVERY = 16
"""Steps after which a loop that is known is listened to again (our choice)."""

_CHECK_EVERY = 16
"""Steps after which weights are looked at for non-finite elements where steps are not measured in full: between two of them a bad
weight shows in the next loss (our choice)."""

_SMALL = 65_536
"""Elements up to which the operands of loop code are kept until the end of the step (our choice: 256 KB)."""


@dataclass(slots=True)
class Operation:
    """An operation of loop code that takes part in the backward pass."""

    name: str
    place: tuple[CodeType, int] | None
    inputs: list[torch.Tensor]
    of_library: bool = False
    """Whether it is a loss of `torch.nn.functional`."""
    bad_gradient: bool = False
    """Whether the gradient that it handed on was not finite, and the one that it was given was."""
    handed_on_bad: bool = False
    rows: tuple[list[int], int] = field(default_factory=lambda: ([], 0))
    incoming: _native.Statistics | None = None


@dataclass(slots=True)
class Call:
    """A call of a model from loop code."""

    module: torch.nn.Module
    args: Any
    kwargs: Any
    random_state: torch.Tensor | None
    place: tuple[CodeType, int] | None = None
    output: Any = None
    autocast: list[tuple[str, torch.dtype]] = field(default_factory=list)
    """The kinds of devices whose operations chose their precision themselves, and the low one."""
    gradient: torch.Tensor | None = None
    """The gradient that came back to its output."""

    def keep_gradient(self, gradient: torch.Tensor) -> None:
        """A hook of the output."""
        self.gradient = gradient

    def await_gradient(self) -> None:
        """Waits for the gradient of the output, and lets go of the graph behind it: it lives as long as the script wants it."""
        results = floats(self.output)
        for result in results:
            if result.requires_grad:
                result.register_hook(self.keep_gradient)
                break
        self.output = [result.detach() for result in results]


def _node(tensor: torch.Tensor) -> Any:
    """The node of the graph that made a tensor; torch refuses to tell for some views of what was changed in place."""
    try:
        return tensor.grad_fn
    except RuntimeError:
        return None


def _may_drop(module: torch.nn.Module) -> bool:
    """Whether a module is told to drop something, by its class or by its settings."""
    return "Dropout" in type(module).__name__ or bool(getattr(module, "dropout", 0.0))


class Supervisor:
    """Watches the trainings of this thread. The methods are called by the hooks of `hooks`."""

    def __init__(self, session: _native.Session, budget: Budget, policy: Policy, on_finding: Callable[[Told], None]) -> None:
        self.session = session
        self.budget = budget
        self.policy = policy
        self.readings = Readings(session)
        self.module_hooks = _native.ModuleHooks(session, hooks.enter_module, hooks.leave_module)
        self.stack: list[torch.nn.Module] = self.module_hooks.stack
        """The modules whose forward passes are under way, below a model that loop code called."""
        self.layers = Layers(self.readings, self.module_hooks)
        rank = _ranks.here()
        self.ranks = RankReadings(rank, self.readings, self.layers) if rank else None
        """What this process tells of itself beside the others, if it is one of several ranks."""
        self.parameters = Parameters(self.readings, self.layers)
        self.flow = Flow()
        self.operations = Operations(self)
        self.thread = threading.get_ident()
        self.step = 0
        self.level = FULL
        self.troubles: dict[str, int] = {}
        self.incident: Event | None = None
        self.optimizers: list[torch.optim.Optimizer] = []
        self.last_loss: float | None = None
        self.step_loss: float | None = None
        """The loss of the step that ended last."""
        self.backward_seen = False
        self.adds_losses = False
        """Whether the losses of one step are parts of one loss, as where gradients of parts of a batch are accumulated."""
        self._on_finding = on_finding
        self._watching_call = False
        self.muted = False
        self._begun = False
        self._step_started = perf_counter()
        self._calls: list[Call] = []
        self._operations: list[Operation] = []
        self._remembered: list[Operation] = []
        self._losses: list[float] = []
        self._scaled: dict[int, torch.Tensor] = {}
        self._last_scalar: torch.Tensor | None = None
        self._targets: torch.Tensor | None = None
        self._gradients_read = False
        self._weights_read = False
        self._loss_known = False
        self._logits = False
        self._wants_data = True
        self._primary: int | None = None
        self._primary_rested = 0
        self._rows = 0
        self.in_backward = False
        self.optimizer_exists = False
        self._shown: tuple[int, Event] | None = None
        """The step, and where the first number began that the script looked at and that was not finite."""
        self.on_incident: Callable[[Event, int, int], None] | None = None
        """Hears of the incident: the event, its step, and a checksum of the losses up to it."""
        self.on_doubt: Callable[[Event, int, int], None] | None = None
        """Hears at the end of an incident whose operation or line is not certain, and may settle it."""
        self._loss_bits = 0
        self.on_level: Callable[[int], None] = lambda level: None
        """Hears how much of the next step is to be seen."""
        self._unchecked: torch.optim.Optimizer | None = None
        """The optimizer whose latest update left weights that nobody has looked at yet."""
        self._optimizer_place: tuple[CodeType, int] | None = None
        self._knows_loop = self._loop_is_simple = False
        self._call_place: tuple[CodeType, int] | None = None
        """Where the model was called, the last time that this was looked up."""
        self._optimizers_made = 0
        self._others = 0
        """Operations of this step's loop code besides a loss of the library."""
        self._sites: dict[str, int] = {}
        self._newcomer: set[int] | None = None
        self.on_another: Callable[[], Supervisor | None] | None = None
        """Ends this training and gives the supervisor of the next one, where a script may train several models."""
        self._bad_gradients = False
        self._incident_step = 0
        self._incident_told = False

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be seen: supervision itself is at work, or an optimizer."""
        return self.module_hooks.quiet

    @quiet.setter
    def quiet(self, quiet: bool) -> None:
        self.module_hooks.quiet = quiet

    @property
    def reads_modules(self) -> bool:
        """Whether the results of modules are read at the moment."""
        return self.module_hooks.reads_modules

    # --- modules

    def enter_call(self, module: torch.nn.Module) -> None:
        """Loop code calls a model."""
        known = self.layers.of(module) is not None
        if not known and self._is_loop_code(module):
            return
        self.stack.append(module)
        self._watching_call = torch.is_grad_enabled() and not self.in_backward
        if not self._watching_call:
            # Fast paths of inference look whether a mode is active; without ours they are as they were.
            self.mute()
            self._knows_loop = False
            return
        self._end_without_optimizer()
        if not known:
            self.layers.learn(module, self._others_exist(module))
        self._begin()
        if self.step == 0:
            self.readings.see_device(next(module.parameters()))
        self._calls.append(Call(module, None, None, self._random_state(module)))
        if len(self._calls) > 2:
            self._calls[-3].await_gradient()
            del self._calls[:-_MOST_CALLS]
        self.module_hooks.reads_modules = self.level == FULL
        if self.ranks:
            self.ranks.enter_forward(self.budget.spent)
        if self.level != FULL or (self.step >= FIRST_STEPS and not self.layers.calls_functions):
            self.mute()  # Nothing within the model is looked at that its modules do not show.
        else:
            self.unmute()
        self.module_hooks.fast = self.muted and not self.readings.units_due and not self.readings.is_late

    def _random_state(self, module: torch.nn.Module) -> torch.Tensor | None:
        """The state of the random numbers, if the model draws any: to copy it costs as much as a small layer."""
        layer = self.layers.of(module)
        if layer is not None and layer.draws is None:
            layer.draws = any(_may_drop(part) for part in module.modules())
        draws = layer is None or layer.draws
        return torch.get_rng_state() if draws or self.step < FIRST_STEPS else None

    def _note_draws(self, module: torch.nn.Module) -> None:
        layer = self.layers.of(module)
        if layer is not None:
            layer.draws = True

    @staticmethod
    def _is_loop_code(module: torch.nn.Module) -> bool:
        """Whether a module that loop code calls is a loss or a function: it has no weights, and its operations are the loop's."""
        return next(module.parameters(), None) is None

    def _others_exist(self, module: torch.nn.Module) -> bool:
        own = {id(parameter) for parameter in module.parameters()}
        trained = [p for optimizer in self.optimizers for group in optimizer.param_groups for p in group["params"]]
        return any(id(parameter) not in own for parameter in trained) and any(id(p) in own for p in trained)

    def leave_module(self, module: torch.nn.Module, args: Any, out: Any) -> None:
        """A module of a model that is called has its result."""
        layer = self.layers.of(module)
        if layer is None or not layer.reads:
            return
        if layer.function is None:
            with torch._C.DisableTorchFunction():
                self.layers.see_module(layer, out)
        elif self.muted and args:  # Otherwise it was seen as an operation.
            self.layers.see_function(layer.function, args[0], out, layer.path, of_module=True)

    def leave_call(self, args: Any, kwargs: Any, out: Any) -> None:
        """A model that loop code called has its result."""
        self.budget.spent += self.module_hooks.take_seconds()
        if self.ranks:
            self.ranks.leave_forward(self.budget.spent)
        self._listen()
        self.module_hooks.reads_modules = False
        if self._watching_call and self._calls:
            with torch._C.DisableTorchFunction():
                self._see_call(self._calls[-1], args, kwargs, out)
        self._watching_call = False

    def _see_call(self, call: Call, args: Any, kwargs: Any, out: Any) -> None:
        call.args, call.kwargs, call.output = args, kwargs, out
        if not self._knows_loop or len(self._calls) > 1:
            self._call_place = source.place(4)
        call.place = self._call_place
        call.autocast = aside.autocast()
        results = floats(out)
        given = floats(args[0]) if len(args) == 1 and not kwargs else floats((args, kwargs))
        self._rows = next((result.shape[0] for result in results if result.dim() > 0), 0)
        if given and self.level == FULL:
            self.readings.read(self._site("input", 0, given[0]), INPUT, given[0])
        bad = [result for result in results if not is_finite(result)]
        if bad:
            self._bad_call(call, bad, given)

    def _site(self, path: str, units: int, batch: torch.Tensor) -> int:
        """The site of inputs, outputs or targets; with 0 units, every number of an example is one."""
        site = self._sites.get(path)
        if site is None:
            shape = list(batch.shape[1:])
            site = self._sites[path] = self.readings.site(path, units or math.prod(shape), shape)
        return site

    def _bad_call(self, call: Call, bad: list[torch.Tensor], given: list[torch.Tensor]) -> None:
        self._check_late()
        entered = [tensor for tensor in given if not is_finite(tensor)]
        known = [origin for origin in map(self.flow.origin, entered) if isinstance(origin, Event)]
        known += [event for event in self.flow.events if event.phase == "update"]
        layer = self.layers.of(call.module)
        site = layer.path if layer else ""
        if known:
            event = known[0]
        elif any(not is_mask(tensor) for tensor in entered):
            event = Event("data", "input", "input", source.line(call.place))
            event.inputs = [found for found in (statistics(t, f"input {i}") for i, t in enumerate(entered)) if found]
            event.rows, event.row_count = locate.rows_of(entered, entered[0].shape[0])
            self.flow.events.append(event)
        else:
            event = Event("forward", type(call.module).__name__, site, source.line(call.place), call=call)
            event.rows, event.row_count = locate.rows_of(bad, self._rows)
            event.may_be_meant = not any(has_nan(tensor) for tensor in bad)
            self.flow.events.append(event)
        for tensor in bad:
            self.flow.mark(tensor, event)

    def _keep_output_gradients(self) -> None:
        """Keeps the gradients that come back to the outputs of models in this backward pass: to find where a bad one began."""
        for call in self._calls:
            call.await_gradient()

    # --- operations

    def see_operation(self, kind: int, name: str, args: Any, kwargs: Any, out: Any) -> None:
        """Takes in an operation that was done. Called under no mode, so that looking at tensors is not seen in turn."""
        if threading.get_ident() != self.thread:
            return
        if self.stack:
            if kind is names.RANDOM:
                self._note_draws(self.stack[0])
            if kind is names.ACTIVATION and self._watching_call and self.level == FULL and args:
                layer = self.layers.of(self.stack[-1])
                if layer is not None:
                    name = layer.function or names.activation(name)
                    self.layers.see_function(name, args[0], out, layer.path, of_module=layer.function is not None)
            return
        if self.in_backward:
            return
        if kind is names.SHOWN or kind is names.COMPARED:
            self._others += not self.backward_seen
            if kind is names.SHOWN:
                self._see_shown(args)
            return
        self._others += kind is not names.VIEW and kind is not names.LOSS
        self._see_loop_operation(kind, name, args, kwargs, out)

    def _see_shown(self, args: Any) -> None:
        """The script looks at a number. One that is not finite may never come near a loss, as in a validation."""
        shown = args[0] if args else None
        if self._shown is None and isinstance(shown, torch.Tensor) and shown.is_floating_point() and not is_finite(shown):
            origin = self.flow.origin(shown)
            if isinstance(origin, Event):
                self._shown = (self.step, origin)

    def _see_loop_operation(self, kind: int, name: str, args: Any, kwargs: Any, out: Any) -> None:
        if kind is names.TARGET or kind is names.LOSS:
            self._see_targets(kind, args)
        results = floats(out)
        if not results and name != "__setitem__":
            return
        if kind is names.ACTIVATION and self.level == FULL and args and results and results[0].requires_grad:
            self._begin()
            self.layers.see_function(names.activation(name), args[0], out, None)
        plain = names.plain(name)
        if name == "__setitem__" or not all(map(is_finite, results)):
            self._see_bad_operation(plain, args, kwargs, out, results)
        # A weight that is updated in place requires gradients too, but belongs to no graph.
        if kind is names.VIEW or not results or _node(results[0]) is None:
            return
        self._end_without_optimizer()
        if results[0].dim() == 0:
            self._last_scalar = results[0]
        self._remember(kind, plain, args, results[0])

    def _see_bad_operation(self, name: str, args: Any, kwargs: Any, out: Any, results: list[torch.Tensor]) -> None:
        line = source.line(source.place(4))
        site = "loss" if self._calls else "loop"
        known = len(self.flow.events)
        event = self.flow.see(name, args, kwargs, out, site=site, source=line, rows=self._rows)
        by_hand = not torch.is_grad_enabled() and self._changes_a_weight(args)
        if event is None or len(self.flow.events) == known:
            return
        if not by_hand and any(result.requires_grad for result in results):
            return
        if self.backward_seen or by_hand:
            event.phase = "update"  # Arithmetic of the loop's own between the backward pass and the next forward pass.
        elif self.step == 0 and not self._calls:
            event.phase = "data"  # Nothing that is trained has met it yet.

    def _changes_a_weight(self, args: Any) -> bool:
        """Whether loop code works on a weight itself, between the steps of an optimizer."""
        return not self._calls and any(self.parameters.knows(id(tensor)) for tensor in tensors(args))

    def _remember(self, kind: int, name: str, args: Any, result: torch.Tensor) -> None:
        node = _node(result)
        if node is None or len(self._operations) >= _MOST_OPERATIONS:
            return
        inputs = list(tensors(args))
        if self._targets is None and self._calls:
            self._guess_targets(inputs)
        kept = [tensor.detach() for tensor in inputs if tensor.numel() <= _SMALL]
        operation = Operation(name, source.place(4), kept, of_library=kind is names.LOSS)
        self._operations.append(operation)
        if len(self._operations) > _MOST_OPERANDS:
            self._operations[-_MOST_OPERANDS - 1].inputs = []
        node.register_hook(self._backward_hook(operation))

    def _backward_hook(self, operation: Operation) -> Callable[[Any, Any], None]:
        def see(handed_on: Any, given: Any) -> None:
            bad = [t for t in handed_on if t is not None and not is_finite(t)]
            if not bad:
                return
            operation.handed_on_bad = True
            came_in = [t for t in given if t is not None]
            operation.bad_gradient = all(map(is_finite, came_in))
            operation.rows = locate.rows_of(bad, self._rows)
            if came_in:
                operation.incoming = statistics(came_in[0], "gradient")

        return see

    def _see_targets(self, kind: int, args: Any) -> None:
        if kind is names.TARGET and args and isinstance(args[0], torch.Tensor):
            self._targets = args[0]
        elif kind is names.LOSS and len(args) > 1 and isinstance(args[1], torch.Tensor):
            self._targets = args[1]

    def _guess_targets(self, inputs: list[torch.Tensor]) -> None:
        """Of a loss that is written by hand: what meets the outputs and is no result of the model."""
        if len(inputs) < 2 or not any(tensor.requires_grad for tensor in inputs):
            return
        for tensor in inputs:
            if not tensor.requires_grad and tensor.dim() > 0 and tensor.shape[0] == self._rows:
                self._targets = tensor

    # --- backward

    def before_backward(self, roots: Any) -> None:
        begun = perf_counter()
        self.stack.clear()
        with torch._C.DisableTorchFunction():
            self._end_without_optimizer()
            self._begin()
            self.backward_seen = True
            for loss in (roots,) if type(roots) is torch.Tensor else list(tensors(roots))[:1]:
                self._see_loss(self._scaled.get(id(loss), loss))
                self._keep_output_gradients()
                if not self.optimizer_exists and not self.parameters.count:
                    self.parameters.learn_leaves(loss)
        self.in_backward = True
        self.budget.spent += perf_counter() - begun
        if self.ranks:
            self.ranks.enter_backward(self.budget.spent)

    def after_backward(self) -> None:
        begun = perf_counter()
        if self.ranks:
            self.ranks.end_wait(self.budget.spent)
        self.in_backward = False
        if not self.optimizer_exists:
            with torch._C.DisableTorchFunction():
                self.see_gradients()
                self._read_weights_once()
        self.budget.spent += perf_counter() - begun

    def after_grad(self, inputs: Any, gradients: Any) -> None:
        """The gradients of a loop without an optimizer were computed, and given to the script."""
        begun = perf_counter()
        self.in_backward = False
        if gradients is not None:
            with torch._C.DisableTorchFunction():
                self.parameters.given = dict(zip(map(id, tensors(inputs)), tensors(gradients)))
                self.see_gradients()
                self._read_weights_once()
        self.budget.spent += perf_counter() - begun

    def see_custom_function(self, name: str, args: Any, out: Any) -> None:
        """Takes in a function with a derivative of its own."""
        with torch._C.DisableTorchFunction():
            if repeat.current is not None:
                repeat.current.see(names.COMPUTE, name, args, None, out)
            elif not self.quiet:
                self.see_operation(names.COMPUTE, name, args, None, out)

    def see_new_optimizer(self, optimizer: torch.optim.Optimizer | None = None) -> None:
        """An optimizer was made: from now on it is its steps that count."""
        self.optimizer_exists = True
        self._optimizers_made += optimizer is not None
        if optimizer is not None and self.step >= 2:
            own = {id(p) for group in getattr(optimizer, "param_groups", ()) for p in group["params"]}
            # Two models that are trained against each other are there from the beginning.
            self._newcomer = own if not any(self.parameters.knows(p) for p in own) else None

    def begins_anew(self, module: torch.nn.Module) -> bool:
        """Whether a model that loop code calls is one that a new optimizer is to train, so that another training begins."""
        if not self._newcomer or self.on_another is None or not torch.is_grad_enabled():
            return False
        return any(id(parameter) in self._newcomer for parameter in module.parameters())

    def _end_without_optimizer(self) -> None:
        """In a loop that updates its weights by hand, a step ends where the next one begins."""
        if self.backward_seen and not self.optimizer_exists:
            with torch._C.DisableTorchFunction():
                self._end(None)

    def _see_loss(self, loss: torch.Tensor) -> None:
        if has_no_numbers(loss):
            return
        value = loss.item() if loss.numel() == 1 else float(loss.detach().sum())
        if not math.isfinite(value):
            self._check_late()
        self._losses.append(value)
        self.last_loss = value
        if self.incident is None:
            self._loss_bits = zlib.crc32(struct.pack("d", value), self._loss_bits)
        if not self._loss_known and loss.grad_fn is not None:
            self._learn_loss(loss)
        if self._knows_loop and self._targets is None:
            self._targets = getattr(loss.grad_fn, "_saved_target", None)
        if self.level == FULL:
            self.layers.end_forward()
            self._see_outputs()
        if not math.isfinite(value):
            self._broke(locate.forward(self, loss))

    def _learn_loss(self, loss: torch.Tensor) -> None:
        self._loss_known = True
        results = [result for call in self._calls for result in floats(call.output) if result.dim() > 0]
        outputs = {result.grad_fn for result in results if result.grad_fn is not None}
        name, takes, reduction = read_loss(loss, outputs)
        self._logits = takes == "logits"
        self.readings.fact("loss", name)
        self.readings.fact("loss_takes", takes)
        if reduction is not None:
            self.readings.fact("loss_reduction", reduction)

    def _see_outputs(self) -> None:
        """Reads what the last model that was called put out, beside the targets."""
        if not self._calls:
            return
        call = self._calls[-1]
        # Models that compute their own loss put it out beside what they answer.
        results = [result for result in floats(call.output) if result.dim() > 0]
        if not results:
            return
        output = results[0].detach()
        width = output.shape[-1] if output.dim() > 1 else 1
        site = self._site("output", width, output)
        if self.readings.read(site, OUTPUT, output):
            return
        self.readings.scalar("batch_rows", float(output.shape[0]))
        if self.readings.units_due and width > 1:
            self.readings.read_units(site, OUTPUT, output, (output.numel() // width, width, 1))
        # Of models that are trained against each other, each has targets of its own, and together they have none.
        targets = self._targets if self._optimizers_made < 2 else None
        if output.dtype != torch.float32:
            output = output.float()
        output = output.contiguous()
        columns = 1
        if targets is not None:
            targets = targets.detach().contiguous()
            targets = targets.float() if targets.is_floating_point() and targets.dtype != torch.float32 else targets
            columns = targets.numel() // max(1, targets.shape[0]) if targets.dim() > 1 else 1
            self.readings.read(self._site("target", columns, targets), TARGET, targets)
        self.readings.see_answers(output, width, targets, columns, self._logits)
        if self._wants_data and targets is not None:
            self._see_data(self._calls[0], targets, columns, width)

    def _see_data(self, call: Call, targets: torch.Tensor, columns: int, width: int) -> None:
        given = [tensor for tensor in floats((call.args, call.kwargs)) if not tensor.requires_grad]
        if self.incident is not None or not given or given[0].dim() == 0 or given[0].shape[0] == 0 or targets.dim() == 0:
            self._wants_data = False
            return
        inputs = given[0].detach().float().contiguous()
        rows = inputs.shape[0]
        if targets.shape[0] != rows:
            self._wants_data = False
            return
        self._wants_data = self.readings.see_data(inputs, inputs.numel() // rows, targets, columns, width)
        if not self._wants_data:
            self.readings.fact("rows", float(self.session.rows_seen()), "measured")

    def declare_loss(self, name: str, takes: str, reduction: str) -> None:
        """Says which loss it is, where that is known from elsewhere than the autograd graph."""
        self._loss_known = True
        self._logits = takes == "logits"
        for key, value in (("loss", name), ("loss_takes", takes), ("loss_reduction", reduction)):
            self.readings.fact(key, value)

    def declare_targets(self, targets: torch.Tensor) -> None:
        """Says what the next loss compares the outputs with, where that is known from elsewhere than its operations."""
        self._targets = targets

    def see_scaled(self, scaled: Any, loss: Any) -> None:
        """A gradient scaler multiplied the loss: the loss itself is what is meant."""
        for after, before in zip(tensors(scaled), tensors(loss)):
            self._scaled[id(after)] = before

    # --- optimizers

    def see_gradients(self) -> None:
        """Reads the gradients, once a step: before they are clipped, or before the optimizer takes them."""
        if self._gradients_read:
            return
        self._gradients_read = True
        self.parameters.learn(self.optimizers)
        bad = self.level == FULL and self.parameters.read_gradients() > 0
        if self.level != FULL or self.readings.is_late:
            bad = self.parameters.gradients_are_bad()
        self._bad_gradients = bad
        if bad and self.incident is None:
            self._broke(locate.backward(self))

    def see_gradients_before_clipping(self) -> None:
        """Reads the gradients before the script clips them; those under a loss scale only after the scaler let them pass."""
        if not self._scaled:
            self.see_gradients()

    def see_clipped(self, norm: float, limit: float) -> None:
        """The script clipped the global gradient norm."""
        self.readings.scalar("clipped", 1.0 if norm > limit else 0.0)
        self.readings.fact("clip_norm", limit)

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        begun = perf_counter()
        self._enter_step()
        if optimizer not in self.optimizers:
            self.optimizers.append(optimizer)
            facts.optimizer(self.readings, optimizer)
        if not self.backward_seen and self._last_scalar is not None:
            self._see_loss(self._last_scalar)
        self._read_before(float(optimizer.param_groups[0]["lr"]))
        self.policy.before_step(self, optimizer)
        self.budget.spent += perf_counter() - begun

    def before_update(self, learning_rate: float | None) -> None:
        """An optimizer that is none of torch's is about to change the weights; `after_update` ends the step."""
        begun = perf_counter()
        self._enter_step()
        self._read_before(learning_rate)
        self.budget.spent += perf_counter() - begun

    def after_update(self, optimizer: Any) -> None:
        """The weights were changed. Operations are not seen until the model is called again: they belong to no step."""
        begun = perf_counter()
        self.parameters.read_updates()
        if self._is_primary(optimizer):
            self._end(optimizer)
        self.budget.spent += perf_counter() - begun

    def _enter_step(self) -> None:
        self.mute()
        self.stack.clear()
        self._begin()
        if self.level == FULL and self._optimizer_place is None:
            self._optimizer_place = source.place(5)
        self.optimizer_exists = True

    def _read_before(self, learning_rate: float | None) -> None:
        self.see_gradients()
        self._read_weights_once()
        if learning_rate is not None:
            self.readings.scalar("learning_rate", learning_rate)
        if self.readings.units_due and self.level != BARE:
            self.parameters.keep_old()

    def _read_weights_once(self) -> None:
        if self.ranks:
            self.ranks.see_weights(self.parameters)
        if not self._weights_read:
            self._weights_read = True
            if self.level == FULL:
                self.parameters.read_weights()

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        begun = perf_counter()
        self.policy.after_step(self, optimizer)
        if not self._gradients_read:
            self.see_gradients()  # A closure computed them within the step.
        self.parameters.read_updates()
        if self._is_primary(optimizer):
            self._end(optimizer)
        self._listen()
        self.budget.spent += perf_counter() - begun

    def _is_primary(self, optimizer: Any) -> bool:
        """A step ends with the optimizer that stepped first; with another one when that rests (two phases of a training)."""
        if self._primary is None or id(optimizer) == self._primary:
            self._primary, self._primary_rested = id(optimizer), 0
            return True
        self._primary_rested += 1
        if self._primary_rested >= 8:
            self._primary, self._primary_rested = id(optimizer), 0
            return True
        return False

    # --- steps

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        self.readings.begin_step(self.step, 0)

    def _end(self, optimizer: torch.optim.Optimizer | None) -> None:
        """Ends the step: it is judged and logged, and the weights are read as the next step finds them."""
        if self._losses:
            self.step_loss = sum(self._losses) / (1 if self.adds_losses else len(self._losses))
            self.readings.scalar("loss", self.step_loss)
        if self.step == 0:
            self.readings.fact("parameters", float(self.parameters.count), "measured")
            if self._rows:
                self.readings.fact("batch_size", float(self._rows), "measured")
        if self.ranks:
            self.ranks.end_step(perf_counter() - self._step_started - self.budget.spent, self.level)
        for told in self.readings.end_step():
            self._on_finding(told)
        self._tell_incident()
        now = perf_counter()
        self.level = self.budget.next_level(self.level, now - self._step_started)
        self._step_started = now
        self.on_level(self.level)
        self._look_at_loop()
        if optimizer is None:
            self._listen()
        self.step += 1
        by_hand = next((event for event in self.flow.events if event.phase == "update"), None)
        self._forget()
        self._begin()
        self._read_new_weights(optimizer, by_hand)

    def _look_at_loop(self) -> None:
        """A loop that only calls a model and a loss of the library, and does not look at the loss before the backward pass, need
        not be listened to at every step: which loss it is, its line and its targets are known without. It is listened to again
        now and then, for loops change, and whenever a model is called without gradients, as in a validation."""
        if not self._knows_loop and self._operations:
            only_one = len(self._operations) == 1 and self._operations[0].of_library
            self._loop_is_simple = only_one and not self._others
        self._knows_loop = self._loop_is_simple and self.step >= FIRST_STEPS and self.step % _LISTEN_EVERY != 0

    def library_loss(self) -> Operation | None:
        """The one operation of the loop, where this step was not listened to because it is known."""
        return self._remembered[0] if self._knows_loop and self._remembered else None

    def _forget(self) -> None:
        self._begun = self._gradients_read = self._weights_read = self.backward_seen = self._bad_gradients = False
        self._remembered = self._operations or self._remembered
        for operation in self._remembered:
            operation.inputs = []
        self._operations = []
        self._calls.clear()
        self._losses.clear()
        self._scaled.clear()
        self._targets = self._last_scalar = None
        self._others = 0
        self.flow.clear()

    def _read_new_weights(self, optimizer: torch.optim.Optimizer | None, by_hand: Event | None) -> None:
        self._unchecked = None
        if self.level == FULL:
            self._weights_read = True
            bad = self.parameters.read_weights() > 0
        elif by_hand is None and self.policy.name == "report" and self.step % _CHECK_EVERY:
            self._unchecked = optimizer
            return
        else:
            bad = self.parameters.first_bad(of_gradients=False) is not None
        if not bad or self.incident is not None:
            return
        if by_hand is not None:
            event = by_hand
            weight = self.parameters.first_bad(of_gradients=False)
            event.site = weight[0] if weight else event.site
        elif optimizer is not None:
            self._optimizer_place = source.place(1)
            event = locate.update(self, optimizer, self._optimizer_place)
        else:
            return
        self._incident_step = self.step - 1
        self.incident = event
        self._tell_incident()

    def _check_late(self) -> None:
        """The forward pass broke. In a step that is not measured in full, the weights were not looked at after the update before it:
        a bad one shows here."""
        optimizer, self._unchecked = self._unchecked, None
        if optimizer is None or self.incident is not None or self.parameters.first_bad(of_gradients=False) is None:
            return
        self._incident_step = self.step - 1
        self.incident = locate.update(self, optimizer, self._optimizer_place)
        self._tell_incident()

    # --- incidents

    def _broke(self, event: Event | None) -> None:
        """The loss or a gradient is not finite: this is where it began."""
        if self.incident is None and event is not None:
            self.incident = event
            self._incident_step = self.step

    def _tell_incident(self) -> None:
        event = self.incident
        if event is None or self._incident_told or (self.on_doubt is not None and event.doubt):
            return
        self._incident_told = True
        if self.on_incident is not None:
            self.on_incident(event, self._incident_step, self._loss_bits)
        told = self.session.incident(
            {
                "step": self._incident_step,
                "phase": event.phase,
                "operation": event.operation,
                "site": event.site,
                "source": tuple(event.source) if event.source else None,
                "rows": event.rows,
                "row_count": event.row_count,
                "inputs": event.inputs,
                "victims": max(1, len(self.flow.events)),
                "doubt": event.doubt,
                "repeated": event.repeated,
            }
        )
        for finding in told:
            self._on_finding(finding)

    # --- beginning, trouble, end

    def _listen(self) -> None:
        """Operations are seen again, if this step is one at which they are."""
        if self.level == BARE or self._knows_loop:
            self.mute()
        else:
            self.unmute()

    def mute(self) -> None:
        """No operation is seen until `unmute`. Modes and tensors of the script's own work on."""
        if not self.muted and threading.get_ident() == self.thread:
            self.muted = True
            self.operations.leave()

    def unmute(self) -> None:
        if self.muted and threading.get_ident() == self.thread:
            self.muted = False
            self.operations.enter()

    def trouble(self, error: BaseException) -> None:
        """Something went wrong in supervision itself. It is said once, at the end; the training does not notice."""
        where = traceback.extract_tb(error.__traceback__)[-1:]
        place = f" ({where[0].filename.rpartition('/')[2]}:{where[0].lineno})" if where else ""
        text = f"{type(error).__name__}: {error}{place}"
        self.troubles[text] = self.troubles.get(text, 0) + 1

    def finish(self, end: str) -> None:
        """Ends the run: `completed`, `stopped`, `interrupted` or `failed`."""
        self.unmute()
        if self._begun and (self.incident is None or self._incident_step == self.step):
            self._end_unfinished()
        if self.incident is None and self._shown is not None:
            self._incident_step, event = self._shown
            self.incident = locate.resolved(self, event)
            self._tell_incident()
        if self.incident is not None and not self._incident_told and self.on_doubt is not None:
            self.on_doubt(self.incident, self._incident_step, self._loss_bits)
            self.on_doubt = None
            self._tell_incident()
        thinned = self.budget.thinned()
        if thinned:
            self.session.dropped(*thinned)
        for told in self.readings.flush():
            self._on_finding(told)
        for told in self.session.end(self.step, end):
            self._on_finding(told)
        self._let_go()

    def _let_go(self) -> None:
        """Other trainings may follow in the same script, and need the memory of this one's models."""
        self._forget()
        self.flow = Flow()
        self.module_hooks.clear()
        self.layers = Layers(self.readings)
        self.parameters = Parameters(self.readings, self.layers)
        self.policy = Policy(self.policy.name)
        self.optimizers = []

    def _end_unfinished(self) -> None:
        """The script ended within a step: what was seen of it still counts, above all where it broke."""
        last = self._last_scalar
        if not self._losses and last is not None and not is_finite(last):
            self._see_loss(last)  # The script looked at its loss and left the loop.
        elif self.backward_seen and not self.optimizer_exists:
            self._end(None)
        if self._losses:
            self.readings.scalar("loss", self._losses[-1])
            for told in self.readings.end_step():
                self._on_finding(told)
        self._tell_incident()

    def is_broken(self) -> bool:
        """Whether the loss or a gradient of this step is not finite."""
        return self.incident is not None and self._incident_step == self.step or self._step_is_broken()

    def _step_is_broken(self) -> bool:
        finite_losses = all(loss == loss and abs(loss) != float("inf") for loss in self._losses)
        return not finite_losses or self.session.is_broken() or self._bad_gradients

    def broken_text(self) -> str:
        """What is not finite, for messages."""
        event = self.incident
        where = f"; it began with `{event.operation}` at {event.site or 'the loop'}" if event else ""
        line = f", {event.source.file}:{event.source.number}" if event and event.source else ""
        return f"step {self.step}: the loss or a gradient is not finite{where}{line}"

    def remembered(self) -> list[Operation]:
        """Operations of loop code in this step, or, where it was not seen, in the latest step that was."""
        return self._operations or self._remembered

    def calls(self) -> list[Call]:
        return self._calls

    def rows(self) -> int:
        return self._rows
