"""What a long piece of work tells those who watch it. The work does not know who listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recurra.training.loop import EpochRecord, StepDone


@dataclass(frozen=True)
class Said:
    """Something a person should know before the work goes on.

    Args:
        text: one plain sentence or line.
        kind: "note" or "warning".
    """

    text: str
    kind: str = "note"


@dataclass(frozen=True)
class PhaseStarted:
    """A phase of the work begins; `name` in the form "Reading the data"."""

    name: str


@dataclass(frozen=True)
class Measured:
    """So many examples have gone through a trained network."""

    done: int
    total: int


Event = Said | PhaseStarted | StepDone | EpochRecord | Measured
Observer = Callable[[Event], None]


def ignore(event: Event) -> None:
    """An observer that looks away."""
