"""One observed training: what torch does is brought here, measured, judged and logged; nothing of it is changed."""

from __future__ import annotations

import math
import threading
import traceback
from collections.abc import Callable
from time import perf_counter
from types import CodeType
from typing import Any

import torch

from barograph import _native, _ranks

from . import facts, hooks, locate, names, repeat, source
from .answers import Answers
from .budget import BARE, FIRST_STEPS, FULL, Budget
from .calls import Calls
from .flow import Event, Flow, has_no_numbers, is_finite, tensors
from .incidents import Incidents
from .layers import Layers
from .loop import Loop
from .operations import Operations
from .parameters import Parameters
from .policy import Policy
from .ranks import RankReadings
from .readings import Readings, Told
from .steady import Steady

_CHECK_EVERY = 16
"""Steps after which weights are looked at for non-finite elements where steps are not measured in full: between two of them a bad
weight shows in the next loss (our choice)."""

_RESTED = 8
"""Steps of other optimizers after which the one that ended the steps so far counts as resting (our choice)."""


class Supervisor:
    """Watches the trainings of this thread. The methods are called by the hooks of `hooks`."""

    def __init__(
        self,
        session: _native.Session,
        budget: Budget,
        policy: Policy,
        on_finding: Callable[[Told], None],
        readings: Readings | None = None,
    ) -> None:
        self.session = session
        self.budget = budget
        self.policy = policy
        self.readings = Readings(session) if readings is None else readings
        self.module_hooks = _native.ModuleHooks(session, hooks.enter_module, hooks.leave_module, hooks.begin_call)
        self.stack: list[torch.nn.Module] = self.module_hooks.stack
        """The modules whose forward passes are under way, below a model that loop code called."""
        self.layers = Layers(self.readings, self.module_hooks)
        rank = _ranks.here()
        self.ranks = RankReadings(rank, self.readings, self.layers) if rank else None
        """What this process tells of itself beside the others, if it is one of several ranks."""
        self.parameters = Parameters(self.readings, self.layers)
        self.flow = Flow()
        self.calls = Calls(self)
        self.loop = Loop(self)
        self.answers = Answers(self.readings, self.calls)
        self.incidents = Incidents(session, on_finding)
        self.operations = Operations(self)
        self.steady = Steady(self)
        self.thread = threading.get_ident()
        self.step = 0
        self.level = FULL
        self.muted = False
        self.troubles: dict[str, int] = {}
        self.optimizers: list[torch.optim.Optimizer] = []
        self.optimizer_exists = False
        self.last_loss: float | None = None
        self.step_loss: float | None = None
        """The loss of the step that ended last."""
        self.adds_losses = False
        """Whether the losses of one step are parts of one loss, as where gradients of parts of a batch are accumulated."""
        self.backward_seen = self.in_backward = False
        self.on_level: Callable[[int], None] = lambda level: None
        """Hears how much of the next step is to be seen."""
        self.on_another: Callable[[], Supervisor | None] | None = None
        """Ends this training and gives the supervisor of the next one, where a script may train several models."""
        self._on_finding = on_finding
        self._watching_call = False
        self._begun = self.gradients_read = self._weights_read = self.bad_gradients = False
        self.step_started = perf_counter()
        self.losses: list[float] = []
        self._scaled: dict[int, torch.Tensor] = {}
        self._primary: int | None = None
        self._primary_rested = 0
        self.optimizers_made = 0
        self._kept_gradients = False
        """Whether a step began with gradients of an earlier one."""
        self.newcomer: set[int] | None = None
        """Parameters of an optimizer that was made while another model was trained, and of which none was seen."""
        self._optimizer_place: tuple[CodeType, int] | None = None
        self._unchecked: torch.optim.Optimizer | None = None
        """The optimizer whose latest update left weights that nobody has looked at yet."""

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be seen: supervision itself is at work, or an optimizer."""
        return self.module_hooks.quiet

    @quiet.setter
    def quiet(self, quiet: bool) -> None:
        self.module_hooks.quiet = quiet

    def resume(self) -> None:
        """Time that went by until now is nobody's."""
        self.step_started = perf_counter()

    # --- modules

    def enter_call(self, module: torch.nn.Module) -> None:
        """Loop code calls a model."""
        self.steady.leave()
        layer = self.layers.of(module)
        if layer is None and next(module.parameters(), None) is None:
            return  # A loss or a function: it has no weights, and its operations are the loop's.
        self.stack.append(module)
        self._watching_call = torch.is_grad_enabled() and not self.in_backward
        if not self._watching_call:
            # Fast paths of inference look whether a mode is active; without ours they are as they were.
            self.mute()
            self.loop.is_known = False
            return
        self.end_without_optimizer()
        if layer is None:
            self.layers.learn(module, self._others_exist(module))
            layer = self.layers.of(module)
        self.begin()
        if self.step == 0:
            self.readings.see_device(next(module.parameters()))
        self.calls.enter(module, layer)
        self.module_hooks.reads_modules = self.level == FULL
        if self.ranks:
            self.ranks.enter_forward(self.budget.spent)
        if self.level != FULL or (self.step >= FIRST_STEPS and not self.layers.calls_functions):
            self.mute()  # Nothing within the model is looked at that its modules do not show.
        else:
            self.unmute()
        self.module_hooks.fast = self.muted and not self.readings.units_due and not self.readings.is_late

    def _others_exist(self, module: torch.nn.Module) -> bool:
        own = {id(parameter) for parameter in module.parameters()}
        trained = [p for optimizer in self.optimizers for group in optimizer.param_groups for p in group["params"]]
        return any(id(parameter) not in own for parameter in trained) and any(id(p) in own for p in trained)

    def begin_call(self, module: torch.nn.Module) -> None:
        """A model was called as in the step before, but its end is not as it was there: `leave_call` follows."""
        self.steady.leave()
        self._watching_call = True
        self.calls.enter(module, self.layers.of(module))

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
        self.listen()
        self.module_hooks.reads_modules = False
        if self._watching_call:
            with torch._C.DisableTorchFunction():
                self.calls.leave(args, kwargs, out)
        self._watching_call = False

    # --- operations

    def see_operation(self, kind: int, name: str, args: Any, kwargs: Any, out: Any) -> None:
        """Takes in an operation that was done. Called under no mode, so that looking at tensors is not seen in turn."""
        if threading.get_ident() != self.thread:
            return
        if self.stack:
            self._see_within_a_model(kind, name, args, out)
        elif not self.in_backward:
            self.loop.see(kind, name, args, kwargs, out)

    def _see_within_a_model(self, kind: int, name: str, args: Any, out: Any) -> None:
        if kind is names.RANDOM:
            model = self.layers.of(self.stack[0])
            if model is not None:
                model.draws = True
        if kind is names.ACTIVATION and self._watching_call and self.level == FULL and args:
            layer = self.layers.of(self.stack[-1])
            if layer is not None:
                name = layer.function or names.activation(name)
                self.layers.see_function(name, args[0], out, layer.path, of_module=layer.function is not None)

    def see_custom_function(self, name: str, args: Any, out: Any) -> None:
        """Takes in a function with a derivative of its own."""
        with torch._C.DisableTorchFunction():
            if repeat.current is not None:
                repeat.current.see(names.COMPUTE, name, args, None, out)
            elif not self.quiet:
                self.see_operation(names.COMPUTE, name, args, None, out)

    def mute(self) -> None:
        """No operation is seen until `unmute`. Modes and tensors of the script's own work on."""
        if not self.muted and threading.get_ident() == self.thread:
            self.muted = True
            self.operations.leave()

    def unmute(self) -> None:
        if self.muted and threading.get_ident() == self.thread:
            self.muted = False
            self.steady.leave()
            self.operations.enter()

    def listen(self) -> None:
        """Operations are seen again, if this step is one at which they are."""
        if self.level == BARE or self.loop.is_known:
            self.mute()
        else:
            self.unmute()

    # --- backward

    def before_backward(self, roots: Any) -> None:
        begun = perf_counter()
        self.steady.leave()
        self.stack.clear()
        with torch._C.DisableTorchFunction():
            self.end_without_optimizer()
            self.begin()
            if not self.backward_seen and self.step and not self.loop.is_known and self.optimizers_made < 2:
                self._see_old_gradients()
            self.backward_seen = True
            for loss in (roots,) if type(roots) is torch.Tensor else list(tensors(roots))[:1]:
                self._see_loss(self._scaled.get(id(loss), loss))
                if not self.loop.can_repeat_loss():
                    self.calls.await_gradients()
                if not self.optimizer_exists and not self.parameters.count:
                    self.parameters.learn_leaves(loss)
        self.in_backward = True
        self.budget.spent += perf_counter() - begun
        if self.ranks:
            self.ranks.enter_backward(self.budget.spent)

    def _see_loss(self, loss: torch.Tensor) -> None:
        if has_no_numbers(loss):
            return
        value = loss.item() if loss.numel() == 1 else float(loss.detach().sum())
        broken = not math.isfinite(value)
        if broken:
            self.check_late()
        else:
            self.incidents.see_loss(value)
        self.losses.append(value)
        self.last_loss = value
        self.answers.learn_loss(loss)
        if self.loop.is_known and self.answers.targets is None:
            self.answers.targets = getattr(loss.grad_fn, "_saved_target", None)
        if self.level == FULL:
            self.layers.end_forward()
            self.answers.see(self.optimizers_made > 1, self.incidents.first is not None)
        if broken:
            self.incidents.begin(locate.forward(self, loss), self.step)

    def _see_old_gradients(self) -> None:
        """Of models that are trained against each other, one may keep its gradients while another has its turn; of one, none is to."""
        kept = self.parameters.hold_old_gradients()
        if kept is not None:
            self._kept_gradients = self._kept_gradients or kept
            self.readings.fact("gradients_reset", not self._kept_gradients, "measured")

    def see_scaled(self, scaled: Any, loss: Any, scale: float) -> None:
        """A gradient scaler multiplied the loss: the loss itself is what is meant."""
        self.begin()
        self.readings.scalar("loss_scale", scale)
        for after, before in zip(tensors(scaled), tensors(loss)):
            self._scaled[id(after)] = before

    def after_backward(self) -> None:
        self.in_backward = False
        if self.ranks:
            self.ranks.end_wait(self.budget.spent)
        if not self.optimizer_exists:
            begun = perf_counter()
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

    def see_gradients(self) -> None:
        """Reads the gradients, once a step: before they are clipped, or before the optimizer takes them."""
        if self.gradients_read:
            return
        self.gradients_read = True
        self.parameters.learn(self.optimizers)
        bad = self.level == FULL and self.parameters.read_gradients() > 0
        if self.level != FULL or self.readings.is_late:
            bad = self.parameters.gradients_are_bad()
        if bad:
            self.see_bad_gradients()

    def see_bad_gradients(self) -> None:
        """A gradient of this step is not finite."""
        self.bad_gradients = True
        if self.incidents.first is None:
            self.incidents.begin(locate.backward(self), self.step)

    def see_gradients_before_clipping(self) -> None:
        """Reads the gradients before the script clips them; those under a loss scale only after the scaler let them pass."""
        if not self._scaled:
            self.see_gradients()

    def see_clipped(self, norm: float, limit: float) -> None:
        """The script clipped the global gradient norm."""
        self.readings.scalar("clipped", 1.0 if norm > limit else 0.0)
        self.readings.fact("clip_norm", limit)

    # --- optimizers

    def see_new_optimizer(self, optimizer: torch.optim.Optimizer | None = None) -> None:
        """An optimizer was made: from now on it is its steps that count."""
        self.optimizer_exists = True
        self.optimizers_made += optimizer is not None
        if optimizer is not None and self.step >= 2:
            own = {id(p) for group in getattr(optimizer, "param_groups", ()) for p in group["params"]}
            # Two models that are trained against each other are there from the beginning.
            self.newcomer = own if not any(self.parameters.knows(p) for p in own) else None
            self.steady.leave()

    def begins_anew(self, module: torch.nn.Module) -> bool:
        """Whether a model that loop code calls is one that a new optimizer is to train, so that another training begins."""
        if not self.newcomer or self.on_another is None or not torch.is_grad_enabled():
            return False
        return any(id(parameter) in self.newcomer for parameter in module.parameters())

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        begun = perf_counter()
        self._enter_step()
        if optimizer not in self.optimizers:
            self.optimizers.append(optimizer)
            facts.optimizer(self.readings, optimizer)
        if not self.backward_seen and self.loop.last_scalar is not None:
            self._see_loss(self.loop.last_scalar)
        self._read_before(float(optimizer.param_groups[0]["lr"]))
        self.policy.before_step(self, optimizer)
        self.budget.spent += perf_counter() - begun

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        begun = perf_counter()
        self.policy.after_step(self, optimizer)
        if not self.gradients_read:
            self.see_gradients()  # A closure computed them within the step.
        self.parameters.read_updates()
        if self._is_primary(optimizer):
            self._end(optimizer)
        self.listen()
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
        self.steady.leave()
        self.stack.clear()
        self.begin()
        if self.level == FULL and self._optimizer_place is None:
            self._optimizer_place = source.place(1)
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

    def _is_primary(self, optimizer: Any) -> bool:
        """A step ends with the optimizer that stepped first; with another one when that rests (two phases of a training)."""
        self._primary_rested += 1
        if self._primary is not None and id(optimizer) != self._primary and self._primary_rested < _RESTED:
            return False
        self._primary, self._primary_rested = id(optimizer), 0
        return True

    # --- steps

    def begin(self) -> None:
        """The step begins, unless it did."""
        if not self._begun:
            self._begun = True
            self.readings.begin_step(self.step, 0)

    def end_without_optimizer(self) -> None:
        """In a loop that updates its weights by hand, a step ends where the next one begins."""
        if self.backward_seen and not self.optimizer_exists:
            with torch._C.DisableTorchFunction():
                self._end(None)

    def _end(self, optimizer: torch.optim.Optimizer | None) -> None:
        """Ends the step: it is judged and logged, and the weights are read as the next step finds them."""
        if self.losses:
            self.step_loss = sum(self.losses) / (1 if self.adds_losses else len(self.losses))
            self.readings.scalar("loss", self.step_loss)
        if len(self.losses) > 1 and len(self.optimizers) > 1:
            self.readings.fact("objectives", float(len(self.optimizers)))
        if self.step == 0:
            self.readings.fact("parameters", float(self.parameters.count), "measured")
            if self.calls.rows:
                self.readings.fact("batch_size", float(self.calls.rows), "measured")
        if self.ranks:
            self.ranks.end_step(perf_counter() - self.step_started - self.budget.spent, self.level)
        self.tell(self.readings.end_step())
        self._tell_incident()
        self.next_step()
        if optimizer is None:
            self.listen()
        call = self.calls.last if len(self.calls) == 1 else None
        events = self.flow.events
        by_hand = next((event for event in events if event.phase == "update"), None) if events else None
        self._forget()
        self.begin()
        self._read_new_weights(optimizer, by_hand)
        if optimizer is not None:
            self.steady.begin(call, optimizer)

    def tell(self, findings: list[Told]) -> None:
        """Tells of findings that are new."""
        for told in findings:
            self._on_finding(told)

    def next_step(self) -> None:
        """The step was ended; says how the next one is measured, and whether its loop is listened to."""
        now, level = perf_counter(), self.level
        self.level = self.budget.next_level(level, now - self.step_started)
        self.step_started = now
        if self.level != level:
            self.on_level(self.level)
        self.loop.end_step(self.step)
        self.step += 1

    def _forget(self) -> None:
        self._begun = self.gradients_read = self._weights_read = self.backward_seen = self.bad_gradients = False
        self.loop.forget()
        self.calls.forget()
        self.answers.targets = None
        self.losses.clear()
        self._scaled.clear()
        self.flow.clear()

    def _read_new_weights(self, optimizer: torch.optim.Optimizer | None, by_hand: Event | None) -> None:
        self._unchecked = None
        if self.level == FULL:
            self._weights_read = True
            bad = self.parameters.read_weights() > 0
        elif by_hand is None and not self.policy.acts and self.step % _CHECK_EVERY:
            self._unchecked = optimizer
            return
        else:
            bad = self.parameters.first_bad(of_gradients=False) is not None
        if bad:
            self.see_bad_weights(optimizer, by_hand)

    def see_bad_weights(self, optimizer: torch.optim.Optimizer | None, by_hand: Event | None) -> None:
        """A weight that this step begins with is not finite: the update of the one before made it so."""
        if self.incidents.first is not None:
            return
        if by_hand is not None:
            weight = self.parameters.first_bad(of_gradients=False)
            by_hand.site = weight[0] if weight else by_hand.site
            self.incidents.begin(by_hand, self.step - 1)
            self._tell_incident()
        elif optimizer is not None:
            self._optimizer_place = source.place(1)
            self._update_broke(optimizer)

    def check_late(self) -> None:
        """The forward pass broke. In a step that is not measured in full, the weights were not looked at after the update before it:
        a bad one shows here."""
        optimizer, self._unchecked = self._unchecked, None
        if optimizer is None or self.incidents.first is not None or self.parameters.first_bad(of_gradients=False) is None:
            return
        self._update_broke(optimizer)

    def _update_broke(self, optimizer: torch.optim.Optimizer) -> None:
        self.incidents.begin(locate.update(self, optimizer, self._optimizer_place), self.step - 1)
        self._tell_incident()

    # --- incidents, trouble, end

    def _tell_incident(self) -> None:
        self.incidents.tell(len(self.flow.events))

    def is_broken(self) -> bool:
        """Whether the loss or a gradient of this step is not finite."""
        if self.incidents.first is not None and self.incidents.step == self.step:
            return True
        return self.bad_gradients or self.session.is_broken() or not all(map(math.isfinite, self.losses))

    def broken_text(self) -> str:
        """What is not finite, for messages."""
        return self.incidents.text(self.step)

    def trouble(self, error: BaseException) -> None:
        """Something went wrong in supervision itself. It is said once, at the end; the training does not notice."""
        where = traceback.extract_tb(error.__traceback__)[-1:]
        place = f" ({where[0].filename.rpartition('/')[2]}:{where[0].lineno})" if where else ""
        text = f"{type(error).__name__}: {error}{place}"
        self.troubles[text] = self.troubles.get(text, 0) + 1

    def finish(self, end: str) -> None:
        """Ends the run: `completed`, `stopped`, `interrupted` or `failed`."""
        self.steady.leave()
        self.unmute()
        if self._begun and (self.incidents.first is None or self.incidents.step == self.step):
            self._end_unfinished()
        if self.incidents.first is None and self.loop.shown is not None:
            step, event = self.loop.shown
            self.incidents.begin(locate.resolved(self, event), step)
            self._tell_incident()
        self.incidents.settle()
        thinned = self.budget.thinned()
        if thinned:
            self.session.dropped(*thinned)
        self.tell(self.readings.flush())
        self.tell(self.session.end(self.step, end))
        self._let_go()

    def _end_unfinished(self) -> None:
        """The script ended within a step: what was seen of it still counts, above all where it broke."""
        last = self.loop.last_scalar
        if not self.losses and last is not None and not is_finite(last):
            self._see_loss(last)  # The script looked at its loss and left the loop.
        elif self.backward_seen and not self.optimizer_exists:
            self._end(None)
        if self.losses:
            self.readings.scalar("loss", self.losses[-1])
            self.tell(self.readings.end_step())
        self._tell_incident()

    def _let_go(self) -> None:
        """Other trainings may follow in the same script, and need the memory of this one's models."""
        self._forget()
        self.flow = Flow()
        self.module_hooks.clear()
        self.layers = Layers(self.readings)
        self.parameters = Parameters(self.readings, self.layers)
        self.policy = Policy(self.policy.name)
        self.optimizers = []
