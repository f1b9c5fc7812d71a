"""Writes validation_freq.json: what Keras' callbacks do where only some epochs are validated.

Run it with any Python that has Keras: `KERAS_BACKEND=torch python validation_freq.py`. The last epoch of each course is validated, as ours is.
"""

import itertools
import json
import pathlib
import warnings

import keras
import numpy

warnings.simplefilter("ignore")
generator = numpy.random.default_rng(23)
COURSES = [
    [round(float(loss), 3) for loss in 1 + numpy.exp(-0.2 * numpy.arange(25)) + generator.normal(0, noise, 25)]
    for noise in (0.02, 0.1, 0.4)
]
MODEL = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])


def told(callback, losses, every):
    """Tells a callback of epochs; yields each until it asks to stop."""
    MODEL.compile(optimizer=keras.optimizers.SGD(0.5), loss="mse")
    MODEL.stop_training = False
    callback.set_model(MODEL)
    callback.on_train_begin()
    for epoch, loss in enumerate(losses):
        callback.on_epoch_begin(epoch)
        is_validated = (epoch + 1) % every == 0 or epoch + 1 == len(losses)
        callback.on_epoch_end(epoch, {"loss": 2.0, **({"val_loss": loss} if is_validated else {})})
        yield epoch
        if MODEL.stop_training:
            break


def early_stopping(course, every, patience):
    callback = keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
    last = list(told(callback, COURSES[course], every))[-1]
    return {"course": course, "every": every, "patience": patience, "last": last, "best": callback.best_epoch}


def plateau(course, every, patience, cooldown):
    callback = keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=patience, cooldown=cooldown, min_delta=0)
    rates = [0.5] + [float(MODEL.optimizer.learning_rate) for _ in told(callback, COURSES[course], every)]
    lowered = [epoch for epoch, (old, rate) in enumerate(zip(rates, rates[1:])) if rate != old]
    return {"course": course, "every": every, "patience": patience, "cooldown": cooldown, "lowered": lowered}


case = {
    "courses": COURSES,
    "early_stopping": [early_stopping(*case) for case in itertools.product(range(3), (2, 3, 7), (0, 1, 2, 4))],
    "plateau": [plateau(*case) for case in itertools.product(range(3), (2, 3, 7), (1, 2, 4), (0, 2))],
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(case, separators=(",", ":")) + "\n")
