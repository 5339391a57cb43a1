"""From examples to a run that says something at every step."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Unpack

import numpy as np
import torch
from torch import nn

from recurra.data.examples import Examples
from recurra.data.schema import Schema
from recurra.networks.step_network import StepNetwork
from recurra.runs.events import Observer, PhaseStarted, Said
from recurra.runs.examples_fitting import ExamplesFitting
from recurra.runs.fitting import Conduct, carry_out
from recurra.runs.run import Run
from recurra.runs.tags.config import TagFitOptions, TagRunConfig
from recurra.runs.tags.preparation import Prepared, prepare
from recurra.runs.tags.run import TagRun
from recurra.runs.tags.scoring import score_run
from recurra.runs.tags.targets import encode_targets
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.tagging.baselines import run_tag_baselines
from recurra.tasks.tagging.scores import StepMeasures
from recurra.training.loop import History


def fit(
    examples: Examples,
    schema: Schema,
    options: TagFitOptions,
    *,
    test: Examples | None = None,
    sources: list[str] | None = None,
    **conduct: Unpack[Conduct],
) -> TagRun:
    """Train a network on `examples`, which have a target at every step, and score it beside its baselines.

    Args:
        test: examples to score on; without them a part of `examples` is held out.
        sources, conduct: see `carry_out`, which also says what is raised.
    """
    return carry_out(TagFitting(examples, schema, options, test), sources=sources, **conduct)


class TagFitting(ExamplesFitting[TagRunConfig, TagRun]):
    """How a network that answers at every step is made."""

    config_form = TagRunConfig
    network_form = StepNetwork
    run_form = TagRun
    options: TagFitOptions
    prepared: Prepared
    baselines: list[tuple[BaselineResult, np.ndarray]]

    def _prepared(self, init: TagRun | None, observer: Observer) -> Prepared:
        """See `recurra.runs.tags.preparation`."""
        return prepare(self.examples, self.schema, self.options, test=self.test, init=init, observer=observer)

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """And the steps that are measured."""
        super().prepare(init, observer)
        steps = {name: int(part.lengths.sum()) for name, part in self.prepared.inputs.items()}
        self.validation_steps = steps.get("validation", 0)
        self.final_steps = self.validation_steps + steps.get("test", 0)

    def new_config(self, sources: list[str]) -> TagRunConfig:
        """And how often each class occurs in training."""
        counts = None if self.prepared.counts is None else self.prepared.counts.tolist()
        return super().new_config(sources).model_copy(update={"counts": counts})

    def network(self, init: Run[Any, Any] | None, observer: Observer, *, anew: bool) -> nn.Module:
        """See `Fitting.network`; of several labels each output begins at its share of the training steps."""
        network = super().network(init, observer, anew=anew)
        if init is None and self.prepared.targets.kind == "multilabel":
            assert isinstance(network, StepNetwork)
            shares = self.prepared.labels["train"].those_known.mean(0)
            network.begin_at(torch.from_numpy(shares).to(next(network.parameters())))
        return network

    def same_outputs(self, init: Any) -> bool:
        """Whether the classes are the same."""
        return init.classes == list(self.prepared.targets.classes)

    def fit_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """On training and validation part together, scored on the test part."""
        prepared, test = self.prepared, self.prepared.labels.get("test")
        if test is None or not test.known.any():
            return
        observer(PhaseStarted("Fitting the baselines"))
        assert prepared.seen.sequences is not None
        seen = encode_targets(prepared.seen, prepared.targets)
        self.baselines = run_tag_baselines(
            prepared.numbers.encode(prepared.seen.sequences),
            seen.encoded.values,
            seen.known,
            prepared.inputs["test"],
            test.known,
            test.truth(prepared.targets, prepared.parts["test"].groups),
            prepared.targets,
            class_weight=self.settings.task.class_weight,
            seed=self.options.seed,
            time_limit_s=time_limit_s,
        )
        for result, _ in self.baselines:
            observer(Said(result.told()))

    def score(self, config: TagRunConfig, network: nn.Module, history: History, observer: Observer) -> TagRun:
        """Decision fixed on the validation part, then the test part."""
        assert isinstance(network, StepNetwork)
        prepared = self.prepared
        run = TagRun(
            config=config,
            network=network,
            numbers=prepared.numbers,
            targets=prepared.targets,
            history=[asdict(record) for record in history.records],
        )
        run.metrics, self.contributions = score_run(
            run, prepared.parts, prepared.labels, self.baselines, observer
        )
        run.metrics["training"] = {"padding_share": prepared.training.padding_share()}
        return run

    def measure(self) -> Measure:
        """Accuracy, NLL per step or RMSE, as a function of sums over sequences."""
        return StepMeasures(self.prepared.targets).headline

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """See `Fitting.of_baselines`."""
        return self.baselines
