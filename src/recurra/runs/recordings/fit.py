"""From sequences with texts to a run that writes down others."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from torch import nn

from recurra.data.audio.config import AudioConfig
from recurra.data.batches import BatchSource
from recurra.data.packed import Packed
from recurra.data.transcripts.definition import TranscriptSchema
from recurra.data.transcripts.reading import Transcripts
from recurra.networks.transcription_network import TranscriptionNetwork, joined_steps
from recurra.runs.events import Observer, PhaseStarted, Said
from recurra.runs.examples_fitting import ExamplesFitting
from recurra.runs.recordings.config import RecordingFitOptions, RecordingRunConfig
from recurra.runs.recordings.language import open_language, refuse_unchosen
from recurra.runs.recordings.preparation import Prepared, prepare
from recurra.runs.recordings.run import RecordingRun
from recurra.runs.recordings.scoring import score_run
from recurra.runs.run import Run
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.transcription.baselines import run_transcript_baselines
from recurra.tasks.transcription.scores import transcript_measures
from recurra.tasks.transcription.task import check_jiwer
from recurra.training.loop import History


class RecordingFitting(ExamplesFitting[RecordingRunConfig, RecordingRun]):
    """How a network that writes down sequences is made.

    Args:
        found: what to learn from.
        schema: what it was read by.
        options: what was asked for.
        test: sequences to score on; None holds a part out.
        audio: how sound was read; None where the sequences are numbers.
    """

    config_form = RecordingRunConfig
    network_form = TranscriptionNetwork
    run_form = RecordingRun
    options: RecordingFitOptions
    prepared: Prepared
    baselines: list[tuple[BaselineResult, np.ndarray]]

    def __init__(
        self,
        found: Transcripts,
        schema: TranscriptSchema,
        options: RecordingFitOptions,
        test: Transcripts | None,
        audio: AudioConfig | None,
    ):
        self.found, self.audio = found, audio
        self.names, self.names_of_test = found.names, (found if test is None else test).names
        held: Any = None if test is None else test.examples
        super().__init__(found.examples, schema, options, held)  # pyright: ignore[reportArgumentType]

    def _prepared(self, init: RecordingRun | None, observer: Observer) -> Prepared:
        """See `recurra.runs.recordings.preparation`."""
        check_jiwer()
        return prepare(
            self.examples,
            self.schema,  # pyright: ignore[reportArgumentType]
            self.options,
            names=self.names,
            audio=self.audio,
            test=self.test,
            init=init,
            observer=observer,
        )

    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """And the steps that are measured, and the language model, if one is to take part."""
        super().prepare(init, observer)
        steps = self.prepared.steps
        self.validation_steps = steps["validation"]
        self.final_steps = steps["validation"] + steps["test"]

        lm = self.options.lm
        self.language = None if lm is None else open_language(lm, self.prepared.targets, observer)
        if lm is not None:
            refuse_unchosen(self.settings.decoding, len(self.prepared.parts["validation"]))

    def chance(self, batches: BatchSource) -> float:
        """See `TranscriptionTask.chance`."""
        numbers, steps = [], []
        for batch in batches.evaluation():
            assert batch.target is not None
            numbers += [row[row >= 0].numpy() for row in batch.target]
            steps.append(joined_steps(batch.inputs[1].numpy(), self.settings.network))
        return self.prepared.task.chance(np.concatenate(steps), numbers)

    def fit_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """On training and validation part together, scored on the test part."""
        prepared, test = self.prepared, self.prepared.parts["test"]
        if not len(test):
            return
        observer(PhaseStarted("Fitting the baselines"))
        assert prepared.seen.sequences is not None and prepared.seen.targets is not None
        assert isinstance(test.sequences, Packed)
        self.baselines = run_transcript_baselines(
            prepared.seen.sequences,
            [prepared.targets.plain(text) for text in prepared.seen.targets.tolist()],
            test.sequences,
            prepared.texts["test"],
            groups=test.groups,
            seed=self.options.seed,
            time_limit_s=time_limit_s,
        )
        for result, _ in self.baselines:
            observer(Said(result.told()))

    def score(
        self, config: RecordingRunConfig, network: nn.Module, history: History, observer: Observer
    ) -> RecordingRun:
        """The validation part, then the test part."""
        assert isinstance(network, TranscriptionNetwork)
        prepared = self.prepared
        run = RecordingRun(
            config=config,
            network=network,
            numbers=prepared.numbers,
            alphabet=prepared.targets,
            language=self.language,
            history=[asdict(record) for record in history.records],
        )
        names = [self.names_of_test[row - 1] for row in prepared.parts["test"].rows.tolist()]
        run.metrics, self.contributions = score_run(
            run, prepared.parts, prepared.texts, self.baselines, names, observer
        )
        run.metrics["training"] = {"padding_share": prepared.training.padding_share()}
        return run

    def measure(self) -> Measure:
        """The word error rate, as a function of sums over sequences."""
        return transcript_measures()[0]

    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """See `Fitting.of_baselines`."""
        return self.baselines
