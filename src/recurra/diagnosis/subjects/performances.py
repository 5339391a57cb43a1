"""Music, event by event."""

from __future__ import annotations

from typing import Any

import numpy as np

from recurra.data.music.performances import Performances
from recurra.diagnosis.examples import source_of
from recurra.diagnosis.subject import Subject
from recurra.diagnosis.subjects.texts import of_stream
from recurra.errors import InputError
from recurra.runs.events import Observer
from recurra.runs.performances.files import read_music
from recurra.runs.performances.run import PerformanceRun


def subject(run: PerformanceRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    """Windows spread over the pieces, one after the other."""
    if encoding is not None:
        raise InputError("there is no text in music", where="--encoding", fix="Leave it out.")
    if not isinstance(data, Performances):
        data = read_music(source_of(run, data, observer), observer)
    ids = np.concatenate([run.codec.encode(each) for each in data.played])
    return of_stream(run, ids, "pieces", "bars of music", [])
