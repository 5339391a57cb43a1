"""Captions: what the end of a caption depends on in its words."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from recurra.data.captions import CaptionBatches
from recurra.data.examples import Examples
from recurra.diagnosis.examples import drawn, of_run, source_of, taken
from recurra.diagnosis.subject import Subject
from recurra.errors import DataError
from recurra.networks.caption_network import CaptionNetwork, CaptionOutput
from recurra.runs.captions.files import read_more
from recurra.runs.captions.preparation import encode
from recurra.runs.captions.run import CaptionRun
from recurra.runs.events import Observer
from recurra.tasks.translation.task import PairTask

_IDS = 64  # of a caption


def subject(run: CaptionRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    """Images with one caption each, every id of which is given the one before it; the loss is that of all ids."""
    if not isinstance(data, Examples):
        source = source_of(run, data, observer)
        data = read_more(source, run.config.data_schema, encoding=encoding, observer=observer)
    if len(data) < 2:
        raise DataError(f"expected two images with captions, found {len(data)}", where="DATA")
    some = data.take(drawn(len(data), run.config.options.seed))
    said, owners = encode(some, run.codec)
    first = np.unique(owners, return_index=True)[1]
    captions = said.take(first)
    captions = type(captions)(captions.values, captions.starts, np.minimum(captions.lengths, _IDS))
    together = CaptionBatches(
        run.encode(some), captions, np.arange(len(some)), boundary=run.codec.boundary, max_batch=len(some),
        tokens_per_batch=4 * _IDS * len(some),
    )  # fmt: skip
    batch = next(together.evaluation())
    target = batch.target
    assert target is not None
    last = (target >= 0).sum(1) - 1
    task, rows = PairTask(), torch.arange(len(target))

    def at_the_end(output: CaptionOutput) -> torch.Tensor:
        features = output.written.features[rows, last]
        return (
            torch.nn.functional.linear(features, output.written.weight, output.written.bias)
            .log_softmax(1)
            .exp()
        )

    return of_run(
        run,
        CaptionNetwork,
        inputs=batch.inputs,
        place=1,  # behind the images
        lengths=last + 1,
        loss=lambda output: task.loss(output.written, target),
        answer=at_the_end,
        chance=task.chance([target]),
        notes=[
            *taken(len(some), len(data), run.config.data_schema.units, False, _IDS),
            "the loss is that of all ids of the captions; lags are counted from the end of each",
        ],
    )
