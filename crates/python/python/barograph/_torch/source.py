"""Which line of the user's own code called: frames of torch, of Barograph and of the standard library are passed over."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from types import CodeType, FrameType
from typing import NamedTuple

_LIBRARIES = tuple(
    os.path.realpath(path) + os.sep
    for path in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), os.path.dirname(os.path.dirname(__file__))}
)
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_is_user_code: dict[CodeType, bool] = {}


class Line(NamedTuple):
    """A line of source code: `file`, `number` (from 1), and the `text` that stands there, without the space around it."""

    file: str
    number: int
    text: str


def _is_users(code: CodeType) -> bool:
    name = code.co_filename
    if name.startswith("<") and not name.startswith(("<stdin", "<ipython", "<string")):
        return False
    path = os.path.realpath(name)
    return not path.startswith(_LIBRARIES) and not any(part in path for part in _INSTALLED)


def user_frame(frame: FrameType | None, within: tuple[CodeType, ...] = ()) -> FrameType | None:
    """The nearest frame from `frame` outwards that runs the user's own code, and lies within a call of one of `within`."""
    while frame is not None:
        code = frame.f_code
        if code in within:
            return None
        known = _is_user_code.get(code)
        if known is None:
            known = _is_user_code[code] = _is_users(code)
        if known:
            return frame
        frame = frame.f_back
    return None


def place(depth: int, within: tuple[CodeType, ...] = ()) -> tuple[CodeType, int] | None:
    """The user's code and line number that called, seen from `depth` frames up. Cheap: the text is looked up only by `line`."""
    frame = user_frame(sys._getframe(depth + 1), within)
    return None if frame is None else (frame.f_code, frame.f_lineno)


def line(at: tuple[CodeType, int] | None) -> Line | None:
    """The line at a `place`, with its text."""
    if at is None:
        return None
    code, number = at
    return Line(_shown(code.co_filename), number, linecache.getline(code.co_filename, number).strip())


def _shown(path: str) -> str:
    """The path as people write it: relative, where the file lies below the working folder."""
    try:
        relative = os.path.relpath(path)
    except ValueError:
        return path
    return path if relative.startswith(os.pardir) else relative
