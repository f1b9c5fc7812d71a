"""Small trainings of many kinds. `python trainings.py NAME` prints the exact losses of one, and what it left behind.

They know nothing of Barograph: what they print must be the same with and without it.
"""

from __future__ import annotations

import copy
import hashlib
import io
import math
import os
import random
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import nn
from torch.nn import functional as F

TRAININGS: dict[str, Callable[[], None]] = {}


def training(function: Callable[[], None]) -> Callable[[], None]:
    TRAININGS[function.__name__] = function
    return function


def record(*values: Any) -> None:
    """Prints numbers with all their bits."""
    print(*(value if isinstance(value, str) else float(value).hex() for value in values))


def state(*things: Any) -> None:
    """Prints a hash of every weight, buffer and entry of an optimizer's state."""
    digest = hashlib.sha256()

    def add(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            value = value.detach()
            value = value.to_dense() if value.is_sparse else value
            digest.update(str((value.dtype, tuple(value.shape))).encode())
            digest.update(value.contiguous().view(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"")
        elif isinstance(value, dict):
            for key in value:
                digest.update(repr(key).encode())
                add(value[key])
        elif isinstance(value, (list, tuple)):
            for item in value:
                add(item)
        else:
            digest.update(repr(value).encode())

    for thing in things:
        add(thing.state_dict() if hasattr(thing, "state_dict") else thing)
        for _, module in thing.named_modules() if isinstance(thing, nn.Module) else ():
            # What `forward` assigned counts as well, and that nothing was left behind in the module.
            add({key: value for key, value in vars(module).items() if isinstance(value, (int, float, torch.Tensor))})
            for hooks in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
                add(len(getattr(module, hooks)))
        for parameter in thing.parameters() if isinstance(thing, nn.Module) else ():
            add([parameter.grad, len(parameter._backward_hooks or ()), parameter.requires_grad])
    print("state", digest.hexdigest()[:16])


def randomness() -> None:
    """Prints a hash of the state of every generator of random numbers."""
    digest = hashlib.sha256(torch.get_rng_state().numpy().tobytes())
    digest.update(repr(random.getstate()).encode())
    digest.update(repr([part if isinstance(part, (str, int)) else part.tolist() for part in numpy.random.get_state()[:4]]).encode())
    print("randomness", digest.hexdigest()[:16])


def batches(steps: int, rows: int = 16, width: int = 8, classes: int = 3) -> Any:
    """Batches of a small problem that can be learned."""
    generator = torch.Generator().manual_seed(7)
    key = torch.randn(width, classes, generator=generator)
    for _ in range(steps):
        x = torch.randn(rows, width, generator=generator)
        yield x, (x @ key).argmax(1)


def mlp(width: int = 8, classes: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, classes))


def fit(model: Any, optimizer: torch.optim.Optimizer, steps: int = 12, **sizes: int) -> None:
    for x, y in batches(steps, **sizes):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        record(loss)


# --- models


@training
def perceptron() -> None:
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    fit(model, optimizer, 30)
    state(model, optimizer)


class Convolutional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 8, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(8, momentum=None)
        self.drop = nn.Dropout2d(0.3)
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.norm1(self.conv1(x)), inplace=True), 2)
        x = F.relu_(self.norm2(self.conv2(self.drop(x))))
        return self.head(F.dropout(x.mean((2, 3)), 0.1, self.training))


@training
def convolutional() -> None:
    model = Convolutional()
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)
    for x, y in batches(10, 8, 64):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x.view(-1, 1, 8, 8)), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        record(loss)
    state(model, optimizer)


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width), nn.Dropout(0.1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, t, c = x.shape
        q, k, v = (part.view(b, t, 2, c // 2).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1))
        weights = q @ k.transpose(-2, -1) / math.sqrt(c // 2)
        weights = weights.masked_fill(torch.ones(t, t).tril() == 0, float("-inf")).softmax(-1)
        x = x + self.proj((weights @ v).transpose(1, 2).reshape(b, t, c))
        return x + self.mlp(self.norm2(x))


class Gpt(nn.Module):
    def __init__(self, vocabulary: int = 17, width: int = 16) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(vocabulary, width), nn.Embedding(12, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.embed.weight  # tied

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens) + self.place(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def fit_gpt(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 8) -> None:
    generator = torch.Generator().manual_seed(3)
    for _ in range(steps):
        tokens = torch.randint(17, (4, 12), generator=generator).cumsum(1) % 17
        logits = model(tokens[:, :-1])
        loss = F.cross_entropy(logits.reshape(-1, 17), tokens[:, 1:].reshape(-1))
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        torch.nn.utils.clip_grad_value_(model.parameters(), 0.5)
        optimizer.step()
        record(loss)


@training
def gpt_with_tied_weights() -> None:
    model = Gpt()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    fit_gpt(model, optimizer)
    state(model, optimizer)


@training
def lstm() -> None:
    model = nn.ModuleDict({"rnn": nn.LSTM(8, 12, 2, batch_first=True, dropout=0.2), "head": nn.Linear(12, 3)})
    optimizer = torch.optim.RMSprop(model.parameters(), 1e-2)
    hidden = None
    for x, y in batches(10, 16):
        out, hidden = model["rnn"](x.view(4, 4, 8), hidden)
        hidden = tuple(part.detach() for part in hidden)
        loss = F.cross_entropy(model["head"](out).flatten(0, 1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss)
    state(model, optimizer, hidden)


def _transformer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.1, batch_first=True)
    return nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=True), nn.Flatten(), nn.Linear(32, 3))


@training
def transformer_encoder_with_evaluation() -> None:
    model = _transformer()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for x, y in batches(8, 32):
        x, y = x.view(8, 4, 8), y[::4]
        model.train()
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():  # the fast path
            record(loss, F.cross_entropy(model(x), y))
            padding = torch.zeros(8, 4, dtype=torch.bool)
            padding[:, 3] = True
            record(model[0](x, src_key_padding_mask=padding).sum())
        with torch.inference_mode():
            record(model(x).sum())
    state(model, optimizer)


@training
def multihead_attention() -> None:
    attention, head = nn.MultiheadAttention(8, 2, dropout=0.1, batch_first=True), nn.Linear(8, 3)
    optimizer = torch.optim.Adamax([*attention.parameters(), *head.parameters()], 1e-2)
    mask = torch.full((4, 4), float("-inf")).triu(1)
    for x, y in batches(8, 32):
        out, weights = attention(*[x.view(8, 4, 8)] * 3, attn_mask=mask)
        loss = F.cross_entropy(head(out).flatten(0, 1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        attention.eval()
        with torch.no_grad():
            record(loss, weights.sum(), attention(*[x.view(8, 4, 8)] * 3, need_weights=False)[0].sum())
        attention.train()
    state(attention, head, optimizer)


# --- precision


@training
def autocast_bfloat16() -> None:
    model = Convolutional()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    for x, y in batches(8, 8, 64):
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(x.view(-1, 1, 8, 8)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss)
    state(model, optimizer)


@training
def grad_scaler() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127, growth_interval=4)
    for x, y in batches(16):
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        scaler.scale(loss * 1e3).backward()  # the first steps overflow, and are skipped
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        record(loss, scaler.get_scale())
    state(model, optimizer, scaler)


@training
def half_and_double() -> None:
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3)).to(kind)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for x, y in batches(6):
            loss = F.cross_entropy(model(x.to(kind)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            record(loss)
        state(model)


# --- optimizers and loops


@training
def lbfgs_with_closure() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    optimizer = torch.optim.LBFGS(model.parameters(), 0.5, max_iter=5, line_search_fn="strong_wolfe")
    for x, y in batches(5):

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        record(optimizer.step(closure))
    state(model)


@training
def sgd_with_closure() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    for x, y in batches(8):

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        record(optimizer.step(closure))
    state(model, optimizer)


@training
def adversarial() -> None:
    generator = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8))
    critic = nn.Sequential(nn.Linear(8, 16), nn.LeakyReLU(0.2), nn.Dropout(0.2), nn.Linear(16, 1))
    optimizers = [torch.optim.Adam(model.parameters(), 1e-3, (0.5, 0.9)) for model in (generator, critic)]
    for real, _ in batches(10):
        fake = generator(torch.randn(16, 4))
        loss = F.binary_cross_entropy_with_logits(critic(real), torch.ones(16, 1))
        loss = loss + F.binary_cross_entropy_with_logits(critic(fake.detach()), torch.zeros(16, 1))
        optimizers[1].zero_grad()
        loss.backward()
        optimizers[1].step()
        other = F.binary_cross_entropy_with_logits(critic(fake), torch.ones(16, 1))
        optimizers[0].zero_grad()
        other.backward()
        optimizers[0].step()
        record(loss, other)
    state(generator, critic, *optimizers)


@training
def gradient_penalty() -> None:
    critic = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(critic.parameters(), 1e-2)
    for real, _ in batches(10):
        fake = torch.randn(16, 8)
        mixed = torch.lerp(real, fake, torch.rand(16, 1)).requires_grad_()
        (slope,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        loss = critic(fake).mean() - critic(real).mean() + 10 * ((slope.norm(dim=1) - 1) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss)
    state(critic, optimizer)


@training
def accumulation_schedules_and_groups() -> None:
    model = mlp()
    model[0].bias.requires_grad_(False)
    groups = [{"params": [model[0].weight], "lr": 0.02}, {"params": model[3].parameters(), "weight_decay": 1e-3}]
    optimizer = torch.optim.SGD(groups, 0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [0.05, 0.1], total_steps=8)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
    for number, (x, y) in enumerate(batches(24)):
        loss = F.cross_entropy(model(x), y) / 3
        loss.backward()
        record(loss)
        if number % 3 == 2:
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            plateau.step(loss.item())
    state(model, optimizer, schedule.state_dict()["last_epoch"])


@training
def by_hand_without_an_optimizer() -> None:
    weight = torch.randn(8, 3, requires_grad=True)
    bias = torch.zeros(3, requires_grad=True)
    for x, y in batches(10):
        loss = F.cross_entropy(x @ weight + bias, y)
        loss.backward()
        with torch.no_grad():
            for parameter in (weight, bias):
                parameter -= 0.1 * parameter.grad
                parameter.grad = None
        record(loss)
    for x, y in batches(5):
        loss = F.cross_entropy(x @ weight + bias, y)
        slopes = torch.autograd.grad(loss, [weight, bias])
        with torch.no_grad():
            weight.sub_(slopes[0], alpha=0.1)
            bias.sub_(slopes[1], alpha=0.1)
        record(loss)
    state(weight, bias)


@training
def folds() -> None:
    for fold in range(4):
        model = mlp()
        optimizer = torch.optim.Adam(model.parameters(), 1e-2 / (fold + 1))
        fit(model, optimizer, 5)
        model.eval()
        for x, y in batches(2):
            record(F.cross_entropy(model(x), y))  # evaluated without `no_grad`
        state(model, optimizer)


@training
def training_in_eval_mode() -> None:
    model = Convolutional().eval()
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    for x, y in batches(8, 8, 64):
        loss = F.cross_entropy(model(x.view(-1, 1, 8, 8)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss)
    state(model)


@training
def many_optimizers() -> None:
    for kind in ("Adadelta", "Adagrad", "ASGD", "NAdam", "RAdam", "Rprop", "Adafactor"):
        model = mlp()
        fit(model, getattr(torch.optim, kind)(model.parameters()), 4)
        state(model)
    for option in ({"foreach": True}, {"fused": True}, {"differentiable": False}, {"amsgrad": True}):
        model = mlp()
        fit(model, torch.optim.Adam(model.parameters(), **option), 4)
        state(model)


@training
def sparse_gradients() -> None:
    model = nn.Sequential(nn.EmbeddingBag(20, 8, sparse=True), nn.Linear(8, 3))
    sparse = torch.optim.SparseAdam(model[0].parameters(), 1e-2)
    dense = torch.optim.Adam(model[1].parameters(), 1e-2)
    for _, y in batches(8):
        loss = F.cross_entropy(model(torch.randint(20, (16, 3))), y)
        sparse.zero_grad()
        dense.zero_grad()
        loss.backward()
        sparse.step()
        dense.step()
        record(loss)
    state(model[1], dense, model[0].weight)


@training
def complex_weights() -> None:
    weight = nn.Parameter(torch.randn(8, 3, dtype=torch.complex64))
    optimizer = torch.optim.Adam([weight], 1e-2)
    for x, y in batches(8):
        loss = F.cross_entropy((x.to(torch.complex64) @ weight).abs(), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss)
    print("state", hashlib.sha256(torch.view_as_real(weight.detach()).numpy().tobytes()).hexdigest()[:16])


# --- ways to write a model


@training
def checkpointing() -> None:
    from torch.utils.checkpoint import checkpoint, checkpoint_sequential

    for reentrant in (True, False):
        model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.3), nn.ReLU(), nn.Linear(16, 8), nn.Linear(8, 3))
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        for x, y in batches(8):
            x.requires_grad_()
            hidden = checkpoint(model[:4], x, use_reentrant=reentrant)
            hidden = checkpoint_sequential(model[4:5], 1, hidden, use_reentrant=reentrant)
            loss = F.cross_entropy(model[5](hidden), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            record(loss, x.grad.sum())
        state(model, optimizer)


class Checkpointed(nn.Module):
    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.inner, self.head, self.reentrant = mlp(8, 8), nn.Linear(8, 3), reentrant

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        from torch.utils.checkpoint import checkpoint

        return self.head(checkpoint(self.inner, x, use_reentrant=self.reentrant))


@training
def checkpointing_within_a_module() -> None:
    for reentrant in (True, False):
        model = Checkpointed(reentrant)
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        for x, y in batches(6):
            loss = F.cross_entropy(model(x.requires_grad_()), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            record(loss)
        state(model, optimizer)


@training
def normalized_weights() -> None:
    from torch.nn.utils import parametrizations, parametrize
    from torch.nn.utils import spectral_norm as old_spectral_norm

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.nn.utils import weight_norm as old_weight_norm

        layers = [
            parametrizations.spectral_norm(nn.Linear(8, 16)),
            parametrizations.weight_norm(nn.Linear(16, 16)),
            parametrizations.orthogonal(nn.Linear(16, 16)),
            old_spectral_norm(nn.Linear(16, 16)),
            old_weight_norm(nn.Linear(16, 3)),
        ]
    model = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for x, y in batches(8):
        with parametrize.cached():
            loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss)
    state(model, optimizer)


@training
def functional_transforms() -> None:
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
    weights = {name: weight.detach() for name, weight in model.named_parameters()}

    def loss_of(weights: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(torch.func.functional_call(model, weights, (x,)), y)

    for x, y in batches(8):
        slopes, loss = torch.func.grad_and_value(loss_of)(weights, x, y)
        each = torch.vmap(torch.func.grad(loss_of), (None, 0, 0))(weights, x, y)
        record(loss, sum(slope.square().sum() for slope in each.values()))
        weights = {name: weight - 0.1 * slopes[name] for name, weight in weights.items()}
    jacobian = torch.func.jacrev(lambda x: torch.func.functional_call(model, weights, (x,)))(torch.ones(2, 8))
    record(jacobian.sum(), torch.func.jvp(lambda x: model(x).sum(), (torch.ones(8),), (torch.ones(8),))[1])
    ensemble, _ = torch.func.stack_module_state([copy.deepcopy(model) for _ in range(3)])
    outputs = torch.vmap(lambda weights, x: torch.func.functional_call(model, weights, (x,)), (0, None))(ensemble, torch.ones(2, 8))
    record(outputs.sum())
    state(weights)


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, power: int = 3) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.power = power
        return x**power

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return gradient * ctx.power * x ** (ctx.power - 1), None


class WithSetup(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: torch.Tensor) -> torch.Tensor:
        return x.sin()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: torch.Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * ctx.saved_tensors[0].cos()


@training
def own_derivatives() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.05)
    for x, y in batches(8):
        loss = F.cross_entropy(Cube.apply(WithSetup.apply(model(x)), 3), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss)
    record(torch.vmap(WithSetup.apply)(torch.ones(3, 2)).sum(), torch.func.grad(lambda x: WithSetup.apply(x).sum())(torch.ones(3)).sum())
    print(Cube.apply.__name__, repr(Cube.__name__))
    state(model)


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 3)
        self.register_buffer("seen", torch.zeros(8))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.calls = 0
        self.latest: torch.Tensor | None = None
        self.history: list[float] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.steps += 1
        self.seen.mul_(0.9).add_(x.detach().mean(0), alpha=0.1)
        x -= self.seen
        x[:, 0] = 0.0
        hidden = self.first(x)
        hidden.add_(0.1).clamp_(-3, 3)
        hidden[:, :2] *= 2
        self.latest = hidden.detach().mean()
        self.history.append(float(self.latest))
        return self.second(F.elu_(hidden))


@training
def operations_in_place() -> None:
    model = InPlace()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for x, y in batches(10):
        out = model(x)
        out += 0.1
        out.retain_grad()
        loss = F.cross_entropy(out, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss, x.sum(), out.grad.abs().sum(), *model.history[-1:])
    state(model)


@training
def hooks_of_the_user() -> None:
    model = mlp()
    said: list[str] = []
    model[0].register_forward_pre_hook(lambda module, args: said.append("pre") or (args[0] * 1.1,))
    model[0].register_forward_hook(lambda module, args, out: said.append("out") or out + 0.1)
    model[3].register_full_backward_hook(lambda module, into, out: said.append("back"))
    model[3].register_full_backward_pre_hook(lambda module, out: (out[0] * 0.9,))
    model[3].register_forward_hook(lambda module, args, kwargs, out: None, with_kwargs=True, always_call=True)
    model[0].weight.register_hook(lambda gradient: gradient.clamp(-0.1, 0.1))
    model[3].weight.register_post_accumulate_grad_hook(lambda weight: said.append("accumulated"))
    everywhere = nn.modules.module.register_module_forward_hook(lambda module, args, out: said.append(type(module).__name__))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    optimizer.register_step_pre_hook(lambda *_: said.append("before"))
    optimizer.register_step_post_hook(lambda *_: said.append("after"))
    fit(model, optimizer, 5)
    everywhere.remove()
    fit(model, optimizer, 5)
    print(len(said), hashlib.sha256(" ".join(said).encode()).hexdigest()[:16])
    state(model, optimizer)


@training
def copies_and_files() -> None:
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    for number, (x, y) in enumerate(batches(12)):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        if number % 3 == 1:
            twin, file = copy.deepcopy(model), io.BytesIO()
            torch.save({"model": model, "optimizer": optimizer, "state": model.state_dict(), "loss": loss.detach()}, file)
            print("saved", len(file.getvalue()) > 1000)
            loaded = torch.load(io.BytesIO(file.getvalue()), weights_only=False)
            record(loaded["model"].eval()(x).sum(), twin.eval()(x).sum(), loaded["loss"])
            copied = copy.deepcopy(optimizer)
            record(len(copied.state_dict()["state"]))
        optimizer.step()
        average.update_parameters(model)
        if number == 7:
            model.load_state_dict(loaded["state"])
            optimizer.load_state_dict(loaded["optimizer"].state_dict())
        record(loss)
    state(model, optimizer, average.module)


class Assigns(nn.Module):
    """Assigns attributes in `forward`, and uses random numbers of three libraries."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm, self.drop = nn.Linear(8, 3), nn.BatchNorm1d(3), nn.Dropout(0.2)
        self.calls, self.scale = 0, 1.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.scale *= 1.01
        self.mask = torch.rand(3)
        self.noise = random.random() + float(numpy.random.rand())
        return self.drop(self.norm(self.linear(x))) + self.mask * self.noise * 0.01


@training
def attributes_of_forward() -> None:
    model = Assigns()
    fit(model, torch.optim.SGD(model.parameters(), 0.1), 8)
    state(model)


class Wrapped(torch.Tensor):
    """A tensor with arithmetic of its own."""

    seen = 0

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.seen += func.__name__ in ("mul", "__mul__", "linear")
        out = super().__torch_function__(func, types, args, kwargs or {})
        if func.__name__ == "mul" and isinstance(out, torch.Tensor):
            with torch._C.DisableTorchFunctionSubclass():
                return (out + 0.5).as_subclass(cls)
        return out


class Multiplies(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(torch.mul(x, 2.0))


@training
def tensors_of_an_own_class() -> None:
    model = Multiplies()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for x, y in batches(10):
        x = x.as_subclass(Wrapped)
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            record(loss, model(x).sum(), Wrapped.seen)
            print(type(model(x)).__name__)
    state(model)


class Counts(torch.overrides.TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen += func is F.linear
        return func(*args, **(kwargs or {}))


class MakesTensors(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 3)
        self.devices: list[str] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.devices.append(torch.zeros(1).device.type)
        return self.linear(x)


@training
def modes_of_the_user() -> None:
    model = MakesTensors()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for x, y in batches(10):
        with Counts() as counts, torch.device("meta"):
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                evaluated = model(x).sum()
        record(loss, evaluated, counts.seen)
    print(model.devices)
    torch.set_default_device("meta")
    with torch.no_grad():
        model(x)
    print(model.devices[-1], torch.zeros(1).device)
    torch.set_default_device(None)
    print(torch.zeros(1).device)
    state(model)


@training
def lazy_modules() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyBatchNorm1d(), nn.LazyLinear(3))
        model(torch.randn(4, 8))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    fit(model, optimizer, 6)
    state(model, optimizer)


@training
def weights_that_come_and_go() -> None:
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    fit(model, optimizer, 4)
    model.append(nn.Linear(3, 3))
    optimizer.add_param_group({"params": model[4].parameters(), "lr": 1e-3})
    fit(model, optimizer, 4)
    with torch.no_grad():
        model[3] = nn.Linear(16, 3)
        model[0].weight.data = torch.randn(16, 8)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    fit(model, optimizer, 4)
    model.to(torch.float64)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for x, y in batches(4):
        loss = F.cross_entropy(model(x.double()), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss)
    state(model)


@training
def exceptions_in_forward() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for number, (x, y) in enumerate(batches(10)):
        try:
            model(torch.ones(2, 5 if number % 2 else 8, dtype=torch.float32 if number % 3 else torch.long))
        except RuntimeError as error:
            print("caught", str(error)[:20])
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss)
    state(model)


# --- compilers, workers


@training
def compiled() -> None:
    for backend in ("eager", "aot_eager"):
        torch._dynamo.reset()
        model = mlp()
        whole = torch.compile(model, backend=backend, fullgraph=True)
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        fit(whole, optimizer, 6)
        whole.eval()
        with torch.no_grad():
            record(whole(next(batches(1))[0]).sum())
        state(model, optimizer)


@training
def compiled_functions() -> None:
    for backend in ("eager", "aot_eager"):
        torch._dynamo.reset()
        model = mlp()
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)

        @torch.compile(backend=backend, fullgraph=True)
        def loss_of(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(model(x), y)

        other = torch.compile(lambda x: (x * 2).tanh(), backend=backend, fullgraph=True)
        third = torch.compile(model=lambda x: x.sin(), backend=backend, fullgraph=True)
        for x, y in batches(6):
            loss = loss_of(third(other(x)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            record(loss)
        model.compile(backend=backend)
        fit(model, optimizer, 3)
        state(model, optimizer)


@training
def traced_and_scripted() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for make in (lambda model: torch.jit.trace(model, torch.ones(2, 8)), torch.jit.script):
            model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
            whole = make(model)
            print(len(list(whole.graph.nodes())))
            optimizer = torch.optim.Adam(whole.parameters(), 1e-2)
            fit(whole, optimizer, 6)
            state(model, optimizer)
    exported = torch.export.export(model, (torch.ones(2, 8),))
    print(sorted(str(node.target) for node in exported.graph.nodes))
    print([str(node.target) for node in torch.fx.symbolic_trace(model).graph.nodes])


class Numbers(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> Any:
        x = torch.randn(8) + index / 40
        x = torch.relu(x.requires_grad_()).detach()
        return x, int(x.sum() > 3), os.getpid()


@training
def workers() -> None:
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    loader = torch.utils.data.DataLoader(Numbers(), 8, shuffle=True, num_workers=2, persistent_workers=True)
    for _ in range(2):
        for x, y, process in loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            record(loss, x.sum())
    state(model, optimizer)


@training
def distributed() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = torch.distributed.HashStore()
        torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
        inner = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Linear(16, 3))
        model = nn.parallel.DistributedDataParallel(inner)
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        for number, (x, y) in enumerate(batches(9)):
            with model.no_sync() if number % 3 < 2 else warnings.catch_warnings():
                loss = F.cross_entropy(model(x), y)
                loss.backward()
            record(loss)
            if number % 3 == 2:
                optimizer.step()
                optimizer.zero_grad()
        torch.distributed.destroy_process_group()
    state(inner, optimizer)


# --- trainings that break: what Barograph repeats must leave no trace


def fit_broken(model: nn.Module, spoil: Callable[[int, Any], Any], steps: int = 10) -> None:
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for number, (x, y) in enumerate(batches(steps)):
        loss = spoil(number, model(x.clone()))
        loss = F.cross_entropy(loss, y) if loss.dim() else loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss)
        randomness()
    state(model, optimizer)


class Breaks(nn.Module):
    """Becomes NaN within `forward` at call `at`, and does everything that a repeated forward pass could leave a trace of."""

    def __init__(self, at: int = 4, backward_only: bool = False) -> None:
        super().__init__()
        self.first, self.norm, self.drop, self.second = nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Dropout(0.3), nn.Linear(16, 3)
        self.at, self.backward_only, self.calls, self.scale = at, backward_only, 0, 1.0
        self.kept = torch.zeros(8)
        self.history: list[int] = []
        self.named: dict[str, int] = {}
        self.own = torch.Generator().manual_seed(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.scale *= 1.01
        self.noise = torch.rand(16, generator=self.own) * random.random() * float(numpy.random.rand())
        self.kept += x.detach().mean(0)
        self.history.append(len(self.history))
        self.named[f"call {len(self.named)}"] = len(self.history)
        x.mul_(1.5)
        hidden = self.drop(F.relu(self.norm(self.first(x)))) + self.noise
        if self.calls >= self.at:
            hidden = hidden.sub_(hidden.detach()).sqrt() if self.backward_only else (hidden * 0 - 1).log()
        return self.second(hidden)


def _fit_breaks(model: Breaks, steps: int = 8) -> None:
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    for x, y in batches(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss, x.sum(), model.own.initial_seed(), torch.rand(1, generator=model.own))
        print(model.history, model.named, model.calls)
        randomness()
    state(model, optimizer)


@training
def nan_in_forward() -> None:
    _fit_breaks(Breaks())


@training
def nan_in_backward_only() -> None:
    _fit_breaks(Breaks(backward_only=True))


@training
def nan_in_the_loss() -> None:
    fit_broken(Assigns(), lambda number, out: out if number != 4 else (out.sum() - out.sum() - 1).log())


@training
def nan_in_backward_of_the_loss() -> None:
    fit_broken(Assigns(), lambda number, out: out if number != 4 else (out - out.detach()).square().sum().sqrt())


@training
def nan_in_convolutions() -> None:
    model = Convolutional()
    optimizer = torch.optim.SGD(model.parameters(), 1e4)
    for x, y in batches(12, 8, 64):
        loss = F.cross_entropy(model(x.view(-1, 1, 8, 8)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        record(loss)
        randomness()
    state(model)


class Prints(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        print("forward", file=sys.stdout)
        os.write(1, b"")
        return torch.log(self.linear(x) * 0 - 1)


@training
def nan_in_a_model_that_prints() -> None:
    fit_broken(Prints(), lambda number, out: out, 3)


@training
def nan_with_hooks_of_the_user() -> None:
    said: list[str] = []
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))
    model[0].register_forward_hook(lambda module, args, out: said.append("forward"))
    model[2].register_forward_pre_hook(lambda module, args: said.append("pre"))
    model[0].register_full_backward_hook(lambda module, into, out: said.append("backward"))
    model[0].weight.register_hook(lambda gradient: said.append("gradient"))
    model[0].weight.register_post_accumulate_grad_hook(lambda weight: said.append("accumulated"))
    model[2].register_forward_hook(lambda module, args, out: (out * 0 - 1).log() if len(said) > 20 else out)
    fit_broken(model, lambda number, out: out, 8)
    print(said)
    model = Breaks(backward_only=True)
    model.first.weight.register_hook(lambda gradient: said.append("gradient"))
    model.second.register_full_backward_hook(lambda module, into, out: said.append("backward"))
    model.register_forward_hook(lambda module, args, out: said.append("forward"))
    fit_broken(model, lambda number, out: out, 8)
    print(said)


@training
def nan_with_checkpointing_and_autocast() -> None:
    for reentrant in (True, False):
        model = Checkpointed(reentrant)
        optimizer = torch.optim.SGD(model.parameters(), 1e20)
        for x, y in batches(6):
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.cross_entropy(model(x.requires_grad_()), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            record(loss)
            randomness()
        state(model)


@training
def nan_under_a_scaler() -> None:
    model = Assigns()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    for number, (x, y) in enumerate(batches(8)):
        loss = F.cross_entropy(model(x), y)
        loss = loss * float("inf") if number == 3 else loss
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        record(loss, scaler.get_scale())
        randomness()
    state(model, optimizer, scaler)


@training
def nan_in_normalized_weights() -> None:
    from torch.nn.utils import parametrizations

    model = nn.Sequential(parametrizations.spectral_norm(nn.Linear(8, 16)), nn.ReLU(), parametrizations.weight_norm(nn.Linear(16, 3)))
    fit_broken(model, lambda number, out: out if number != 3 else (out * 0 - 1).log(), 6)
    optimizer = torch.optim.SGD(model.parameters(), 1e30)
    fit(model, optimizer, 5)
    state(model)


@training
def nan_rows_in_the_data() -> None:
    model = Assigns()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for number, (x, y) in enumerate(batches(8)):
        if number == 3:
            x[5, 2] = float("nan")
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        if math.isfinite(loss.item()):
            loss.backward()
            optimizer.step()
        record(loss)
        randomness()
    state(model)


if __name__ == "__main__":
    random.seed(0)
    numpy.random.seed(0)
    torch.manual_seed(0)
    TRAININGS[sys.argv[1]]()
    randomness()
