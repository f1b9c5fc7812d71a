"""The range test finds a rate that trains, stops where it must, and leaves no trace."""

from __future__ import annotations

import copy
import math
import random
import xml.etree.ElementTree
from collections.abc import Iterator
from typing import Any

import numpy
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from barograph import lr_find
from barograph._lr_find import LearningRates, Suggestions, _valley

F = nn.functional


def task(count: int = 512) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(count, 10, generator=generator)
    return inputs, (inputs @ torch.randn(10, 3, generator=generator)).argmax(1)


def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3))


def loader(**options: Any) -> DataLoader[Any]:
    return DataLoader(TensorDataset(*task()), batch_size=32, shuffle=True, **options)


OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=1e-3),
    "adamw-tensor-rate": lambda parameters: torch.optim.AdamW(parameters, lr=torch.tensor(1e-3)),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=1e-3, centered=True),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_suggestion_trains(name: str) -> None:
    network = model()
    optimizer = OPTIMIZERS[name](network.parameters())
    found = lr_find(network, optimizer, F.cross_entropy, loader())
    assert found.suggestion is not None and 1e-5 < found.suggestion < 1
    assert len(found.rates) == len(found.losses)
    assert found.rates[0] == pytest.approx(1e-7)
    steps = [after / before for before, after in zip(found.rates, found.rates[1:])]
    assert max(steps) == pytest.approx(min(steps))
    for group in optimizer.param_groups:
        group["lr"] = found.suggestion
    losses = []
    for _ in range(8):
        for inputs, targets in loader():
            optimizer.zero_grad()
            loss = F.cross_entropy(network(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    assert sum(losses[-16:]) < 0.7 * sum(losses[:16])


def everything(network: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """All that a test must leave alone, as copies."""
    return {
        "weights": copy.deepcopy(network.state_dict()),
        "gradients": [None if p.grad is None else p.grad.clone() for p in network.parameters()],
        "optimizer": copy.deepcopy(optimizer.state_dict()),
        "modes": [module.training for module in network.modules()],
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": numpy.random.get_state(),
    }


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, numpy.ndarray):
        return numpy.array_equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


class Interrupted(Exception):
    pass


def disturbing(fail_at: int | None) -> Any:
    """A loss that draws from every generator, and may fail."""
    calls = 0

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        random.random(), numpy.random.rand(), torch.rand(1)
        if calls == fail_at:
            raise Interrupted
        return F.cross_entropy(output, target)

    return loss


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("fail_at", [None, 1, 7])
@pytest.mark.parametrize("used", [False, True])
def test_it_leaves_no_trace(name: str, fail_at: int | None, used: bool) -> None:
    network = model()
    optimizer = OPTIMIZERS[name](network.parameters())
    if used:
        # Gradients are there, and so is the optimizer's state.
        inputs, targets = task(32)
        F.cross_entropy(network(inputs), targets).backward()
        optimizer.step()
    network[1].eval()
    before = everything(network, optimizer)
    objects = [*map(id, network.parameters()), *map(id, optimizer.state.values())]
    if fail_at is None:
        lr_find(network, optimizer, disturbing(None), loader(), steps=20)
    else:
        with pytest.raises(Interrupted):
            lr_find(network, optimizer, disturbing(fail_at), loader(), steps=20)
    after = everything(network, optimizer)
    assert [key for key in before if not same(before[key], after[key])] == []
    assert objects == [*map(id, network.parameters()), *map(id, optimizer.state.values())]


def test_a_training_goes_on_as_if_nothing_had_been() -> None:
    def train(look: bool) -> list[float]:
        network = model()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        batches = loader(generator=torch.Generator().manual_seed(5))
        losses = []
        for epoch in range(3):
            if look and epoch > 0:
                lr_find(network, optimizer, F.cross_entropy, batches, steps=20)
            for inputs, targets in batches:
                optimizer.zero_grad()
                loss = F.cross_entropy(network(inputs), targets)
                loss.backward()
                optimizer.step()
                losses.append(float(loss.detach()))
            schedule.step()
        return losses

    assert train(False) == train(True)


def test_it_stops_where_the_loss_diverges() -> None:
    network = nn.Linear(10, 1)
    inputs = torch.randn(64, 10)
    batches = [(inputs, inputs.sum(1, keepdim=True))]
    found = lr_find(network, torch.optim.SGD(network.parameters(), lr=0.1), F.mse_loss, batches, highest=1e3, steps=200)
    assert found.stopped in ("diverged", "not finite")
    assert len(found.rates) < 200
    assert found.suggestion is not None and found.suggestion < 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_it_stops_on_a_loss_that_is_not_finite(value: float) -> None:
    network = nn.Linear(10, 3)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    calls = 0

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return F.cross_entropy(output, target) + (value if calls == 30 else 0)

    before = everything(network, optimizer)
    found = lr_find(network, optimizer, loss, loader())
    assert found.stopped == "not finite"
    assert (len(found.losses), len(found.smoothed)) == (30, 29)
    assert "30 steps" in str(found) and "not finite" in str(found)
    assert same(before, everything(network, optimizer))
    xml.etree.ElementTree.fromstring(found.svg())


def test_a_first_loss_that_is_not_finite() -> None:
    network = nn.Linear(10, 3)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    found = lr_find(network, optimizer, lambda output, _: output.sum() * math.nan, loader())
    assert found.suggestions == Suggestions()
    assert found.suggestion is None
    assert "nothing to draw" in str(found)
    xml.etree.ElementTree.fromstring(found.svg())


def test_a_loss_below_zero_is_no_divergence() -> None:
    network = nn.Linear(10, 1)
    inputs = torch.randn(64, 10)
    target = inputs.sum(1, keepdim=True)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    found = lr_find(network, optimizer, lambda out, y: F.mse_loss(out, y) - 100, [(inputs, target)], highest=0.1)
    assert found.stopped == "highest"
    assert found.suggestion is not None


def test_nothing_is_suggested_where_nothing_is_learned() -> None:
    network = nn.Linear(10, 3)
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    generator = torch.Generator().manual_seed(0)
    batches = [
        (torch.randn(8, 10, generator=generator), torch.randint(0, 3, (8,), generator=generator)) for _ in range(99)
    ]
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    found = lr_find(network, optimizer, F.cross_entropy, batches, highest=1e-4)
    assert found.suggestion is None
    assert "no learning rate is suggested" in str(found)


def test_groups_keep_their_ratios() -> None:
    network = model()
    groups = [{"params": network[0].parameters(), "lr": 0.01}, {"params": network[4].parameters(), "lr": 0.1}]
    optimizer = torch.optim.SGD(groups)
    seen = []
    optimizer.register_step_pre_hook(lambda *_: seen.append([group["lr"] for group in optimizer.param_groups]))
    found = lr_find(network, optimizer, F.cross_entropy, loader(), steps=10)
    assert [high for _, high in seen] == found.rates[: len(seen)]
    assert all(low == pytest.approx(high / 10) for low, high in seen)
    assert [group["lr"] for group in optimizer.param_groups] == [0.01, 0.1]


def test_batches_of_many_kinds() -> None:
    inputs, targets = task(32)
    network = model()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)

    def once() -> Iterator[Any]:
        yield inputs, targets
        yield inputs, targets

    for batches in (
        [(inputs, targets)],
        [[inputs, targets]],
        [((inputs,), targets)],
        [({"input": inputs}, targets)],
        once(),
    ):
        assert len(lr_find(network, optimizer, F.cross_entropy, batches, steps=12, highest=1e-3).rates) == 12


def test_errors_say_what_to_do() -> None:
    network = model()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    find: Any = lr_find
    for options in (
        {"lowest": 0.0},
        {"lowest": 20.0},
        {"highest": math.inf},
        {"steps": 1},
        {"smoothing": 0.0},
        {"diverged": 1.0},
    ):
        with pytest.raises(ValueError):
            find(network, optimizer, F.cross_entropy, loader(), **options)
    with pytest.raises(ValueError, match="no batch"):
        find(network, optimizer, F.cross_entropy, [])
    with pytest.raises(ValueError, match="a pair of inputs and targets, not a tuple of 3"):
        find(network, optimizer, F.cross_entropy, [(1, 2, 3)])
    with pytest.raises(ValueError, match="one element"):
        find(network, optimizer, lambda output, target: output, loader())
    with pytest.raises(ValueError, match="none of the model's parameters"):
        find(nn.Linear(10, 3), optimizer, F.cross_entropy, loader())
    with pytest.raises(TypeError, match="LBFGS"):
        find(network, torch.optim.LBFGS(network.parameters()), F.cross_entropy, loader())


def test_the_valley_is_fastais() -> None:
    # The longest falling sequence is 9, 7, 6, 5, 3, 1 from index 1 to 8; its length of 6 is counted back from its end.
    assert _valley([2.0, 9.0, 7.0, 8.0, 6.0, 5.0, 6.5, 3.0, 1.0, 4.0]) == 5


def result() -> LearningRates:
    rates = [10.0 ** (-7 + 8 * i / 99) for i in range(100)]
    losses = [2 - 1.5 / (1 + math.exp(40 - i / 1.5)) + (0.02 * max(0, i - 85) ** 2) for i in range(100)]
    return LearningRates(rates, losses, losses, Suggestions(1e-3, 1e-2, 3e-2, 1e-4), "highest")


def test_the_text_is_narrow_and_plain_where_the_locale_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    text = str(result())
    assert text.isascii() and max(map(len, text.splitlines())) <= 80
    for name in ("valley", "steep", "minimum", "slide"):
        assert f"^ {name}" in text
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    assert any("\u2800" < letter <= "\u28ff" for letter in str(result()))


def test_the_picture_needs_nothing_else() -> None:
    picture = result().svg()
    root = xml.etree.ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "href" not in picture and "url(" not in picture and "<script" not in picture
    said = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for name in ("valley 0.001", "steep 0.01", "minimum 0.03", "slide 0.0001"):
        assert name in said
    assert result()._repr_svg_() == picture


@pytest.mark.parametrize("color", ["#1f8a4c", "#3b7dd8", "#b8651b", "#9b59b6", "#7a7a7a"])
def test_the_colors_are_seen_on_white_and_on_black(color: str) -> None:
    assert color in result().svg()
    # Relative luminance and contrast as WCAG 2.2 defines them.
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert min(1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05) >= 3
