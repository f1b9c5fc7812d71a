"""Where reports go: to standard error, and into a file in the format of its ending."""

from __future__ import annotations

import os
import sys

from ._native import Session

_FORMATS = {".html": "html", ".htm": "html", ".json": "json", ".md": "markdown", ".markdown": "markdown", ".txt": "terminal"}


def format_of(path: str) -> str:
    """The format for a file of this name.

    Raises ValueError for an ending that stands for none.
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in _FORMATS:
        raise ValueError(f"{path}: a report is written as .html, .json, .md or .txt, not as {ending or 'a file without ending'}")
    return _FORMATS[ending]


def write(session: Session, path: str) -> str | None:
    """Writes the report of a run to a file. Returns what went wrong, or `None`."""
    try:
        text = session.report(format_of(path))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except (OSError, RuntimeError, ValueError) as error:
        return f"{path}: the report was not written: {error}"
    return None


def say(line: str) -> None:
    """Writes a line to standard error; there is nobody left to tell when that fails."""
    if sys.stderr is None:
        return
    try:
        print(line, file=sys.stderr, flush=True)
    except Exception:  # noqa: BLE001 - the script may have put anything in its place
        pass
