"""The first bad operation of scripts that break, with the line that called it.

Each script in `first_bad_operation` marks the answer at its line: `# BAD op=log phase=forward step=12`. The marks are comments;
the supervised process never reads them.
"""

from __future__ import annotations

import pathlib
import re

import pytest

from watched import run

SCRIPTS = sorted((pathlib.Path(__file__).parent / "first_bad_operation").glob("*.py"))
MARK = re.compile(r"# BAD op=(\S+) phase=(\S+) step=(\d+)")


def marks(script: pathlib.Path) -> list[tuple[int, set[str], set[str], int]]:
    found = []
    for number, line in enumerate(script.read_text().splitlines(), 1):
        if match := MARK.search(line):
            found.append((number, set(match[1].split("|")), set(match[2].split("|")), int(match[3])))
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_operation_and_line(script: pathlib.Path, tmp_path: pathlib.Path) -> None:
    expected = marks(script)
    assert expected, "the script marks no line"
    incident = run(script, tmp_path).report.get("incident")
    assert incident is not None, "no incident was reported"
    _, _, source_line = (incident["source"] or "::").rpartition(":")
    phases = {phase for _, _, either, _ in expected for phase in either}
    assert incident["phase"] in phases, incident
    assert int(source_line or 0) in {number for number, *_ in expected}, incident
    said = incident["operation"]
    operations = {op for _, ops, _, _ in expected for op in ops}
    assert said in operations or ("update" in operations and said.endswith("update")), incident
    assert incident["step"] in {step for *_, step in expected}, incident
