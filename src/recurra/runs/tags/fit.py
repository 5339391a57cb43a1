"""From examples to a run that says something at every step."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Self, Unpack

import numpy as np
from torch import nn

from recurra.data.examples import Examples
from recurra.data.schema import Schema
from recurra.errors import RunError
from recurra.networks.step_network import StepNetwork
from recurra.runs.config import circumstances
from recurra.runs.events import Observer, PhaseStarted, Said
from recurra.runs.fitting import Conduct, Fitting, carry_out, start_from
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
from recurra.training.loop import History, seeded


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


class TagFitting(Fitting[TagRunConfig, TagRun]):
    """How a network that answers at every step is made."""

    config_form = TagRunConfig
    network_form = StepNetwork
    options: TagFitOptions

    def __init__(self, examples: Examples, schema: Schema, options: TagFitOptions, test: Examples | None):
        self.examples, self.schema, self.options, self.test = examples, schema, options, test
        self.baselines: list[tuple[BaselineResult, np.ndarray]] = []
        self.prepared: Prepared

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """See `recurra.runs.tags.preparation`."""
        if init is not None and not isinstance(init, TagRun):
            raise RunError(f"the run to start from is {init.purpose}", where="--init")
        prepared = prepare(
            self.examples, self.schema, self.options, test=self.test, init=init, observer=observer
        )
        self.prepared = prepared
        self.settings, self.shape, self.objective = prepared.settings, prepared.shape, prepared.task
        self.training, self.validation = prepared.training, prepared.validation
        self.fingerprint = prepared.fingerprint
        steps = {name: int(part.lengths.sum()) for name, part in prepared.inputs.items()}
        self.validation_steps = steps.get("validation", 0)
        self.final_steps = self.validation_steps + steps.get("test", 0)

    def new_config(self, sources: list[str]) -> TagRunConfig:
        """Settings, schema and encoders."""
        prepared = self.prepared
        return TagRunConfig(
            status="training",
            **circumstances(),
            options=self.options,
            settings=self.settings,
            data_schema=self.schema,
            shape=self.shape,
            sources=sources,
            parts={name: len(part) for name, part in prepared.parts.items()},
            fingerprint=prepared.fingerprint,
            numbers=prepared.numbers.to_json(),
            targets=prepared.targets.to_json(),
        )

    def network(self, init: Run[Any, Any] | None, observer: Observer, *, anew: bool) -> StepNetwork:
        """Initialised by the seed, or with the weights of another run."""
        with seeded(self.options.seed):
            network = StepNetwork(self.settings.network, self.shape)
        if init is not None:
            start_from(network, init, observer)
        return network.to(self.settings.training.device)

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
            test.truth(prepared.targets),
            prepared.targets,
            class_weight=self.settings.task.class_weight,
            seed=self.options.seed,
            time_limit_s=time_limit_s,
        )
        for result, _ in self.baselines:
            score = result.scores[0]
            observer(Said(f"{result.name}: {score.name} {score.value:.4g} in {result.seconds:.1f} s"))

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

    def again(self, settings: dict[str, Any], seed: int, share: float = 1.0) -> Self:
        """See `Fitting.again`; the split stays that of the first seed, and the record says so."""
        other = super().again(settings, seed, share)
        split = self.options.seed if self.options.split_seed is None else self.options.split_seed
        other.options = other.options.model_copy(update={"split_seed": split})
        return other

    def measure(self) -> Measure:
        """Accuracy, NLL per step or RMSE, as a function of sums over sequences."""
        return StepMeasures(self.prepared.targets).headline

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """See `Fitting.of_baselines`."""
        return self.baselines
