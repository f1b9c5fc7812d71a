"""`--locate`: runs a script once more, with every operation seen, up to the step at which it broke.

The second run is believed only if its losses up to that step have the bits of the first.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._torch.flow import Event

_ANSWER = "BAROGRAPH_ANSWER"
"""The variable that tells a second run where to leave what it found; it then ends at once."""

_LEAST_SECONDS, _PATIENCE = 60.0, 20.0
"""A second run may take this many times as long as the first, and at least so long (our choice)."""


def answer_file() -> str | None:
    """Where this process is to leave what it finds, if it is a second run."""
    return os.environ.get(_ANSWER)


def answer(path: str, event: Event, step: int, losses: int) -> None:
    """Leaves what a second run found, and ends it: nothing of what the script would still do is wanted twice."""
    found = {
        "operation": event.operation, "site": event.site, "phase": event.phase, "step": step, "losses": losses,
        "source": event.source, "rows": event.rows, "row_count": event.row_count, "doubt": event.doubt,
    }  # fmt: skip
    with open(path, "w", encoding="utf-8") as file:
        json.dump(found, file)
    os._exit(0)


def ask(script: list[str], step: int, losses: int, seconds: float) -> dict[str, Any] | str:
    """Runs `barograph run` on a script once more. Returns what it found at `step`, or why that cannot be used."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "answer.json")
        command = [sys.executable, "-m", "barograph", "run", "--no-log", "--quiet", "--budget", "all", *script]
        nowhere = subprocess.DEVNULL
        limit = max(_LEAST_SECONDS, _PATIENCE * seconds)
        try:
            subprocess.run(
                command, env={**os.environ, _ANSWER: path}, stdin=nowhere, stdout=nowhere, stderr=nowhere, timeout=limit
            )
            with open(path, encoding="utf-8") as file:
                found: dict[str, Any] = json.load(file)
        except subprocess.TimeoutExpired:
            return f"run once more, the script had not broken after {limit:.0f} s"
        except (OSError, ValueError):
            return "run once more, the script did not break"
    if found["step"] != step or found["losses"] != losses:
        return f"run once more, the script gave other losses, and broke at step {found['step']}"
    return found
