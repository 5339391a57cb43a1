"""From tagged sentences to a run that tags others."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Unpack

import numpy as np
import torch
from torch import nn

from recurra.data.sentences.collection import Sentences
from recurra.data.sentences.definition import SentenceSchema
from recurra.data.sentences.schemes import forbidden_transitions
from recurra.data.sentences.vocabulary import FIRST_ID
from recurra.errors import RunError
from recurra.networks.sentence_network import SentenceNetwork
from recurra.runs.config import circumstances
from recurra.runs.events import Observer, PhaseStarted, Said
from recurra.runs.fitting import Conduct, Fitting, carry_out
from recurra.runs.run import Run
from recurra.runs.sentences.config import SentenceFitOptions, SentenceRunConfig
from recurra.runs.sentences.preparation import Prepared, prepare
from recurra.runs.sentences.run import SentenceRun
from recurra.runs.sentences.scoring import score_run
from recurra.runs.starting import start_from
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.sentences.baselines import run_sentence_baselines
from recurra.tasks.sentences.scores import SentenceMeasures
from recurra.training.loop import History, seeded


def fit(
    sentences: Sentences,
    schema: SentenceSchema,
    options: SentenceFitOptions,
    *,
    test: Sentences | None = None,
    sources: list[str] | None = None,
    **conduct: Unpack[Conduct],
) -> SentenceRun:
    """Train a tagger on `sentences` and score it beside its baselines.

    Args:
        test: sentences to score on; without them a part of `sentences` is held out.
        sources, conduct: see `carry_out`, which also says what is raised.
    """
    return carry_out(SentenceFitting(sentences, schema, options, test), sources=sources, **conduct)


class SentenceFitting(Fitting[SentenceRunConfig, SentenceRun]):
    """How a tagger is made."""

    config_form = SentenceRunConfig
    network_form = SentenceNetwork
    options: SentenceFitOptions
    prepared: Prepared

    def __init__(
        self,
        sentences: Sentences,
        schema: SentenceSchema,
        options: SentenceFitOptions,
        test: Sentences | None,
    ):
        self.sentences, self.schema, self.options, self.test = sentences, schema, options, test
        self.baselines: list[tuple[BaselineResult, np.ndarray]] = []

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """See `recurra.runs.sentences.preparation`."""
        if init is not None and not isinstance(init, SentenceRun):
            raise RunError(f"the run to start from is {init.purpose}", where="--init")
        prepared = self.prepared = prepare(
            self.sentences, self.schema, self.options, test=self.test, init=init, observer=observer
        )
        self.settings, self.shape, self.objective = prepared.settings, prepared.shape, prepared.task
        self.training, self.validation = prepared.training, prepared.validation
        self.fingerprint = prepared.fingerprint
        self.validation_steps = prepared.parts["validation"].count
        self.final_steps = self.validation_steps + prepared.parts["test"].count

    def new_config(self, sources: list[str]) -> SentenceRunConfig:
        """Settings, schema, tags."""
        prepared = self.prepared
        return SentenceRunConfig(
            status="training",
            **circumstances(),
            options=self.options,
            settings=self.settings,
            data_schema=self.schema,
            shape=self.shape,
            sources=sources,
            parts={name: len(part) for name, part in prepared.parts.items()},
            fingerprint=prepared.fingerprint,
            tags=prepared.tags,
            learned_scheme=prepared.learned_scheme,
        )

    def network(self, init: Run[Any, Any] | None, observer: Observer, *, anew: bool) -> SentenceNetwork:
        """Initialised by the seed, or with the weights of another run; it knows how often words occur, and which tags
        cannot follow each other.
        """
        prepared = self.prepared
        with seeded(self.options.seed):
            network = SentenceNetwork(self.settings.network, self.shape)
        if init is not None:
            start_from(network, init, observer, same_outputs=self.same_outputs(init))
        network.input.counts[FIRST_ID:] = torch.tensor(prepared.vocabulary.counts, dtype=torch.float32)
        if network.crf is not None and prepared.learned_scheme is not None:
            table = forbidden_transitions(prepared.tags, prepared.learned_scheme)
            network.crf.forbid(torch.from_numpy(table))
        return network.to(self.settings.training.device)

    def same_outputs(self, init: Any) -> bool:
        """Whether the tags are the same."""
        return list(init.tags) == list(self.prepared.tags)

    def fit_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """On training and validation part together, scored on the test part."""
        prepared = self.prepared
        if not self._tested():
            return
        observer(PhaseStarted("Fitting the baselines"))
        self.baselines = run_sentence_baselines(
            prepared.seen,
            prepared.parts["test"],
            prepared.truth["test"],
            self._unseen(),
            self._measures(),
            seed=self.options.seed,
            time_limit_s=time_limit_s,
        )
        for result, _ in self.baselines:
            observer(Said(result.told()))

    def score(
        self, config: SentenceRunConfig, network: nn.Module, history: History, observer: Observer
    ) -> SentenceRun:
        """The validation part, then the test part."""
        assert isinstance(network, SentenceNetwork)
        prepared = self.prepared
        run = SentenceRun(
            config=config,
            network=network,
            vocabulary=prepared.vocabulary,
            history=[asdict(record) for record in history.records],
        )
        run.metrics, self.contributions = score_run(
            run, prepared.parts, prepared.truth, self._measures(), self.baselines, observer
        )
        run.metrics["training"] = {"padding_share": prepared.training.padding_share()}
        return run

    def measure(self) -> Measure:
        """The F1 of spans, or accuracy, as a function of sums over sentences."""
        return self._measures().headline

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """See `Fitting.of_baselines`."""
        return self.baselines

    def _tested(self) -> bool:
        return any(tag is not None for tags in self.prepared.truth.get("test", []) for tag in tags)

    def _unseen(self) -> list[np.ndarray]:
        flat = self.prepared.encoded["test"].unseen()
        return np.split(flat, np.cumsum(self.prepared.parts["test"].words.lengths)[:-1])

    def _measures(self) -> SentenceMeasures:
        """The same for the network, the baselines and every seed."""
        parts = self.prepared.truth.values()
        return SentenceMeasures.of(*parts, marks_spans=self.schema.scheme is not None)
