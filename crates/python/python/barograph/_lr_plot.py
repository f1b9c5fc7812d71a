"""Draws the losses of a learning rate test: as text for a terminal, and as SVG."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence

__all__ = ["svg", "text", "wants_ascii"]

Mark = tuple[str, float]
"""A name, and the rate that it stands at."""

_COLUMNS, _ROWS = 60, 10
"""Size of the plot in characters. In braille, each is two dots wide and four high."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of the eight dots of a braille character, by row and column (Unicode chapter 21.1)."""

_BLANK = 0x2800

_HEADROOM = 1.5
"""The plot ends at so many times the range of the losses before they diverge (our choice)."""


def wants_ascii() -> bool:
    """Whether the locale is `C` or `POSIX`, as the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set says."""
    locale = next((os.environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if os.environ.get(name)), "")
    return locale in ("C", "POSIX")


class _Scale:
    """Places in the unit square: to the right the logarithm of the rate, upwards the loss."""

    def __init__(self, rates: Sequence[float], losses: Sequence[float], lowest: float = math.inf) -> None:
        self._left, self._right = math.log10(rates[0]), math.log10(rates[-1])
        self.bottom = min(lowest, *losses)
        # What a loss rises to in the end would press everything else to the ground.
        fall = losses[0] - self.bottom
        self.top = min(max(losses), self.bottom + _HEADROOM * fall) if fall > 0 else max(losses)

    def x(self, rate: float) -> float:
        width = self._right - self._left
        return (math.log10(rate) - self._left) / width if width > 0 else 0.5

    def y(self, loss: float) -> float:
        height = self.top - self.bottom
        return min(1.0, max(0.0, (loss - self.bottom) / height)) if height > 0 else 0.5

    def decades(self) -> list[int]:
        """Powers of ten within the rates."""
        return list(range(math.ceil(self._left - 1e-9), math.floor(self._right + 1e-9) + 1))


def text(
    rates: Sequence[float], losses: Sequence[float], marks: Sequence[Mark], ascii: bool | None = None
) -> list[str]:
    """A plot in lines of at most 80 characters: braille dots, or letters for `ascii` (default: as the locale says).

    `losses` may be shorter than `rates`; without two of them there is nothing to draw.
    """
    if len(losses) < 2:
        return ["(fewer than two finite losses: nothing to draw)"]
    ascii = wants_ascii() if ascii is None else ascii
    scale = _Scale(rates[: len(losses)], losses)
    rows = _stars(scale, rates, losses) if ascii else _braille(scale, rates, losses)
    labels = [f"{scale.top:8.3g}", *[" " * 8] * (len(rows) - 2), f"{scale.bottom:8.3g}"]
    bar, tick = ("|", "^") if ascii else ("│", "▲")
    lines = [f"{label} {bar}{row}".rstrip() for label, row in zip(labels, rows)]
    lines += [_axis(scale)]
    lines += [
        " " * (10 + _column(scale, rate)) + f"{tick} {name}" for name, rate in sorted(marks, key=lambda mark: mark[1])
    ]
    return lines


def _column(scale: _Scale, rate: float) -> int:
    return min(_COLUMNS - 1, max(0, int(scale.x(rate) * (_COLUMNS - 1) + 0.5)))


def _points(
    scale: _Scale, rates: Sequence[float], losses: Sequence[float], width: int, height: int
) -> list[tuple[int, int]]:
    """Column and row (from the top) of each dot on the way from point to point."""
    places = [(scale.x(rate) * (width - 1), (1 - scale.y(loss)) * (height - 1)) for rate, loss in zip(rates, losses)]
    dots: dict[tuple[int, int], None] = {}
    for (x, y), (to_x, to_y) in itertools.pairwise(places):
        count = max(1, math.ceil(max(abs(to_x - x), abs(to_y - y))))
        for part in range(count + 1):
            share = part / count
            dots[round(x + share * (to_x - x)), round(y + share * (to_y - y))] = None
    return list(dots)


def _braille(scale: _Scale, rates: Sequence[float], losses: Sequence[float]) -> list[str]:
    cells = [[_BLANK] * _COLUMNS for _ in range(_ROWS)]
    for x, y in _points(scale, rates, losses, 2 * _COLUMNS, 4 * _ROWS):
        cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
    return ["".join(" " if cell == _BLANK else chr(cell) for cell in row) for row in cells]


def _stars(scale: _Scale, rates: Sequence[float], losses: Sequence[float]) -> list[str]:
    cells = [[" "] * _COLUMNS for _ in range(_ROWS)]
    for x, y in _points(scale, rates, losses, _COLUMNS, _ROWS):
        cells[y][x] = "*"
    return ["".join(row) for row in cells]


def _axis(scale: _Scale) -> str:
    line = [" "] * (10 + _COLUMNS + 4)
    end = 0
    for decade in scale.decades():
        label = f"1e{decade}"
        start = 10 + _column(scale, 10.0**decade)
        if start >= end and start + len(label) <= len(line):
            line[start : start + len(label)] = label
            end = start + len(label) + 1
    return "".join(line).rstrip()


_WIDTH, _HEIGHT, _MARGIN = 640, 360, (56, 16, 16, 48)
"""Of the picture, in pixels; the margins are left, right, top and bottom."""

_COLORS = {"valley": "#1f8a4c", "steep": "#3b7dd8", "minimum": "#b8651b", "slide": "#9b59b6"}
"""Each has a contrast of 3 to 1 and more with white and with black."""

_INK = "#7a7a7a"


def svg(rates: Sequence[float], raw: Sequence[float], losses: Sequence[float], marks: Sequence[Mark]) -> str:
    """The picture. `raw` are the losses of the steps as faint dots, `losses` the smoothed ones as a line."""
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    style = f'font-family="system-ui, sans-serif" font-size="12" fill="{_INK}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {style}>',
        "<title>Loss over the learning rate</title>",
    ]
    if len(losses) < 2:
        nothing = f'<text x="{_WIDTH // 2}" y="{_HEIGHT // 2}" text-anchor="middle">no finite losses</text>'
        return "\n".join([*parts, nothing, "</svg>"])
    scale = _Scale(rates[: len(losses)], losses, min(loss for loss in raw if math.isfinite(loss)))
    parts += _frame(scale)
    parts += [
        f'<circle cx="{_x(scale, rate):.1f}" cy="{_y(scale, loss):.1f}" r="1.6" opacity="0.5"/>'
        for rate, loss in zip(rates, raw)
        if scale.bottom <= loss <= scale.top
    ]
    line = " ".join(f"{_x(scale, rate):.1f},{_y(scale, loss):.1f}" for rate, loss in zip(rates, losses))
    parts.append(f'<polyline points="{line}" fill="none" stroke="{_COLORS["steep"]}" stroke-width="2"/>')
    for place, (name, rate) in enumerate(sorted(marks, key=lambda mark: mark[1])):
        parts += _marked(scale, name, rate, place)
    return "\n".join([*parts, "</svg>"])


def _x(scale: _Scale, rate: float) -> float:
    left, right, _, _ = _MARGIN
    return left + scale.x(rate) * (_WIDTH - left - right)


def _y(scale: _Scale, loss: float) -> float:
    _, _, top, bottom = _MARGIN
    return _HEIGHT - bottom - scale.y(loss) * (_HEIGHT - top - bottom)


def _frame(scale: _Scale) -> list[str]:
    left, right, top, bottom = _MARGIN
    low = _HEIGHT - bottom
    parts = [f'<path d="M{left} {top}V{low}H{_WIDTH - right}" fill="none" stroke="{_INK}"/>']
    for decade in scale.decades():
        x = _x(scale, 10.0**decade)
        parts.append(f'<path d="M{x:.1f} {low}v4" stroke="{_INK}"/>')
        parts.append(f'<text x="{x:.1f}" y="{low + 18}" text-anchor="middle">1e{decade}</text>')
    for loss in (scale.bottom, (scale.bottom + scale.top) / 2, scale.top):
        parts.append(f'<text x="{left - 6}" y="{_y(scale, loss) + 4:.1f}" text-anchor="end">{loss:.3g}</text>')
    middle = (left + _WIDTH - right) / 2
    return [*parts, f'<text x="{middle:.0f}" y="{_HEIGHT - 8}" text-anchor="middle">learning rate (log scale)</text>']


def _marked(scale: _Scale, name: str, rate: float, place: int) -> list[str]:
    """A line at the rate. Labels stand at different heights, for the rates may be close together."""
    x, color = _x(scale, rate), _COLORS.get(name, _INK)
    y = _MARGIN[2] + 12 + 16 * place
    # Near the right border there is room only on the other side of the line.
    side, anchor = (-4, "end") if x > 0.75 * _WIDTH else (4, "start")
    return [
        f'<path d="M{x:.1f} {_MARGIN[2]}V{_HEIGHT - _MARGIN[3]}" stroke="{color}" stroke-dasharray="4 3"/>',
        f'<text x="{x + side:.1f}" y="{y}" fill="{color}" text-anchor="{anchor}">{name} {rate:.2g}</text>',
    ]
