"""A trained network that says something at every step of a sequence."""

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
from recurra.data.labels import TargetEncoder
from recurra.data.numbers import BOUND, NumberEncoder
from recurra.data.packed import Packed
from recurra.data.schema import examples_from_arrays
from recurra.errors import DataError, InputError
from recurra.networks.step_network import StepNetwork
from recurra.ops.streaming.stages import Affine, Probabilities, Scaling, Stage
from recurra.runs.config import read_config
from recurra.runs.events import Measured, Observer, ignore
from recurra.runs.run import (
    METRICS,
    MODEL,
    Run,
    check_files,
    check_scaling,
    check_targets,
    read_history,
    read_network,
)
from recurra.runs.tags.config import TagRunConfig
from recurra.runs.tags.targets import encode_targets
from recurra.storage import read_json
from recurra.tasks.metrics import Score
from recurra.tasks.tagging.scores import StepMeasures
from recurra.tasks.tagging.task import TagTask
from recurra.tasks.task import Answer
from recurra.training.loop import predictions


@dataclass(kw_only=True, repr=False)
class TagRun(Run[TagRunConfig, StepNetwork]):
    """A run that answers at every step.

    Args:
        numbers: scales the sequences.
        targets: turns class names or numbers into what the loss reads, and back.
    """

    purpose = "for answers at every step of sequences"
    verb = "predict"

    numbers: NumberEncoder
    targets: TargetEncoder

    @property
    def task(self) -> TagTask:
        """The task that the network was trained for."""
        config = self.config
        counts = None if config.counts is None else np.array(config.counts)
        return TagTask(self.targets, config.settings.task, counts)

    @property
    def measures(self) -> StepMeasures:
        """What its answers are scored by."""
        return StepMeasures(self.targets)

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the probabilities' columns; empty for numbers."""
        return list(self.targets.classes)

    def encode(self, examples: Examples) -> Packed:
        """The inputs as the network reads them.

        Raises:
            DataError: texts where numbers were expected, or another number of features.
        """
        if examples.sequences is None:
            raise DataError("this run reads numeric sequences, found texts")
        return self.numbers.encode(examples.sequences)

    def outputs(self, examples: Examples, observer: Observer = ignore) -> torch.Tensor:
        """What the network says at each step, sequence after sequence: (steps, outputs), before any decision."""
        size = self.config.shape.output_size
        if not len(examples):
            return torch.zeros(0, size)
        inputs = self.encode(examples)
        offsets = np.cumsum(inputs.lengths) - inputs.lengths
        found, done = torch.zeros(int(inputs.lengths.sum()), size), 0
        batches = Batches(inputs, **self.config.settings.batches.model_dump())
        for batch, output in predictions(self.network, batches, "float32"):
            for row, n in enumerate(batch.index.tolist()):
                length = int(inputs.lengths[n])
                found[offsets[n] : offsets[n] + length] = output[row, :length].cpu()
            done += len(batch)
            observer(Measured(done, len(examples)))
        return found

    def answer(self, inputs: Any, observer: Observer = ignore) -> Answer:
        """Answers at all steps of `inputs`, sequence after sequence: Examples, or anything `predict` takes."""
        return self.task.answer(self.outputs(self._examples(inputs), observer), self.config.decision)

    def predict(self, inputs: Any) -> list[np.ndarray]:
        """Of each sequence (T,) class names or numbers, or (T, K) bool for several labels.

        Args:
            inputs: a list of (T, I) arrays; an array (N, T, I), or (N, T) for one feature.
        """
        examples = self._examples(inputs)
        return _split(self.answer(examples).labels, examples)

    def predict_proba(self, inputs: Any) -> list[np.ndarray]:
        """Of each sequence calibrated probabilities (T, K), columns in the order of `classes`."""
        examples = self._examples(inputs)
        answer = self.answer(examples)
        if answer.probabilities is None:
            raise InputError("numbers have no probabilities", fix="Use predict.")
        return _split(answer.probabilities, examples)

    def evaluate(self, examples: Examples, observer: Observer = ignore) -> list[Score]:
        """Scores with intervals over sequences, against the examples' own targets; steps without one do not count.

        Raises:
            DataError: no step has a target.
        """
        labels = encode_targets(examples, self.targets)
        if not labels.known.any():
            raise DataError("no step has a target of a class that was learned")
        output = self.outputs(examples, observer)[torch.from_numpy(labels.known)]
        answer = self.task.answer(output, self.config.decision)
        return self.measures.scores(self.measures.sums(answer, labels.truth(self.targets)), examples.groups)

    def _examples(self, inputs: Any) -> Examples:
        if isinstance(inputs, Examples):
            return inputs
        return examples_from_arrays(inputs, channels=self.config.data_schema.channels)

    def _stages(self) -> tuple[list[Stage], Callable[[str], np.ndarray] | None]:
        _, *middle, last = self.network.stages()
        assert isinstance(last, Affine)
        if self.targets.kind == "real":
            ends = [last.scaled(self.targets.scale, self.targets.mean)]
        else:
            temperature = 1.0 if self.config.decision is None else self.config.decision.temperature
            several = self.targets.kind == "multilabel"
            ends = [last.scaled(1 / temperature), Probabilities(last.width, several)]
        first = Scaling(self.numbers.means, self.numbers.scales, self.numbers.marked, BOUND)
        return [first, *middle, *ends], None


def _split(flat: np.ndarray, examples: Examples) -> list[np.ndarray]:
    assert examples.sequences is not None
    return np.split(flat, np.cumsum(examples.sequences.lengths)[:-1])


def load_run(folder: Path) -> TagRun:
    """Read a run folder of this kind.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
    """
    config = read_config(folder, TagRunConfig)
    check_files(folder, config, set())
    targets = TargetEncoder.from_json(config.targets)
    check_targets(folder, config, TagTask(targets, config.settings.task).output_size)
    numbers = NumberEncoder.from_json(config.numbers)
    check_scaling(folder, config, numbers.size)
    make = partial(StepNetwork, config.settings.network, config.shape)
    return TagRun(
        config=config,
        network=read_network(folder / MODEL, make),
        numbers=numbers,
        targets=targets,
        metrics=read_json(folder / METRICS),
        history=read_history(folder),
        path=folder,
    )
