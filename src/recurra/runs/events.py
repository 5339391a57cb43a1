"""What a long piece of work tells those who watch it. The work does not know who listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from recurra.training.loop import EpochRecord, StepDone


@dataclass(frozen=True)
class Said:
    """Something a person should know before the work goes on.

    Args:
        text: one plain sentence or line.
        kind: "note" or "warning".
    """

    text: str
    kind: Literal["note", "warning"] = "note"


@dataclass(frozen=True)
class PhaseStarted:
    """A phase of the work begins; `name` in the form "Reading the data"."""

    name: str


@dataclass(frozen=True)
class Measured:
    """So many of something are done: most often, examples that have gone through a trained network."""

    done: int
    total: int
    what: str = "examples"


Event = Said | PhaseStarted | StepDone | EpochRecord | Measured
Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An observer that looks away."""


class Noting:
    """An observer that passes every event on, and keeps what is said with the phase in which it is said."""

    def __init__(self, observer: Observer):
        self._observer = observer
        self._phase = ""
        self.told: list[tuple[str, Said]] = []

    def __call__(self, event: Event) -> None:
        """Keep and pass on."""
        if isinstance(event, PhaseStarted):
            self._phase = event.name
        elif isinstance(event, Said):
            self.told.append((self._phase, event))
        self._observer(event)


def noting(observer: Observer) -> Noting:
    """`observer` as one that keeps what is said; one that does so already goes on with what it has."""
    return observer if isinstance(observer, Noting) else Noting(observer)
