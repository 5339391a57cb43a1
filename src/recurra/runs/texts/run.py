"""A trained network that goes on writing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recurra.data.corpus import TokenCodec
from recurra.data.corpus.batches import StreamBatches
from recurra.errors import RunError
from recurra.networks.language import LanguageNetwork
from recurra.ops.streaming.stages import Probabilities, Stage
from recurra.ops.streaming.stream import Stream
from recurra.runs.config import CONFIG, read_config
from recurra.runs.events import Measured, Observer, ignore
from recurra.runs.run import METRICS, MODEL, TOKENIZER, Run, check_files, read_history, read_network
from recurra.runs.texts.config import TextRunConfig
from recurra.storage import read_json
from recurra.tasks.generation.decoding import Step, generate_text
from recurra.tasks.generation.metrics import headline_of, language_scores
from recurra.tasks.generation.task import nats_of
from recurra.tasks.metrics import Score
from recurra.training.loop import predictions

_EXACT = 200_000  # tokens that are read as one stream; more in eight, which begin anew
_STEPS = 256


@dataclass(kw_only=True)
class TextRun(Run[TextRunConfig, LanguageNetwork]):
    """A run that writes text.

    Args:
        codec: from text to ids and back.
    """

    purpose = "for writing text"
    verb = "generate"

    codec: TokenCodec

    def generate(self, prompt: str = "", **options: Any) -> str:
        """How the text goes on after `prompt`; see `pieces`."""
        return "".join(self.pieces(prompt, **options))

    def pieces(self, prompt: str = "", **options: Any) -> Iterator[str]:
        """The same piece by piece, as it is made; the state is carried, so no token costs more than the last.

        A transformer carries none: it reads the last tokens anew for each, as many as a window of its training has.

        Args:
            options: of `recurra.tasks.generation.decoding.generate_text`.
        """
        if not self.network.config.carries_state:
            return generate_text(self._reading_anew(), self.codec, prompt, **options)
        stream = Stream(self.network.stages())

        def step(token: int, state: None) -> tuple[torch.Tensor, None]:
            return stream.step(torch.tensor(token)), state

        return generate_text(step, self.codec, prompt, **options)

    def _reading_anew(self) -> Step:
        network, seen = self.network.eval(), []
        device = next(network.parameters()).device

        @torch.no_grad()
        def step(token: int, state: None) -> tuple[torch.Tensor, None]:
            seen.append(token)
            del seen[: -self._window]
            return network(torch.tensor([seen], device=device)).logits[0, -1].cpu(), state

        return step

    @property
    def _window(self) -> int:
        """Tokens that gradients went back in training."""
        return self.config.settings.windows.steps

    def _stages(self) -> tuple[list[Stage], Callable[[str], np.ndarray]]:
        stages = self.network.stages()
        return [*stages, Probabilities(stages[-1].width)], self.codec.encode

    def nats(self, ids: np.ndarray, observer: Observer = ignore) -> np.ndarray:
        """(n,) minus the logarithm of the probability that each token of a text was given."""
        rows = _rows(len(ids))
        steps = _STEPS if self.network.config.carries_state else self._window
        source = StreamBatches(ids, begin=begin_of(self.codec), rows=rows, steps=steps, vary=False)
        found, done, device = [], 0, next(self.network.parameters()).device
        for batch, output in predictions(self.network, source, "float32"):
            assert batch.target is not None
            found.append(nats_of(output, batch.target.to(device)).cpu().numpy())
            done += batch.target.numel()
            observer(Measured(done, len(ids)))
        return np.concatenate(found, axis=1).ravel()

    def evaluate(self, text: str, observer: Observer = ignore) -> list[Score]:
        """Perplexity and bits per character of a text, with intervals."""
        ids = self.codec.encode(text)
        nats = self.nats(ids, observer)
        return self.scores(nats, ids)

    def scores(self, nats: np.ndarray, ids: np.ndarray) -> list[Score]:
        """Scores of a text whose `nats` are known; the fewer than eight tokens left over at its end are not in."""
        characters = self.codec.characters(ids)[: len(nats)]
        headline = headline_of(self.codec.level)
        return language_scores(nats, characters, headline=headline, seed=self.config.options.seed)

    def _write_encoders(self, folder: Path) -> list[str]:
        self.codec.save(folder / TOKENIZER)
        return [TOKENIZER]


def scored_tokens(count: int) -> int:
    """How many of so many tokens `TextRun.nats` looks at: all but a few at the end of a long text."""
    return count - count % _rows(count)


def _rows(count: int) -> int:
    return 1 if count <= _EXACT else 8


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
