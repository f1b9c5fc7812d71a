"""What the callbacks for other libraries share: their settings, and what is said and written when a training ends.

Nothing that goes wrong in here reaches the training; it is said once, at the end.
"""

from __future__ import annotations

import atexit
import os
import traceback
from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeVar

from . import _ranks, _report
from ._watched import Finding, Watched

OnNonFinite = Literal["report", "skip", "stop", "rollback"]
_POLICIES = ("report", "skip", "stop", "rollback")
_Result = TypeVar("_Result")


class Start(Protocol):
    """Begins to watch; `log=False` keeps no log."""

    def __call__(self, *, log: bool) -> Watched: ...


class Hosted:
    """The trainings of one callback, one after the other. Raises ValueError for settings that do not exist."""

    def __init__(
        self,
        name: str,
        run_dir: str | None,
        log: bool,
        budget: float | None,
        on_nonfinite: OnNonFinite,
        on_finding: Callable[[Finding], None] | None,
        report: str | None,
        quiet: bool,
    ) -> None:
        if report is not None:
            _report.format_of(report)
            report = os.path.abspath(report)  # The training may change the working folder.
        if on_nonfinite not in _POLICIES:
            raise ValueError(f"unknown policy {on_nonfinite!r}; choose one of {', '.join(_POLICIES)}")
        if budget is not None and not 0 < budget <= 1:
            raise ValueError(f"the budget is a share of the time, above 0 and up to 1, or None; not {budget}")
        self.name, self.run_dir, self.log, self.budget = name, run_dir, log, budget
        self.on_nonfinite, self.on_finding = on_nonfinite, on_finding
        self.run: Watched | None = None
        """The run under way, or the last one."""
        self._report, self._quiet = report, quiet
        self._open = False
        self._troubles: dict[str, int] = {}

    @property
    def is_open(self) -> bool:
        """Whether a training is under way that began with `begin`."""
        return self._open

    def settings(self) -> dict[str, Any]:
        """What `barograph.watch` is given, besides `log`."""
        given = {"name": self.name, "run_dir": self.run_dir, "budget": self.budget}
        return {**given, "on_nonfinite": self.on_nonfinite, "on_finding": self.on_finding}

    def begin(self, start: Start) -> None:
        """Begins to watch a training; one that never ended has failed. Where no log can be written, there is none."""
        self.finish("failed")
        self._troubles.clear()
        self.run = None
        self.guarded(self._begin, start)

    def _begin(self, start: Start) -> None:
        try:
            self.run = start(log=self.log)
        except OSError as error:
            self._say_at_end(f"there is no log: {error}")
            self.run = start(log=False)
        self._open = True
        # Some libraries say nothing when a training ends with an exception; then the run ends with the program.
        atexit.register(self.finish, "failed")

    def guarded(self, see: Callable[..., _Result], *args: Any, **kwargs: Any) -> _Result | None:
        """Does something for supervision; an error stays here."""
        try:
            return see(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the training does not notice
            where = traceback.extract_tb(error.__traceback__)[-1:]
            place = f" ({where[0].filename.rpartition('/')[2]}:{where[0].lineno})" if where else ""
            self._say_at_end(f"{type(error).__name__}: {error}{place}")
            return None

    def _say_at_end(self, text: str) -> None:
        self._troubles[text] = self._troubles.get(text, 0) + 1

    def finish(self, end: str) -> None:
        """Ends the run under way, if there is one, prints its report and writes it into the file."""
        if self._open and self.run is not None:
            self._open = False
            atexit.unregister(self.finish)
            self.guarded(self.run.close, end)
            self.guarded(self._tell, self.run)
        for text, count in self._troubles.items():
            _report.say(f"barograph: {text}" + (f" ({count} times)" if count > 1 else ""))
        self._troubles.clear()

    def _tell(self, run: Watched) -> None:
        if _ranks.is_silent():
            return
        if not self._quiet:
            _report.say("")
            _report.say(run.report().rstrip("\n"))
            if run.folder is not None:
                _report.say(f"log: {run.folder}   (barograph diagnose {run.folder})")
        if self._report is None:
            return
        try:
            run.save(self._report)
        except (OSError, RuntimeError, ValueError) as error:
            self._say_at_end(f"{self._report}: the report was not written: {error}")
            return
        if not self._quiet:
            _report.say(f"report: {self._report}")
