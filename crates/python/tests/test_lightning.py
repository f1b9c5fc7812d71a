"""The callback for Lightning: nothing changes, and what broke is found."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from callbacks import line_of, ran

pytest.importorskip("lightning")

PROGRAM = "callbacks_lightning.py"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, pathlib.Path]:
    """What the program printed, its standard error, and the folder in which it ran."""
    folder = tmp_path_factory.mktemp("lightning")
    return *ran(PROGRAM, folder), folder


@pytest.mark.parametrize("how", ["", "_accumulated_and_clipped", "_in_bfloat16", "_by_hand"])
def test_losses_and_weights_keep_their_bits(outcome: Any, how: str) -> None:
    found, said, _ = outcome
    assert found[f"same{how}"]
    assert "times)" not in said, said


def test_the_operation_that_broke_is_named(outcome: Any) -> None:
    broken = outcome[0]["broken"]
    incident = broken["report"]["incident"]
    assert broken["report"]["verdict"] == "unhealthy"
    assert (incident["operation"], incident["phase"], incident["step"]) == ("log", "forward", 5)
    assert incident["source"].endswith(f"{PROGRAM}:{line_of(PROGRAM, '# BAD')}")


def test_a_good_training_is_healthy(outcome: Any) -> None:
    healthy = outcome[0]["healthy"]
    assert (healthy["verdict"], healthy["steps"]) == ("healthy", 80), healthy["report"]
    assert "validation_loss` of an epoch" not in str(healthy["report"])


def test_the_report_is_printed_and_written(outcome: Any) -> None:
    _, said, folder = outcome
    assert "healthy: nothing is wrong" in said
    assert "report: " in said and "log: healthy" in said
    assert "<html" in (folder / "healthy.html").read_text()
    assert any((folder / "healthy").iterdir())


def test_the_loss_of_a_step_is_the_mean_of_its_batches(outcome: Any) -> None:
    accumulated = outcome[0]["accumulated"]
    assert accumulated["seen"] == pytest.approx(accumulated["expected"], rel=1e-6)


def test_stop_leaves_the_training_before_a_weight_changes(outcome: Any) -> None:
    assert outcome[0]["stopped"] == ["NonFinite", True, "unhealthy"]


def test_an_exception_of_the_module_is_its_own(outcome: Any) -> None:
    assert outcome[0]["failed"] == ["the module itself fails", True]
