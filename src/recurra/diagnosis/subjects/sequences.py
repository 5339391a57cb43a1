"""Sequences with one answer each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from recurra.data.examples import Examples
from recurra.data.schema import examples_from_arrays
from recurra.diagnosis.examples import SCORED, STEPS, drawn, of_run, source_of, taken
from recurra.diagnosis.subject import Subject
from recurra.errors import DataError
from recurra.networks.sequence_network import SequenceNetwork
from recurra.runs.events import Observer
from recurra.runs.examples import read_examples
from recurra.runs.sequences.run import SequenceRun


def subject(run: SequenceRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    given = data is not None
    if isinstance(data, tuple):
        data = examples_from_arrays(*data)
    elif not isinstance(data, Examples):
        source = source_of(run, data, observer)
        data = read_examples(source, run.config.data_schema, encoding=encoding, observer=observer)
    if data.targets is None:
        raise DataError("the data have no target, and the loss needs one", where="DATA")
    filled = np.flatnonzero(run.encode(data).lengths > 0)
    if len(filled) < 2:
        raise DataError(f"expected two examples with a step or more, found {len(filled)}", where="DATA")
    data = data.take(filled)
    targets = run.targets.encode(data.targets, data.rows)
    chosen = drawn(len(data), run.config.options.seed)
    packed = run.encode(data.take(chosen))
    cut = np.minimum(packed.lengths, STEPS)
    packed = replace(packed, starts=packed.starts + packed.lengths - cut, lengths=cut)
    values, lengths = packed.pad(np.arange(len(packed)))
    task, target = run.task, torch.from_numpy(targets[chosen])
    dtype = np.int64 if run.text is not None else np.float32
    return of_run(
        run,
        SequenceNetwork,
        inputs=(torch.from_numpy(values.astype(dtype)), torch.from_numpy(lengths)),
        lengths=torch.from_numpy(lengths),
        loss=lambda output: task.loss(output, target),
        answer=lambda output: output,
        chance=task.chance([torch.from_numpy(targets)]),
        data_loss=_loss_on(run, data, targets, observer) if given else None,
        notes=taken(len(chosen), len(data), "examples", (cut == STEPS).any(), STEPS),
    )


def _loss_on(run: SequenceRun, examples: Examples, targets: np.ndarray, observer: Observer) -> float:
    """Validation loss on at most so many examples."""
    chosen = drawn(len(examples), run.config.options.seed, SCORED)
    output = run.outputs(examples.take(chosen), observer)
    return run.task.validate([(output, torch.from_numpy(targets[chosen]))])["loss"]
