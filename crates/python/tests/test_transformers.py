"""The callback for Hugging Face's Trainer: nothing changes, and what broke is found."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from callbacks import line_of, ran

pytest.importorskip("transformers")
pytest.importorskip("accelerate")

PROGRAM = "callbacks_transformers.py"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, pathlib.Path]:
    """What the program printed, its standard error, and the folder in which it ran."""
    folder = tmp_path_factory.mktemp("transformers")
    return *ran(PROGRAM, folder), folder


@pytest.mark.parametrize("how", ["", "_accumulated", "_in_bfloat16"])
def test_losses_and_weights_keep_their_bits(outcome: Any, how: str) -> None:
    found, said, _ = outcome
    assert found[f"same{how}"]
    assert "times)" not in said, said


def test_the_operation_that_broke_is_named(outcome: Any) -> None:
    broken = outcome[0]["broken"]
    incident = broken["report"]["incident"]
    assert broken["report"]["verdict"] == "unhealthy"
    assert (incident["operation"], incident["phase"], incident["step"]) == ("log", "forward", 3)
    assert incident["rows"] == [2]
    assert incident["source"].endswith(f"{PROGRAM}:{line_of(PROGRAM, '# BAD')}")


def test_a_good_training_is_healthy(outcome: Any) -> None:
    healthy = outcome[0]["healthy"]
    assert (healthy["verdict"], healthy["steps"]) == ("healthy", 48), healthy["report"]
    assert "validation_loss` of an epoch" not in str(healthy["report"])


def test_the_report_is_printed_and_written(outcome: Any) -> None:
    _, said, folder = outcome
    assert "healthy: nothing is wrong" in said
    assert "report: " in said and "log: healthy" in said
    assert "healthy" in (folder / "healthy.md").read_text()
    assert any((folder / "healthy").iterdir())


def test_the_loss_of_a_step_is_that_of_its_batches(outcome: Any) -> None:
    accumulated = outcome[0]["accumulated"]
    assert accumulated["seen"] == pytest.approx(accumulated["expected"], rel=1e-5)
