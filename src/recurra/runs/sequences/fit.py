"""From examples to a run that says one thing of each sequence."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Unpack

import numpy as np
import torch
from torch import nn

from recurra.data.examples import Examples
from recurra.data.schema import Schema
from recurra.data.vectors import word_vectors
from recurra.networks.inputs import TokenInput
from recurra.networks.sequence_network import SequenceNetwork
from recurra.runs.events import Observer, PhaseStarted, Said
from recurra.runs.examples_fitting import ExamplesFitting
from recurra.runs.fitting import Conduct, carry_out
from recurra.runs.run import Run
from recurra.runs.sequences.config import SequenceFitOptions, SequenceRunConfig
from recurra.runs.sequences.preparation import Prepared, prepare, raw_lengths
from recurra.runs.sequences.run import SequenceRun
from recurra.runs.sequences.scoring import score_run
from recurra.runs.starting import start_from
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines import BaselineResult, run_baselines
from recurra.tasks.metrics.headline import headline_measure, headline_sums
from recurra.training.loop import History, seeded


def fit(
    examples: Examples,
    schema: Schema,
    options: SequenceFitOptions,
    *,
    test: Examples | None = None,
    sources: list[str] | None = None,
    **conduct: Unpack[Conduct],
) -> SequenceRun:
    """Train a network on `examples` and score it beside its baselines.

    Args:
        test: examples to score on; without them a part of `examples` is held out.
        sources, conduct: see `carry_out`, which also says what is raised.
    """
    return carry_out(SequenceFitting(examples, schema, options, test), sources=sources, **conduct)


class SequenceFitting(ExamplesFitting[SequenceRunConfig, SequenceRun]):
    """How a network that classifies or regresses sequences is made."""

    config_form = SequenceRunConfig
    network_form = SequenceNetwork
    run_form = SequenceRun
    options: SequenceFitOptions
    prepared: Prepared
    baselines: list[BaselineResult]

    def _prepared(self, init: SequenceRun | None, observer: Observer) -> Prepared:
        """See `recurra.runs.sequences.preparation`."""
        return prepare(self.examples, self.schema, self.options, test=self.test, init=init, observer=observer)

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """And the steps that are measured."""
        super().prepare(init, observer)
        self.validation_steps = self.prepared.validation_steps
        self.final_steps = self.validation_steps + int(raw_lengths(self.prepared.parts["test"]).sum())

    def new_config(self, sources: list[str]) -> SequenceRunConfig:
        """And how often each class occurs in training."""
        counts = None if self.prepared.counts is None else self.prepared.counts.tolist()
        return super().new_config(sources).model_copy(update={"counts": counts})

    def network(self, init: Run[Any, Any] | None, observer: Observer, *, anew: bool) -> SequenceNetwork:
        """Initialised by the seed; embeddings from another run or from word vectors."""
        prepared = self.prepared
        with seeded(self.options.seed):
            network = SequenceNetwork(self.settings.network, self.shape)
        if isinstance(network.input, TokenInput) and network.input.pairs:
            network.input.pair_codes.copy_(torch.from_numpy(prepared.pairs))
        if init is not None:
            start_from(network, init, observer, same_outputs=self.same_outputs(init))
        elif anew:
            _start_from_vectors(network, prepared, self.options.seed)
        return network.to(self.settings.training.device)

    def same_outputs(self, init: Any) -> bool:
        """Whether the classes are the same."""
        return init.classes == list(self.prepared.targets.classes)

    def fit_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """On training and validation part together, scored on the test part."""
        held_out = self.prepared.parts["test"]
        if not len(held_out) or held_out.targets is None:
            return
        observer(PhaseStarted("Fitting the baselines"))
        self.baselines = run_baselines(
            self.prepared.seen,
            held_out,
            self.prepared.targets.classes or None,
            class_weight=self.settings.task.class_weight,
            seed=self.options.seed,
            time_limit_s=time_limit_s,
        )
        for result in self.baselines:
            observer(Said(result.told()))

    def score(
        self, config: SequenceRunConfig, network: nn.Module, history: History, observer: Observer
    ) -> SequenceRun:
        """Decision fixed on the validation part, then the test part."""
        assert isinstance(network, SequenceNetwork)
        run = SequenceRun(
            config=config,
            network=network,
            text=self.prepared.text,
            numbers=self.prepared.numbers,
            targets=self.prepared.targets,
            history=[asdict(record) for record in history.records],
        )
        run.metrics, answer = score_run(run, self.prepared.parts, self.baselines, observer)
        run.metrics["training"] = {"padding_share": self.prepared.training.padding_share()}
        if answer is not None:
            self.contributions = headline_sums(answer.labels, self._truth)
        return run

    def measure(self) -> Measure:
        """Accuracy, micro F1 or RMSE."""
        return headline_measure(self._truth)

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """See `Fitting.of_baselines`."""
        return [(result, headline_sums(result.prediction, self._truth)) for result in self.baselines]

    @property
    def _truth(self) -> np.ndarray:
        targets = self.prepared.parts["test"].targets
        assert targets is not None
        return targets


def _start_from_vectors(network: SequenceNetwork, prepared: Prepared, seed: int) -> None:
    """Begin with what the training texts say of their words, before any label is seen."""
    if not isinstance(network.input, TokenInput) or prepared.settings.network.embedding_init != "vectors":
        return
    embedding = network.input.embedding
    vectors = word_vectors(prepared.inputs, embedding.num_embeddings, embedding.embedding_dim, seed)
    with torch.no_grad():
        embedding.weight.copy_(torch.from_numpy(vectors))
