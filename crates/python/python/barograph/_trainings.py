"""The trainings of one script: usually one; several, where a script trains one model after another."""

from __future__ import annotations

import atexit
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from . import _again, _ranks, _report, _runs
from ._native import Session
from ._report import say

if TYPE_CHECKING:
    from ._torch.flow import Event
    from ._torch.supervisor import Supervisor

_MOST = 100
"""Trainings of one script that are watched: nobody reads more reports, and each takes memory and a folder (our choice)."""

_MOST_LINES = 20
"""Trainings of one script that are listed at its end (our choice)."""

_BY_WEIGHT = ("unhealthy", "unsure", "healthy")
"""Verdicts, the one that matters most first."""


class Training:
    """One training, its log and its session."""

    def __init__(self, session: Session, supervisor: Supervisor, folder: str | None) -> None:
        self.session, self.supervisor, self.folder = session, supervisor, folder

    @property
    def was_seen(self) -> bool:
        """Whether it came to a step, or at least to a loss."""
        return self.supervisor.step > 0 or self.supervisor.last_loss is not None


class Trainings:
    """Begins to watch when torch is there, and reports when the script ends. `options` are those of `barograph run`."""

    def __init__(self, options: Any, name: str) -> None:
        self.options = options
        self.name = name
        self.all: list[Training] = []
        self.trouble: list[str] = []
        self._process = os.getpid()
        self._home = os.getcwd()
        self._done = False
        self._begun = time.monotonic()
        self._rank = _ranks.here()
        self._told = False

    def watch(self) -> None:
        """Begins with the first training. What goes wrong in here is said at the end; the script runs on without us."""
        try:
            from ._torch.hooks import install

            install(self._begin().supervisor)
        except Exception as error:  # noqa: BLE001 - the script does not notice
            self.trouble.append(f"supervision could not begin: {type(error).__name__}: {error}")

    def _begin(self) -> Training:
        import torch

        from ._torch.budget import Budget
        from ._torch.policy import Policy
        from ._torch.supervisor import Supervisor

        framework, folder = f"torch {torch.__version__}", None
        try:
            folder, log = self._folders()
            session = Session(self.name, log, framework, int(time.time()), run=folder if self._rank else None)
        except OSError as error:
            self.trouble.append(f"there is no log: {error}")
            folder, session = None, Session(self.name, None, framework, int(time.time()))
        policy = Policy(self.options.on_nonfinite)
        supervisor = Supervisor(session, Budget(self.options.budget), policy, self._tell)
        supervisor.on_another = self._another
        path = _again.answer_file()
        if path is not None:
            supervisor.incidents.on_incident = lambda event, step, losses: _again.answer(path, event, step, losses)
        elif self.options.locate and self._rank is None:  # One of several ranks does not run alone.
            supervisor.incidents.on_doubt = self._locate
        self.all.append(Training(session, supervisor, folder))
        return self.all[-1]

    def _folders(self) -> tuple[str | None, str | None]:
        """The folder for the next training, without a name of its own the next that is free; and that of this process's log,
        which is the same, or lies in it if the process is one of several ranks."""
        if self.options.no_log:
            return None, None
        named = self.options.run_dir and os.path.join(self._home, self.options.run_dir)
        if named and self.all:
            named = f"{named}-{len(self.all) + 1}"
        base = os.path.join(self._home, _runs.RUNS)
        if self._rank:
            return _ranks.folders(self._rank, named, self.name, base)
        folder = named or _runs.next_free(self.name, base)
        return folder, folder

    def _shown(self, folder: str) -> str:
        """A folder as seen from where the script was started: it may have gone elsewhere."""
        relative = os.path.relpath(folder, self._home)
        return folder if relative.startswith(os.pardir) else relative

    def _another(self) -> Supervisor | None:
        """The script begins to train another model: the training so far is over. `None` if there were enough of them."""
        self.all[-1].supervisor.finish("completed")
        if len(self.all) >= _MOST:
            self.trouble.append(f"the script trains more than {_MOST} models; those after the first {_MOST} were not watched")
            return None
        return self._begin().supervisor

    def _locate(self, event: Event, step: int, losses: int) -> None:
        """Settles which operation an incident began with by running the script once more."""
        if len(self.all) > 1:
            event.doubt += "; a script that trains several models is not run once more"
            return
        if not self.options.quiet:
            say("barograph: running the script once more to find the line; its output is not shown")
        module = ["-m"] if self.options.module else []
        script = [*module, self.options.script, *self.options.arguments]
        found = _again.ask(script, step, losses, time.monotonic() - self._begun)
        if isinstance(found, str):
            event.doubt += f"; {found}"
            return
        from ._torch.source import Line

        event.operation, event.site, event.phase = found["operation"], found["site"], found["phase"]
        event.source = Line(*found["source"]) if found["source"] else None
        event.rows, event.row_count = found["rows"], found["row_count"]
        event.doubt, event.repeated = found["doubt"], not found["doubt"]

    def _tell(self, told: tuple[str, str, int, str]) -> None:
        severity, code, step, message = told
        if severity != "error" or self.options.quiet:
            return
        if self._rank and not self._rank.reports:
            if not self._told:
                say(f"barograph: rank {self._rank.number}: step {step}: {severity}[{code}]: {message}")
            self._told = True
            return
        say(f"barograph: step {step}: {severity}[{code}]: {message}")

    def finish(self, end: str) -> None:
        """Ends the last training and reports. Only the process that began does, and once."""
        if self._done or os.getpid() != self._process:
            return
        self._done = True
        try:
            self._finish(end)
        except Exception as error:  # noqa: BLE001 - the script has its exit code already
            say(f"barograph: the report failed: {type(error).__name__}: {error}")
        # What is kept for the end of the program outlives everything else: models and process groups must not.
        atexit.unregister(self.finish)
        self.all.clear()

    def _finish(self, end: str) -> None:
        if self.all:
            from ._torch.hooks import remove

            remove()
            self.all[-1].supervisor.finish(end)
        if self._rank and not self._rank.reports:
            self._finish_silently(end)
            return
        if self._rank and self.all and self.all[-1].folder:
            _ranks.wait_for_others(self.all[-1].folder, self._rank)
        seen = sorted((t for t in self.all if t.was_seen), key=lambda t: _BY_WEIGHT.index(t.session.verdict()))
        if not self.options.quiet:
            self._say(seen)
        if self.options.report is not None:
            self._write(seen[0].session if seen else self._empty())
        for text, count in self._troubles().items():
            say(f"barograph: {text}" + (f" ({count} times)" if count > 1 else ""))

    def _finish_silently(self, end: str) -> None:
        """Another rank reports for this one, unless it is ended because this one failed."""
        number = self._rank.number if self._rank else 0
        if end == "failed" and not self.options.quiet:
            folder = self.all[-1].folder if self.all else None
            hint = f"   (barograph diagnose {self._shown(folder)})" if folder else ""
            say(f"barograph: rank {number}: the training ended with an error{hint}")
        for text in self._troubles():
            say(f"barograph: rank {number}: {text}")

    def _say(self, seen: list[Training]) -> None:
        """The report of a training, or of the one that matters most and a line for each of the others."""
        if not seen:
            why = "no training step was seen" if "torch" in sys.modules else "it did not import torch"
            say(f"barograph: nothing to report on {self.name}: {why}")
            return
        say("")
        say(seen[0].session.report("terminal").rstrip("\n"))
        if seen[0].folder is not None:
            folder = self._shown(seen[0].folder)
            say(f"log: {folder}   (barograph diagnose {folder})")
        if len(seen) > 1:
            say(f"\nthe script trained {len(seen)} models; the report is on number {self.all.index(seen[0]) + 1}")
            for training in sorted(seen[:_MOST_LINES], key=self.all.index):
                steps = training.supervisor.step
                folder = self._shown(training.folder) if training.folder else ""
                say(f"  {self.all.index(training) + 1:3}  {training.session.verdict():9} {steps} steps  {folder}")
            if len(seen) > _MOST_LINES:
                say(f"       and {len(seen) - _MOST_LINES} more, none of them worse")

    def _write(self, session: Session) -> None:
        problem = _report.write(session, self.options.report)
        if problem is not None:
            say(f"barograph: {problem}")
        elif not self.options.quiet:
            say(f"report: {self.options.report}")

    def _empty(self) -> Session:
        """A session that saw nothing, so that there is a report all the same."""
        session = Session(self.name, None, "python", int(time.time()))
        session.end(0, "completed")
        return session

    def _troubles(self) -> dict[str, int]:
        counts = dict.fromkeys(self.trouble, 1)
        for training in self.all:
            for text, count in training.supervisor.troubles.items():
                counts[text] = counts.get(text, 0) + count
            lost = training.session.log_trouble()
            if lost is not None:
                counts[f"the log ends early: {lost}"] = 1
        return counts
