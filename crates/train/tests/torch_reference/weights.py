"""Writes weights.json: what Keras' regularizers add for a weight `[inputs, units]`, with the gradient, and what its constraints make of one.

Run it with any Python that has keras and torch: `python weights.py`.
"""

import json
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy
import torch

random = numpy.random.default_rng(11)
SHAPES = [[3, 4], [5, 2], [1, 3]]
regularizers = {
    '"l1"': keras.regularizers.L1(0.01),
    '{ kind = "l2", factor = 0.3 }': keras.regularizers.L2(0.3),
    '{ kind = "l1_l2", l1 = 0.1, l2 = 0.2 }': keras.regularizers.L1L2(0.1, 0.2),
    '{ kind = "orthogonal", factor = 0.5 }': keras.regularizers.OrthogonalRegularizer(0.5, "rows"),
    '{ kind = "orthogonal", factor = 0.5, mode = "columns" }': keras.regularizers.OrthogonalRegularizer(0.5, "columns"),
}
constraints = {
    '"max_norm"': keras.constraints.MaxNorm(2.0, axis=0),
    '{ kind = "max_norm", max = 0.7 }': keras.constraints.MaxNorm(0.7, axis=0),
    '"unit_norm"': keras.constraints.UnitNorm(axis=0),
    '"non_negative"': keras.constraints.NonNeg(),
    '{ kind = "min_max_norm", min = 0.5, max = 0.9, rate = 0.4 }': keras.constraints.MinMaxNorm(0.5, 0.9, 0.4, axis=0),
}
cases = []
for shape in SHAPES:
    weight = random.normal(size=shape).astype(numpy.float32)
    for asked, regularizer in regularizers.items():
        if "orthogonal" in asked and 1 in shape:
            continue
        tensor = torch.tensor(weight, requires_grad=True)
        value = regularizer(tensor)
        (gradient,) = torch.autograd.grad(value, tensor)
        cases.append({"regularizer": asked, "shape": shape, "weight": weight.flatten().tolist(), "value": value.item(), "gives": gradient.flatten().tolist()})
    for asked, constraint in constraints.items():
        kept = constraint(torch.tensor(weight))
        cases.append({"constraint": asked, "shape": shape, "weight": weight.flatten().tolist(), "gives": kept.flatten().tolist()})
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
