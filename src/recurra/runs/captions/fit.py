"""From images with captions to a run that writes them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from torch import nn

from recurra.data.captions import CaptionSchema
from recurra.data.examples import Examples
from recurra.errors import RunError
from recurra.networks.caption_network import CaptionNetwork
from recurra.runs.captions.config import CaptionFitOptions, CaptionRunConfig
from recurra.runs.captions.preparation import Prepared, prepare
from recurra.runs.captions.run import CaptionRun, captions_of
from recurra.runs.captions.scoring import score_run
from recurra.runs.config import circumstances
from recurra.runs.events import Observer, PhaseStarted, Said
from recurra.runs.fitting import Fitting
from recurra.runs.run import Run
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.captioning.baselines import run_caption_baselines
from recurra.tasks.captioning.scores import CaptionMeasures
from recurra.tasks.captioning.settings import CaptionSettings
from recurra.tasks.captioning.task import CaptionTask
from recurra.training.loop import History

# Ids that are read forward in training in the time in which one is written, for each beginning of the beam.
_WRITTEN = 2.0


class CaptionFitting(Fitting[CaptionRunConfig, CaptionRun]):
    """How a network that writes captions is made.

    Args:
        examples: sequences are images or vectors, targets tuples of captions.
        schema: where they stood.
        options: what was asked for.
        test: examples to score on; None holds a part of `examples` out.
    """

    config_form = CaptionRunConfig
    network_form = CaptionNetwork
    options: CaptionFitOptions
    settings: CaptionSettings
    prepared: Prepared

    def __init__(
        self,
        examples: Examples,
        schema: CaptionSchema,
        options: CaptionFitOptions,
        test: Examples | None = None,
    ):
        self.examples, self.schema, self.options, self.test = examples, schema, options, test
        self.baselines: list[tuple[BaselineResult, np.ndarray]] = []

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """See `recurra.runs.captions.preparation`."""
        if init is not None and not isinstance(init, CaptionRun):
            raise RunError(f"the run to start from is {init.purpose}", where="--init")
        prepared = self.prepared = prepare(
            self.examples, self.schema, self.options, test=self.test, init=init, observer=observer
        )
        self.settings, self.shape = prepared.settings, prepared.shape
        task = prepared.settings.task
        self.objective = CaptionTask(task.label_smoothing, task.words)
        self.training, self.validation = prepared.training, prepared.validation
        self.fingerprint = prepared.fingerprint
        _ = self._measures  # a library that is not installed is missed before training, not after it
        self.validation_steps = prepared.tokens["validation"]
        written = prepared.tokens["test"] + prepared.tokens["validation"]
        self.final_steps = round(_WRITTEN * prepared.settings.task.beam * written)

    def new_config(self, sources: list[str]) -> CaptionRunConfig:
        """Settings, where things stood, and the scaling."""
        return CaptionRunConfig(
            status="training",
            **circumstances(),
            options=self.options,
            settings=self.settings,
            data_schema=self.schema,
            shape=self.shape,
            sources=sources,
            parts={name: len(part) for name, part in self.prepared.parts.items()},
            fingerprint=self.fingerprint,
            numbers=self.prepared.scaling.to_json(),
        )

    def fit_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """On the training part, scored on the test part."""
        train, test = self.prepared.parts["train"], self.prepared.parts["test"]
        if not len(test):
            return
        observer(PhaseStarted("Fitting the baselines"))
        assert train.sequences is not None and test.sequences is not None
        self.baselines = run_caption_baselines(
            train.sequences,
            captions_of(train),
            test.sequences,
            captions_of(test),
            self._measures,
            time_limit_s=time_limit_s,
            seed=self.options.seed,
        )
        for result, _ in self.baselines:
            observer(Said(result.told()))

    def score(
        self, config: CaptionRunConfig, network: nn.Module, history: History, observer: Observer
    ) -> CaptionRun:
        """Captions of the test part beside the baselines'."""
        assert isinstance(network, CaptionNetwork)
        run = CaptionRun(
            config=config,
            network=network,
            codec=self.prepared.codec,
            scaling=self.prepared.scaling,
            history=[asdict(record) for record in history.records],
        )
        run.metrics, self.contributions = score_run(run, self.prepared.parts, self.baselines, observer)
        return run

    def measure(self) -> Measure:
        """The share exactly right, or BLEU, as a function of sums over images."""
        return self._measures.headline

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """See `Fitting.of_baselines`."""
        return self.baselines

    @property
    def _measures(self) -> CaptionMeasures:
        measure = self.settings.task.measure
        assert measure != "auto"
        return CaptionMeasures(measure)
