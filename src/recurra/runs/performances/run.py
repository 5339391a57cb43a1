"""A trained network that goes on with music event by event."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from pathlib import Path

import numpy as np

from recurra.data.corpus import Spelling
from recurra.data.music.events import BEGIN, EventCodec
from recurra.data.packed import Packed
from recurra.errors import RunError
from recurra.networks.language import LanguageNetwork
from recurra.runs.config import CONFIG, read_config
from recurra.runs.events import Observer, ignore
from recurra.runs.language import LanguageRun
from recurra.runs.performances.config import PerformanceRunConfig
from recurra.runs.run import METRICS, MODEL, check_files, read_history, read_network
from recurra.storage import read_json
from recurra.tasks.generation.decoding import generate
from recurra.tasks.metrics import Score

_PADDING = 0


@dataclass(kw_only=True, repr=False)
class PerformanceRun(LanguageRun[PerformanceRunConfig]):
    """A run that goes on with a piece of music, event by event.

    Args:
        codec: from notes to ids of events and back.
    """

    purpose = "for going on with music event by event"

    codec: EventCodec

    @property
    def begin(self) -> int:
        """The beginning of a piece."""
        return BEGIN

    def generate(
        self,
        opening: np.ndarray | None = None,
        *,
        max_tokens: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
    ) -> np.ndarray:
        """(n,) ids of the events that follow, at most `max_tokens`: fewer where the network lets the piece end.

        Args:
            opening: (m,) ids that it goes on from; None: the beginning of a piece.
            temperature, top_k, top_p: how each is chosen, see `recurra.tasks.generation.sampling`.
            seed: same seed and opening, same events.

        Raises:
            InputError: an option out of range.
        """
        made = generate(
            self.step(),
            [BEGIN] if opening is None else opening,
            max_tokens=max_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            never=(_PADDING,),
            seed=seed,
        )
        return np.array(list(takewhile(lambda event: event != BEGIN, made)), dtype=np.int32)

    def evaluate(self, events: Packed, observer: Observer = ignore) -> list[Score]:
        """Perplexity and nats per event of some pieces, one after the other."""
        ids = events.flat()[0]
        return self.scores(self.nats(ids, observer), Spelling(None))


def load_run(folder: Path) -> PerformanceRun:
    """Read a run folder of this kind.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
    """
    config = read_config(folder, PerformanceRunConfig)
    check_files(folder, config, set())
    codec = EventCodec(config.settings.events)
    if codec.vocabulary_size != config.shape.output_size:
        raise RunError(
            f"the events ({codec.vocabulary_size:,}) do not fit a network of {config.shape.output_size:,}",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    return PerformanceRun(
        config=config,
        network=read_network(folder / MODEL, partial(LanguageNetwork, config.settings.network, config.shape)),
        codec=codec,
        metrics=read_json(folder / METRICS),
        history=read_history(folder),
        path=folder,
    )
