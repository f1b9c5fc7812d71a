"""`assert_healthy` in a test: of a watch, and of the folder of a run."""

from __future__ import annotations

import os
import pathlib

import pytest
import torch
from torch import nn

import barograph
from barograph.testing import assert_healthy


def train(folder: pathlib.Path | None, rate: float, steps: int = 60) -> barograph.Watch:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    run = barograph.watch(model, optimizer, log=folder is not None, run_dir=str(folder) if folder else None)
    for _ in range(steps):
        inputs = torch.randn(32, 4)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), inputs.sum(1, keepdim=True) / 2)
        loss.backward()
        optimizer.step()
    return run


def missing(run: barograph.Watch | str, *allow: str) -> list[str]:
    """What the error says is not accepted."""
    with pytest.raises(AssertionError) as caught:
        assert_healthy(run, allow=allow)
    first, *report = str(caught.value).splitlines()
    assert len(report) > 5, "the report follows"
    return first.partition(": ")[2].split(", ")


def test_a_healthy_run_passes(tmp_path: pathlib.Path) -> None:
    with train(None, 0.1) as run:
        assert_healthy(run)
    assert_healthy(run)
    train(tmp_path / "logged", 0.1).close()
    assert_healthy(tmp_path / "logged")
    assert_healthy(str(tmp_path / "logged"))


def test_a_sick_run_fails_with_its_report(tmp_path: pathlib.Path) -> None:
    run = train(tmp_path / "sick", 1e4)
    run.close()
    with pytest.raises(AssertionError, match="the run is unhealthy: .*loss-not-finite") as caught:
        assert_healthy(run)
    assert "error[LOS001]" in str(caught.value)
    # The folder says the same, and it is read by another process.
    assert missing(os.fspath(tmp_path / "sick")) == missing(run)


def test_what_is_allowed_is_accepted(tmp_path: pathlib.Path) -> None:
    run = train(None, 1e4)
    run.close()
    objections = missing(run)
    words = [word for objection in objections for word in objection.split()]
    codes = [objection.split()[0] for objection in objections]
    names = [objection.split()[-1] for objection in objections]
    assert_healthy(run, allow=codes)
    assert_healthy(run, allow=set(names))
    assert_healthy(run, allow=iter(words))
    assert missing(run, *codes[1:]) == objections[:1]
    assert missing(run, "no-such-rule") == objections


def test_a_run_without_a_step_fails() -> None:
    with barograph.watch(log=False) as run:
        pass
    with pytest.raises(AssertionError, match="no training step was seen"):
        assert_healthy(run)


def test_errors_say_what_to_do(tmp_path: pathlib.Path) -> None:
    with pytest.raises(OSError, match="does not exist"):
        assert_healthy(tmp_path / "nowhere")
    with pytest.raises(TypeError, match=r"allow=\['LOS001'\]"):
        assert_healthy(tmp_path, allow="LOS001")
    with pytest.raises(TypeError):
        assert_healthy(3)  # type: ignore[arg-type]
