"""A training under `barograph run` computes the same bits as without it, whatever is measured, and whatever breaks."""

from __future__ import annotations

import builtins
import pathlib
import sys
from types import ModuleType

import pytest

import barograph._run
import trainings
from barograph._torch import budget
from watched import forked

SCRIPT = pathlib.Path(trainings.__file__)

BUDGETS = {
    "default": [],
    "everything": ["--budget", "all"],
    "next to nothing": ["--budget", "0.001%"],
}


def plainly(name: str) -> int:
    """Runs the script as Python does."""
    sys.argv = [str(SCRIPT), name]
    sys.modules["__main__"] = module = ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    exec(compile(SCRIPT.read_bytes(), str(SCRIPT), "exec"), module.__dict__)
    return 0


def supervised(name: str, options: list[str]) -> int:
    """Runs the script under supervision. Nothing is measured for free, so that a small budget is met from the sixth step on."""
    if options[-1:] == ["0.001%"]:
        budget.FREE_SECONDS = 0.0
    return barograph._run.main([*options, str(SCRIPT), name])


@pytest.mark.parametrize("name", trainings.TRAININGS)
def test_same_bits(name: str, tmp_path: pathlib.Path) -> None:
    code, expected, problems = forked(lambda: plainly(name), tmp_path)
    assert code == 0, problems
    for budget_name, options in BUDGETS.items():
        code, out, err = forked(lambda options=options: supervised(name, options), tmp_path)
        assert code == 0, err
        assert out.splitlines() == expected.splitlines(), budget_name
        assert "times)" not in err, err
        assert "the report failed" not in err, err
