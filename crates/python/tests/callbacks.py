"""Runs programs that use other libraries, each in a process of its own: Keras has one backend for each process."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any


def ran(program: str, folder: pathlib.Path, **environment: str) -> tuple[dict[str, Any], str]:
    """Runs a program of this folder, which prints one line of JSON. Returns what it printed, and its standard error."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(pathlib.Path(__file__).parent / program)]
    environment = {**os.environ, **quiet, **environment}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def line_of(program: str, mark: str) -> int:
    """The number of the line of a program that ends with this mark."""
    text = (pathlib.Path(__file__).parent / program).read_text()
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.endswith(mark))
