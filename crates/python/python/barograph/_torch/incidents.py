"""The incident of a training: where the first non-finite number that did harm began. It is told once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .flow import Event
from .readings import Told

if TYPE_CHECKING:
    from barograph import _native

Hears = Callable[[Event, int, int], None]
"""Is given an event, its step, and a checksum of the losses up to it."""


class Incidents:
    """Keeps the first incident, and tells the session of it."""

    def __init__(self, session: _native.Session, on_finding: Callable[[Told], None]) -> None:
        self._session = session
        self._on_finding = on_finding
        self.first: Event | None = None
        self.step = 0
        """The step of the incident."""
        self.on_incident: Hears | None = None
        """Hears of the incident."""
        self.on_doubt: Hears | None = None
        """Hears at the end of an incident whose operation or line is not certain, and may settle it."""
        self._losses = 0
        self._told = False

    def see_loss(self, value: float) -> None:
        """Takes a finite loss into the checksum, by which a repeated run is recognized: numbers hash alike in every process."""
        if self.first is None:
            self._losses = hash((self._losses, value))

    def begin(self, event: Event | None, step: int) -> None:
        """The loss, a gradient or a weight is not finite: this is where it began. The first one counts."""
        if self.first is None and event is not None:
            self.first, self.step = event, step

    def tell(self, victims: int = 1) -> None:
        """Tells of the incident, unless that was done, or its operation is not certain and may be settled at the end. `victims`
        counts the operations of the step with non-finite results."""
        event = self.first
        if event is None or self._told or (self.on_doubt is not None and event.doubt):
            return
        self._told = True
        if self.on_incident is not None:
            self.on_incident(event, self.step, self._losses)
        told = self._session.incident(
            {
                "step": self.step,
                "phase": event.phase,
                "operation": event.operation,
                "site": event.site,
                "source": tuple(event.source) if event.source else None,
                "rows": event.rows,
                "row_count": event.row_count,
                "inputs": event.inputs,
                "victims": max(1, victims),
                "doubt": event.doubt,
                "repeated": event.repeated,
            }
        )
        for finding in told:
            self._on_finding(finding)

    def settle(self) -> None:
        """The script is over: what is not certain is settled now, or told as it is."""
        if self.first is not None and not self._told and self.on_doubt is not None:
            self.on_doubt(self.first, self.step, self._losses)
            self.on_doubt = None
            self.tell()

    def text(self, step: int) -> str:
        """What is not finite at `step`, for messages."""
        event = self.first
        where = f"; it began with `{event.operation}` at {event.site or 'the loop'}" if event else ""
        line = f", {event.source.file}:{event.source.number}" if event and event.source else ""
        return f"step {step}: the loss or a gradient is not finite{where}{line}"
