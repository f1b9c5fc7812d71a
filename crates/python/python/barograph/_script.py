"""Runs a script or a module as Python itself would: the same `__main__`, arguments, search path, tracebacks and exit codes."""

from __future__ import annotations

import builtins
import importlib.machinery
import os
import sys
from collections.abc import Callable
from types import CodeType, ModuleType, TracebackType
from typing import Any

from ._report import say

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Script:
    """The code of a script, or of a module with `is_module`. Prints what is wrong with it and raises SystemExit, as Python does."""

    def __init__(self, name: str, arguments: list[str], is_module: bool) -> None:
        self.module = ModuleType("__main__")
        self.module.__dict__["__builtins__"] = builtins
        if sys.version_info < (3, 14):
            self.module.__dict__["__annotations__"] = {}
        self._code = self._find_module(name) if is_module else self._read(name)
        sys.argv[1:] = arguments

    @staticmethod
    def name_of(name: str, is_module: bool) -> str:
        """What the run of this script is called."""
        if is_module:
            return name.removesuffix(".__main__").rpartition(".")[2]
        return os.path.splitext(os.path.basename(name))[0]

    def _read(self, path: str) -> CodeType:
        whole = os.path.abspath(path)
        try:
            with open(path, "rb") as file:
                source = file.read()
        except OSError as error:
            say(f"barograph: error: {path}: cannot read the script: {error.strerror}")
            sys.exit(2)
        _search_first(os.path.dirname(os.path.realpath(path)))
        sys.argv = [path]
        self.module.__file__ = whole
        self.module.__dict__["__cached__"] = None
        self.module.__loader__ = importlib.machinery.SourceFileLoader("__main__", whole)
        return _compiled(lambda: compile(source, whole, "exec", dont_inherit=True))

    def _find_module(self, name: str) -> CodeType:
        import runpy

        _search_first(os.getcwd())
        sys.argv = ["-m"]
        try:
            _, spec, code = _compiled(lambda: runpy._get_module_details(name))  # type: ignore[attr-defined]
        except ImportError as error:
            say(f"barograph: error: {error}")
            sys.exit(1)
        sys.argv = [spec.origin]
        self.module.__spec__, self.module.__loader__ = spec, spec.loader
        self.module.__file__, self.module.__package__ = spec.origin, spec.parent
        self.module.__dict__["__cached__"] = spec.cached
        return code

    def run(self, finish: Callable[[str], None]) -> int:
        """Runs it to its end, tells `finish` which end that was, and returns the exit code."""
        sys.modules["__main__"] = self.module
        end = "failed"
        try:
            exec(self._code, self.module.__dict__)
            end = "completed"
        except SystemExit as leaving:
            end = "completed" if leaving.code in (None, 0) else "failed"
            raise
        except KeyboardInterrupt as error:
            end = "interrupted"
            _print(error)
            # The interpreter ends as it does after an interrupt; it has been said already.
            sys.excepthook = lambda *_: None
            raise
        except BaseException as error:  # noqa: BLE001 - it is shown as Python shows it
            _print(error)
            return 1
        finally:
            finish(end)
        return 0


def _search_first(folder: str) -> None:
    """Modules are looked for there first, and no longer where the launcher lies that started us."""
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = folder


def _compiled(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (SyntaxError, ValueError) as error:
        sys.excepthook(type(error), error.with_traceback(None), None)
        say("barograph: nothing to report: the script has a syntax error")
        sys.exit(1)


def _print(error: BaseException) -> None:
    """Prints a traceback without our frames: they are no part of the script's story."""
    _clean(error, set())
    sys.excepthook(type(error), error, error.__traceback__)


def _clean(error: BaseException | None, seen: set[int]) -> None:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    error.__traceback__ = _without_ours(error.__traceback__)
    for other in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        _clean(other, seen)


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    kept: list[TracebackType] = []
    for number, frame in enumerate(frames):
        code = frame.tb_frame.f_code
        if not code.co_filename.startswith(_OURS):
            kept.append(frame)
            continue
        # Torch comes to us by a function of its own, called from the one that is called again behind us.
        if kept and kept[-1].tb_frame.f_code.co_name == "handle_torch_function":
            kept.pop()
            following = frames[number + 1].tb_frame.f_code if number + 1 < len(frames) else None
            if kept and kept[-1].tb_frame.f_code is following:
                kept.pop()
    for frame, following_frame in zip(kept, [*kept[1:], None]):
        frame.tb_next = following_frame
    return kept[0] if kept else None
