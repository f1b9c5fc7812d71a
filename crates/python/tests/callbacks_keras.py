"""Trainings of Keras with and without the callback, on the backend of KERAS_BACKEND. Prints the outcome as JSON."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import keras
import numpy

from barograph.keras import Barograph

RNG = numpy.random.default_rng(0)
INPUTS = RNG.normal(size=(64, 4)).astype("float32")
TARGETS = numpy.tanh(INPUTS @ numpy.array([[1.0], [-1.0], [0.5], [2.0]], dtype="float32"))
ROWS_OF_BATCH = 8


class Logarithm(keras.layers.Layer):
    """Breaks where an input is not positive."""

    def call(self, inputs: Any) -> Any:
        return keras.ops.log(inputs)  # BAD


class Losses(keras.callbacks.Callback):
    """Keeps the losses that Keras shows."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen.append(float(logs["loss"]).hex())


def model(*first: keras.layers.Layer, dropout: float = 0.1, **settings: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(16, activation="tanh"), keras.layers.BatchNormalization()]
    made = keras.Sequential(
        [keras.Input((4,)), *first, *hidden, keras.layers.Dropout(dropout), keras.layers.Dense(1)]
    )
    made.compile(keras.optimizers.Adam(0.02), "mse", **settings)
    return made


def fit(made: keras.Model, inputs: Any, *callbacks: Any, epochs: int = 2) -> Any:
    settings = {"batch_size": ROWS_OF_BATCH, "verbose": 0, "shuffle": False, "validation_data": (inputs, TARGETS)}
    return made.fit(inputs, TARGETS, epochs=epochs, callbacks=list(callbacks), **settings)


def bits(*callbacks: Any) -> list[str]:
    """The losses, the measures and the final weights of a training, exactly."""
    losses, made = Losses(), model()
    history = fit(made, INPUTS, *callbacks, losses).history
    weights = [weight.tobytes().hex() for weight in made.get_weights()]
    return [*losses.seen, *(float(value).hex() for name in sorted(history) for value in history[name]), *weights]


def positive(bad_row: int) -> numpy.ndarray:
    """Inputs of which one row has no logarithm."""
    inputs = numpy.abs(INPUTS) + 0.1
    inputs[bad_row, 2] = -1.0
    return inputs


def broken() -> dict[str, Any]:
    """A training that breaks in its fourth step."""
    watching = Barograph(log=False, quiet=True, report="broken.json")
    fit(model(Logarithm()), positive(3 * ROWS_OF_BATCH + 5), watching)
    return {"findings": watching.run.findings, "report": json.loads(pathlib.Path("broken.json").read_text())}


def healthy() -> dict[str, Any]:
    watching = Barograph(name="healthy", run_dir="healthy", report="healthy.md", budget=None)
    fit(model(dropout=0.0), INPUTS, watching, epochs=12)
    run = watching.run
    return {"verdict": run.verdict, "steps": run.steps, "report": json.loads(run.report("json"))}


def acted(policy: str) -> dict[str, Any]:
    """What is left where something is done about an infinite input in the third step."""
    inputs = INPUTS.copy()
    inputs[2 * ROWS_OF_BATCH, 0] = numpy.inf
    try:
        watching = Barograph(log=False, quiet=True, on_nonfinite=policy)
    except ValueError as error:
        return {"error": str(error)}
    made = model()
    fit(made, inputs, watching, epochs=1)
    finite = all(numpy.isfinite(weight.value).all() for weight in map(Plain, made.trainable_variables))
    return {"steps": watching.run.steps, "finite": finite, "verdict": watching.run.verdict}


class Plain:
    """A variable as an array of numpy."""

    def __init__(self, variable: Any) -> None:
        self.value = keras.ops.convert_to_numpy(variable)


def twice() -> list[int]:
    """The steps of two trainings with one callback; the second is on its own."""
    watching = Barograph(log=False, quiet=True)
    made, steps = model(), []
    for epochs in (2, 1):
        fit(made, INPUTS, watching, epochs=epochs)
        steps.append(watching.run.steps)
    return steps


def losses_of_batches(last: int = 8) -> bool:
    """Whether the `last` losses in the log are those of the batches, and not the means that Keras shows."""
    found: list[float] = []

    class Session:
        """Notes the losses on their way into the session."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def scalar(self, name: str, value: float) -> None:
            if name == "loss":
                found.append(value)
            self._inner.scalar(name, value)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    class Noting(Barograph):
        def on_train_begin(self, logs: Any = None) -> None:
            super().on_train_begin(logs)
            inner = getattr(self.run, "_supervisor", None)
            if inner is None:
                self.run._session = Session(self.run._session)
            else:
                inner.readings.scalar = Session(inner.session).scalar

    shown = Losses()
    fit(model(), INPUTS, Noting(log=False, quiet=True), shown, epochs=1)
    means = [float.fromhex(seen) for seen in shown.seen]
    expected = numpy.diff([0.0, *(mean * (number + 1) for number, mean in enumerate(means))])
    return len(found) <= len(expected) and bool(numpy.allclose(found[-last:], expected[-last:], rtol=1e-4))


def mixed() -> list[bool]:
    """The same in half precision, where Keras multiplies the loss by a scale."""
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        # At first the scale is too large: on torch, batches whose updates are refused are no steps of their own.
        return [bits() == bits(Barograph(log=False, quiet=True, budget=None)), losses_of_batches(last=2)]
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


def main() -> None:
    found = {
        "backend": keras.backend.backend(),
        "same": bits() == bits(Barograph(log=False, quiet=True, budget=None)),
        "same_with_little": bits() == bits(Barograph(log=False, quiet=True, budget=0.001)),
        "broken": broken(),
        "healthy": healthy(),
        "acted": {policy: acted(policy) for policy in ("skip", "stop", "rollback")},
        "twice": twice(),
        "losses_of_batches": losses_of_batches(),
        "mixed": mixed(),
        "left": [keras.layers.Layer.__call__.__qualname__, "apply" in vars(keras.optimizers.Optimizer)],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
