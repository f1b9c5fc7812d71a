"""Writes callbacks.json: what Keras' callbacks, and PyTorch's ReduceLROnPlateau, do of a course of losses.

Run it with any Python that has Keras and torch: `KERAS_BACKEND=torch python callbacks.py`. Every number is finite: of NaN ours think otherwise.
"""

import itertools
import json
import pathlib

import keras
import numpy
import torch

generator = numpy.random.default_rng(7)
COURSES = [
    [round(float(loss), 3) for loss in 1 + numpy.exp(-0.2 * numpy.arange(24)) + generator.normal(0, noise, 24)]
    for noise in (0.02, 0.1, 0.4)
]
MODEL = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])


def told(callback, losses):
    """Tells a callback of epochs; yields each, with the model, until it asks to stop."""
    MODEL.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
    MODEL.stop_training = False
    callback.set_model(MODEL)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"val_loss": loss})
        yield epoch
        if MODEL.stop_training:
            break


def early_stopping(course, mode, options):
    callback = keras.callbacks.EarlyStopping("val_loss", mode=mode, restore_best_weights=True, **options)
    epochs = list(told(callback, COURSES[course]))
    return {"course": course, "mode": mode, **options, "last": epochs[-1], "best": callback.best_epoch}


def changes(rates):
    """The epochs after which the rate is another one, and that rate."""
    before = [0.5, *rates]
    return [[epoch, rate] for epoch, (old, rate) in enumerate(zip(before, rates)) if rate != old]


def plateau(course, mode, options):
    callback = keras.callbacks.ReduceLROnPlateau("val_loss", mode=mode, **options)
    rates = [float(MODEL.optimizer.learning_rate) for _ in told(callback, COURSES[course])]
    return {"course": course, "mode": mode, "threshold_mode": "absolute", **options, "rates": changes(rates)}


def torch_plateau(course, mode, threshold_mode, options):
    """In our words: torch waits for one epoch more, and its cooldown is one epoch longer."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    asked = {"patience": options["patience"] - 1, "cooldown": max(options["cooldown"] - 1, 0)}
    asked |= {"factor": options["factor"], "min_lr": options["min_lr"], "threshold": options["min_delta"]}
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode=mode, threshold_mode={"absolute": "abs", "relative": "rel"}[threshold_mode], eps=0, **asked
    )
    rates = []
    for loss in COURSES[course]:
        scheduler.step(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    return {"course": course, "mode": mode, "threshold_mode": threshold_mode, **options, "rates": changes(rates)}


def checkpoint(course, mode, options):
    saved = []
    callback = keras.callbacks.ModelCheckpoint(
        "{epoch}.weights.h5", "val_loss", mode=mode, save_weights_only=True, save_best_only=True, **options
    )
    MODEL.save_weights = lambda path, overwrite: saved.append(int(path.split(".")[0]) - 1)
    list(told(callback, COURSES[course]))
    return {"course": course, "mode": mode, "threshold": options["initial_value_threshold"], "saved": saved}


places = list(itertools.product(range(len(COURSES)), ["min", "max"]))
stops = [
    {"patience": patience, "min_delta": min_delta, "baseline": baseline, "start_from_epoch": start}
    for patience, min_delta, baseline, start in itertools.product([0, 1, 3, 6], [0, 0.05], [None, 1.5], [0, 5])
]
plateaus = [
    {"patience": patience, "min_delta": min_delta, "cooldown": cooldown, "factor": factor, "min_lr": min_lr}
    for patience, min_delta, cooldown in itertools.product([1, 2, 4], [0.0, 0.02], [0, 3])
    for factor, min_lr in [(0.5, 0.0), (0.1, 0.01)]
]
case = {
    "courses": COURSES,
    "early_stopping": [early_stopping(*place, options) for place in places for options in stops],
    "plateau": [plateau(*place, options) for place in places for options in plateaus]
    + [
        torch_plateau(*place, threshold_mode, options)
        for place in places
        for threshold_mode in ("absolute", "relative")
        for options in plateaus
    ],
    "checkpoint": [
        checkpoint(*place, {"initial_value_threshold": threshold}) for place in places for threshold in (None, 1.5)
    ],
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(case, separators=(",", ":")) + "\n")
