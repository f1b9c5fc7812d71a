"""Trainings that learn what they should: a false alarm is as bad as a miss.

Each script in `healthy` is a training as people write it, with what looks odd and is not: losses below zero, a loss
scale that begins too high, two optimizers against each other, weights that are frozen on purpose, five models in a row.
"""

from __future__ import annotations

import pathlib

import pytest

from watched import run

SCRIPTS = sorted((pathlib.Path(__file__).parent / "healthy").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_no_false_alarm(script: pathlib.Path, tmp_path: pathlib.Path) -> None:
    ran = run(script, tmp_path)
    assert ran.code == 0, ran.err
    report = ran.report
    causes = [(cause["slug"], round(cause["confidence"], 2)) for cause in report["causes"]]
    findings = [
        (finding["code"], finding["severity"], finding["step"], finding["site"], finding["message"])
        for finding in report["findings"]
    ]
    assert report["verdict"] == "healthy", f"{causes}\n" + "\n".join(map(str, findings))
    assert report["incident"] is None, report["incident"]
