"""Writes sample_weight.json: what Keras makes of a `sample_weight`, in its losses and in a training.

Run it with any Python that has Keras and torch: `KERAS_BACKEND=torch python sample_weight.py`.
"""

import json
import pathlib

import keras
import numpy
import torch

generator = numpy.random.default_rng(11)


def listed(values):
    return numpy.asarray(keras.ops.convert_to_numpy(values)).astype(float).tolist()


def case(name, loss, targets, outputs, weights, mask=None):
    """The loss with the gradient of the outputs. `outputs` are as Keras takes them; ours lie in one row an example."""
    x = torch.tensor(outputs, dtype=torch.float32, requires_grad=True)
    column = torch.tensor(weights, dtype=torch.float32)[:, None]
    if mask is not None:
        x._keras_mask = torch.tensor(mask)
        column = column.repeat(1, mask.shape[1])
    value = loss(targets, x, sample_weight=column)
    value.backward()
    rows = len(outputs)
    return {
        "name": name,
        "outputs": outputs.reshape(rows, -1).tolist(),
        "targets": numpy.asarray(targets).reshape(rows, -1).astype(float).tolist(),
        "weights": list(weights),
        "value": float(value.detach()),
        "gradient": x.grad.flatten().double().tolist(),
    }


def drawn(*shape):
    return generator.normal(0, 1, shape).astype("float32")


losses = keras.losses
classes = numpy.array([0, 2, 1, 1])
steps = numpy.array([[0, 1], [2, 2], [1, 0], [2, 1]])
known = numpy.array([[True, True], [True, False], [True, True], [False, False]])
weights = [0.5, 2.0, 0.0, 1.25]
flags = numpy.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]], dtype="float32")
CASES = [
    case("mse", losses.MeanSquaredError(), drawn(4, 2), drawn(4, 2), weights),
    case("mse_sum", losses.MeanSquaredError(reduction="sum"), drawn(4, 1), drawn(4, 1), weights),
    case("huber", losses.Huber(delta=0.5), drawn(4, 2), drawn(4, 2), weights),
    case("flags", losses.BinaryCrossentropy(from_logits=True), flags, drawn(4, 2), weights),
    case("classes", losses.SparseCategoricalCrossentropy(from_logits=True), classes, drawn(4, 3), weights),
    case("steps", losses.SparseCategoricalCrossentropy(from_logits=True), steps, drawn(4, 2, 3), weights),
    case("known_steps", losses.SparseCategoricalCrossentropy(from_logits=True), steps, drawn(4, 2, 3), weights, known),
    case("nothing", losses.MeanSquaredError(), drawn(4, 2), drawn(4, 2), [0.0] * 4),
]
CASES[-2]["targets"] = numpy.where(known, steps, -1).astype(float).tolist()


def training(rows, held_out):
    """A dense layer that begins at 0, on rows in their own order, 4 a step; those of the second step all weigh nothing."""
    x, noise = drawn(rows + held_out, 2), drawn(rows + held_out, 1)
    y = 2 * x[:, :1] - x[:, 1:] + noise
    w = numpy.round(generator.uniform(0, 2, rows + held_out), 3).astype("float32")
    w[4:8] = 0
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
    history = model.fit(
        x[:rows], y[:rows], sample_weight=w[:rows], batch_size=4, epochs=3, shuffle=False, verbose=0,
        validation_data=(x[rows:], y[rows:], w[rows:]),
    ).history
    kernel, bias = model.get_weights()
    return {
        "rows": rows, "x": x.tolist(), "y": y[:, 0].tolist(), "w": w.tolist(),
        "loss": history["loss"], "validation_loss": history["val_loss"], "mae": history["mae"],
        "kernel": kernel.flatten().tolist(), "bias": bias.tolist(),
    }


def two_outputs():
    """Two outputs of one layer, the second of which counts a quarter; one step."""
    x, y, z = drawn(6, 2), drawn(6, 1), numpy.array([0, 1, 2, 2, 1, 0])
    w = numpy.round(generator.uniform(0, 2, 6), 3).astype("float32")
    inputs = keras.Input((2,))
    heads = [keras.layers.Dense(n, kernel_initializer="zeros", name=name)(inputs) for n, name in ((1, "cost"), (3, "kind"))]
    model = keras.Model(inputs, heads)
    model.compile(
        optimizer=keras.optimizers.SGD(0.1), loss_weights=[1.0, 0.25],
        loss=[losses.MeanSquaredError(), losses.SparseCategoricalCrossentropy(from_logits=True)],
    )
    history = model.fit(x, [y, z], sample_weight=[w, w], batch_size=6, epochs=2, shuffle=False, verbose=0).history
    return {
        "x": x.tolist(), "y": y[:, 0].tolist(), "z": z.tolist(), "w": w.tolist(), "loss": history["loss"],
        "weights": [listed(values) for values in model.get_weights()],
    }


answer = {"losses": CASES, "training": training(10, 5), "two_outputs": two_outputs()}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(answer, separators=(",", ":")) + "\n")
