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
from barograph._torch.device import answers, figures
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
    supervisor = Supervisor(session, Budget(None), Policy(), lambda told: None, Readings(session, late=late))
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
    assert late["verdict"] == at_once["verdict"] == "healthy"
    # What looks at single units, or at the rows of the first epoch, is not read on an accelerator.
    missing = set(at_once["checked"]) - set(late["checked"])
    units_and_rows = {"units-dead", "weight-symmetric", "output-constant", "output-range-too-narrow", "worse-than-neighbours"}
    assert all(name in units_and_rows or name.startswith(("inputs-", "targets-", "class", "one-class", "batches-")) for name in missing), missing


@pytest.mark.parametrize("targets", ["classes", "one answer", "real", "yes or no", "none"])
def test_the_same_answers_as_the_session(targets: str) -> None:
    torch.manual_seed(1)
    output = torch.randn(12, 1 if targets == "one answer" else 3)
    wanted = {
        "classes": torch.randint(0, 3, (12,)),
        "one answer": torch.randint(0, 2, (12,)),
        "real": torch.randn(12, 3),
        "yes or no": (torch.randn(12, 3) > 0).float(),
        "none": None,
    }[targets]
    row_sum, error, accuracy, r2 = answers(output, wanted, logits=True)[:4].tolist()
    if output.shape[1] > 1:
        sums = output.double().sum(1)
        assert (row_sum, error) == pytest.approx((float(sums.mean()), float((sums - 1).abs().max())))
    assert (accuracy == accuracy) == (targets in ("classes", "one answer", "yes or no"))
    assert (r2 == r2) == (targets == "real")


def test_a_run_that_breaks_breaks_at_the_same_step() -> None:
    late, at_once = train(late=True, poison=7), train(late=False, poison=7)
    for key in ("step", "phase", "operation", "rows"):
        assert late["incident"][key] == at_once["incident"][key]
    codes = {finding["code"]: finding["step"] for finding in late["findings"]}
    assert codes["LOS001"] == 7
