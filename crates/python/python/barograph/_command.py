"""The command `barograph`: `run` is Python's business, everything else the compiled program's."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command line. Returns the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["run"]:
        from ._run import main as run

        return run(arguments[1:])
    from ._native import command_line

    return command_line(["barograph", *arguments])


if __name__ == "__main__":
    sys.exit(main())
