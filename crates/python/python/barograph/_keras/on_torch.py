"""Keras on torch: its layers are modules and its optimizers are its own, so both are shown to what watches torch."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import torch
from torch.nn.modules import module as torch_module

from .. import _native
from .._torch import hooks
from .._torch.layers import Layer, Layers
from .._torch.parameters import Parameters
from .._torch.readings import ACTIVATION, PRE_ACTIVATION
from .._torch.supervisor import Supervisor
from . import facts
from . import model as keras_model

_PASSING = (
    "Dropout", "SpatialDropout", "Flatten", "Reshape", "Permute", "RepeatVector", "Cropping", "ZeroPadding",
    "UpSampling", "MaxPooling", "AveragePooling", "GlobalAverage", "GlobalMax", "InputLayer", "Identity", "Activity",
    "Masking", "Concatenate",
)  # fmt: skip
"""How the names of layers begin that only choose among or average what comes in: their results tell nothing new."""

_FUNCTIONS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "PReLU": "prelu", "Softmax": "softmax"}
"""Layers that are an activation function."""


@dataclass(slots=True, eq=False)
class _KerasLayer(Layer):
    """What is known of a layer of Keras."""

    applies: str | None = None
    """The activation function that it applies to its own result."""


def _layer(layer: Any, path: str) -> _KerasLayer:
    name = type(layer).__name__
    own = _activation(layer)
    function = own if name == "Activation" else _FUNCTIONS.get(name)
    inner = next(iter(layer._flatten_layers(include_self=False)), None)
    return _KerasLayer(
        path,
        keras_model.LAYERS.get(name, name.lower()),
        function,
        reads=inner is None and not name.startswith(_PASSING),
        channels_second=getattr(layer, "data_format", None) == "channels_first",
        applies=None if function is not None or own == "linear" else own,
    )


def _activation(layer: Any) -> str | None:
    """The activation function in a layer's settings. That of a recurrent layer is applied many times within it."""
    if hasattr(layer, "recurrent_activation") or not callable(getattr(layer, "activation", None)):
        return None
    return str(getattr(layer.activation, "__name__", type(layer.activation).__name__.lower()))


class KerasLayers(Layers):
    """The layers of the models of Keras that were called."""

    def __init__(self, readings: Any) -> None:
        super().__init__(readings)
        self._applying: dict[str | None, _KerasLayer] = {}
        # A layer of Keras applies its activation function itself.
        self.calls_functions = True

    def learn(self, root: Any, others_exist: bool) -> None:
        """Takes in a model at its first call."""
        if not isinstance(root, keras.layers.Layer):
            super().learn(root, others_exist)
            return
        prefix = self._prefix(root.name) if others_exist or self._prefixes else ""
        self._prefixes.add(prefix)
        self.roots.append(weakref.ref(root))
        for path, layer in keras_model.layers(root):
            self._know(layer, prefix + path)
        for path, variable in keras_model.weights(root):
            self._parameters.setdefault(id(variable.value), prefix + path)

    def _make(self, module: Any, path: str) -> Layer:
        if not isinstance(module, keras.layers.Layer):
            return super()._make(module, path)
        layer = _layer(module, path)
        if layer.applies is not None:
            self._applying[path] = layer
        return layer

    def see_function(self, name: str, taken: Any, out: Any, path: str | None, of_module: bool = False) -> None:
        """Reads what a layer puts out before and after its own activation function; other functions as ever."""
        layer = self._applying.get(path)
        if layer is None or not layer.reads or not isinstance(taken, torch.Tensor) or not isinstance(out, torch.Tensor):
            super().see_function(name, taken, out, path, of_module)
            return
        if taken.is_floating_point():
            self._read(layer, PRE_ACTIVATION, taken)
            self._read(layer, ACTIVATION, out)

    def _see_layer(self, layer: Layer, out: torch.Tensor) -> None:
        if not isinstance(layer, _KerasLayer) or layer.applies is None:
            super()._see_layer(layer, out)
            return
        self._clear()
        self._read(layer, ACTIVATION, out)
        self._tell(layer, layer.applies)


class KerasParameters(Parameters):
    """The weights of the models of Keras that were called: their units lie along the last axis."""

    UNITS = -1

    def learn(self, optimizers: list[torch.optim.Optimizer]) -> None:
        """Takes in parameters that are new."""
        if len(self._layers.roots) == self._roots_learned:
            return
        self._roots_learned = len(self._layers.roots)
        for root in self._layers.roots:
            found = root()
            if isinstance(found, keras.layers.Layer):
                for _, variable in keras_model.weights(found):
                    self._add(variable.value, self._layers.parameter_path(variable.value))
            elif found is not None:
                for parameter in found.parameters():
                    self._add(parameter, self._layers.parameter_path(parameter))

    _roots_learned = 0

    def state_of(self, optimizer: Any, parameter: torch.Tensor) -> dict[str, Any]:
        """Nothing: an optimizer of Keras does not say which of its variables belongs to which weight."""
        return {}


class _Again(torch.nn.Module):
    """A call of a model of Keras that can be repeated. The model is not part of the module: what it is made of must not
    be copied as modules of torch are, for its variables hold their tensors themselves."""

    def __init__(self, model: Any, before: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        super().__init__()
        self._call = functools.partial(_call_again, model, before)
        self._weights = model.parameters

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def parameters(self, recurse: bool = True) -> Iterator[torch.nn.Parameter]:
        return self._weights(recurse)


def _call_again(model: Any, before: list[tuple[torch.Tensor, torch.Tensor]], *args: Any, **kwargs: Any) -> Any:
    now = _copies([tensor for tensor, _ in before])
    _put(before)
    try:
        return model(*args, **kwargs)
    finally:
        _put(now)


def _copies(tensors: list[torch.Tensor]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    # Whoever looks at operations is not meant to see these.
    with torch._C.DisableTorchFunction():
        return [(tensor, tensor.detach().clone()) for tensor in tensors]


def _put(values: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
    """Gives tensors values, unnoticed by the backward pass: where it kept them, it gets the same bits in the end."""
    with torch._C.DisableTorchFunction():
        for tensor, value in values:
            tensor.data.copy_(value)


class OnTorch:
    """Shows the calls of layers and the updates of optimizers of Keras to the supervisor, until `detach`."""

    def __init__(self, model: Any, params: dict[str, Any], policy: str) -> None:
        supervisor = hooks.supervisor()
        if supervisor is None:
            raise RuntimeError("nothing watches this thread")
        self._supervisor = supervisor
        self._model = model
        self._policy = _Policy(policy, model)
        self._state = [variable.value for variable in keras_model.state(model)]
        self._updating = False
        self._undo: list[Callable[[], None]] = []
        supervisor.layers = KerasLayers(supervisor.readings)
        supervisor.parameters = KerasParameters(supervisor.readings, supervisor.layers)
        supervisor.layers.learn(model, others_exist=False)
        supervisor.see_new_optimizer()
        for key, value in facts.everything(model, params).items():
            supervisor.readings.fact(key, value)
        loss = facts.loss(model)
        if loss is not None and loss.name != "custom":
            supervisor.answers.declare_loss(*loss)
        name = getattr(model.loss, "name", getattr(model.loss, "__name__", model.loss))
        self._classes_are_numbers = "sparse" in str(name)
        self._wrap(keras.layers.Layer, "__call__", self._call)
        self._wrap(keras.optimizers.Optimizer, "apply", self._apply)
        self._wrap(keras.Model, "compute_loss", self._compute_loss)
        for optimizer in (keras.optimizers.Optimizer, keras.optimizers.LossScaleOptimizer):
            self._wrap(optimizer, "scale_loss", self._scale_loss)

    def rest(self, resting: bool) -> None:
        """While it rests, nothing is seen: what an evaluation computes belongs to no step."""
        self._supervisor.quiet = resting

    def detach(self) -> None:
        """Puts everything back as it was."""
        while self._undo:
            self._undo.pop()()

    def _wrap(self, owner: Any, name: str, around: Callable[..., Any]) -> None:
        original = getattr(owner, name)
        had = name in vars(owner)

        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return around(original, *args, **kwargs)

        setattr(owner, name, wrapper)
        self._undo.append(lambda: setattr(owner, name, original) if had else delattr(owner, name))

    def _call(self, original: Callable[..., Any], layer: Any, *args: Any, **kwargs: Any) -> Any:
        """Layers of Keras pass by the hooks of torch's modules: ours are called here."""
        if torch.compiler.is_compiling():
            return original(layer, *args, **kwargs)
        top = not self._supervisor.stack and not self._supervisor.quiet
        before = _copies(self._state) if top and layer is self._model and torch.is_grad_enabled() else []
        for _, hook in _ours(torch_module._global_forward_pre_hooks):
            hook(layer, args)
        out = original(layer, *args, **kwargs)
        for key, hook in _ours(torch_module._global_forward_hooks):
            if key in torch_module._global_forward_hooks_with_kwargs:
                hook(layer, args, kwargs, out)
            else:
                hook(layer, args, out)
        calls = self._supervisor.calls
        if top and len(calls) and calls[-1].module is layer:
            calls[-1].module = _Again(layer, before)
        return out

    def _compute_loss(self, original: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
        targets = kwargs.get("y", args[1] if len(args) > 1 else None)
        if model is self._model and isinstance(targets, torch.Tensor) and not self._supervisor.quiet:
            self._guarded(self._see_targets, targets)
        return original(model, *args, **kwargs)

    def _see_targets(self, targets: torch.Tensor) -> None:
        with torch._C.DisableTorchFunction():
            self._supervisor.answers.targets = targets.long() if self._classes_are_numbers else targets

    def _apply(self, original: Callable[..., Any], optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        if self._updating or self._supervisor is not hooks.supervisor() or torch.compiler.is_compiling():
            return original(optimizer, *args, **kwargs)
        self._updating = True
        try:
            self._guarded(self._see_gradients, *args, **kwargs)
            self._guarded(self._supervisor.before_update, facts.learning_rate(optimizer))
            if self._guarded(self._policy.refuses, self._supervisor, optimizer):
                return None
            return original(optimizer, *args, **kwargs)
        finally:
            self._updating = False
            self._guarded(self._supervisor.after_update, optimizer)

    def _see_gradients(self, grads: Any, trainable_variables: Any = None) -> None:
        """What the optimizer is given counts, not what the variables keep: that is still multiplied by the loss scale."""
        pairs = zip(trainable_variables or (), grads)
        self._supervisor.parameters.given = {id(variable.value): gradient for variable, gradient in pairs}

    def _scale_loss(self, original: Callable[..., Any], optimizer: Any, loss: Any) -> Any:
        scaled = original(optimizer, loss)
        if scaled is not loss:
            self._guarded(lambda: self._supervisor.see_scaled(scaled, loss, float(optimizer.dynamic_scale.value)))
        return scaled

    def _guarded(self, see: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return see(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the training does not notice
            self._supervisor.trouble(error)
            return None


def _ours(registry: dict[int, Any]) -> list[tuple[int, Any]]:
    """The hooks that are Barograph's; Keras would not have called those of others either."""
    entries = list(registry.items())
    return [(key, hook) for key, hook in entries if _is_ours(hook)]


def _is_ours(hook: Any) -> bool:
    of_module = str(getattr(hook, "__module__", "")).startswith("barograph.")
    return of_module or isinstance(getattr(hook, "__self__", None), _native.ModuleHooks)


class _Policy:
    """What is done when the loss or a gradient is not finite; see `barograph.watch`."""

    EVERY = 20
    """Steps after which a good copy is taken anew (our choice, as for optimizers of torch)."""

    def __init__(self, name: str, model: Any) -> None:
        self._name, self._model = name, model
        self._good: list[tuple[torch.Tensor, torch.Tensor]] | None = None
        self._good_step = 0

    def refuses(self, supervisor: Supervisor, optimizer: Any) -> bool:
        """Acts where something was asked for. Returns whether this step must leave the weights alone."""
        if self._name == "report":
            return False
        if not supervisor.is_broken():
            self._keep(supervisor, optimizer)
            return False
        supervisor.session.note(f"the step was skipped: {supervisor.broken_text()}")
        if self._name == "stop":
            self._model.stop_training = True
        elif self._name == "rollback" and self._good is not None:
            _put(self._good)
            supervisor.session.note(f"weights and optimizer were set back to step {self._good_step}")
        return True

    def _keep(self, supervisor: Supervisor, optimizer: Any) -> None:
        if self._name != "rollback" or (self._good is not None and supervisor.step - self._good_step < self.EVERY):
            return
        trained = [variable.value for _, variable in keras_model.weights(self._model)]
        # A schedule goes on; only what went wrong is taken back.
        kept = [variable for variable in optimizer.variables if variable.name not in ("iteration", "learning_rate")]
        self._good = _copies(trained + [variable.value for variable in kept])
        self._good_step = supervisor.step
