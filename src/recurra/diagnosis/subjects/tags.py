"""Numeric sequences with an answer at every step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from recurra.axes import last_valid
from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.schema.arrays import tagged_from_arrays
from recurra.diagnosis.examples import SCORED, STEPS, drawn, of_run, source_of, taken
from recurra.diagnosis.subject import Subject
from recurra.errors import DataError
from recurra.networks.step_network import StepNetwork
from recurra.runs.events import Observer
from recurra.runs.examples import read_examples
from recurra.runs.tags.run import TagRun
from recurra.runs.tags.targets import encode_targets


def subject(run: TagRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    """Sequences up to the last step that has a target; the loss is that of this step, so that a lag is one."""
    given = data is not None
    if isinstance(data, tuple):
        data, _ = tagged_from_arrays(*data)
    elif not isinstance(data, Examples):
        source = source_of(run, data, observer)
        data = read_examples(source, run.config.data_schema, encoding=encoding, observer=observer)
    labels = encode_targets(data, run.targets)
    inputs = run.encode(data)
    starts = np.cumsum(inputs.lengths) - inputs.lengths
    ends = np.array([_last(labels.known[a : a + n]) for a, n in zip(starts, inputs.lengths, strict=True)])
    filled = np.flatnonzero(ends > 0)
    if len(filled) < 2:
        raise DataError(f"expected two sequences with a target, found {len(filled)}", where="DATA")
    chosen = filled[drawn(len(filled), run.config.options.seed)]
    cut = np.minimum(ends[chosen], STEPS)
    packed = Packed(inputs.values, inputs.starts[chosen] + ends[chosen] - cut, cut)
    values, lengths = (torch.from_numpy(each) for each in packed.pad(np.arange(len(packed))))
    task, target = run.task, torch.from_numpy(labels.encoded.values[starts[chosen] + ends[chosen] - 1])
    some = data.take(drawn(len(data), run.config.options.seed, SCORED)) if given else None
    return of_run(
        run,
        StepNetwork,
        inputs=(values, lengths),
        lengths=lengths,
        loss=lambda output: task.loss(last_valid(output, lengths), target),
        answer=lambda output: last_valid(output, lengths),
        chance=task.chance([torch.from_numpy(labels.encoded.values)]),
        data_loss=None if some is None else _tag_loss_on(run, some, observer),
        notes=[
            *taken(len(chosen), len(filled), "sequences", (cut == STEPS).any(), STEPS),
            "the loss is that of the last step with a target of each",
        ],
    )


def _last(known: np.ndarray) -> int:
    """Steps up to the last one that has a target; 0 where none has."""
    places = np.flatnonzero(known)
    return int(places[-1]) + 1 if len(places) else 0


def _tag_loss_on(run: TagRun, examples: Examples, observer: Observer) -> float:
    """Validation loss over all steps with a target."""
    labels = encode_targets(examples, run.targets)
    output = run.outputs(examples, observer)[torch.from_numpy(labels.known)]
    return run.task.validate([(output, torch.from_numpy(labels.those_known))])["loss"]
