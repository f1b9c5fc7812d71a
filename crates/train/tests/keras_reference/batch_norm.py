"""Writes batch_norm.json: what Keras' batch norm makes of sequences of which some steps only fill up, in training and after it.

Run it with any Python that has Keras: `KERAS_BACKEND=torch python batch_norm.py`. Keras keeps the running variance without Bessel's
correction, and counts its momentum the other way round.
"""

import json
import pathlib

import keras
import numpy

generator = numpy.random.default_rng(5)
x = generator.normal(2.0, 3.0, (3, 4, 2)).astype("float32")
mask = numpy.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]])
layer = keras.layers.BatchNormalization(momentum=0.7, epsilon=1e-5)
trained = layer(x, training=True, mask=mask.astype(bool))
case = {
    "x": x, "mask": mask, "trained": trained, "mean": layer.moving_mean, "variance": layer.moving_variance,
    "evaluated": layer(x, training=False, mask=mask.astype(bool)),
}
case = {name: keras.ops.convert_to_numpy(values).astype(float).flatten().tolist() for name, values in case.items()}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(case, separators=(",", ":")) + "\n")
