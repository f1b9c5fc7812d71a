"""What `--on-nonfinite` does in a step whose loss or gradient is not finite, and that it does nothing in any other."""

from __future__ import annotations

import json
import pathlib

import pytest
import torch
import torch._dynamo  # noqa: F401 - optimizers import it; once, before the forks

from watched import run

SCRIPT = """
import json, sys, torch
from torch import nn
import barograph

how, kind, bad = sys.argv[1], sys.argv[2], [int(step) for step in sys.argv[3].split(",")]
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = {"sgd": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9), "adam": lambda p: torch.optim.Adam(p, 0.01)}[kind](model.parameters())
schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
generator = torch.Generator().manual_seed(1)
batches = [torch.randn(16, 4, generator=generator) for _ in range(30)]

def state():
    kept = [value for entry in optimizer.state.values() for value in entry.values() if isinstance(value, torch.Tensor)]
    return [value.double().flatten().tolist() for value in [*model.parameters(), *kept]]

history, ended = [], "completed"
try:
    for step, x in enumerate(batches):
        before = state()
        loss = model(x).square().mean()
        if step in bad:
            loss = {"loss": lambda: loss * float("nan"), "gradient": lambda: loss + 0 * (loss - loss.detach()).sqrt(),
                    "infinite": lambda: loss * float("inf")}[how]()
        optimizer.zero_grad()
        loss.backward()
        gradients = [str(p.grad.flatten().tolist()) for p in model.parameters()]
        optimizer.step()
        schedule.step()
        history.append([before, state(), optimizer.param_groups[0]["lr"]])
        assert gradients == [str(p.grad.flatten().tolist()) for p in model.parameters()], "the gradients are the script's own"
except barograph.NonFinite as error:
    ended = str(error)
    history.append([before, state(), 0])
print(json.dumps([history, ended]))
"""


def train(folder: pathlib.Path, policy: str, how: str = "loss", kind: str = "sgd", bad: str = "7") -> tuple[list, str, str]:
    script = folder / "script.py"
    script.write_text(SCRIPT)
    ran = run(script, folder, how, kind, bad, options=("--on-nonfinite", policy, "--run-dir", f"log-{policy}-{bad}"))
    assert ran.code == 0 and "times)" not in ran.err, ran.err
    history, ended = json.loads(ran.out)
    return history, ended, ran.err


def is_finite(state: list[list[float]]) -> bool:
    return all(torch.tensor(values).isfinite().all() for values in state)


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("how", ["loss", "gradient", "infinite"])
def test_report_changes_nothing(how: str, kind: str, tmp_path: pathlib.Path) -> None:
    history, ended, _ = train(tmp_path, "report", how, kind)
    assert ended == "completed" and len(history) == 30
    assert not is_finite(history[7][1])


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("how", ["loss", "gradient", "infinite"])
def test_skip_leaves_out_the_step_and_no_other(how: str, kind: str, tmp_path: pathlib.Path) -> None:
    history, ended, err = train(tmp_path, "skip", how, kind, "7,8,20")
    assert ended == "completed" and len(history) == 30
    for step, (before, after, _) in enumerate(history):
        assert is_finite(after)
        assert (before == after) == (step in (7, 8, 20)), step
    assert "skipped" in err


def test_skip_goes_on_as_if_the_step_had_not_been(tmp_path: pathlib.Path) -> None:
    skipped, _, _ = train(tmp_path, "skip")
    healthy, _, _ = train(tmp_path, "report", bad="99")
    assert skipped[:7] == healthy[:7]
    assert [rate for *_, rate in skipped] == [rate for *_, rate in healthy]


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("how", ["loss", "gradient", "infinite"])
def test_stop_raises_before_the_weights_change(how: str, kind: str, tmp_path: pathlib.Path) -> None:
    history, ended, _ = train(tmp_path, "stop", how, kind)
    assert len(history) == 8 and history[7][0] == history[7][1]
    assert ended.startswith("step 7: ") and "not finite" in ended


def test_stop_ends_a_script_that_knows_nothing_of_it(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.replace("barograph.NonFinite", "ZeroDivisionError").replace("import barograph\n", ""))
    ran = run(script, tmp_path, "loss", "sgd", "7", options=("--on-nonfinite", "stop"))
    assert ran.code == 1 and ran.out == ""
    assert "NonFinite: step 7: " in ran.err


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize("how", ["loss", "gradient", "infinite"])
def test_rollback_sets_weights_and_optimizer_back(how: str, kind: str, tmp_path: pathlib.Path) -> None:
    history, ended, err = train(tmp_path, "rollback", how, kind, "7,25")
    assert ended == "completed" and len(history) == 30
    earlier = [before for before, *_ in history[:8]]
    assert history[7][1] in earlier, "it is what it once was"
    assert history[25][1] in [before for before, *_ in history[8:26]]
    assert all(is_finite(after) for _, after, _ in history)
    rates = [rate for *_, rate in history]
    assert rates == sorted(rates, reverse=True), "the schedule goes on"
    assert "set back to step" in err


def test_rollback_in_the_first_step_leaves_the_weights_alone(tmp_path: pathlib.Path) -> None:
    history, _, _ = train(tmp_path, "rollback", bad="0")
    assert history[0][0][:4] == history[0][1][:4]
    assert all(is_finite(after) for _, after, _ in history)


@pytest.mark.parametrize("policy", ["skip", "stop", "rollback"])
def test_a_healthy_training_is_left_alone(policy: str, tmp_path: pathlib.Path) -> None:
    assert train(tmp_path, policy, bad="99")[0] == train(tmp_path, "report", bad="99")[0]
