"""How long a comparison has taken over all its sessions: each notes how far it came, so a killed one counts."""

from __future__ import annotations

import time
from pathlib import Path

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
        self._earlier: list[float] = read_json(self._path)["seconds"] if self._path.exists() else []

    def note(self) -> None:
        """Write down how far this session has come; the folder is there."""
        write_json(self._path, {"seconds": [*self._earlier, time.monotonic() - self._started]})

    @property
    def total_s(self) -> float:
        """Seconds up to now, those of earlier sessions up to what they last noted."""
        return sum(self._earlier) + time.monotonic() - self._started
