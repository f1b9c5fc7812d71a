"""Steps that go as the step before are seen in fewer pieces: what is written down of them, and of what interrupts them, is the same."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch._dynamo  # noqa: F401 - optimizers import it; once, before the forks
import torch.nn.functional as F
from torch import nn

from barograph import _native
from barograph._torch import hooks, steady
from barograph._torch.budget import Budget
from barograph._torch.policy import Policy
from barograph._torch.supervisor import Supervisor
from watched import forked

STEPS, INTERRUPTED = 60, 42
"""Steps of a training, and the one at which something else happens: neither units nor operations are looked at in it by themselves."""

HEADER = 40
"""Bytes of a log before its first record: they hold an identity of the run."""


class Training:
    """A classifier on one batch."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 4))
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.05, momentum=0.9)
        self.x, self.y = torch.randn(32, 8), torch.randint(0, 4, (32,))
        self.clips = False

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(self.model(x), self.y)

    def step(self) -> None:
        self.optimizer.zero_grad()
        self.loss(self.x).backward()
        if self.clips:
            nn.utils.clip_grad_norm_(self.model.parameters(), 0.1)
        self.optimizer.step()


def nothing(training: Training) -> None:
    """The training goes on."""


def validates(training: Training) -> None:
    with torch.no_grad():
        training.loss(training.x * 2)


def computes_without_gradients_in_between(training: Training) -> None:
    training.optimizer.zero_grad()
    loss = training.loss(training.x)
    with torch.no_grad():
        training.model(training.x * 2)
    loss.backward()
    training.optimizer.step()


def calls_the_model_twice(training: Training) -> None:
    training.model(training.x)


def adds_gradients(training: Training) -> None:
    training.loss(training.x).backward()


def leaves_a_forward_pass(training: Training) -> None:
    with pytest.raises(RuntimeError):
        training.model(training.x[:, :3])


def leaves_a_forward_pass_half_way(training: Training) -> None:
    last, training.model[4] = training.model[4], nn.Linear(3, 4)
    with pytest.raises(RuntimeError):
        training.model(training.x)
    training.model[4] = last


def has_another_loss(training: Training) -> None:
    training.optimizer.zero_grad()
    training.model(training.x).square().mean().backward()
    training.optimizer.step()


def scales_its_loss(training: Training) -> None:
    training.optimizer.zero_grad()
    (training.loss(training.x) / 2).backward()
    training.optimizer.step()


def clips(training: Training) -> None:
    training.clips = True


def trains_more(training: Training) -> None:
    training.optimizer.add_param_group({"params": [nn.Parameter(torch.ones(3))], "lr": 0.1})


def has_a_closure(training: Training) -> None:
    def closure() -> torch.Tensor:
        training.optimizer.zero_grad()
        loss = training.loss(training.x)
        loss.backward()
        return loss

    training.optimizer.step(closure)


def takes_another_optimizer(training: Training) -> None:
    training.optimizer = torch.optim.Adam(training.model.parameters(), 0.01)


def has_a_bad_row(training: Training) -> None:
    training.x = training.x.clone()
    training.x[3, 2] = float("nan")


def has_a_bad_weight(training: Training) -> None:
    with torch.no_grad():
        training.model[2].weight[1, 1] = float("inf")


def has_a_bad_gradient(training: Training) -> None:
    training.model[2].weight.register_hook(lambda gradient: gradient * float("nan"))


def has_an_update_that_overflows(training: Training) -> None:
    training.model[4].weight.register_hook(lambda gradient: torch.full_like(gradient, 3e38))
    training.optimizer.param_groups[0]["lr"] = 10.0


def has_a_layer_that_breaks(training: Training) -> None:
    training.model[4].register_forward_hook(lambda module, args, out: (out - out.max()).log())


def is_given_names(training: Training) -> None:
    training.optimizer.zero_grad()
    F.cross_entropy(training.model(input=training.x), training.y).backward()
    training.optimizer.step()


HAPPENINGS: list[Callable[[Training], None]] = [
    nothing, validates, computes_without_gradients_in_between, calls_the_model_twice, adds_gradients, leaves_a_forward_pass,
    leaves_a_forward_pass_half_way, has_another_loss, scales_its_loss, clips, trains_more, has_a_closure, takes_another_optimizer,
    has_a_bad_row, has_a_bad_weight, has_a_bad_gradient, has_an_update_that_overflows, has_a_layer_that_breaks, is_given_names,
]  # fmt: skip
BREAKS = HAPPENINGS[13:18]


def log_of(happens: Callable[[Training], None], folder: pathlib.Path, is_steady: bool, seen: list[Any]) -> bytes:
    """Trains under supervision; returns what was written down."""
    if not is_steady:
        steady.Steady.begin = lambda self, call, optimizer: None  # type: ignore[method-assign]
    training = Training()
    session = _native.Session("training", str(folder), "torch", 0)
    supervisor = Supervisor(session, Budget(None), Policy(), lambda told: None)
    hooks.install(supervisor)
    steps = 0
    for step in range(STEPS):
        if step == INTERRUPTED:
            happens(training)
        training.step()
        steps += supervisor.steady.is_on
    hooks.remove()
    supervisor.finish("completed")
    event = supervisor.incidents.first
    seen.append((steps, supervisor.troubles, event and (supervisor.incidents.step, event.phase, event.operation, event.site)))
    return b"".join(path.read_bytes()[HEADER:] for path in sorted(folder.glob("log-*.wal")))


@pytest.mark.parametrize("happens", HAPPENINGS, ids=lambda happens: happens.__name__)
def test_a_step_is_written_down_alike(happens: Callable[[Training], None], tmp_path: pathlib.Path) -> None:
    def compare() -> None:
        seen: list[Any] = []
        quickly = log_of(happens, tmp_path / "quickly", True, seen)
        slowly = log_of(happens, tmp_path / "slowly", False, seen)
        (steps, troubles, event), (no_steps, no_troubles, same_event) = seen
        assert steps > 20 and no_steps == 0, "most steps go as the one before"
        assert not troubles and not no_troubles
        assert event == same_event and (event is not None) == (happens in BREAKS)
        assert len(quickly) > 10_000 and quickly == slowly

    code, _, err = forked(compare, tmp_path)
    assert code == 0, err
