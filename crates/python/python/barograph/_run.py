"""`barograph run`: runs a script, unchanged, and says how its training went.

The script's output and exit code are its own. What Barograph has to say goes to standard error, at the end, or when a loss or a
gradient is not finite for the first time.
"""

from __future__ import annotations

import argparse
import atexit
import importlib.abc
import importlib.util
import os
import sys
import time
from types import CodeType, ModuleType
from typing import Any, Callable, Sequence

from . import _report
from ._report import say
from ._trainings import Trainings

_HELP = """examples:
  barograph run train.py --lr 0.1                  the script's own arguments follow its name
  barograph run --report report.html train.py      a page with the curves
  barograph run -m package.train                   a module, as with python -m
"""


def parser() -> argparse.ArgumentParser:
    """The arguments of `barograph run`, up to the script's name."""
    made = argparse.ArgumentParser(
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

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            load, begin = spec.loader.exec_module, self._begin

            def load_and_watch(module: ModuleType) -> None:
                load(module)
                begin()

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
    code, module, name = _load(options)
    if code is None or module is None:
        return 2
    trainings = Trainings(options, name)
    if "torch" in sys.modules:
        trainings.watch()
    else:
        sys.meta_path.insert(0, TorchImport(trainings.watch))
    atexit.register(trainings.finish, "completed")
    return _execute(code, module, trainings)


def _load(options: argparse.Namespace) -> tuple[CodeType | None, ModuleType | None, str]:
    """The script's code, and the module `__main__` in which it runs, just as Python itself would make them."""
    main_module = ModuleType("__main__")
    main_module.__dict__["__builtins__"] = __builtins__
    if options.module:
        import runpy

        sys.path.insert(0, os.getcwd())
        try:
            _, spec, code = runpy._get_module_details(options.script)  # type: ignore[attr-defined]
        except ImportError as error:
            say(f"barograph: error: {error}")
            return None, None, ""
        main_module.__spec__, main_module.__file__, main_module.__package__ = spec, spec.origin, spec.parent
        path, name = spec.origin, options.script.rpartition(".")[2]
    else:
        path = options.script
        name = os.path.splitext(os.path.basename(path))[0]
        try:
            with open(path, "rb") as file:
                source = file.read()
        except OSError as error:
            say(f"barograph: error: {path}: cannot read the script: {error.strerror}")
            return None, None, ""
        try:
            code = compile(source, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            # As Python says it.
            sys.excepthook(type(error), error.with_traceback(None), None)
            say("barograph: nothing to report: the script has a syntax error")
            sys.exit(1)
        main_module.__file__ = path
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    sys.argv = [path, *options.arguments]
    return code, main_module, name


def _execute(code: CodeType, module: ModuleType, trainings: Trainings) -> int:
    sys.modules["__main__"] = module
    end = "failed"
    try:
        exec(code, module.__dict__)
        end = "completed"
        return 0
    except SystemExit as leaving:
        end = "completed" if leaving.code in (None, 0) else "failed"
        raise
    except KeyboardInterrupt:
        end = "interrupted"
        raise
    except BaseException as error:
        # Our own frame is not part of the script's story.
        traceback = error.__traceback__.tb_next if error.__traceback__ else None
        error = error.with_traceback(traceback)
        sys.excepthook(type(error), error, traceback)
        return 1
    finally:
        trainings.finish(end)
