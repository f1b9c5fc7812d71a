"""What supervision costs: `python -m barograph.bench overhead [--json]`.

CPU time of a training step under each mode, as a ratio to the same step under none; all modes take turns in one process, on one
thread, so that whatever else the machine does meets all of them alike. The first step of a turn is not timed: it finds the caches as
another mode left them. Each figure is the median over the turns.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ._native import Session
from ._torch import hooks
from ._torch.budget import Budget
from ._torch.policy import Policy
from ._torch.supervisor import Supervisor

TURNS, WARM_UP = 15, 5

REST = 0.1
"""Seconds between two turns: threads of numpy that another mode used wait for more work at full speed, and would be counted here."""

STEPS = {"mlp": 50, "cnn": 5, "gpt": 1}
"""Timed steps of one turn: about a fifth of a second each."""


class Block(nn.Module):
    """Two 3x3 convolutions with batch norm, and a shortcut around them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.relu(self.second(self.first(x)) + self.shortcut(x))


class Transformer(nn.Module):
    """A block with causal attention, normalized before each half."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.gelu, self.down = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time_, width = x.shape
        qkv = self.qkv(self.norm1(x)).view(batch, time_, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(batch, time_, width)
        x = x + self.project(mixed)
        return x + self.down(self.gelu(self.up(self.norm2(x))))


class GPT(nn.Module):
    """Four transformer blocks over learned positions."""

    def __init__(self, words: int = 1000, width: int = 256, layers: int = 4, length: int = 128, heads: int = 4) -> None:
        super().__init__()
        self.embed, self.position = nn.Embedding(words, width), nn.Parameter(torch.zeros(1, length, width))
        self.blocks = nn.ModuleList(Transformer(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, words)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed(tokens) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).flatten(0, 1)


def _model(name: str) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    if name == "mlp":
        model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
        return model, torch.randn(128, 784), torch.randint(0, 10, (128,))
    if name == "cnn":
        stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
        model = nn.Sequential(*stem, Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2), *head)
        return model, torch.randn(64, 3, 32, 32), torch.randint(0, 10, (64,))
    return GPT(), torch.randint(0, 1000, (16, 128)), torch.randint(0, 1000, (16 * 128,))


class Mode:
    """One way of watching a training: what is done around a turn, and after each backward pass."""

    stays_in_model = False
    """Whether it leaves hooks in the model between its turns, so that it needs one of its own."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, folder: str) -> None:
        self.model, self.optimizer, self.folder = model, optimizer, folder

    def turn(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def after_backward(self, step: int) -> None:
        pass

    def close(self) -> None:
        pass


class ForeachNorm(Mode):
    def after_backward(self, step: int) -> None:
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        torch.stack(torch._foreach_norm(gradients)).norm().item()


class DetectAnomaly(Mode):
    def turn(self) -> AbstractContextManager[Any]:
        import warnings

        warnings.simplefilter("ignore")
        return torch.autograd.set_detect_anomaly(True)


class TensorBoard(Mode):
    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, folder: str) -> None:
        super().__init__(model, optimizer, folder)
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(folder)

    def after_backward(self, step: int) -> None:
        for name, parameter in self.model.named_parameters():
            self._writer.add_histogram(name, parameter, step)
            self._writer.add_histogram(name + ".grad", parameter.grad, step)

    def close(self) -> None:
        self._writer.close()


class Wandb(Mode):
    stays_in_model = True

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, folder: str) -> None:
        super().__init__(model, optimizer, folder)
        import wandb

        self._run = wandb.init(mode="offline", dir=folder, settings=wandb.Settings(silent=True, console="off"))
        self._run.watch(model, log="all", log_freq=1)

    def after_backward(self, step: int) -> None:
        self._run.log({"step": step})

    def close(self) -> None:
        self._run.finish()


class DebugUnderflowOverflow(Mode):
    stays_in_model = True

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, folder: str) -> None:
        super().__init__(model, optimizer, folder)
        from transformers.debug_utils import DebugUnderflowOverflow as Debug

        self._debug = Debug(model)


class Barograph(Mode):
    """Everything measured at every step, updates and unit readings on their schedule, with the log."""

    budget: float | None = None

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, folder: str) -> None:
        super().__init__(model, optimizer, folder)
        self._session = Session("bench", os.path.join(folder, "run"), "torch", 0)
        # What the first half second costs is not counted: here it is the long run that matters.
        self._supervisor = Supervisor(self._session, Budget(self.budget, free=0.0), Policy(), lambda told: None)

    def turn(self) -> AbstractContextManager[Any]:
        return _installed(self._supervisor)

    def close(self) -> None:
        self._supervisor.finish("completed")


class BarographDefault(Barograph):
    budget = 0.05


class _installed(AbstractContextManager[None]):
    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def __enter__(self) -> None:
        self._supervisor.resume()
        hooks.install(self._supervisor)

    def __exit__(self, *_: Any) -> None:
        hooks.remove()


MODES: dict[str, type[Mode]] = {
    "nothing": Mode,
    "foreach_norm": ForeachNorm,
    "detect_anomaly": DetectAnomaly,
    "tensorboard": TensorBoard,
    "wandb": Wandb,
    "debug_underflow_overflow": DebugUnderflowOverflow,
    "barograph-all": Barograph,
    "barograph-default": BarographDefault,
}


class _Task:
    """A model with its data and its optimizer. Where its tensors happen to lie makes a step up to 3 % faster or slower, so modes
    share one where they can."""

    def __init__(self, name: str) -> None:
        self.model, self.inputs, self.targets = _model(name)
        self.optimizer = (
            torch.optim.AdamW(self.model.parameters(), 1e-4)
            if name == "gpt"
            else torch.optim.SGD(self.model.parameters(), 0.01, momentum=0.9)
        )


class _Training:
    def __init__(self, task: _Task, mode: type[Mode], folder: str) -> None:
        self.task = task
        self.mode = mode(task.model, task.optimizer, folder)
        self.steps = 0
        self.times: list[float] = []

    def turn(self, steps: int, timed: bool) -> None:
        time.sleep(REST)
        with self.mode.turn():
            self._train(1)
            begun = time.process_time()
            self._train(steps)
            if timed:
                self.times.append((time.process_time() - begun) / steps)

    def _train(self, steps: int) -> None:
        task = self.task
        for _ in range(steps):
            loss = F.cross_entropy(task.model(task.inputs), task.targets)
            task.optimizer.zero_grad()
            loss.backward()
            self.mode.after_backward(self.steps)
            task.optimizer.step()
            self.steps += 1


def _bytes(folder: str) -> int:
    """What the files of a folder take on the disk."""
    files = (os.path.join(base, name) for base, _, names in os.walk(folder) for name in names)
    return sum(os.path.getsize(path) for path in files)


def overhead(models: list[str], modes: list[str], turns: int) -> Iterator[dict[str, Any]]:
    """Measures, one model after the other; yields `{"model", "mode", "ratio", "ms", "log_bytes_per_step"}`."""
    torch.set_num_threads(1)
    for name in models:
        with tempfile.TemporaryDirectory() as base:
            trainings: dict[str, _Training] = {}
            shared = _Task(name)
            for mode in ["nothing", *modes]:
                folder = os.path.join(base, mode)
                os.mkdir(folder)
                watched = MODES[mode]
                try:
                    trainings[mode] = _Training(_Task(name) if watched.stays_in_model else shared, watched, folder)
                except ImportError as error:
                    print(f"{mode}: left out, {error.name} is not installed", file=sys.stderr)
            order = list(trainings.values())
            for turn in range(WARM_UP + turns):
                random.Random(turn).shuffle(order)  # What a mode leaves behind, in caches and in work put off, meets each of the others.
                for training in order:
                    training.turn(STEPS[name], timed=turn >= WARM_UP)
            plain = trainings["nothing"].times
            for mode, training in trainings.items():
                training.mode.close()
                ratio = statistics.median(own / none for own, none in zip(training.times, plain))
                yield {
                    "model": name,
                    "mode": mode,
                    "ratio": round(ratio, 3),
                    "ms": round(1000 * statistics.median(training.times), 3),
                    "log_bytes_per_step": round(_bytes(os.path.join(base, mode)) / training.steps),
                }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m barograph.bench", description=__doc__)
    parser.add_argument("what", choices=["overhead"])
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of a table")
    parser.add_argument("--models", default="mlp,cnn,gpt", help="which models, with commas between [default: all]")
    parser.add_argument("--modes", default=",".join(m for m in MODES if m != "nothing"), help="which modes [default: all]")
    parser.add_argument("--turns", type=int, default=TURNS, help="turns of each mode that are timed [default: %(default)s]")
    options = parser.parse_args()
    rows = []
    if not options.json:
        print(f"{'model':6}{'mode':28}{'ratio':>8}{'ms':>10}{'log bytes a step':>19}")
    for row in overhead(options.models.split(","), options.modes.split(","), options.turns):
        rows.append(row)
        if not options.json:
            print(f"{row['model']:6}{row['mode']:28}{row['ratio']:8.3f}{row['ms']:10.3f}{row['log_bytes_per_step']:19}", flush=True)
    if options.json:
        print(json.dumps(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
