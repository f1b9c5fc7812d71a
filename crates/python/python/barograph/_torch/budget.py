"""How much of a step is measured, so that supervision stays within its share of the time."""

from __future__ import annotations

FULL, LIGHT, BARE = range(3)
"""Everything; operations of loop code and finite checks; finite checks only. Those of loss and gradients are made at every step; where
not everything is measured, those of weights are made now and then, and at once when a loss is not finite."""

FREE_SECONDS = 0.5
"""Cost that no budget forbids: nobody misses half a second, and most runs that break at once are short (our choice)."""

FIRST_STEPS = 5
"""Steps that are always measured in full: here most broken runs break (our choice)."""

_CAUTION = 0.35
"""Part of the share that is spent by our clock: calling us, and caches that we fill, cost as much again and more (our choice)."""

_SMOOTHING = 0.2
"""Weight of the latest step in the running means (our choice)."""


class Budget:
    """Decides, step by step, how much is measured. `share` is the part of the time that may be spent, or `None` for no limit."""

    def __init__(self, share: float | None, free: float | None = None) -> None:
        self.share = share
        self.free = FREE_SECONDS if free is None else free
        """Seconds of supervision that the budget does not count."""
        self.spent = 0.0
        """Seconds of supervision in the step under way."""
        self.total = 0.0
        self.levels = [0, 0, 0]
        """Steps that were measured at each level."""
        self._cost: list[float | None] = [None, None, None]
        self._step_time = 0.0
        self._credit = 0.0

    def next_level(self, level: int, elapsed: float) -> int:
        """Ends a step that was measured at `level` and took `elapsed` seconds, supervision included. Returns the next level."""
        self.levels[level] += 1
        cost, self.spent = self.spent, 0.0
        self.total += cost
        if self.share is None:
            return FULL
        self._learn(level, cost, max(elapsed - cost, 0.0))
        if sum(self.levels) < FIRST_STEPS or self.total < self.free:
            return FULL
        earned = self.share * _CAUTION * self._step_time
        # Saved-up credit is bounded, or a long calm would be followed by a long burst.
        self._credit = min(self._credit + earned - cost, 10 * (self._cost[FULL] or 0.0) + 10 * earned)
        return self._affordable(earned)

    def _affordable(self, earned: float) -> int:
        full, light = self._cost[FULL] or 0.0, self._cost[LIGHT]
        if self._credit >= full:
            return FULL
        # Light steps are taken only where they leave something for full ones.
        if light is None or light <= earned / 2:
            return LIGHT
        return BARE

    def _learn(self, level: int, cost: float, step_time: float) -> None:
        known = self._cost[level]
        self._cost[level] = cost if known is None else known + _SMOOTHING * (cost - known)
        first = self._step_time == 0.0
        self._step_time = step_time if first else self._step_time + _SMOOTHING * (step_time - self._step_time)

    def thinned(self) -> tuple[int, str] | None:
        """Steps that were not measured in full, and a sentence about them; `None` if there are none."""
        less = self.levels[LIGHT] + self.levels[BARE]
        if not less or self.share is None:
            return None
        share = f"{100 * self.share:g} %"
        return less, f"{less} of {sum(self.levels)} steps were measured in part to keep supervision within {share} of the time"
