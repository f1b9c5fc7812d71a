"""Supervision holds on to nothing: what a script lets go of is gone, however long it trains."""

from __future__ import annotations

import pathlib

import pytest
import torch._dynamo  # noqa: F401 - optimizers import it; once, before the forks

from watched import run

BEGINNING = """
import gc, weakref, torch
from torch import nn

def tensors():
    gc.collect()
    return sum(isinstance(thing, torch.Tensor) for thing in gc.get_objects())

def elements():
    gc.collect()
    return sum(thing.numel() for thing in gc.get_objects() if isinstance(thing, torch.Tensor) and thing.device.type == "cpu")

def new():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))
    return model, torch.optim.Adam(model.parameters(), 1e-3)

def step(model, optimizer, x=None):
    loss = model(torch.randn(8, 4) if x is None else x).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
"""

GROWS = {
    "many steps": "m, o = new()\nfor _ in range(200):\n    step(m, o)\nfirst = tensors(), len(gc.get_objects())\nfor _ in range(2000):\n    step(m, o)\nprint(max(0, tensors() - first[0]), max(0, len(gc.get_objects()) - first[1]) // 1000)",
    "many steps after a NaN": "m, o = new()\nfor _ in range(20):\n    step(m, o)\nstep(m, o, torch.full((8, 4), torch.nan))\nfirst = tensors(), len(gc.get_objects())\nfor _ in range(500):\n    step(m, o)\nprint(max(0, tensors() - first[0]), max(0, len(gc.get_objects()) - first[1]) // 1000)",
    "evaluation without no_grad": "m, o = new()\nstep(m, o)\nm.eval()\nx = torch.randn(100, 4)\nfor _ in range(20):\n    m(x).mean().item()\nfirst = elements()\nfor _ in range(500):\n    m(x).mean().item()\nprint(max(0, elements() - first) // 50_000)",
    "accumulation over many batches": "m, o = new()\nx = torch.randn(100, 4)\nfor _ in range(20):\n    m(x).mean().backward()\nfirst = elements()\nfor _ in range(500):\n    m(x).mean().backward()\nprint(max(0, elements() - first) // 50_000)",
    "tensors that are not finite": "first = elements()\nfor _ in range(200):\n    x = torch.full((100_000,), 2.0)\n    y = x.log() * torch.nan\n    z = (y - 1).sqrt()\nprint(max(0, elements() - first) // 20_000_000)",
    "models that came and went": "seen = []\nfor _ in range(8):\n    m, o = new()\n    for _ in range(3):\n        step(m, o)\n    seen.append([weakref.ref(p) for p in m.parameters()])\ndel m, o\ngc.collect()\nprint(sum(r() is not None for fold in seen[:-1] for r in fold))",
    "the output of a finished step": "m, o = new()\nout = m(torch.randn(8, 4))\nkept = weakref.ref(out)\nout.mean().backward()\no.step()\ndel out\nm(torch.randn(8, 4)).mean().backward()\no.step()\ngc.collect()\nprint(kept() is None)",
}  # fmt: skip


@pytest.mark.parametrize("name", GROWS)
def test_nothing_is_kept(name: str, tmp_path: pathlib.Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(BEGINNING + GROWS[name])
    ran = run(script, tmp_path, options=("--budget", "all"))
    assert ran.code == 0, ran.err
    expected = "True" if "finished step" in name else " ".join("0" for _ in ran.out.split())
    assert ran.out.strip() == expected
