"""What is found where the budget leaves next to nothing to be measured."""

from __future__ import annotations

import json
import pathlib

import barograph._run
from barograph._torch import budget
from watched import forked

OVERFLOWS = """
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), 0.01)
for step in range(60):
    loss = model(torch.ones(16, 4)).square().mean() + 1.0
    optimizer.zero_grad()
    loss.backward()
    if step == 40:
        model[2].weight.grad.fill_(3e38)
        optimizer.param_groups[0]["lr"] = 10.0
    optimizer.step()
"""


def test_an_update_that_overflows_is_found_at_its_step(tmp_path: pathlib.Path) -> None:
    (tmp_path / "script.py").write_text(OVERFLOWS)

    def supervised() -> int:
        budget.FREE_SECONDS = 0.0
        return barograph._run.main(["--budget", "0.001%", "--report", "report.json", "script.py"])

    code, _, err = forked(supervised, tmp_path)
    assert code == 0, err
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["dropped"] > 30
    incident = report["incident"]
    assert (incident["step"], incident["phase"], incident["site"]) == (40, "update", "2.weight"), incident
    assert incident["source"] == "script.py:14"
