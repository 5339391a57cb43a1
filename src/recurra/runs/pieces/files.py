"""From files of music to runs that go on with it."""

from __future__ import annotations

import os
from typing import Any, Unpack

import numpy as np

from recurra.data.examples import Examples
from recurra.data.music import Pieces, RollConfig, read_pieces
from recurra.errors import InputError
from recurra.runs.events import Observer, PhaseStarted, Said, ignore
from recurra.runs.fitting import Conduct, begin, carry_out
from recurra.runs.parts import scored_part, warn_of_shared
from recurra.runs.pieces.config import PieceFitOptions
from recurra.runs.pieces.fit import ASSUMED, PieceFitting
from recurra.runs.pieces.run import PieceRun
from recurra.tasks.music.settings import PieceSettings


def fit_pieces(
    source: Any,
    options: PieceFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    **conduct: Unpack[Conduct],
) -> PieceRun:
    """Read `source`, say what it is, and train on it.

    Args:
        source: a MIDI file, a folder of them, or a file of piano rolls; see `recurra.data.music.read_pieces`.
        test: another of these, to score on.
        encoding: refused: there is no text in music.
        conduct: see `recurra.runs.fitting.Conduct`.

    Raises:
        DataError, InputError: with what is wrong, where, and what to do.
    """
    observer = begin(conduct)
    fitting, sources = opened(source, options, test=test, encoding=encoding, observer=observer)
    return carry_out(fitting, sources=sources, **conduct)


def opened(
    source: Any,
    options: PieceFitOptions,
    *,
    test: Any = None,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> tuple[PieceFitting, list[str]]:
    """The training that `fit_pieces` would carry out, its music read, and where it came from.

    Args:
        source, options, test, encoding: see `fit_pieces`, which also says what is raised.
    """
    if encoding is not None:
        raise InputError("there is no text in music", where="--encoding", fix="Leave it out.")
    if test is not None:
        options.refuse("test_share", why="the test data are those of --test")
    rolls: RollConfig = PieceSettings().changed(options.settings).rolls
    named = [str(each) for each in (source, test) if isinstance(each, str | os.PathLike)]
    observer(PhaseStarted(f"Reading {named[0]}" if named else "Reading the music"))
    pieces = read_music(source, rolls.frame, observer)
    given = None
    if test is not None:
        # Frames of both parts last as long.
        asked = ASSUMED if rolls.frame == "auto" else rolls.frame
        given = scored_part(read_music(test, pieces.frame or asked, observer), observer)
        warn_of_shared(_as_examples(pieces), _as_examples(given), "pieces", observer)
    return PieceFitting(pieces, options, given), named


def _as_examples(pieces: Pieces) -> Examples:
    return Examples(None, pieces.rolls, None, rows=np.arange(len(pieces)))


def read_music(source: Any, frame: str, observer: Observer) -> Pieces:
    """Pieces as given, or read; what is found is told.

    Args:
        frame: the note value of a frame, or "auto".
    """
    if isinstance(source, Pieces):
        return source
    pieces = read_pieces(source, frame=frame)
    for note in pieces.notes:
        observer(Said(note))
    for warning in pieces.warnings:
        observer(Said(warning, "warning"))
    return pieces
