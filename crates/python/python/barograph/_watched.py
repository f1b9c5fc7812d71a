"""A training under supervision, whatever the framework: its findings, its verdict, its report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from . import _report
from ._native import Session

Format = Literal["terminal", "json", "markdown", "html"]


class Finding(NamedTuple):
    """A symptom: `severity` (`note`, `warning` or `error`), `code` of the rule, `step` (from 0), `message`."""

    severity: str
    code: str
    step: int
    message: str


class Watched:
    """One run. What ends it differs from framework to framework."""

    def __init__(self, session: Session, folder: str | None, on_finding: Callable[[Finding], None] | None) -> None:
        self._session = session
        self._on_finding = on_finding
        self.folder = folder
        """The folder of the log, or of the logs of all ranks; or `None`."""
        self.findings: list[Finding] = []
        """What was found so far."""

    @property
    def steps(self) -> int:
        """Steps that were seen."""
        raise NotImplementedError

    @property
    def verdict(self) -> str:
        """`healthy`, `unhealthy` or `unsure`, so far; after `close`, with what only the whole run shows."""
        return self._session.verdict()

    def report(self, format: Format = "terminal") -> str:
        """The report as text. Before `close` it lacks what only the whole run shows."""
        return self._session.report(format)

    def save(self, path: str) -> None:
        """Writes the report to a file: .html, .json, .md or .txt. Raises OSError or ValueError where that fails."""
        text = self._session.report(_report.format_of(path))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def end_epoch(self, epoch: int, means: dict[str, float]) -> None:
        """Writes down the means of an epoch (from 0): `loss`, `accuracy`, `r2`, and those with `validation_` before."""
        for told in self._session.end_epoch(epoch, self.steps, list(means.items())):
            self._see(told)

    def close(self, end: str = "completed") -> None:
        """Ends supervision: `completed`, `stopped`, `interrupted` or `failed`. The second call does nothing."""
        raise NotImplementedError

    def _see(self, told: tuple[str, str, int, str]) -> None:
        self.findings.append(Finding(*told))
        if self._on_finding is not None:
            self._on_finding(self.findings[-1])
