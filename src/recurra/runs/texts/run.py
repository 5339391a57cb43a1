"""A trained network that goes on writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recurra.data.corpus import TokenCodec, percentage
from recurra.errors import RunError
from recurra.networks.language import LanguageNetwork
from recurra.ops.streaming.stages import Stage
from recurra.runs.config import CONFIG, read_config
from recurra.runs.events import Observer, Said, ignore
from recurra.runs.language import LanguageRun
from recurra.runs.run import METRICS, MODEL, TOKENIZER, check_files, read_history, read_network
from recurra.runs.texts.config import TextRunConfig
from recurra.storage import read_json
from recurra.tasks.generation.decoding import generate_text
from recurra.tasks.metrics import Score


@dataclass(kw_only=True, repr=False)
class TextRun(LanguageRun[TextRunConfig]):
    """A run that writes text.

    Args:
        codec: from text to ids and back.
    """

    purpose = "for writing text"

    codec: TokenCodec

    @property
    def begin(self) -> int:
        """The end of a line."""
        return begin_of(self.codec)

    def generate(self, prompt: str = "", **options: Any) -> str:
        """How the text goes on after `prompt`; see `pieces`."""
        return "".join(self.pieces(prompt, **options))

    def pieces(self, prompt: str = "", **options: Any) -> Iterator[str]:
        """The same piece by piece, as it is made; see `LanguageRun.step`.

        Args:
            options: of `recurra.tasks.generation.decoding.generate_text`.
        """
        return generate_text(self.step(), self.codec, prompt, **options)

    def _stages(self) -> tuple[list[Stage], Callable[[str], np.ndarray] | None]:
        return super()._stages()[0], self.codec.encode_piece

    def evaluate(self, text: str, observer: Observer = ignore) -> list[Score]:
        """Perplexity and bits per character of a text, with intervals.

        Unknown tokens are one token to perplexity, however many words they stand for; to bits per character each is
        charged for its spelling, see `TokenCodec.spelling`. The observer is told how many there are.
        """
        ids = self.codec.encode(text)
        if unknown := self.codec.unknown_share(ids):
            observer(Said(f"{percentage(unknown)} of the tokens are unknown"))
        return self.scores(self.nats(ids, observer), self.codec.spelling(text, ids))

    def _write_encoders(self, folder: Path) -> list[str]:
        self.codec.save(folder / TOKENIZER)
        return [TOKENIZER]


def begin_of(codec: TokenCodec) -> int:
    """What stands before the first token of a text: the end of a line."""
    return int(codec.encode_prompt("")[-1])


def load_run(folder: Path) -> TextRun:
    """Read a run folder of this kind.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
    """
    config = read_config(folder, TextRunConfig)
    check_files(folder, config, {TOKENIZER})
    codec = TokenCodec.load(folder / TOKENIZER)
    if codec.vocabulary_size != config.shape.output_size:
        raise RunError(
            f"the tokens ({codec.vocabulary_size:,}) do not fit a network of {config.shape.output_size:,}",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    return TextRun(
        config=config,
        network=read_network(folder / MODEL, partial(LanguageNetwork, config.settings.network, config.shape)),
        codec=codec,
        metrics=read_json(folder / METRICS),
        history=read_history(folder),
        path=folder,
    )
