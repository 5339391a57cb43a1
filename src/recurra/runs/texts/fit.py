"""From running text to a run that writes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Unpack

from torch import nn

from recurra.data.corpus import Corpus, Spelling, TokenCodec, describe_corpus, encode_corpus
from recurra.data.corpus.reading import Part
from recurra.errors import InputError, RunError
from recurra.networks.language import LanguageNetwork
from recurra.runs.config import circumstances
from recurra.runs.events import Observer, Said
from recurra.runs.fitting import Conduct, carry_out
from recurra.runs.language import LanguageFitting
from recurra.runs.run import Run
from recurra.runs.texts.config import CorpusSchema, TextFitOptions, TextRunConfig
from recurra.runs.texts.run import TextRun, begin_of
from recurra.tasks.generation.settings import LanguageSettings, default_language_settings
from recurra.tasks.settings import MACHINE
from recurra.training.device import settle
from recurra.training.loop import History

_SAMPLE = 300  # tokens of each sample in metrics.json
_OTHER_TEMPERATURES = (0.5, 1.0)


def fit(
    corpus: Corpus,
    options: TextFitOptions,
    *,
    sources: list[str] | None = None,
    **conduct: Unpack[Conduct],
) -> TextRun:
    """Train a network on `corpus` and score it beside its baselines.

    Args:
        sources, conduct: see `carry_out`, which also says what is raised.
    """
    return carry_out(TextFitting(corpus, options), sources=sources, **conduct)


class TextFitting(LanguageFitting[TextRunConfig, TextRun]):
    """How a language model is made."""

    config_form = TextRunConfig
    options: TextFitOptions
    settings: LanguageSettings
    codec: TokenCodec

    def __init__(self, corpus: Corpus, options: TextFitOptions):
        self.corpus, self.options = corpus, options
        self.baselines = []

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """Tokens learned from the training text alone, streams of ids, batches."""
        if init is not None and not isinstance(init, TextRun):
            raise RunError(f"the run to start from is {init.purpose}", where="--init")
        overrides = self.options.settings
        asked = LanguageSettings().changed(overrides).corpus
        if init is not None and any(name.startswith("corpus.") for name in overrides):
            raise InputError("the tokens are those of the run to start from", where="--init")
        self.codec = init.codec if init is not None else TokenCodec.fit(self.corpus.train, asked)
        self.streams = {str(k): ids for k, ids in encode_corpus(self.corpus, self.codec).items()}
        for line in describe_corpus(self.corpus, self.codec, encode_corpus(self.corpus, self.codec)):
            observer(Said(line))
        if init is None:
            settings = default_language_settings(self.codec.level, len(self.streams["train"]))
            settings = settings.changed(overrides)
        else:
            settings = init.config.settings.changed(MACHINE | overrides)
        self.settings = settings.model_copy(update={"training": settle(settings.training)})
        self._begin(begin_of(self.codec), init, observer)

    def spelling(self, part: Part) -> Spelling:
        """With what the unknown tokens of a part are spelled like."""
        return self.codec.spelling(self.corpus.part(part), self.streams[part])

    def new_config(self, sources: list[str]) -> TextRunConfig:
        """Settings and what was found of the text."""
        return TextRunConfig(
            status="training",
            **circumstances(),
            options=self.options,
            settings=self.settings,
            data_schema=CorpusSchema(origin=self.corpus.origin, level=self.codec.level, why=self.codec.why),
            shape=self.shape,
            sources=sources,
            parts={name: len(ids) for name, ids in self.streams.items()},
            fingerprint=self.fingerprint,
        )

    def score(
        self, config: TextRunConfig, network: nn.Module, history: History, observer: Observer
    ) -> TextRun:
        """The test text once, beside the baselines; and a sample."""
        assert isinstance(network, LanguageNetwork)
        run = TextRun(
            config=config,
            network=network,
            codec=self.codec,
            history=[asdict(record) for record in history.records],
        )
        content = {"task": "generate", "level": self.codec.level, **self._scored(run, observer)}
        if "test" in content and (unknown := self.codec.unknown_share(self.streams["test"])):
            content["test"]["unknown"] = unknown
        content["sample"] = run.generate(max_tokens=_SAMPLE, temperature=0.8, seed=self.options.seed)
        content["other_samples"] = [
            {
                "temperature": temperature,
                "text": run.generate(max_tokens=_SAMPLE, temperature=temperature, seed=self.options.seed),
            }
            for temperature in _OTHER_TEMPERATURES
        ]
        run.metrics = content
        return run
