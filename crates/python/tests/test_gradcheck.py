"""Autograd against differences: right derivatives pass, wrong ones are named, and nothing of the user's changes."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy
import pytest
import torch
from torch import nn

from barograph import gradcheck


class HalfSquare(torch.autograd.Function):
    """A square whose derivative lacks its factor of two."""

    @staticmethod
    def forward(context: Any, x: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * context.saved_tensors[0]


class Wrong(nn.Module):
    """A model in which the second of two layers is differentiated wrongly."""

    def __init__(self) -> None:
        super().__init__()
        self.right, self.scale = nn.Linear(3, 4), nn.Parameter(torch.rand(4) + 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.right(x) * HalfSquare.apply(self.scale)


def convolutional() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.4),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


MODELS = {
    "convolutional": (convolutional, (6, 2, 6, 6)),
    "lstm": (lambda: nn.LSTM(4, 5, num_layers=2, dropout=0.5), (6, 2, 4)),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (2, 5, 8)),
    "normed": (lambda: nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.GELU(), nn.Linear(6, 2)), (5, 4)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("training", [True, False])
def test_right_models_pass(name: str, training: bool) -> None:
    torch.manual_seed(0)
    build, shape = MODELS[name]
    found = gradcheck(build().train(training), torch.randn(shape, requires_grad=True), samples=8)
    assert found.ok, str(found)
    assert found.tensors[-1].name == "input 0"


def test_loss_with_targets() -> None:
    torch.manual_seed(0)
    found = gradcheck(
        convolutional(), torch.randn(6, 2, 6, 6), torch.tensor([0, 1, 2, 2, 1, 0]), loss=nn.CrossEntropyLoss()
    )
    assert found.ok, str(found)
    assert [tensor.name for tensor in found.tensors] == [
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
        "6.weight",
        "6.bias",
    ]


def test_parameters_of_a_loss_are_checked_too() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor(2.0))

        def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return (self.weight * (output - target) ** 2).mean()

    found = gradcheck(nn.Linear(3, 1), torch.ones(2, 3), torch.zeros(2, 1), loss=Scaled())
    assert [tensor.name for tensor in found.tensors] == ["weight", "bias", "loss.weight"]
    assert found.ok, str(found)


def test_several_arguments() -> None:
    bilinear = nn.Bilinear(2, 3, 2)
    inputs = (torch.ones(4, 2, requires_grad=True), torch.rand(4, 3, requires_grad=True))
    found = gradcheck(bilinear, inputs, torch.rand(4, 2), loss=nn.functional.mse_loss)
    assert [tensor.name for tensor in found.tensors][-2:] == ["input 0.0", "input 0.1"]
    assert found.ok, str(found)
    assert gradcheck(torch.matmul, torch.rand(2, 3, requires_grad=True), torch.rand(3, 2, requires_grad=True)).ok


def test_a_wrong_derivative_is_named() -> None:
    torch.manual_seed(0)
    found = gradcheck(Wrong(), torch.randn(5, 3))
    wrong = [tensor for tensor in found.tensors if not tensor.ok]
    assert [tensor.name for tensor in wrong] == ["scale"]
    assert wrong[0].error == pytest.approx(0.5, rel=1e-4)
    assert wrong[0].difference == pytest.approx(2 * wrong[0].autograd, rel=1e-4)
    assert wrong[0].index is not None and len(wrong[0].index) == 1
    with pytest.raises(AssertionError, match="scale .* WRONG"):
        found.raise_if_wrong()


def test_a_derivative_that_was_cut_off() -> None:
    found = gradcheck(lambda x: (x.detach() * 3).sum() + 0 * x.sum(), torch.rand(4, requires_grad=True))
    assert not found.ok
    assert found.tensors[0].autograd == 0
    assert found.tensors[0].difference == pytest.approx(3)


def test_kinks_are_told_and_accepted() -> None:
    found = gradcheck(torch.relu, torch.tensor([0.0, 0.0, 1.0, -1.0], requires_grad=True))
    assert found.ok, str(found)
    assert (found.tensors[0].kinks, found.tensors[0].checked) == (2, 2)
    assert "at a kink: 2" in str(found)


def test_a_kink_nearby_is_stepped_around() -> None:
    found = gradcheck(torch.abs, torch.tensor([1e-6, -2e-6], requires_grad=True))
    assert found.ok and found.tensors[0].checked == 2, str(found)


@pytest.mark.parametrize("function", [torch.log, torch.sqrt, torch.rsqrt, torch.reciprocal], ids=lambda f: f.__name__)
def test_close_to_a_pole(function: Any) -> None:
    for size in (1e-2, 1e-4, 1e-6, 1e-8, 1e-10):
        found = gradcheck(function, torch.tensor([size], requires_grad=True))
        assert found.ok, str(found)


def test_small_derivatives_are_not_lost_in_rounding() -> None:
    class Shrunk(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: torch.Tensor) -> torch.Tensor:
            return 2 + 1e-5 * x

        @staticmethod
        def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
            return 2e-5 * gradient

    for size in (1.0, 1e-4, 1e-8):
        assert not gradcheck(Shrunk.apply, torch.tensor([size], requires_grad=True)).ok


def test_a_wrong_derivative_at_a_kink_is_wrong() -> None:
    class Steep(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: torch.Tensor) -> torch.Tensor:
            return x.relu()

        @staticmethod
        def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
            return 7 * gradient

    assert not gradcheck(Steep.apply, torch.zeros(3, requires_grad=True)).ok


def test_derivatives_that_are_not_finite_are_named() -> None:
    found = gradcheck(torch.sqrt, torch.tensor([0.0, 1.0, 4.0], requires_grad=True))
    assert not found.ok
    assert found.tensors[0].not_finite == 1
    assert found.tensors[0].index == (0,)
    assert "NOT FINITE: 1" in str(found)


def test_tensors_that_take_no_part() -> None:
    model = nn.ModuleDict({"used": nn.Linear(2, 2), "idle": nn.Linear(2, 2)})

    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = model

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.parts["used"](x)

    found = gradcheck(Half(), torch.ones(1, 2))
    assert found.ok and len(found.tensors) == 4, str(found)


def test_samples_are_bounded_and_the_same_each_time() -> None:
    torch.manual_seed(0)
    x = torch.randn(30, 40, requires_grad=True)
    first, second = gradcheck(torch.tanh, x, samples=7), gradcheck(torch.tanh, x, samples=7)
    assert first.tensors[0].checked == 7
    assert first == second
    assert gradcheck(torch.tanh, x[:0].detach().requires_grad_()).ok
    assert gradcheck(torch.tanh, torch.tensor(0.3, requires_grad=True)).tensors[0].index == ()


def test_layouts_and_types() -> None:
    for x in (torch.rand(3, 4).t(), torch.rand(3, 1).expand(3, 5), torch.rand(4).half(), torch.rand(4).bfloat16()):
        assert gradcheck(torch.sin, x.detach().requires_grad_()).ok
    embedding = nn.Embedding(5, 3, sparse=True)
    assert gradcheck(embedding, torch.tensor([0, 3, 3])).ok


def test_a_tensor_that_is_given_twice() -> None:
    x = torch.rand(3, requires_grad=True)
    found = gradcheck(torch.mul, x, x)
    assert found.ok and len(found.tensors) == 1, str(found)


class Stateful(nn.Module):
    """Has every kind of state that a check could disturb."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm, self.dropout = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout()
        self.register_buffer("average", torch.zeros(4))
        self.hidden = torch.ones(4)
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        out = self.dropout(self.norm(self.layer(x))) + self.average + self.hidden.mean()
        self.average = self.average * 0.5 + out.detach().mean(0)
        self.hidden = out.sum(0)
        return out


def test_nothing_of_the_user_changes() -> None:
    torch.manual_seed(0)
    model, x = Stateful(), torch.randn(8, 4, requires_grad=True)
    model.norm.eval()
    model(x).sum().backward()
    before = copy.deepcopy({name: tensor for name, tensor in model.state_dict().items()})
    gradients = [parameter.grad for parameter in model.parameters()]
    values = [gradient.clone() for gradient in gradients if gradient is not None]
    states = torch.get_rng_state(), random.getstate(), numpy.random.get_state()[1].copy()
    found = gradcheck(model, x, samples=4)
    assert found.ok, str(found)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(a is b.grad for a, b in zip(gradients, model.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(values, [g for g in gradients if g is not None]))
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert model.calls == 1 and model.training and not model.norm.training and x.grad is not None
    assert torch.equal(states[0], torch.get_rng_state()) and states[1] == random.getstate()
    assert (states[2] == numpy.random.get_state()[1]).all()


def test_random_numbers_of_python_and_numpy_are_held_still() -> None:
    def noisy(x: torch.Tensor) -> torch.Tensor:
        return x * random.random() + x**2 * float(numpy.random.rand())

    assert gradcheck(noisy, torch.rand(3, requires_grad=True)).ok


def test_a_gradient_penalty_has_derivatives_too() -> None:
    def penalty(x: torch.Tensor) -> torch.Tensor:
        inner = x if x.requires_grad else x.requires_grad_()
        (slope,) = torch.autograd.grad((inner**3).sum(), inner, create_graph=True)
        return (slope**2).sum()

    assert gradcheck(penalty, torch.rand(3, requires_grad=True)).ok


def test_works_where_gradients_are_switched_off() -> None:
    with torch.no_grad():
        assert gradcheck(torch.sin, torch.rand(3, requires_grad=True)).ok


def test_too_few_digits_are_explained() -> None:
    found = gradcheck(lambda x: (x.float() ** 2).double(), torch.rand(5, requires_grad=True))
    assert not found.ok
    assert found.conversions == ["float to float32"]
    assert "does not compute in float64" in str(found)


def test_errors_say_what_to_do() -> None:
    x = torch.rand(3, requires_grad=True)
    with pytest.raises(ValueError, match="requires_grad_"):
        gradcheck(torch.sin, x.detach())
    with pytest.raises(ValueError, match="returns float32"):
        gradcheck(lambda x: x.float(), x)
    generator = torch.Generator()
    with pytest.raises(ValueError, match="random generator of its own"):
        gradcheck(lambda x: x * torch.rand(3, generator=generator), x)
    with pytest.raises(ValueError, match="one element"):
        gradcheck(nn.Linear(3, 2), torch.ones(1, 3), loss=lambda output: output)
    with pytest.raises(ValueError, match="without a shape"):
        gradcheck(nn.LazyLinear(2), torch.ones(1, 3))
    with pytest.raises(TypeError, match="complex"):
        gradcheck(torch.abs, torch.ones(2, dtype=torch.complex64, requires_grad=True))
    for wrong in ({"samples": 0}, {"step": 0.0}, {"tolerance": 0.0}):
        with pytest.raises(ValueError):
            gradcheck(torch.sin, x, **wrong)


def test_the_table_is_aligned() -> None:
    lines = str(gradcheck(Wrong(), torch.ones(2, 3))).splitlines()
    assert lines[0] == "derivatives of Wrong: 1 of 3 tensors wrong (float64, tolerance 1e-05)"
    at = lines[2].index("worst at")
    assert all(line[at - 1] == " " and line[at] == "[" for line in lines[3:])


def test_a_run_that_is_watched_sees_nothing() -> None:
    import barograph

    model = nn.Linear(3, 1)
    with barograph.watch(model, log=False) as run:
        assert gradcheck(model, torch.rand(4, 3), torch.rand(4, 1), loss=nn.functional.mse_loss).ok
        assert run.steps == 0
        batches = [(torch.rand(4, 3), torch.rand(4, 1))]
        found = barograph.lr_find(model, torch.optim.SGD(model.parameters(), lr=0.1), nn.functional.mse_loss, batches)
        assert len(found.rates) > 1
        assert run.steps == 0 and run.findings == []
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(torch.rand(4, 3)), torch.rand(4, 1)).backward()
            optimizer.step()
        assert run.steps == 3
