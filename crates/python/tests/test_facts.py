"""What is read off a running program: facts and numbers of the step that no tensor shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from barograph._native import Session
from barograph._torch import hooks
from barograph._torch.budget import Budget
from barograph._torch.policy import Policy
from barograph._torch.readings import Readings
from barograph._torch.supervisor import Supervisor


class Recorded(Readings):
    """Keeps what it is told, besides telling the session."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.facts: dict[str, list[Any]] = {}
        self.scalars: dict[str, list[float]] = {}
        self.scalar = self._keep_scalar

    def fact(self, key: str, value: Any, provenance: str = "inferred", site: int | None = None) -> None:
        self.facts.setdefault(key, []).append(value)
        super().fact(key, value, provenance, site)

    def _keep_scalar(self, name: str, value: float) -> None:
        self.scalars.setdefault(name, []).append(value)
        self.session.scalar(name, value)


def watched(train: Callable[[], None]) -> Recorded:
    session = Session("facts", None, "torch", 0)
    readings = Recorded(session)
    supervisor = Supervisor(session, Budget(None), Policy(), lambda told: None, readings)
    hooks.install(supervisor)
    try:
        train()
    finally:
        hooks.remove()
    supervisor.finish("completed")
    assert not supervisor.troubles
    return readings


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))


def steps(net: nn.Module, count: int = 8, reset: Callable[[torch.optim.Optimizer], None] = torch.optim.Optimizer.zero_grad) -> None:
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    for _ in range(count):
        reset(optimizer)
        net(torch.randn(16, 4)).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("reset", "expected"),
    [
        (lambda optimizer: optimizer.zero_grad(), True),
        (lambda optimizer: optimizer.zero_grad(set_to_none=False), True),
        (lambda optimizer: None, False),
    ],
)
def test_whether_gradients_are_reset(reset: Any, expected: bool) -> None:
    assert watched(lambda: steps(model(), reset=reset)).facts["gradients_reset"][-1] is expected


def test_gradients_that_are_accumulated_within_a_step_are_reset() -> None:
    def train() -> None:
        net = model()
        optimizer = torch.optim.SGD(net.parameters(), 0.01)
        for _ in range(6):
            for _ in range(3):
                net(torch.randn(16, 4)).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()

    assert all(watched(train).facts["gradients_reset"])


def test_models_that_are_trained_against_each_other_may_keep_gradients() -> None:
    def train() -> None:
        makes, tells = nn.Linear(2, 4), nn.Linear(4, 1)
        first, second = torch.optim.SGD(tells.parameters(), 0.01), torch.optim.SGD(makes.parameters(), 0.01)
        for _ in range(6):
            first.zero_grad()
            tells(makes(torch.randn(8, 2)).detach()).square().mean().backward()
            first.step()
            second.zero_grad()
            (-tells(makes(torch.randn(8, 2)))).mean().backward()
            second.step()

    assert "gradients_reset" not in watched(train).facts


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_of_the_model(training: bool) -> None:
    assert watched(lambda: steps(model().train(training))).facts["training_mode"][-1] is training


def test_the_precision() -> None:
    def mixed() -> None:
        net = model()
        optimizer = torch.optim.SGD(net.parameters(), 0.01)
        for _ in range(3):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                loss = net(torch.randn(16, 4)).square().mean()
            loss.backward()
            optimizer.step()

    assert watched(lambda: steps(model())).facts["precision"][-1] == "float32"
    assert watched(mixed).facts["precision"][-1] == "bfloat16"
    doubles = nn.Linear(4, 1).double()
    assert watched(lambda: _one_step(doubles, torch.randn(16, 4).double())).facts["precision"] == ["float64"]


def _one_step(net: nn.Module, x: torch.Tensor) -> None:
    optimizer = torch.optim.SGD(net.parameters(), 0.01)
    net(x).square().mean().backward()
    optimizer.step()


def test_the_scale_of_a_loss() -> None:
    def train() -> None:
        net = model()
        optimizer = torch.optim.SGD(net.parameters(), 0.01)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        for _ in range(3):
            optimizer.zero_grad()
            scaler.scale(net(torch.randn(16, 4)).square().mean()).backward()
            scaler.step(optimizer)
            scaler.update()

    assert watched(train).scalars["loss_scale"] == [1024.0] * 3


def test_weights_that_no_optimizer_has() -> None:
    def train() -> None:
        net, other = model(), nn.Linear(4, 8)
        optimizer = torch.optim.SGD([*net[3].parameters(), *other.parameters()], 0.01)
        for _ in range(3):
            optimizer.zero_grad()
            net(torch.randn(16, 4)).square().mean().backward()
            optimizer.step()

    # Weight and bias of the first layer, then of the last; what the model does not use is nowhere.
    assert watched(train).facts["optimized"][:4] == [False, False, True, True]


KINDS = {
    "cross_entropy": (lambda out, y, c: F.cross_entropy(out, c), ("cross_entropy", "logits")),
    "squares by hand": (lambda out, y, c: ((out - y) ** 2).mean(), ("mse", "real")),
    "y * log(p)": (lambda out, y, c: -(F.one_hot(c, 3) * out.log()).sum(1).mean(), ("categorical_cross_entropy", "distribution")),
    "log(p)[c]": (lambda out, y, c: -out.log()[range(16), c].mean(), ("categorical_cross_entropy", "distribution")),
    "log(p[c])": (lambda out, y, c: -out.gather(1, c[:, None]).log().mean(), ("categorical_cross_entropy", "distribution")),
    "squares of logarithms": (lambda out, y, c: ((out.exp().log() - y.exp().log()) ** 2).mean(), ("mse", "real")),
    "a likelihood with a spread": (
        lambda out, y, c: (0.5 * out.exp().log() + (out - y) ** 2 / out.exp()).mean(),
        ("mse", "real"),
    ),
    "two parts of one kind": (lambda out, y, c: F.mse_loss(out, y) + 0.3 * F.mse_loss(2 * out, y), ("mse", "real")),
    "parts of two kinds": (lambda out, y, c: F.cross_entropy(out, c) + 0.5 * F.mse_loss(out, y), ("custom", "unknown")),
}


@pytest.mark.parametrize("name", KINDS)
def test_which_loss_it_is(name: str) -> None:
    loss, expected = KINDS[name]

    def train() -> None:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), *([nn.Softmax(1)] if "(p" in name else []))
        optimizer = torch.optim.SGD(net.parameters(), 0.01)
        for _ in range(3):
            optimizer.zero_grad()
            loss(net(torch.randn(16, 4)), torch.randn(16, 3), torch.randint(0, 3, (16,))).backward()
            optimizer.step()

    facts = watched(train).facts
    assert (facts["loss"], facts["loss_takes"]) == ([expected[0]], [expected[1]])


def test_a_penalty_on_weights_is_no_loss_of_its_own() -> None:
    def train() -> None:
        net = model()
        optimizer = torch.optim.SGD(net.parameters(), 0.01)
        for _ in range(3):
            optimizer.zero_grad()
            penalty = sum(weight.pow(2).sum() for weight in net.parameters())
            (F.mse_loss(net(torch.randn(16, 4)), torch.randn(16, 1)) + 1e-3 * penalty).backward()
            optimizer.step()

    assert watched(train).facts["loss"] == ["mse"]


@pytest.mark.parametrize(("rivals", "expected"), [(True, [2.0]), (False, None)])
def test_losses_that_are_minimized_in_turn(rivals: bool, expected: list[float] | None) -> None:
    def train() -> None:
        makes, tells = nn.Linear(2, 4), nn.Linear(4, 1)
        first, second = torch.optim.SGD(tells.parameters(), 0.01), torch.optim.SGD(makes.parameters(), 0.01)
        for _ in range(6):
            first.zero_grad()
            second.zero_grad()
            tells(makes(torch.randn(8, 2))).square().mean().backward()
            first.step()
            if rivals:
                second.zero_grad()
                (-tells(makes(torch.randn(8, 2)))).mean().backward()
            second.step()

    found = watched(train).facts.get("objectives")
    assert (found and found[-1:]) == expected


LOSSES = {
    "of the library": (lambda out, y: F.mse_loss(out, y), 16.0),
    "by hand": (lambda out, y: ((out - y) ** 2).mean(), 16.0),
    "the other way round": (lambda out, y: (y[:, None] - out.squeeze(1)).abs().mean(), 16.0),
    "right": (lambda out, y: F.mse_loss(out.squeeze(1), y), 1.0),
}


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", LOSSES)
def test_how_many_rows_each_row_is_compared_with(name: str) -> None:
    loss, expected = LOSSES[name]

    def train() -> None:
        net = model()
        optimizer = torch.optim.SGD(net.parameters(), 0.01)
        for _ in range(4):
            optimizer.zero_grad()
            loss(net(torch.randn(16, 4)), torch.randn(16)).backward()
            optimizer.step()

    assert set(watched(train).scalars["loss_rows_compared"]) == {expected}


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_pairs_that_are_meant_are_not_counted() -> None:
    def train() -> None:
        net = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(net.parameters(), 0.01)
        for _ in range(4):
            out = net(torch.randn(16, 4))
            optimizer.zero_grad()
            (out - out.squeeze(1)).square().mean().backward()  # Both sides are learned, as in a contrastive loss.
            optimizer.step()

    assert "loss_rows_compared" not in watched(train).scalars


def test_a_softmax_over_one_unit_is_seen_to_be_constant() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1), nn.Softmax(dim=1))
    inputs = torch.randn(16, 4)

    def train() -> None:
        optimizer = torch.optim.SGD(net.parameters(), 0.01)
        for _ in range(30):
            optimizer.zero_grad()
            F.binary_cross_entropy(net(inputs), (inputs[:, :1] > 0).float()).backward()
            optimizer.step()

    report = json.loads(watched(train).session.report("json"))
    assert "output-constant" in {finding["name"] for finding in report["findings"]}
    assert report["causes"][0]["slug"] == "softmax-over-one-unit" and report["causes"][0]["confidence"] > 0.5
