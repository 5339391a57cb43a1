"""From pairs of texts to a run that writes one when it reads the other."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Unpack

import numpy as np
from torch import nn

from recurra.data.examples import Examples
from recurra.data.parallel import PairSchema
from recurra.errors import RunError
from recurra.networks.pair_network import PairNetwork
from recurra.runs.config import circumstances
from recurra.runs.events import Observer, PhaseStarted, Said
from recurra.runs.fitting import Conduct, Fitting, carry_out
from recurra.runs.pairs.config import PairFitOptions, PairRunConfig
from recurra.runs.pairs.preparation import Prepared, prepare
from recurra.runs.pairs.run import PairRun
from recurra.runs.pairs.scoring import TRIED_ON, score_run
from recurra.runs.run import Run
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.translation.baselines import run_pair_baselines
from recurra.tasks.translation.scores import TextMeasures
from recurra.tasks.translation.settings import PairSettings
from recurra.tasks.translation.task import PairTask
from recurra.training.loop import History

# Ids that are read forward in training in the time in which one is written, for each beginning of the beam.
_WRITTEN = 2.0
_TRIED = 3  # length penalties that are tried, most often


def fit(
    examples: Examples,
    schema: PairSchema,
    options: PairFitOptions,
    *,
    test: Examples | None = None,
    sources: list[str] | None = None,
    **conduct: Unpack[Conduct],
) -> PairRun:
    """Train a network on `examples`, whose targets are texts, and score it beside its baselines.

    Args:
        test: pairs to score on; without them a part of `examples` is held out.
        sources, conduct: see `carry_out`, which also says what is raised.
    """
    return carry_out(PairFitting(examples, schema, options, test), sources=sources, **conduct)


class PairFitting(Fitting[PairRunConfig, PairRun]):
    """How an encoder-decoder is made.

    Args:
        examples: texts are sources, targets their targets.
        schema: where they stand.
        options: what was asked for.
        test: pairs to score on; None holds a part of `examples` out.
    """

    config_form = PairRunConfig
    network_form = PairNetwork
    options: PairFitOptions
    settings: PairSettings
    prepared: Prepared

    def __init__(
        self, examples: Examples, schema: PairSchema, options: PairFitOptions, test: Examples | None = None
    ):
        self.examples, self.schema, self.options, self.test = examples, schema, options, test
        self.baselines: list[tuple[BaselineResult, np.ndarray]] = []

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """See `recurra.runs.pairs.preparation`."""
        if init is not None and not isinstance(init, PairRun):
            raise RunError(f"the run to start from is {init.purpose}", where="--init")
        prepared = self.prepared = prepare(
            self.examples, self.options, test=self.test, init=init, observer=observer
        )
        self.settings, self.shape = prepared.settings, prepared.shape
        self.objective = PairTask(prepared.settings.task.label_smoothing)
        self.training, self.validation = prepared.training, prepared.validation
        self.fingerprint = prepared.fingerprint
        _ = self._measures  # a library that is not installed is missed before training, not after it
        self.validation_steps = prepared.tokens["validation"] * 2  # of the source about as many
        task, held = prepared.settings.task, prepared.tokens["validation"]
        written = prepared.tokens["test"] + held
        if self.options.settings.get("task.length_penalty") is None and task.beam > 1:
            written += _TRIED * held * min(1.0, TRIED_ON / max(1, len(prepared.parts["validation"])))
        self.final_steps = round(_WRITTEN * task.beam * written)

    def new_config(self, sources: list[str]) -> PairRunConfig:
        """Settings and where the texts stand."""
        return PairRunConfig(
            status="training",
            **circumstances(),
            options=self.options,
            settings=self.settings,
            data_schema=self.schema,
            shape=self.shape,
            sources=sources,
            parts={name: len(part) for name, part in self.prepared.parts.items()},
            fingerprint=self.fingerprint,
        )

    def fit_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """On training and validation part together, scored on the test part."""
        parts = self.prepared.parts
        if not len(parts["test"]):
            return
        observer(PhaseStarted("Fitting the baselines"))
        seen = [_texts(parts[name]) for name in ("train", "validation")]
        asked, references = _texts(parts["test"])
        self.baselines = run_pair_baselines(
            [text for sources, _ in seen for text in sources],
            [text for _, targets in seen for text in targets],
            asked,
            references,
            self._measures,
            time_limit_s=time_limit_s,
            seed=self.options.seed,
        )
        for result, _ in self.baselines:
            observer(Said(result.told()))

    def score(
        self, config: PairRunConfig, network: nn.Module, history: History, observer: Observer
    ) -> PairRun:
        """Answers to the test part beside the baselines'."""
        assert isinstance(network, PairNetwork)
        run = PairRun(
            config=config,
            network=network,
            codec=self.prepared.codec,
            history=[asdict(record) for record in history.records],
        )
        run.metrics, self.contributions = score_run(run, self.prepared.parts, self.baselines, observer)
        return run

    def measure(self) -> Measure:
        """BLEU or ROUGE-L, as a function of sums over pairs."""
        return self._measures.headline

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """See `Fitting.of_baselines`."""
        return self.baselines

    @property
    def _measures(self) -> TextMeasures:
        task = self.settings.task
        assert task.measure != "auto"
        return TextMeasures(task.measure, task.tokenize)


def _texts(examples: Examples) -> tuple[list[str], list[str]]:
    assert examples.texts is not None and examples.targets is not None
    return examples.texts.tolist(), examples.targets.tolist()
