"""`barograph run`: runs a script, unchanged, and says how its training went.

The script's output and exit code are its own. What Barograph has to say goes to standard error, at the end, or when a loss or a
gradient is not finite for the first time.
"""

from __future__ import annotations

import argparse
import atexit
import difflib
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NoReturn

from . import _report
from ._report import say
from ._script import Script
from ._trainings import Trainings

_HELP = """examples:
  barograph run train.py --lr 0.1                  the script's own arguments follow its name
  barograph run --report report.html train.py      a page with the curves
  barograph run -m package.train                   a module, as with python -m
"""


class _Parser(argparse.ArgumentParser):
    """Says which option was perhaps meant."""

    def error(self, message: str) -> NoReturn:
        known = [option for action in self._actions for option in action.option_strings]
        unknown = message.removeprefix("unrecognized arguments: ").split()[0]
        near = difflib.get_close_matches(unknown, known, 1) if message.startswith("unrecognized") else []
        super().error(f"{message}; did you mean {near[0]}?" if near else message)


def parser() -> argparse.ArgumentParser:
    """The arguments of `barograph run`, up to the script's name."""
    made = _Parser(
        prog="barograph run",
        description="Run a training script, unchanged, and say how its training went.",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="barograph run [OPTIONS] SCRIPT [ARGUMENTS]\n       barograph run [OPTIONS] -m MODULE [ARGUMENTS]",
    )
    made.add_argument("--report", metavar="FILE", help="write the report to FILE too: .html, .json, .md or .txt")
    made.add_argument("--run-dir", metavar="DIR", help="folder of the log [default: runs/NAME-001 and counting]")
    made.add_argument("--no-log", action="store_true", help="keep no log; there is nothing to `barograph diagnose` afterwards")
    made.add_argument(
        "--budget", metavar="SHARE", type=_share, default=0.05, help="share of the time that supervision may take, such as 3%% [default: 5%%]; `all` for no limit"
    )  # fmt: skip
    made.add_argument(
        "--on-nonfinite", choices=("report", "skip", "stop", "rollback"), default="report",
        help="when a loss or gradient is not finite, before the optimizer's step: change nothing, skip the step, stop, or go back to the last good weights [default: report]",
    )  # fmt: skip
    made.add_argument("--locate", action="store_true", help="where a line stayed unknown, run the script once more to find it")
    made.add_argument("--quiet", action="store_true", help="say nothing on standard error; use it with --report")
    made.add_argument("-m", dest="module", action="store_true", help="SCRIPT is the name of a module")
    made.add_argument("script", help="the script, or the module")
    made.add_argument("arguments", nargs=argparse.REMAINDER, help="its own arguments")
    return made


def _share(text: str) -> float | None:
    if text == "all":
        return None
    try:
        share = float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share of the time; write 3%, 0.03 or all")
    return share


class TorchImport(importlib.abc.MetaPathFinder):
    """Calls `begin` once the script has imported torch. A script that never does pays nothing."""

    def __init__(self, begin: Callable[[], None]) -> None:
        self._begin = begin
        self._looking = False

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != "torch" or self._looking:
            return None
        # Whether torch could be imported is often asked long before it is, so we stay until then.
        self._looking = True
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._looking = False
        if spec is not None and spec.loader is not None:
            load, loader, process = spec.loader.exec_module, spec.loader, os.getpid()

            def load_and_watch(module: ModuleType) -> None:
                del loader.exec_module
                load(module)
                if self in sys.meta_path and os.getpid() == process:
                    sys.meta_path.remove(self)
                    self._begin()

            spec.loader.exec_module = load_and_watch  # type: ignore[method-assign]
        return spec


def main(arguments: Sequence[str]) -> int:
    """Runs `barograph run` with these arguments. Returns the exit code."""
    options = parser().parse_args(arguments)
    if options.report is not None:
        try:
            _report.format_of(options.report)
        except ValueError as error:
            say(f"barograph: error: {error}")
            return 2
        # The script may change the working folder.
        options.report = os.path.abspath(options.report)
    trainings = Trainings(options, Script.name_of(options.script, options.module))
    if "torch" in sys.modules:
        trainings.watch()
    else:
        sys.meta_path.insert(0, TorchImport(trainings.watch))
    script = Script(options.script, options.arguments, options.module)
    atexit.register(trainings.finish, "completed")
    return script.run(trainings.finish)
