"""Sequences that are written down."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recurra.axes import last_valid
from recurra.data.batches import no_target
from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.schema import examples_from_arrays
from recurra.data.transcripts.alphabet import BLANK, steps_needed
from recurra.diagnosis.examples import SCORED, STEPS, drawn, of_run, source_of, taken
from recurra.diagnosis.subject import Subject
from recurra.errors import DataError
from recurra.networks.transcription_network import TranscriptionNetwork, Written, joined_steps
from recurra.runs.events import Observer
from recurra.runs.recordings.files import read_sequences
from recurra.runs.recordings.run import RecordingRun


def subject(run: RecordingRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    """Sequences up to the step at which the last token of their likeliest path is surest; the loss is that of this step
    alone, so that a lag is one.
    """
    given = data is not None
    examples = _examples(run, data, encoding, observer)
    assert examples.sequences is not None and examples.targets is not None
    numbers = [run.alphabet.encode(text) for text in examples.targets.tolist()]
    enough = joined_steps(examples.sequences.lengths, run.config.settings.network) >= np.array(
        [max(1, steps_needed(each)) for each in numbers]
    )
    usable = np.flatnonzero(enough & (examples.sequences.lengths > 0))
    chosen = usable[drawn(len(usable), run.config.options.seed)]
    packed = examples.sequences.take(chosen)
    ends, tokens = _last_tokens(run.log_p(packed))
    written = ends > 0
    if written.sum() < 2:
        raise DataError(
            f"expected two sequences in which the network writes something, found {int(written.sum())}",
            where="DATA",
        )
    packed, ends, tokens = packed.take(np.flatnonzero(written)), ends[written], tokens[written]
    ends = np.minimum(ends * run.config.settings.network.joined, packed.lengths)
    cut = np.minimum(ends, STEPS)
    steps = [
        packed[n][end - size : end]
        for n, (end, size) in enumerate(zip(ends.tolist(), cut.tolist(), strict=True))
    ]
    scaled = run.numbers.encode(Packed.from_list(steps))
    values, lengths = (torch.from_numpy(each) for each in scaled.pad(np.arange(len(scaled))))
    target = torch.from_numpy(tokens)

    def answer(output: Written) -> Tensor:
        return last_valid(output.logits, output.lengths.to(torch.int64))

    some = usable[drawn(len(usable), run.config.options.seed, SCORED)]
    return of_run(
        run,
        TranscriptionNetwork,
        inputs=(values, lengths),
        lengths=lengths,
        loss=lambda output: functional.cross_entropy(answer(output), target),
        answer=answer,
        chance=run.task.chance(
            joined_steps(examples.sequences.lengths[usable], run.config.settings.network),
            [numbers[n] for n in usable.tolist()],
        ),
        data_loss=_loss_on(run, examples.sequences.take(some), [numbers[n] for n in some.tolist()])
        if given
        else None,
        notes=[
            *taken(len(packed), len(usable), "sequences", (cut == STEPS).any(), STEPS),
            "the loss is that of the last token that the network itself writes in each",
        ],
    )


def _examples(run: RecordingRun, data: Any, encoding: str | None, observer: Observer) -> Examples:
    if isinstance(data, tuple):
        found = examples_from_arrays(*data)
        if found.sequences is None or found.targets is None:
            raise DataError("expected sequences of numbers with texts", where="DATA")
        return found
    if isinstance(data, Examples):
        return data
    config = run.config
    source = source_of(run, data, observer)
    return read_sequences(
        source, config.data_schema, config.settings.audio, encoding=encoding, observer=observer
    ).examples


def _last_tokens(log_p: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(N,) joined steps up to where the last token of each likeliest path is surest, and that token; 0 where none."""
    ends, tokens = np.zeros(len(log_p), dtype=np.int64), np.zeros(len(log_p), dtype=np.int64)
    for n, each in enumerate(log_p):
        path = each.argmax(1)
        places = np.flatnonzero(path != BLANK)
        if not len(places):
            continue
        token = int(path[places[-1]])
        before = np.flatnonzero(path[: places[-1]] != token)
        begin = int(before[-1]) + 1 if len(before) else 0
        ends[n] = begin + int(each[begin : places[-1] + 1, token].argmax()) + 1
        tokens[n] = token
    return ends, tokens


def _loss_on(run: RecordingRun, sequences: Packed, numbers: list[np.ndarray]) -> float:
    """Validation loss."""
    pairs = (
        (Written(torch.from_numpy(log_p)[None], torch.tensor([len(log_p)])), _target(each))
        for log_p, each in zip(run.log_p(sequences), numbers, strict=True)
    )
    return run.task.validate(pairs)["loss"]


def _target(numbers: np.ndarray) -> Tensor:
    width = max(1, len(numbers))
    target = torch.full((1, width), int(no_target(np.dtype(np.int64))))
    target[0, : len(numbers)] = torch.from_numpy(numbers)
    return target
