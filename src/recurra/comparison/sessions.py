"""How long a comparison has taken over all its sessions: each notes how far it came, so a killed one counts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from recurra.errors import RunError
from recurra.storage import read_json, write_json

SESSIONS = "sessions.json"


class Sessions:
    """The sessions of a comparison, this one the last.

    Args:
        folder: where they are noted down.
        started: `time.monotonic()` at which this one began.
    """

    def __init__(self, folder: Path, started: float):
        self._path, self._started = folder / SESSIONS, started
        self._earlier: list[float] = _seconds(self._path) if self._path.exists() else []

    def note(self) -> None:
        """Write down how far this session has come; the folder is there."""
        write_json(self._path, {"seconds": [*self._earlier, time.monotonic() - self._started]})

    @property
    def total_s(self) -> float:
        """Seconds up to now, those of earlier sessions up to what they last noted."""
        return sum(self._earlier) + time.monotonic() - self._started


def _seconds(path: Path) -> list[float]:
    try:
        return TypeAdapter(dict[Literal["seconds"], list[float]]).validate_python(read_json(path))["seconds"]
    except (RunError, ValidationError, KeyError) as error:
        raise RunError(
            "what earlier sessions noted of their time cannot be read",
            where=str(path),
            fix="Delete it and resume: then the time of this session alone is counted.",
        ) from error
