"""Runs scripts under `barograph run`, each in a process of its own that has torch already, so that a run takes little time."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import sys
import traceback
from dataclasses import dataclass
from typing import Any

import torch

import barograph._run

torch.set_num_threads(1)


@dataclass
class Ran:
    """What a run left behind."""

    code: int
    out: str
    err: str
    report: dict[str, Any]


def run(script: pathlib.Path | str, folder: pathlib.Path, *arguments: str, options: tuple[str, ...] = ()) -> Ran:
    """Runs `barograph run OPTIONS --report ... SCRIPT ARGUMENTS` in `folder`."""
    report = folder / "report.json"
    command = [*options, "--report", str(report), str(script), *arguments]
    code, out, err = forked(lambda: barograph._run.main(command), folder)
    found = json.loads(report.read_text()) if report.exists() else {}
    return Ran(code, out, err, found)


def forked(work: Any, folder: pathlib.Path) -> tuple[int, str, str]:
    """Does some work in a forked process in `folder`. Returns its exit code and what it printed."""
    out, err = folder / "stdout.txt", folder / "stderr.txt"
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _become(work, folder, out, err)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), out.read_text(), err.read_text()


def _become(work: Any, folder: pathlib.Path, out: pathlib.Path, err: pathlib.Path) -> None:
    code = 1
    # torch makes the threads of a forked process anew when they are first asked for, and breaks when two threads ask at once.
    torch.set_num_threads(1)
    try:
        os.chdir(folder)
        for path, descriptor in ((out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC), descriptor)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        code = work() or 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001 - the parent reads it
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # The script may have closed it, or put something else in its place.
                stream.flush()
        os._exit(code)
