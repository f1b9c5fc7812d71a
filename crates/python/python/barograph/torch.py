"""Watching a PyTorch training from within its own code.

    run = barograph.watch(model, optimizer)     # anywhere before the loop; the loop stays as it is
    ...
    print(run.report())                         # or: with barograph.watch(model, optimizer) as run: ...
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from typing import Any, Literal

import torch as _torch

from . import _ranks, _report, _runs
from ._native import Session
from ._torch import facts, hooks
from ._torch.budget import Budget
from ._torch.policy import NonFinite, Policy
from ._torch.supervisor import Supervisor
from ._watched import Finding, Format, Watched

__all__ = ["Finding", "Format", "NonFinite", "Watch", "watch"]


class Watch(Watched):
    """A training under supervision; made by `watch`. Ends with `close`, at the end of a `with`, or with the program."""

    def __init__(
        self,
        session: Session,
        supervisor: Supervisor,
        folder: str | None,
        on_finding: Callable[[Finding], None] | None = None,
        rank: _ranks.Rank | None = None,
    ) -> None:
        super().__init__(session, folder, on_finding)
        self._supervisor = supervisor
        self._rank = rank
        self._closed = False

    @property
    def steps(self) -> int:
        """Steps that were seen."""
        return self._supervisor.step

    def close(self, end: str = "completed") -> None:
        """Ends supervision: `completed`, `stopped`, `interrupted` or `failed`. The second call does nothing."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        if hooks.supervisor() is self._supervisor:
            hooks.remove()
        self._supervisor.finish(end)
        for text, count in self._supervisor.troubles.items():
            _report.say(f"barograph: {text} ({count} times)")
        if self._rank and self._rank.reports and self.folder is not None:
            _ranks.wait_for_others(self.folder, self._rank)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        self.close("completed" if kind is None else "interrupted" if kind is KeyboardInterrupt else "failed")


def watch(
    *parts: Any,
    name: str = "run",
    run_dir: str | None = None,
    log: bool = True,
    budget: float | None = 0.05,
    on_nonfinite: Literal["report", "skip", "stop", "rollback"] = "report",
    on_finding: Callable[[Finding], None] | None = None,
) -> Watch:
    """Watches the trainings of this thread from now on; what they compute stays as it is.

    `parts` are models and optimizers, in any order; they are found by themselves, too, and naming them only settles names and
    order. `name` is that of the run, `run_dir` the folder of its log (default `runs/NAME-001` and counting; `log=False` keeps
    none). `budget` is the share of the time that supervision may take, `None` for no limit. `on_nonfinite` says what is done when
    a loss or a gradient is not finite, before the optimizer changes a weight: nothing (`report`), leave the step out (`skip`),
    raise `barograph.NonFinite` (`stop`), or set weights and optimizer back to the last good copy (`rollback`). `on_finding` is
    called with each finding.

    In a distributed run every rank watches itself, and all write their logs below the same `run_dir`; the report of any of them
    is on all of them, once they have ended.

    There is one watch at a time: a new one ends the one before. Raises OSError where the log cannot be written, ValueError for a
    setting that does not exist, TypeError for parts that are neither models nor optimizers.
    """
    for part in parts:
        if not isinstance(part, (_torch.nn.Module, _torch.optim.Optimizer)):
            raise TypeError(f"watch takes models and optimizers of torch, not {type(part).__name__}")
    policy = Policy(on_nonfinite)
    if budget is not None and not 0 < budget <= 1:
        raise ValueError(f"the budget is a share of the time, above 0 and up to 1, or None; not {budget}")
    rank = _ranks.here()
    logs: str | None = None
    folder: str | None = None
    if log and rank:
        logs, folder = _ranks.folders(rank, run_dir, name)
    elif log:
        folder = run_dir or _runs.next_free(name)
    session = Session(name, folder, f"torch {_torch.__version__}", int(time.time()), run=logs)
    run: Watch

    supervisor = Supervisor(session, Budget(budget), policy, lambda told: run._see(told))
    run = Watch(session, supervisor, logs or folder, on_finding, rank if logs else None)
    for part in parts:
        if isinstance(part, _torch.nn.Module):
            supervisor.layers.learn(part, others_exist=sum(isinstance(p, _torch.nn.Module) for p in parts) > 1)
    for part in parts:
        if isinstance(part, _torch.optim.Optimizer):
            supervisor.optimizers.append(part)
            facts.optimizer(supervisor.readings, part)
    hooks.install(supervisor)
    atexit.register(run.close)
    return run


