"""The ranks of a distributed run: which one this process is, and where its log goes.

Every rank writes its own log, `RUN/rank=00003/`; `barograph diagnose RUN` reads them together. Nothing is sent from one to
another: that they mean the same folder they see from what launched them.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from typing import NamedTuple

from . import _native, _runs

_PATIENCE = 10.0
"""Seconds that a rank waits for the name of the folder that another one is just making (our choice)."""

_LAST_WORDS = 5.0
"""Seconds that rank 0 waits, before it reports, for the others to end their logs (our choice)."""

_PAUSE = 0.02

_OLD = 24 * 3600.0
"""Seconds after which the mark of a launch is swept away (our choice)."""

_MOST_TRAININGS = 10_000


class Rank(NamedTuple):
    """One process among several that train together."""

    number: int
    world: int

    @property
    def reports(self) -> bool:
        """Whether this is the one that speaks for all."""
        return self.number == 0


def here() -> Rank | None:
    """Which rank this process is; `None` where it trains alone. From the environment, as `torchrun` sets it, or from
    torch.distributed, where that has begun."""
    try:
        number, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    except (KeyError, ValueError):
        number, world = _of_torch()
    return Rank(number, world) if world > 1 and 0 <= number < world else None


def _of_torch() -> tuple[int, int]:
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def is_silent() -> bool:
    """Whether another rank reports for this process."""
    rank = here()
    return rank is not None and not rank.reports


def folders(rank: Rank, run: str | None, name: str, base: str = _runs.RUNS) -> tuple[str, str]:
    """The folder of the run, the same for all ranks, and that of this rank's log. Raises OSError where none can be made."""
    run = run or _agreed(rank, name, base)
    return run, _folder(run, rank.number)


def _folder(run: str, number: int) -> str:
    return os.path.join(run, f"rank={number:05d}")


def _agreed(rank: Rank, name: str, base: str) -> str:
    """The first rank to come makes the folder and leaves its name in a mark that the others know to look for.

    A mark whose folder has a log of this rank already belongs to an earlier training.
    """
    os.makedirs(base, exist_ok=True)
    launch = f"{_launch(rank)} {name}"
    for training in range(_MOST_TRAININGS):
        digest = hashlib.sha256(f"{launch} {training}".encode()).hexdigest()
        run = os.path.join(base, _claim(os.path.join(base, f".launch-{digest[:16]}"), name, base))
        if not os.path.exists(_folder(run, rank.number)):
            os.makedirs(_folder(run, rank.number), exist_ok=True)
            return run
    raise OSError(f"{base}: too many trainings of one launch")


def _launch(rank: Rank) -> str:
    """What tells this launch from all others, and is the same on each of its ranks."""
    get = os.environ.get
    words = [
        get(key, "") for key in ("MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT")
    ]
    words += [get("SLURM_JOB_ID", ""), get("SLURM_STEP_ID", ""), str(rank.world)]
    if get("LOCAL_WORLD_SIZE", str(rank.world)) == str(rank.world) and "SLURM_JOB_ID" not in os.environ:
        words.append(str(os.getppid()))  # All on this machine: one process launched them.
    return " ".join(words)


def _claim(mark: str, name: str, base: str) -> str:
    """The name of the folder in a mark; makes both, if no other rank has."""
    try:
        file = os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return _read(mark)
    try:
        _sweep(base)
        folder = os.path.basename(_runs.next_free(name, base))
        os.write(file, f"{folder}\n".encode())
    except OSError:
        os.unlink(mark)
        raise
    finally:
        os.close(file)
    return folder


def _read(mark: str) -> str:
    limit = time.monotonic() + _PATIENCE
    while time.monotonic() < limit:
        with open(mark, encoding="utf-8") as file:
            text = file.read()
        if text.endswith("\n"):
            return text.strip()
        time.sleep(_PAUSE)
    raise OSError(
        f"{mark}: another rank began to make the folder of the run and did not finish; name one with --run-dir"
    )


def _sweep(base: str) -> None:
    for entry in os.scandir(base):
        if entry.name.startswith(".launch-") and time.time() - entry.stat().st_mtime > _OLD:
            os.unlink(entry.path)


def wait_for_others(run: str, rank: Rank) -> None:
    """Waits, but not for long, until the logs of the other ranks have ended, so that the report is on all of them whole."""
    others = [_folder(run, number) for number in range(rank.world) if number != rank.number]
    limit = time.monotonic() + _LAST_WORDS
    while time.monotonic() < limit and any(map(_native.is_running, others)):
        time.sleep(_PAUSE)
