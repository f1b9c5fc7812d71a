"""Barograph in Jupyter and IPython.

- `%load_ext barograph` watches from here on, or from when torch is imported
- `%barograph` shows the report so far
- `%barograph stop` ends the run and shows its report
- `%barograph start NAME` begins a new run
- `%%barograph NAME` watches this cell as a run of its own and shows its report
"""

from __future__ import annotations

import contextlib
import html
import sys
from collections.abc import Iterator
from typing import Any

from . import _run

__all__ = ["Notebook", "load", "unload"]

_USAGE = "usage: %barograph [start [NAME] | stop]   or, as the first line of a cell: %%barograph [NAME]"

_NAME = "notebook"
"""Name of a run for which none is given."""

_HEIGHT = 560
"""Height of the report below a cell, in pixels; it scrolls (our choice)."""

_notebooks: dict[int, Notebook] = {}
"""By the identity of the shell, which outlives its entry here."""


def load(shell: Any) -> None:
    """Begins to watch, now or when torch is imported, and makes the magics known to `shell`, which is IPython's.

    A second call does nothing.
    """
    if id(shell) in _notebooks:
        return
    notebook = _notebooks[id(shell)] = Notebook(shell)
    shell.register_magic_function(notebook.line, "line", "barograph")
    shell.register_magic_function(notebook.cell, "cell", "barograph")
    notebook.begin()


def unload(shell: Any) -> None:
    """Ends the run and forgets the magics: `%unload_ext barograph`."""
    notebook = _notebooks.pop(id(shell), None)
    if notebook is None:
        return
    notebook.end()
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("barograph", None)


class Notebook:
    """What is watched in one notebook."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._run: Any = None
        self._goes_on = False
        self._waiting: _run.TorchImport | None = None

    def begin(self, name: str = _NAME) -> None:
        """Begins a run; it ends the one before. Without torch, it begins when torch is imported."""
        self.end()
        if "torch" in sys.modules:
            self._watch(name)
            return
        self._waiting = _run.TorchImport(lambda: self._watch(name))
        sys.meta_path.insert(0, self._waiting)

    def end(self, how: str = "completed") -> None:
        """Ends the run, if there is one."""
        if self._waiting in sys.meta_path:
            sys.meta_path.remove(self._waiting)
        self._waiting = None
        if self._goes_on:
            self._goes_on = False
            self._run.close(how)

    def _watch(self, name: str) -> None:
        """Starts the watch. Whatever goes wrong is said, and the notebook goes on without it."""
        self._waiting = None
        try:
            from .torch import watch

            try:
                self._run = watch(name=name)
            except OSError as error:
                print(f"barograph: there is no log: {error}")
                self._run = watch(name=name, log=False)
            self._goes_on = True
        except Exception as error:  # noqa: BLE001 - importing torch must not fail for our sake
            self._run = None
            print(f"barograph: supervision could not begin: {type(error).__name__}: {error}")

    def line(self, line: str) -> None:
        """`%barograph`: shows the report so far. `%barograph stop` ends the run before, `%barograph start [NAME]`
        begins one."""
        word, _, rest = line.strip().partition(" ")
        name = rest.strip()
        if word == "start":
            self.begin(name or _NAME)
            print(self._state())
        elif word == "stop" and not name:
            self.end()
            self._show()
        elif not word:
            self._show()
        else:
            print(_USAGE)

    def cell(self, line: str, cell: str) -> None:
        """`%%barograph`: runs the cell as a run of its own and shows its report. A run that was going on ends
        before."""
        self.begin(line.strip() or "cell")
        how = "failed"
        try:
            result = self._execute(cell)
            error = result.error_before_exec or result.error_in_exec
            how = "completed" if error is None else "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        finally:
            self.end(how)
        self._show()
        # An error must stop `Run All`, as it would without the magic.
        if error is not None:
            raise error

    def _execute(self, cell: str) -> Any:
        with _silent_errors(self._shell):
            return self._shell.run_cell(cell)

    def _state(self) -> str:
        if not self._goes_on:
            waits, rests = "watches from when torch is imported", "nothing is being watched"
            return f"barograph: {waits if self._waiting else rests}"
        where = f"; log: {self._run.folder}" if self._run.folder else ""
        return f"barograph: watching{where}"

    def _show(self) -> None:
        """Displays the report, in whatever of its forms the notebook prefers."""
        if self._run is None:
            print(f"{self._state()}; there is no report yet")
            return
        if self._run.steps == 0:
            print("barograph: no training step was seen yet")
            return
        text, page, markdown = (self._run.report(form) for form in ("terminal", "html", "markdown"))
        try:
            from IPython.display import display
        except ImportError:
            print(text)
            return
        forms = {"text/plain": text, "text/markdown": markdown, "text/html": _framed(page)}
        display(forms, raw=True)  # type: ignore[no-untyped-call]


def _framed(page: str) -> str:
    """A page in a frame of its own, so that neither its styles nor names in it reach the notebook."""
    style = f"width: 100%; height: {_HEIGHT}px; border: 0"
    return f'<iframe sandbox="" title="Barograph report" style="{style}" srcdoc="{html.escape(page)}"></iframe>'


@contextlib.contextmanager
def _silent_errors(shell: Any) -> Iterator[None]:
    """IPython shows the error of a cell where it runs it, and once more where it is raised again; only the second is
    wanted."""
    shell._showtraceback = lambda *_args, **_kwargs: None
    try:
        yield
    finally:
        # What was set on the instance goes; the method of its class is there again.
        del shell._showtraceback
