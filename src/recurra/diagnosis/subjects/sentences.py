"""Sentences with a tag for every word."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recurra.axes import last_valid
from recurra.data.batches import Batches
from recurra.data.sentences.collection import Sentences
from recurra.diagnosis.examples import EXAMPLES, SCORED, STEPS, drawn, of_run, source_of, taken
from recurra.diagnosis.subject import Subject
from recurra.errors import DataError
from recurra.networks.sentence_network import SentenceNetwork, TagScores
from recurra.runs.events import Observer
from recurra.runs.sentences.files import read_sentences
from recurra.runs.sentences.run import SentenceRun
from recurra.runs.sentences.targets import encode_tags, learned_tags, true_tags
from recurra.training.loop import predictions


def subject(run: SentenceRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    """Sentences up to the last word that has a tag; the loss is that of this word by itself, so that a lag is one."""
    given = data is not None
    if not isinstance(data, Sentences):
        source = source_of(run, data, observer)
        data = read_sentences(source, run.config.data_schema, encoding=encoding, observer=observer)
    learned = learned_tags(true_tags(data, run.config.data_schema.scheme), run.config.learned_scheme)
    targets = encode_tags(learned, run.tags)
    ends = np.array([_last(targets[n] >= 0) for n in range(len(targets))], dtype=np.int64)
    filled = np.flatnonzero(ends > 0)
    if len(filled) < 2:
        raise DataError(f"expected two sentences with a tag, found {len(filled)}", where="DATA")
    chosen = filled[drawn(len(filled), run.config.options.seed)]
    cut = np.minimum(ends[chosen], STEPS)
    encoded = run.vocabulary.encode(data.take(chosen))
    kinds = type(encoded.kinds)(encoded.kinds.values, encoded.kinds.starts + ends[chosen] - cut, cut)
    (batch,) = Batches(
        kinds, tokens_per_batch=EXAMPLES * STEPS, max_batch=EXAMPLES, finish=encoded.finish
    ).evaluation()
    last = torch.from_numpy(targets.values[targets.starts[chosen] + ends[chosen] - 1][batch.index])
    lengths = batch.inputs[1]

    def of_last(output: TagScores) -> Tensor:
        return last_valid(output.scores, lengths)

    return of_run(
        run,
        SentenceNetwork,
        inputs=batch.inputs,
        lengths=lengths,
        loss=lambda output: functional.cross_entropy(of_last(output), last),
        answer=of_last,
        chance=run.task.chance([torch.from_numpy(targets.flat()[0])]),
        data_loss=_loss_on(run, data, learned, observer) if given else None,
        notes=[
            *taken(len(chosen), len(filled), "sentences", bool((cut == STEPS).any()), STEPS),
            "the loss is that of the last tagged word of each, whatever the tags around it",
        ],
    )


def _last(known: np.ndarray) -> int:
    """Words up to the last one that has a tag; 0 where none has."""
    places = np.flatnonzero(known)
    return int(places[-1]) + 1 if len(places) else 0


def _loss_on(run: SentenceRun, data: Sentences, learned: list[list[str | None]], observer: Observer) -> float:
    """Validation loss on at most so many sentences."""
    chosen = drawn(len(data), run.config.options.seed, SCORED)
    encoded = run.vocabulary.encode(data.take(chosen))
    targets = encode_tags([learned[n] for n in chosen.tolist()], run.tags)
    batches = Batches(encoded.kinds, targets, finish=encoded.finish)
    device = next(run.network.parameters()).device
    pairs = (
        (output, batch.target.to(device))
        for batch, output in predictions(run.network, batches, "float32")
        if batch.target is not None
    )
    return run.task.validate(pairs)["loss"]
