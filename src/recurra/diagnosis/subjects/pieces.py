"""Pieces of music, frame by frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from recurra.axes import last_valid
from recurra.data.music import Pieces
from recurra.data.music.batches import FrameBatches
from recurra.data.packed import Packed
from recurra.diagnosis.examples import SCORED, STEPS, drawn, of_run, source_of, taken
from recurra.diagnosis.subject import Subject
from recurra.errors import DataError, InputError
from recurra.networks.piece_network import Chords, PieceNetwork
from recurra.runs.events import Observer
from recurra.runs.pieces.files import read_music
from recurra.runs.pieces.run import PieceRun
from recurra.tasks.music.task import Output, PieceTask


def subject(run: PieceRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    """The ends of some pieces; the loss is that of the last frame of each, so that a lag is one."""
    if encoding is not None:
        raise InputError("there is no text in music", where="--encoding", fix="Leave it out.")
    given = data is not None
    pieces = data
    if not isinstance(data, Pieces):
        pieces = read_music(source_of(run, data, observer), run.config.data_schema.frame, observer)
    rolls, seed = pieces.rolls, run.config.options.seed
    if len(rolls) < 2:
        raise DataError(f"expected two pieces or more, found {len(rolls)}", where="DATA")
    chosen = drawn(len(rolls), seed)
    few = rolls.take(chosen)
    cut = np.minimum(few.lengths, STEPS + 1)
    ends = Packed(few.values, few.starts + few.lengths - cut, cut)
    batch = next(
        FrameBatches(ends, tokens_per_batch=len(ends) * (STEPS + 32), max_batch=len(ends)).evaluation()
    )
    values, lengths = batch.inputs
    assert batch.target is not None
    task, target = PieceTask(), last_valid(batch.target, lengths)
    frames = torch.from_numpy(rolls.values[:: max(1, len(rolls.values) // SCORED)].astype(np.float32))
    some = rolls.take(drawn(len(rolls), seed, SCORED))
    return of_run(
        run,
        PieceNetwork,
        inputs=(values, lengths),
        lengths=lengths,
        loss=lambda output: task.loss(_at_the_end(output, lengths), target),
        answer=lambda output: _raw(_at_the_end(output, lengths)),
        chance=task.chance([frames]),
        data_loss=run.evaluate(some, observer)[0].value if given else None,
        notes=[
            *taken(len(chosen), len(rolls), "pieces", bool((cut > STEPS).any()), STEPS),
            "the loss is that of the last frame of each",
        ],
    )


def _at_the_end(output: Output, lengths: Tensor) -> Output:
    """What was said at the last frame of each piece."""
    if isinstance(output, Chords):
        return output._replace(raw=last_valid(output.raw, lengths))
    return last_valid(output, lengths)


def _raw(output: Output) -> Tensor:
    return output.raw if isinstance(output, Chords) else output
