"""From running text to a run that writes."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any, Unpack

import numpy as np
from torch import nn

from recurra.data.corpus import Corpus, TokenCodec, describe_corpus, encode_corpus
from recurra.data.corpus.batches import StreamBatches
from recurra.errors import InputError, RunError
from recurra.networks.config import NetworkShape
from recurra.networks.language import LanguageNetwork
from recurra.runs.config import circumstances
from recurra.runs.events import Observer, PhaseStarted, Said
from recurra.runs.fitting import Conduct, Fitting, carry_out, start_from
from recurra.runs.run import Run
from recurra.runs.texts.config import CorpusSchema, TextFitOptions, TextRunConfig
from recurra.runs.texts.run import TextRun, begin_of, scored_tokens
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines import BaselineResult, best_baseline, standing, verdict
from recurra.tasks.generation.baselines import run_language_baselines
from recurra.tasks.generation.metrics import compare_streams, headline_of, stream_measure, stream_sums
from recurra.tasks.generation.settings import LanguageSettings, default_language_settings
from recurra.tasks.generation.task import LanguageTask
from recurra.tasks.settings import MACHINE
from recurra.training.device import settle
from recurra.training.loop import History, seeded

_SAMPLE = 300  # tokens of each sample in metrics.json
_OTHER_TEMPERATURES = (0.5, 1.0)
_VALIDATION_ROWS = 16


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


class TextFitting(Fitting[TextRunConfig, TextRun]):
    """How a language model is made."""

    config_form = TextRunConfig
    network_form = LanguageNetwork
    options: TextFitOptions
    settings: LanguageSettings

    def __init__(self, corpus: Corpus, options: TextFitOptions):
        self.corpus, self.options = corpus, options
        self.codec: TokenCodec
        self.streams: dict[str, np.ndarray]
        self.baselines: list[BaselineResult] = []

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
        train = self.streams["train"]
        if init is None:
            settings = default_language_settings(self.codec.level, len(train)).changed(overrides)
        else:
            settings = init.config.settings.changed(MACHINE | overrides)
        self.settings = settings.model_copy(update={"training": settle(settings.training)})
        windows, begin = self.settings.windows, begin_of(self.codec)
        self.training = StreamBatches(train, begin=begin, seed=self.options.seed, **windows.model_dump())
        self.validation = None
        held = self.streams.get("validation")
        if held is not None:
            rows = min(_VALIDATION_ROWS, max(1, len(held) // 100))
            self.validation = StreamBatches(held, begin=begin, rows=rows, steps=windows.steps, vary=False)
        else:
            observer(Said("without a validation part the last weights are kept"))
        per_token = None
        if headline_of(self.codec.level) != "perplexity":
            text = train if held is None else held
            per_token = float(self.codec.characters(text).mean())
        task = self.settings.task
        self.objective = LanguageTask(task.activation_penalty, task.change_penalty, per_token)
        self.fingerprint = _fingerprint(self.streams)
        self.validation_steps = 0 if held is None else len(held)
        self.final_steps = len(self.streams.get("test", ()))
        self.shape = NetworkShape(
            input="tokens",
            input_size=self.codec.vocabulary_size,
            output_size=self.codec.vocabulary_size,
            steps=windows.steps if init is None else init.config.shape.steps,
        )
        observer(
            Said(
                f"{len(self.training):,} batches an epoch, {windows.rows} rows of about {windows.steps} tokens"
            )
        )

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

    def network(self, init: Run[Any, Any] | None, observer: Observer, *, anew: bool) -> LanguageNetwork:
        """Initialised by the seed, or from another run."""
        with seeded(self.options.seed):
            network = LanguageNetwork(self.settings.network, self.shape)
        if init is not None:
            start_from(network, init, observer)
        return network.to(self.settings.training.device)

    def fit_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """Counted on training and validation text together, scored on the test text."""
        test = self.streams.get("test")
        if test is None:
            return
        observer(PhaseStarted("Fitting the baselines"))
        seen = [self.streams[name] for name in ("train", "validation") if name in self.streams]
        self.baselines = run_language_baselines(
            np.concatenate(seen), test, self.codec, time_limit_s=time_limit_s, seed=self.options.seed
        )
        for result in self.baselines:
            observer(Said(result.told()))

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
        content: dict[str, Any] = {"task": "generate", "level": self.codec.level}
        test = self.streams.get("test")
        if test is not None:
            nats = run.nats(test, observer)
            scores = run.scores(nats, test)
            content["test"] = {"n": len(nats), "scores": [score.to_json() for score in scores]}
            self.contributions = stream_sums(nats, self.codec.characters(test)[: len(nats)])
            content["baselines"] = [result.to_json() for result in self.baselines]
            if self.baselines:
                best = best_baseline(self.baselines)
                paired = compare_streams(
                    nats,
                    best.prediction[: len(nats)],
                    self.codec.characters(test)[: len(nats)],
                    headline=headline_of(self.codec.level),
                    seed=self.options.seed,
                )
                name = config.settings.network.cell_name
                content["verdict"] = verdict(scores, self.baselines, paired, name)
                content["standing"] = standing(scores[0].higher_is_better, paired, best.name)
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

    def measure(self) -> Measure:
        """Perplexity of words, bits per character of anything else."""
        return stream_measure(headline_of(self.codec.level), scored_tokens(len(self.streams["test"])))

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """See `Fitting.of_baselines`; of the tokens that the network is scored on."""
        test = self.streams["test"]
        n, characters = scored_tokens(len(test)), self.codec.characters(test)
        return [(result, stream_sums(result.prediction[:n], characters[:n])) for result in self.baselines]


def _fingerprint(streams: dict[str, np.ndarray]) -> str:
    """A hash of all that training and scoring read: resuming on other data is refused."""
    digest = hashlib.blake2b(digest_size=16)
    for name, ids in streams.items():
        digest.update(str((name, ids.shape, ids.dtype)).encode())
        digest.update(np.ascontiguousarray(ids).data)
    return digest.hexdigest()
