"""What a compiled Keras model tells of its loss and its optimizer."""

from __future__ import annotations

from typing import Any, NamedTuple

_LOSSES = {
    "mean_squared_error": ("mse", "real"),
    "mean_absolute_error": ("mae", "real"),
    "huber": ("huber", "real"),
    "binary_crossentropy": ("binary_cross_entropy", "probabilities"),
    "categorical_crossentropy": ("categorical_cross_entropy", "distribution"),
    "sparse_categorical_crossentropy": ("sparse_categorical_cross_entropy", "distribution"),
}
"""Losses of Keras by the names of their functions: their names in Barograph's words, and what they take."""

_OF_LOGITS = {"binary_cross_entropy": "binary_cross_entropy_logits"}
"""Losses of raw scores; every other cross-entropy of raw scores is `cross_entropy`."""


class LossFacts(NamedTuple):
    """The loss in Barograph's words."""

    name: str
    takes: str
    reduction: str


def loss(model: Any) -> LossFacts | None:
    """The loss that a model was compiled with; `None` where it has none, or several, or a class that is not Keras's."""
    import keras

    given = model.loss
    if given is None or isinstance(given, (list, tuple, dict)):
        return None
    found = keras.losses.get(given)
    config = found.get_config() if isinstance(found, keras.losses.Loss) else {}
    name = _function_name(found)
    reduction = "sum" if config.get("reduction") == "sum" else "mean"
    if name not in _LOSSES or not type(found).__module__.startswith(("keras.", "builtins")):
        return LossFacts("custom", "unknown", reduction)
    name, takes = _LOSSES[name]
    if config.get("from_logits"):
        return LossFacts(_OF_LOGITS.get(name, "cross_entropy"), "logits", reduction)
    return LossFacts(name, takes, reduction)


def _function_name(found: Any) -> str:
    if isinstance(found, type) or not hasattr(found, "__name__"):
        import keras

        # A class stands for the function whose name is its own, written with underscores.
        return str(keras.src.utils.naming.to_snake_case(type(found).__name__))
    return str(found.__name__)


def optimizer(model: Any) -> dict[str, Any]:
    """The class and the settings of the optimizer, by the keys of facts."""
    used = model.optimizer
    used = getattr(used, "inner_optimizer", used)
    if used is None:
        return {}
    momentum = getattr(used, "beta_1", None)
    numbers = {
        "learning_rate": learning_rate(used),
        "momentum": getattr(used, "momentum", None) if momentum is None else momentum,
        "epsilon": getattr(used, "epsilon", None),
        "weight_decay": getattr(used, "weight_decay", None),
        "clip_norm": getattr(used, "global_clipnorm", None),
        "clip_value": getattr(used, "clipvalue", None),
    }
    facts: dict[str, Any] = {"optimizer": type(used).__name__.lower()}
    facts.update({key: float(value) for key, value in numbers.items() if isinstance(value, (int, float))})
    schedule = getattr(used, "_learning_rate", None)
    if hasattr(schedule, "get_config"):
        facts["schedule"] = type(schedule).__name__
    return facts


def learning_rate(optimizer: Any) -> float | None:
    """The learning rate at this moment; `None` for an optimizer that has none."""
    try:
        # It is kept as a float32: the seven digits that it has are those that were meant.
        return float(f"{float(optimizer.learning_rate):.7g}")
    except (AttributeError, TypeError, ValueError):
        return None


def everything(model: Any, params: dict[str, Any]) -> dict[str, Any]:
    """All facts but those of the loss. `params` are those of the callback."""
    found = optimizer(model)
    epochs, steps = params.get("epochs"), params.get("steps")
    if epochs:
        found["epochs"] = float(epochs)
    if epochs and steps:
        found["steps"] = float(epochs * steps)
    return found
