"""A trained network that says one thing of each sequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recurra.data.batches import Batches
from recurra.data.examples import Examples
from recurra.data.images.pixels import PixelEncoder
from recurra.data.labels import TargetEncoder
from recurra.data.numbers import BOUND, NumberEncoder
from recurra.data.packed import Packed
from recurra.data.schema import examples_from_arrays
from recurra.data.text import TextEncoder
from recurra.errors import DataError, InputError
from recurra.networks.sequence_network import SequenceNetwork
from recurra.ops.streaming.stages import Affine, Probabilities, Scaling, Stage
from recurra.runs.config import read_config
from recurra.runs.events import Measured, Observer, ignore
from recurra.runs.run import (
    METRICS,
    MODEL,
    TOKENIZER,
    Run,
    check_files,
    check_scaling,
    check_targets,
    read_history,
    read_network,
)
from recurra.runs.sequences.config import SequenceRunConfig
from recurra.storage import read_json
from recurra.tasks import make_task
from recurra.tasks.metrics import Score
from recurra.tasks.task import Answer, Task
from recurra.training.loop import outputs_over


@dataclass(kw_only=True, repr=False)
class SequenceRun(Run[SequenceRunConfig, SequenceNetwork]):
    """A run that classifies or regresses sequences.

    Args:
        text: turns texts into token ids (text only).
        numbers: scales numeric sequences, or the pixels of images (numbers and images only).
        targets: turns class names or numbers into what the loss reads, and back.
    """

    purpose = "for classes, labels or numbers of sequences"
    verb = "predict"

    text: TextEncoder | None
    numbers: NumberEncoder | PixelEncoder | None
    targets: TargetEncoder

    @property
    def task(self) -> Task:
        """The task that the network was trained for."""
        config = self.config
        counts = None if config.counts is None else np.array(config.counts)
        return make_task(self.targets, config.settings.task, counts)

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the probabilities' columns; empty for regression."""
        return list(self.targets.classes)

    def encode(self, examples: Examples) -> Packed:
        """The inputs as the network reads them.

        Raises:
            DataError: texts where numbers were expected or the other way round, or another number of features.
        """
        if self.text is not None:
            if examples.texts is None:
                raise DataError("this run reads texts, found numeric sequences")
            return self.text.encode(examples.texts)
        assert self.numbers is not None
        if examples.sequences is None:
            raise DataError("this run reads numeric sequences, found texts")
        return self.numbers.encode(examples.sequences)

    def outputs(self, examples: Examples, observer: Observer = ignore) -> torch.Tensor:
        """What the network says of each example: (N, outputs), before any decision."""
        if not len(examples):
            return torch.zeros(0, self.config.shape.output_size)
        batches = Batches(self.encode(examples), **self.config.settings.batches.model_dump())

        def told(done: int) -> None:
            observer(Measured(done, len(examples)))

        return outputs_over(self.network, batches, "float32", told)

    def answer(self, inputs: Any, observer: Observer = ignore) -> Answer:
        """Answers for `inputs`: Examples, or anything `predict` takes."""
        examples = inputs
        if not isinstance(inputs, Examples):
            examples = examples_from_arrays(inputs, channels=self.config.data_schema.channels)
        return self.task.answer(self.outputs(examples, observer), self.config.decision)

    def predict(self, inputs: Any) -> np.ndarray:
        """Class names, label sets as a (N, K) bool array, or numbers.

        Args:
            inputs: a list of texts; a list of (T, I) arrays; an array (N, T, I), or (N, T) for one feature.
        """
        return self.answer(inputs).labels

    def predict_proba(self, inputs: Any) -> np.ndarray:
        """Calibrated probabilities (N, K), columns in the order of `classes`."""
        answer = self.answer(inputs)
        if answer.probabilities is None:
            raise InputError("a regression has no probabilities", fix="Use predict.")
        return answer.probabilities

    def evaluate(self, examples: Examples, observer: Observer = ignore) -> list[Score]:
        """Scores with intervals against the examples' own targets."""
        if examples.targets is None:
            raise DataError(
                "the data has no target to compare with", fix="Give a file with the target column."
            )
        self.targets.encode(examples.targets, examples.rows)
        return self.task.scores(self.answer(examples, observer), examples.targets, examples.clusters)

    def _stages(self) -> tuple[list[Stage], Callable[[str], np.ndarray] | None]:
        first, *middle, last = self.network.stages()
        assert isinstance(last, Affine)
        if self.targets.kind == "real":
            ends = [last.scaled(self.targets.scale, self.targets.mean)]
        else:
            temperature = 1.0 if self.config.decision is None else self.config.decision.temperature
            several = self.targets.kind == "multilabel"
            ends = [last.scaled(1 / temperature), Probabilities(last.width, several)]
        if self.numbers is not None:
            first = Scaling(self.numbers.means, self.numbers.scales, self.numbers.marked, BOUND)
        text = self.text
        return [first, *middle, *ends], None if text is None else lambda piece: text.encode([piece])[0]

    def _write_encoders(self, folder: Path) -> list[str]:
        if self.text is None:
            return []
        self.text.save(folder / TOKENIZER)
        return [TOKENIZER]


def load_run(folder: Path) -> SequenceRun:
    """Read a run folder of this kind.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
    """
    config = read_config(folder, SequenceRunConfig)
    check_files(folder, config, {TOKENIZER} if config.shape.input == "tokens" else set())
    targets = TargetEncoder.from_json(config.targets)
    check_targets(folder, config, make_task(targets, config.settings.task).output_size)
    numbers = _scaling(config)
    if numbers is not None:
        check_scaling(folder, config, numbers.size)
    make = partial(SequenceNetwork, config.settings.network, config.shape)
    return SequenceRun(
        config=config,
        network=read_network(folder / MODEL, make),
        text=TextEncoder.load(folder / TOKENIZER) if config.shape.input == "tokens" else None,
        numbers=numbers,
        targets=targets,
        metrics=read_json(folder / METRICS),
        history=read_history(folder),
        path=folder,
    )


def _scaling(config: SequenceRunConfig) -> NumberEncoder | PixelEncoder | None:
    if config.numbers is None:
        return None
    form = NumberEncoder if config.data_schema.pixels is None else PixelEncoder
    return form.from_json(config.numbers)
