"""Running text."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from recurra.data.corpus import read_corpus
from recurra.diagnosis.examples import EXAMPLES, of_run, source_of
from recurra.diagnosis.subject import Subject
from recurra.errors import DataError
from recurra.networks.language import LanguageNetwork, LanguageOutput
from recurra.runs.events import Observer
from recurra.runs.language import LanguageRun
from recurra.runs.texts.run import TextRun
from recurra.tasks.chance import chance_of_ids

_TOKENS = 128  # of a window
_CHARACTERS = 400_000  # of a text that are read


def subject(run: TextRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    column = run.config.options.data.text
    corpus = read_corpus(
        source_of(run, data, observer), validation_share=0, test_share=0, text=column, encoding=encoding
    )
    whole = corpus.whole
    notes = []
    if len(whole) > _CHARACTERS:
        notes.append(f"of {len(whole):,} characters the first {_CHARACTERS:,} were read")
    return of_stream(run, run.codec.encode(whole[:_CHARACTERS]), "text", "lines of text", notes)


def of_stream(run: LanguageRun[Any], ids: np.ndarray, what: str, some: str, notes: list[str]) -> Subject:
    """Windows of a stream of ids, spread over it.

    Args:
        what: they are of, and `some` of it, in words.
        notes: what else is to be said.

    Raises:
        DataError: too few of them.
    """
    ids = ids.astype(np.int64)
    steps = min(_TOKENS, (len(ids) - 1) // 2)
    if steps < 2:
        raise DataError(f"expected some {some}, found {len(ids)} tokens", where="DATA")
    rows = min(EXAMPLES, (len(ids) - 1) // steps)
    begins = np.linspace(0, len(ids) - 1 - steps, rows).astype(np.int64)
    windows = ids[begins[:, None] + np.arange(steps + 1)]
    target = torch.from_numpy(windows[:, -1:].copy())

    def at_the_end(output: LanguageOutput) -> LanguageOutput:
        return output._replace(raw=output.raw[:, -1:], dropped=output.dropped[:, -1:])

    said = (
        f"{rows} windows of {steps} tokens, spread over the {what}; the loss is that of the token after each"
    )
    return of_run(
        run,
        LanguageNetwork,
        inputs=(torch.from_numpy(windows[:, :-1].copy()),),
        loss=lambda output: functional.cross_entropy(at_the_end(output).logits[:, 0], target[:, 0]),
        answer=lambda output: at_the_end(output).logits[:, 0].log_softmax(1).exp(),
        chance=chance_of_ids([torch.from_numpy(ids)]),
        notes=[said, *notes],
    )
