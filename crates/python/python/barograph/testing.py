"""For tests: a training that must be healthy. With pytest, for instance:

    def test_training_is_healthy():
        with barograph.watch() as run:
            train(epochs=1)
        assert_healthy(run)

A failing test shows the report of the run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .torch import Watch

__all__ = ["assert_healthy"]

_SURE = 0.5
"""Confidence from which on a cause makes a run unhealthy, as in the verdict itself."""


def assert_healthy(run: Watch | str | os.PathLike[str], *, allow: Iterable[str] = ()) -> None:
    """Raises AssertionError with the report of the run, unless its verdict is `healthy`.

    `run` is what `watch` returned, closed or not, or the folder of a run. What only the whole run shows is judged once
    it is closed, so close it before.

    `allow` names what is accepted: rules by name (`weight-growing`) or code (`WGT005`), and causes
    (`learning-rate-too-high`). A run that is not healthy passes if all its errors, warnings and likely causes are
    named; what follows from another finding needs no name. The error lists the names that are missing. A run that saw
    no step fails always, since nothing can be said of it.

    Raises OSError with what `barograph diagnose` said where the folder cannot be read as a run, TypeError for a single
    string in place of a list of names.
    """
    if isinstance(allow, str):
        raise TypeError(f"allow takes a list of names, such as allow=[{allow!r}]")
    allow = set(allow)
    found = _diagnosis(run)
    if found["steps"] == 0:
        raise AssertionError(f"no training step was seen, so that nothing can be said of the run\n\n{_report(run)}")
    objections = _objections(found, allow)
    if objections or not (found["verdict"] == "healthy" or allow):
        named = f": {', '.join(objections)}" if objections else ""
        raise AssertionError(f"the run is {found['verdict']}{named}\n\n{_report(run)}")


def _objections(found: dict[str, Any], allowed: set[str]) -> list[str]:
    """Names of the findings and causes that keep the run from being healthy, apart from those that are allowed."""
    if found["verdict"] == "healthy":
        return []
    # A note never makes a run unhealthy: it is worth knowing, or follows from something else. It may be what leaves it
    # unsure.
    counts = ("warning", "error") if found["verdict"] == "unhealthy" else ("note", "warning", "error")
    findings = [
        f"{finding['code']} {finding['name']}"
        for finding in found["findings"]
        if finding["severity"] in counts and not allowed & {finding["code"], finding["name"]}
    ]
    causes = [
        cause["slug"] for cause in found["causes"] if cause["confidence"] >= _SURE and cause["slug"] not in allowed
    ]
    return list(dict.fromkeys(findings + causes))


def _diagnosis(run: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_text(run, "json"))
    return found


def _report(run: Any) -> str:
    return _text(run, "terminal").rstrip("\n")


def _text(run: Any, form: str) -> str:
    if hasattr(run, "report"):
        text: str = run.report(form)
        return text
    folder = os.fspath(run)
    command = [sys.executable, "-m", "barograph", "--color", "never", "diagnose", "--format", form, "--", folder]
    # The package that runs is the one to be asked, however it was found.
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=False)
    if done.returncode != 0:
        raise OSError(done.stderr.strip() or f"{folder}: `barograph diagnose` ended with exit code {done.returncode}")
    return done.stdout
