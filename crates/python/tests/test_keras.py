"""The callback for Keras on each of its backends: nothing changes, and what broke is found."""

from __future__ import annotations

import functools
import importlib.util
import pathlib
import tempfile
from typing import Any

import pytest

from callbacks import line_of, ran

PROGRAM = "callbacks_keras.py"
COMPILED = ("jax", "tensorflow")


@functools.cache
def outcome(backend: str) -> tuple[dict[str, Any], str, pathlib.Path]:
    """What the program printed on a backend, its standard error, and the folder in which it ran."""
    for package in ("keras", backend):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"barograph-{backend}-"))
    found, said = ran(PROGRAM, folder, KERAS_BACKEND=backend)
    assert found["backend"] == backend
    return found, said, folder


@pytest.fixture(params=("torch", *COMPILED))
def backend(request: pytest.FixtureRequest) -> str:
    return request.param


def test_losses_measures_and_weights_keep_their_bits(backend: str) -> None:
    found, said, _ = outcome(backend)
    assert found["same"] and found["same_with_little"]
    assert "Error" not in said, said


def test_the_step_that_broke_is_named(backend: str) -> None:
    broken = outcome(backend)[0]["broken"]
    first = [step for severity, _, step, _ in broken["findings"] if severity == "error"]
    assert first and first[0] == 3, broken["findings"]
    assert broken["report"]["verdict"] == "unhealthy"


def test_on_torch_the_operation_is_named() -> None:
    incident = outcome("torch")[0]["broken"]["report"]["incident"]
    assert (incident["operation"], incident["phase"], incident["step"]) == ("log", "forward", 3)
    assert incident["rows"] == [5]
    assert incident["source"].endswith(f"{PROGRAM}:{line_of(PROGRAM, '# BAD')}")


def test_a_good_training_is_healthy(backend: str) -> None:
    healthy = outcome(backend)[0]["healthy"]
    assert (healthy["verdict"], healthy["steps"]) == ("healthy", 96), healthy["report"]


def test_the_report_is_printed_and_written(backend: str) -> None:
    _, said, folder = outcome(backend)
    assert "healthy: nothing is wrong" in said
    assert "report: " in said and "log: healthy" in said
    assert "healthy" in (folder / "healthy.md").read_text()
    assert any((folder / "healthy").iterdir())


def test_epochs_bring_what_validation_gave(backend: str) -> None:
    report = str(outcome(backend)[0]["healthy"]["report"])
    assert "validation_loss` of an epoch" not in report


def test_losses_are_those_of_batches(backend: str) -> None:
    assert outcome(backend)[0]["losses_of_batches"]


def test_half_precision_and_its_loss_scale(backend: str) -> None:
    assert outcome(backend)[0]["mixed"] == [True, True]


def test_a_second_training_is_a_second_run(backend: str) -> None:
    assert outcome(backend)[0]["twice"] == [16, 8]


def test_what_is_done_when_a_loss_is_not_finite() -> None:
    acted = outcome("torch")[0]["acted"]
    assert all(acted[policy]["finite"] for policy in acted), acted
    assert [acted[policy]["steps"] for policy in ("skip", "stop", "rollback")] == [8, 3, 8]


@pytest.mark.parametrize("backend", COMPILED)
def test_a_compiled_step_can_only_be_the_last(backend: str) -> None:
    acted = outcome(backend)[0]["acted"]
    assert acted["stop"]["steps"] == 3 and acted["stop"]["verdict"] == "unhealthy"
    assert all("needs the torch backend" in acted[policy]["error"] for policy in ("skip", "rollback"))


def test_keras_is_afterwards_what_it_was(backend: str) -> None:
    assert outcome(backend)[0]["left"] == ["Layer.__call__", False]
