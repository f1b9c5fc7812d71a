"""What a Keras model is made of, in Barograph's words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

LAYERS = {
    "Dense": "dense", "EinsumDense": "dense", "Conv1D": "conv", "Conv2D": "conv", "Conv3D": "conv",
    "BatchNormalization": "batch_norm", "LayerNormalization": "layer_norm", "GroupNormalization": "group_norm",
    "RMSNormalization": "rms_norm", "Embedding": "embedding", "LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn",
    "MultiHeadAttention": "attention", "GroupQueryAttention": "attention", "Dropout": "dropout",
}  # fmt: skip
"""Kinds of layers, by the names of Keras's classes."""


def layers(model: Any) -> Iterator[tuple[str, Any]]:
    """Every layer of a built model with its dotted path, the model itself first."""
    for layer in model._flatten_layers():
        path = model.name if layer is model else getattr(layer, "path", None) or layer.name
        yield dotted(model, path), layer


def weights(model: Any) -> list[tuple[str, Any]]:
    """What a model trains, or could train: the paths and the variables. Moving averages and seeds are not among it."""
    trained = _trainable(model)
    return [(dotted(model, variable.path), variable) for variable in model.weights if id(variable) in trained]


def state(model: Any) -> list[Any]:
    """The variables that the forward pass itself changes: moving averages, and the seeds of random numbers."""
    trained = _trainable(model)
    return [variable for variable in model.variables if id(variable) not in trained]


def _trainable(model: Any) -> set[int]:
    # A frozen layer lists its weights among those that are not trained; only this list tells them from moving averages.
    return {id(variable) for layer in model._flatten_layers() for variable in layer._trainable_variables}


def dotted(model: Any, path: str) -> str:
    """The path of a layer or a variable as a site: `dense/kernel` of a model, or below its name, is `dense.kernel`."""
    return path.removeprefix(f"{model.name}/").replace("/", ".")
