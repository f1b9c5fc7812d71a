"""Readings as an accelerator gives them, held on the CPU to the native kernel: the same interface, the same figures."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch import nn

import barograph
from barograph._native import Session
from barograph._torch import hooks
from barograph._torch.budget import Budget
from barograph._torch.device import figures
from barograph._torch.policy import Policy
from barograph._torch.readings import Readings
from barograph._torch.supervisor import Supervisor

NAMES = "count nan pos_inf neg_inf zeros negatives saturated min max mean m2 l1 l2 abs_max".split()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", ["normal", "relu", "bad", "subnormal", "huge", "only nan", "empty", "scalar"])
def test_the_same_figures_as_the_kernel(dtype: torch.dtype, kind: str) -> None:
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(3000, generator=generator)
    made = {
        "normal": x,
        "relu": x.relu(),
        "bad": torch.where(x > 2, float("nan"), torch.where(x < -2, float("-inf"), x)),
        "subnormal": x * 1e-7,
        "huge": x * 3e4,
        "only nan": torch.full((5,), float("nan")),
        "empty": torch.zeros(0),
        "scalar": torch.tensor(-2.5),
    }[kind].to(dtype)
    ours, kernel = figures(made, bound=1.5).tolist(), barograph.stats(made)
    for name, value in zip(NAMES, ours):
        if name == "saturated":
            continue  # The public statistics have no bound.
        expected = kernel.std**2 * (kernel.count - kernel.non_finite) if name == "m2" else getattr(kernel, name)
        assert value == pytest.approx(expected, rel=1e-4, abs=1e-12), name
    assert ours[14:] == kernel.histogram


def train(late: bool, steps: int = 60, poison: int | None = None) -> dict[str, Any]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    session = Session("late" if late else "at once", None, "torch", 0)
    supervisor = Supervisor(session, Budget(None), Policy(), lambda told: None)
    supervisor.readings = supervisor.layers._readings = supervisor.parameters._readings = Readings(session, late=late)
    hooks.install(supervisor)
    try:
        for step in range(steps):
            x = torch.randn(8, 6)
            y = x[:, :3].argmax(1)
            if step == poison:
                x[3, 2] = float("nan")
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    finally:
        hooks.remove()
    supervisor.finish("completed")
    assert not supervisor.troubles
    return json.loads(session.report("json"))


def test_a_record_held_back_arrives() -> None:
    late, at_once = train(late=True), train(late=False)
    assert late["verdict"] == at_once["verdict"]
    missing = set(at_once["checked"]) - set(late["checked"])
    # What compares with targets or looks at units is not read on an accelerator.
    assert len(late["checked"]) >= len(at_once["checked"]) - len(missing) and "gradient-exploding" not in missing


def test_a_run_that_breaks_breaks_at_the_same_step() -> None:
    late, at_once = train(late=True, poison=7), train(late=False, poison=7)
    for key in ("step", "phase", "operation", "rows"):
        assert late["incident"][key] == at_once["incident"][key]
    codes = {finding["code"]: finding["step"] for finding in late["findings"]}
    assert codes["LOS001"] == 7
