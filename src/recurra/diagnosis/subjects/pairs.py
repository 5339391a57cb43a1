"""Pairs of texts: what the first id of an answer depends on in its source."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recurra.data.batches import no_target
from recurra.data.examples import Examples
from recurra.diagnosis.examples import STEPS, drawn, of_run, source_of, taken
from recurra.diagnosis.subject import Subject
from recurra.errors import DataError
from recurra.networks.decoder import DecoderOutput
from recurra.networks.pair_network import PairNetwork
from recurra.runs.events import Observer
from recurra.runs.pairs.files import read_more
from recurra.runs.pairs.preparation import encode
from recurra.runs.pairs.run import PairRun
from recurra.tasks.chance import chance_of_ids

_IDS = 64  # of a target


def subject(run: PairRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    """Sources with their targets, each id of which is given the one before it; the loss is that of all their ids."""
    if not isinstance(data, Examples):
        source = source_of(run, data, observer)
        data = read_more(source, run.config.data_schema, encoding=encoding, observer=observer)
    if len(data) < 2:
        raise DataError(f"expected two pairs, found {len(data)}", where="DATA")
    some = data.take(drawn(len(data), run.config.options.seed))
    sources, targets, cut = encode(some, run.codec, STEPS - 1)
    ids, lengths = sources.pad(np.arange(len(sources)))
    said, ends = targets.pad(np.arange(len(targets)))
    said, ends = said[:, :_IDS].astype(np.int64), np.minimum(targets.lengths, _IDS)
    boundary = np.full((len(said), 1), run.codec.boundary)
    read = np.concatenate([boundary, said], axis=1)
    target = np.concatenate([said, np.zeros_like(boundary)], axis=1)
    target[np.arange(len(ends)), ends] = run.codec.boundary
    target[np.arange(target.shape[1]) > ends[:, None]] = no_target(target.dtype)
    expected = torch.from_numpy(target)
    rows, last = torch.arange(len(ends)), torch.from_numpy(ends)

    def loss(output: DecoderOutput) -> Tensor:
        # Not `PairTask.loss`: torch's pieces of logits are used up by the first of several backward passes.
        return functional.cross_entropy(output.logits.flatten(0, 1), expected.flatten())

    def at_the_end(output: DecoderOutput) -> Tensor:
        return functional.linear(output.features[rows, last], output.weight, output.bias).softmax(1)

    return of_run(
        run,
        PairNetwork,
        inputs=(torch.from_numpy(ids.astype(np.int64)), torch.from_numpy(lengths), torch.from_numpy(read)),
        lengths=torch.from_numpy(lengths),
        loss=loss,
        answer=at_the_end,
        chance=chance_of_ids([expected]),
        notes=[
            *taken(len(some), len(data), "pairs", cut > 0, STEPS),
            "the loss is that of all ids of the targets; lags are counted from the end of each source, and in what "
            "writes from the end of each target",
        ],
    )
