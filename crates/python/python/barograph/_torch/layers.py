"""Activations, read where modules make them; and the dotted paths of modules and parameters."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from . import names
from .names import LAYERS, activation_of

if TYPE_CHECKING:
    from barograph import _native

    from .readings import Readings

PRE_ACTIVATION, ACTIVATION = 2, 3

_WRAPPERS = ("_orig_mod.", "module.", "_fsdp_wrapped_module.")
"""What torch.compile and data parallelism put before the paths of a model."""

_PASSING = frozenset(
    """Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout Identity Flatten Unflatten MaxPool1d MaxPool2d
    MaxPool3d AvgPool1d AvgPool2d AvgPool3d AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d
    AdaptiveMaxPool2d AdaptiveMaxPool3d Upsample ZeroPad2d ReflectionPad2d PixelShuffle Fold Unfold ChannelShuffle""".split()
)
"""Modules that only choose among or average what comes in: their results tell nothing new."""


@dataclass(slots=True, eq=False)
class Layer:
    """What is known of one module: its path, whether its result is read, and how."""

    path: str
    kind: str
    function: str | None = None
    """The activation function that the module is."""
    reads: bool = True
    channels_second: bool = False
    is_call: bool = False
    """Whether it is no module, but an activation function that is called where no layer is before it."""
    site: int | None = None
    followed_by: str | None = None
    """The activation function behind it: unknown (`None`) until the first step is over, then a name, `linear` for none."""
    units: int = 0
    key: int | None = None
    """The `id` of the module."""
    draws: bool | None = None
    """Whether a call of the module draws random numbers, once that is known."""

    @staticmethod
    def of(module: torch.nn.Module, path: str) -> Layer:
        """What can be seen at a module of torch."""
        name = type(module).__name__
        leaf = next(module.children(), None) is None
        loss = type(module).__module__ == "torch.nn.modules.loss"
        return Layer(
            path,
            LAYERS.get(name, name.lower()),
            activation_of(module),
            reads=leaf and name not in _PASSING and not loss,
            channels_second=name.startswith(("Conv", "BatchNorm", "LazyConv", "InstanceNorm", "GroupNorm")),
        )


class Layers:
    """The modules of the models that were called, and the activation that is under way."""

    def __init__(self, readings: Readings, hooks: _native.ModuleHooks | None = None) -> None:
        self._readings = readings
        self._hooks = hooks
        """Reads what is settled by itself; it is told of every module whose part is."""
        self._known: dict[int, Layer] = {}
        self._gone: dict[int, list[weakref.ref[torch.nn.Module]]] = {}
        self._parameters: dict[int, str] = {}
        self._prefixes: set[str] = set()
        self._open: list[Layer] = []
        self._functional: dict[str, Layer] = {}
        self._last: torch.Tensor | None = None
        self._last_layer: Layer | None = None
        """The latest result of a layer that was not read by the hooks themselves, until an activation function takes it up."""
        self.calls_functions = False
        """Whether a model calls activation functions by themselves, so that modules do not show all activations."""
        self.roots: list[weakref.ref[torch.nn.Module]] = []

    def of(self, module: torch.nn.Module) -> Layer | None:
        """What is known of a module of a model that was called."""
        return self._known.get(id(module))

    def parameter_path(self, parameter: torch.Tensor) -> str | None:
        """The dotted path of a parameter of a model that was called."""
        return self._parameters.get(id(parameter))

    def learn(self, root: torch.nn.Module, others_exist: bool) -> None:
        """Takes in a model at its first call. `others_exist` says whether paths need the model's name before them."""
        prefix = self._prefix(type(root).__name__) if others_exist or self._prefixes else ""
        self._prefixes.add(prefix)
        self.roots.append(weakref.ref(root))
        for name, module in root.named_modules():
            self._know(module, _stripped(prefix + name) if name else prefix.rstrip(".") or type(root).__name__.lower())
        for name, parameter in root.named_parameters():
            self._parameters.setdefault(id(parameter), _stripped(prefix + name))

    def _prefix(self, name: str) -> str:
        prefix, number = f"{name}.", 2
        while prefix in self._prefixes:
            prefix, number = f"{name}_{number}.", number + 1
        return prefix

    def _know(self, module: torch.nn.Module, path: str) -> None:
        key = id(module)
        if key in self._known:
            return
        layer = self._known[key] = self._make(module, path)
        layer.key = key
        if self._hooks is not None and not layer.reads:
            self._hooks.passes(key)
        elif self._hooks is not None and layer.function is not None:
            self._hooks.is_function(key)
        # A function in Python would lose a Ctrl-C that comes while it runs: Python drops what a weak reference's callback raises.
        forget: list[Callable[..., object]] = [self._known.pop, self._gone.pop]
        if self._hooks is not None:
            forget.append(self._hooks.forget)
        self._gone[key] = [weakref.ref(module, partial(pop, key)) for pop in forget]

    def _make(self, module: torch.nn.Module, path: str) -> Layer:
        return Layer.of(module, path)

    def see_module(self, layer: Layer, out: Any) -> None:
        """Reads the result of a module that is no activation function, if it tells something."""
        if isinstance(out, tuple) and out:
            out = out[0]  # recurrent layers and attention
        if not isinstance(out, torch.Tensor) or not out.is_floating_point():
            return
        self._see_layer(layer, out)

    def see_function(self, name: str, taken: Any, out: Any, path: str | None, of_module: bool = False) -> None:
        """Reads the result of an activation function that a model calls at `path`, or loop code (`None`). `of_module` says that
        a module is this function."""
        if not isinstance(out, torch.Tensor) or not out.is_floating_point():
            return
        if path is not None and not of_module:
            self.calls_functions = True
        layer = self._maker(taken)
        if layer is not None:
            self._takes_up(layer, name, out)
            return
        key = name if path is None else path if of_module else f"{path}.{name}"
        function = self._functional.get(key)
        if function is None:
            function = self._functional[key] = Layer(key, name, name, is_call=True)
        self._read(function, ACTIVATION, out)
        self._tell(function, name)

    def _maker(self, tensor: Any) -> Layer | None:
        """The layer whose latest result this is."""
        if tensor is self._last and self._last_layer is not None:
            return self._last_layer
        return self._hooks.maker(tensor) if self._hooks is not None else None

    def _see_layer(self, layer: Layer, out: torch.Tensor) -> None:
        self._last, self._last_layer = out, layer
        if self._hooks is not None:
            self._hooks.clear()
        if layer.followed_by is None:
            self._open.append(layer)
        self._read(layer, ACTIVATION if layer.followed_by == "linear" else PRE_ACTIVATION, out)

    def _takes_up(self, layer: Layer, function: str, out: torch.Tensor) -> None:
        self._clear()
        if layer.followed_by != "linear":  # It was none in the first step; then its readings stay what they were.
            self._read(layer, ACTIVATION, out)
            self._tell(layer, function)

    def _tell(self, layer: Layer, function: str) -> None:
        if layer.followed_by is None:
            layer.followed_by = function
            self._readings.layer_facts(layer, function)
            self._settle(layer)

    def _settle(self, layer: Layer) -> None:
        """From now on it is known where the result of a layer is read, and as what."""
        if self._hooks is not None and layer.key is not None and layer.site is not None and layer.function is None:
            self._hooks.is_layer(layer.key, layer, layer.site, layer.followed_by == "linear")

    def _clear(self) -> None:
        self._last = self._last_layer = None
        if self._hooks is not None:
            self._hooks.clear()

    def _read(self, layer: Layer, role: int, out: torch.Tensor) -> None:
        if layer.site is None:
            layer.units, _ = _units(layer, out)
            layer.site = self._readings.site(layer.path, layer.units, list(out.shape[1:]))
        if not self._readings.read(layer.site, role, out) and self._readings.units_due and role == ACTIVATION:
            units, layout = _units(layer, out)
            if units > 1:
                self._readings.read_units(layer.site, role, out, layout)

    def end_forward(self) -> None:
        """The forward pass is over: layers that no activation function followed put out their activation themselves."""
        self._clear()
        for layer in self._open:
            if layer.followed_by is None and layer.site is not None:
                layer.followed_by = "linear"
                self._readings.relabel(layer.site, PRE_ACTIVATION, ACTIVATION)
                self._readings.layer_facts(layer, "linear")
                self._settle(layer)
        self._open.clear()


def _stripped(path: str) -> str:
    for wrapper in _WRAPPERS:
        path = path.replace(f".{wrapper}", ".").removeprefix(wrapper)
    return path


def _units(layer: Layer, out: torch.Tensor) -> tuple[int, tuple[int, int, int]]:
    """Units of an activation, and its layout `(batch, units, inner)`."""
    shape, count = out.shape, out.numel()
    if len(shape) < 2 or count == 0:
        return 1, (count, 1, 1)
    if len(shape) > 2 and (layer.channels_second or (layer.is_call and len(shape) == 4)):
        units = shape[1]
        return units, (shape[0], units, count // (shape[0] * units))
    return shape[-1], (count // shape[-1], shape[-1], 1)


def function_name(name: str) -> str:
    """The activation function that an operation is, in Barograph's words."""
    return names.activation(name)
