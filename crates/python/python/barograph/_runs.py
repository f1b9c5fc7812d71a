"""Folders for the logs of runs: `runs/NAME-001` and counting."""

from __future__ import annotations

import os
import re

RUNS = "runs"
_LONGEST_NAME = 64


def next_free(name: str, base: str = RUNS) -> str:
    """Makes the next free folder for a run of this name. Raises OSError where that cannot be done."""
    name = re.sub(r"[^\w.-]", "-", name).strip(".-")[:_LONGEST_NAME] or "run"
    os.makedirs(base, exist_ok=True)
    taken = [int(m[1]) for m in (re.fullmatch(re.escape(name) + r"-(\d+)", entry) for entry in os.listdir(base)) if m]
    number = max(taken, default=0) + 1
    while True:
        path = os.path.join(base, f"{name}-{number:03d}")
        try:
            os.mkdir(path)
            return path
        except FileExistsError:
            number += 1
