"""What the trainer writes for TensorBoard is what the real TensorBoard shows."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

DIGITS = pathlib.Path(__file__).parents[3] / "data" / "digits.csv"

RECIPE = f"""
name = "digits"
seed = 3
batch = 64
epochs = 2

[data]
file = '{DIGITS}'
target = "label"
normalize = {{ scale = 0.0625 }}
validation = 0.2
image = [1, 8, 8]

[[layers]]
kind = "conv2d"
channels = 4
activation = "relu"

[[layers]]
kind = "residual"
[[layers.layers]]
kind = "conv2d"
channels = 4
activation = "relu"

[[layers]]
kind = "dense"
units = 10

[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = LEARNING_RATE

[[callbacks]]
kind = "tensor_board"
every = 5
histograms_every = 10
"""


def trained(folder: pathlib.Path, learning_rate: str = "0.001") -> pathlib.Path:
    """Trains the recipe. Returns the folder for TensorBoard."""
    folder.mkdir(exist_ok=True)
    (folder / "recipe.toml").write_text(RECIPE.replace("LEARNING_RATE", learning_rate))
    command = [sys.executable, "-m", "barograph", "train", "recipe.toml", "--run-dir", "run", "--fail-on", "never"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tensorboard" not in done.stderr.lower(), done.stderr
    return folder / "run" / "tensorboard"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return trained(tmp_path_factory.mktemp("board"))


def loaded(run: pathlib.Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(run), size_guidance={"histograms": 0, "scalars": 0, "tensors": 0})
    accumulator.Reload()
    return accumulator


def test_numbers_of_steps_and_epochs(board: pathlib.Path) -> None:
    train, validation = loaded(board / "train"), loaded(board / "validation")
    steps = [event.step for event in train.Scalars("step_loss")]
    assert steps == list(range(0, 46, 5)), steps
    for tag in ("step_learning_rate", "step_accuracy", "step_gradient_norm"):
        assert len(train.Scalars(tag)) == len(steps), tag
    for run in (train, validation):
        for tag in ("epoch_loss", "epoch_accuracy"):
            assert [event.step for event in run.Scalars(tag)] == [0, 1], tag
    assert train.Scalars("epoch_loss")[1].value < train.Scalars("epoch_loss")[0].value


def test_histograms_of_weights_gradients_and_activations(board: pathlib.Path) -> None:
    train = loaded(board / "train")
    tags = train.Tags()["histograms"]
    for kind in ("weight/", "gradient/", "activation/"):
        assert any(tag.startswith(kind) for tag in tags), (kind, tags)
    events = train.Histograms("weight/conv1.weight")
    assert [event.step for event in events] == [0, 10, 20, 30, 40]
    for event in events:
        histogram = event.histogram_value
        assert histogram.num == sum(histogram.bucket) == 4 * 9
        assert histogram.min < 0 < histogram.max
        assert histogram.bucket_limit == sorted(histogram.bucket_limit)
        assert histogram.bucket_limit[-2] <= histogram.max <= histogram.bucket_limit[-1]
        # The mean and the spread by the buckets are near those of the values.
        edges = [histogram.min, *histogram.bucket_limit[:-1], histogram.max]
        middles = [(low + high) / 2 for low, high in zip(edges, edges[1:])]
        mean = sum(count * middle for count, middle in zip(histogram.bucket, middles)) / histogram.num
        assert math.isclose(mean, histogram.sum / histogram.num, abs_tol=0.05)


def test_the_graph_has_the_layers_with_their_shapes(board: pathlib.Path) -> None:
    from tensorboard.compat.proto import graph_pb2

    accumulator = loaded(board / "train")
    graph = graph_pb2.GraphDef.FromString(accumulator.Graph().SerializeToString())
    inputs = {node.name: list(node.input) for node in graph.node}
    assert inputs["conv1"] == ["input"]
    assert inputs["residual1/add"] == ["conv1", "residual1/conv1"]
    assert inputs["dense1"] == ["residual1/add"]
    assert inputs["loss"] == ["dense1", "target"]
    shapes = {node.name: node.attr["_output_shapes"].list.shape for node in graph.node}
    assert [dim.size for dim in shapes["conv1"][0].dim] == [-1, 4, 8, 8]


def test_a_run_that_breaks_shows_its_nan(tmp_path: pathlib.Path) -> None:
    train = loaded(trained(tmp_path, "1e30") / "train")
    assert any(not math.isfinite(event.value) for event in train.Scalars("step_loss"))
    assert any(tag.startswith("not_finite/") for tag in train.Tags()["scalars"])
    texts = [event.tensor_proto.string_val[0].decode() for event in train.Tensors("findings")]
    assert any("**error** LOS" in text for text in texts), texts


@contextlib.contextmanager
def served(logs: pathlib.Path) -> Iterator[str]:
    """Runs the real server. Gives its address."""
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs), "--port", "0", "--host", "127.0.0.1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=quiet) as server:
        try:
            assert server.stderr is not None
            said = ""
            for line in server.stderr:
                said += line
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield found[0]
                    break
            else:
                pytest.fail(f"TensorBoard did not start: {said}")
        finally:
            server.terminate()


def asked(server: str, route: str, **parameters: str) -> Any:
    query = urllib.parse.urlencode(parameters)
    with urllib.request.urlopen(f"{server}/data/plugin/{route}?{query}", timeout=60) as answer:
        body = answer.read().decode()
    return json.loads(body) if answer.headers.get_content_type() == "application/json" else body


def test_the_server_shows_everything(board: pathlib.Path) -> None:
    with served(board) as server:
        # The server reads the files in the background.
        for _ in range(600):
            tags = asked(server, "scalars/tags")
            if "epoch_loss" in tags.get("validation", {}) and "epoch_loss" in tags.get("train", {}):
                break
            time.sleep(0.1)
        else:
            pytest.fail(f"these are all tags: {tags}")
        scalars = asked(server, "scalars/scalars", run="validation", tag="epoch_loss")
        assert [step for _, step, _ in scalars] == [0, 1]
        tags = asked(server, "histograms/tags")["train"]
        assert {"weight/dense1.weight", "gradient/dense1.weight", "activation/dense1"} <= set(tags), tags
        histograms = asked(server, "histograms/histograms", run="train", tag="gradient/dense1.weight")
        assert len(histograms) == 5
        _, step, buckets = histograms[0]
        assert step == 0
        assert math.isclose(sum(count for _, _, count in buckets), 10 * 4 * 8 * 8, rel_tol=1e-6)
        assert all(low <= high for low, high, _ in buckets)
        assert "train" in asked(server, "graphs/info")
        graph = asked(server, "graphs/graph", run="train")
        assert 'name: "residual1/add"' in graph and 'op: "conv2d"' in graph
        texts = asked(server, "text/text", run="train", tag="recipe")
        assert "cross_entropy" in texts[0]["text"] and "<code>" in texts[0]["text"]
