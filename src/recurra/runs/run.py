"""A trained network with everything that is needed to use it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors

from recurra.data.batches import Batches
from recurra.data.examples import Examples
from recurra.data.labels import TargetEncoder
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.schema import examples_from_arrays
from recurra.data.text import TextEncoder
from recurra.errors import DataError, InputError, RunError
from recurra.networks.sequence_network import SequenceNetwork
from recurra.runs.config import CONFIG, RunConfig, read_config, write_config
from recurra.runs.events import Measured, Observer, ignore
from recurra.storage import (
    append_line,
    make_folder,
    read_json,
    sha256,
    storage_error,
    write_bytes,
    write_json,
)
from recurra.tasks import make_task
from recurra.tasks.metrics import Score
from recurra.tasks.task import Answer, Task
from recurra.training.loop import outputs_over

MODEL, TOKENIZER, METRICS, HISTORY = "model.safetensors", "tokenizer.json", "metrics.json", "history.jsonl"
CHECKPOINT, ESTIMATOR = "checkpoint", "estimator.json"


@dataclass
class Run:
    """What one training leaves behind; in memory, and on disk once saved.

    Args:
        config: how it was made.
        network: the trained network, in evaluation mode.
        text: turns texts into token ids (text only).
        numbers: scales numeric sequences (numbers only).
        targets: turns class names or numbers into what the loss reads, and back.
        metrics: the content of `metrics.json`.
        history: one record per epoch.
        path: the run folder, where there is one.
    """

    config: RunConfig
    network: SequenceNetwork
    text: TextEncoder | None
    numbers: NumberEncoder | None
    targets: TargetEncoder
    metrics: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    path: Path | None = None

    @property
    def task(self) -> Task:
        """The task that the network was trained for."""
        return make_task(self.targets, self.config.settings.task)

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
        examples = inputs if isinstance(inputs, Examples) else examples_from_arrays(inputs)
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
        return self.task.scores(self.answer(examples, observer), examples.targets)

    def save(self, folder: str | Path) -> Path:
        """Write the run into `folder`, which must be new or empty.

        Raises:
            InputError: the folder is not empty.
            StorageError: it could not be written.
        """
        folder = Path(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError("this place is taken", where=str(folder), fix="Choose another folder.")
        make_folder(folder)
        for record in self.history:
            append_line(folder / HISTORY, record)
        self.write(folder)
        return folder

    def write(self, folder: Path) -> None:
        """Write all files but the history, `config.json` last: a folder without it is not a run."""
        if self.text is not None:
            self.text.save(folder / TOKENIZER)
        weights = {
            name: tensor.detach().cpu().contiguous() for name, tensor in self.network.state_dict().items()
        }
        write_bytes(folder / MODEL, to_safetensors(weights, metadata={"format": "pt"}))
        write_json(folder / METRICS, self.metrics)
        names = [MODEL, METRICS] + ([TOKENIZER] if self.text is not None else [])
        self.config = self.config.model_copy(
            update={"status": "complete", "files": {name: sha256(folder / name) for name in names}}
        )
        write_config(folder, self.config)
        self.path = folder


def is_run(folder: Path) -> bool:
    """Whether the folder holds a run, complete or in training: others have files named `config.json` too."""
    try:
        content = read_json(folder / CONFIG)
    except RunError:
        return False
    return isinstance(content, dict) and content.keys() >= {"format", "data_schema", "fingerprint"}


def clear_run(folder: Path) -> None:
    """Take away the files of a run, and nothing that does not belong to one.

    Raises:
        StorageError: one of them cannot be removed.
    """
    files = [folder / name for name in (CONFIG, MODEL, TOKENIZER, METRICS, HISTORY, ESTIMATOR)]
    for file in [*files, *(folder / CHECKPOINT).glob("*")]:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, file) from error


def load(path: str | Path) -> Run:
    """Read a run folder. Nothing in it is executed.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.

    >>> load("no/such/run")
    Traceback (most recent call last):
        ...
    recurra.errors.RunError: no/such/run: this is not a run folder ...
    """
    folder = Path(path)
    config = read_config(folder)
    if config.status != "complete":
        raise RunError(
            "this training has not ended",
            where=str(folder),
            fix="Go on with it: repeat its command with --resume.",
        )
    needed = {MODEL, METRICS} | ({TOKENIZER} if config.shape.input == "tokens" else set())
    if absent := sorted(needed - config.files.keys()):
        raise RunError(
            f"files does not name {absent[0]}",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    for name, expected in config.files.items():
        if not (folder / name).exists():
            raise RunError(
                "the file is missing", where=str(folder / name), fix="Restore it, or train the run again."
            )
        if sha256(folder / name) != expected:
            raise RunError(
                "the file is not the one that this run wrote (its SHA-256 differs from config.json)",
                where=str(folder / name),
                fix="Restore it, or train the run again.",
            )
    history = folder / HISTORY
    targets = TargetEncoder.from_json(config.targets)
    thresholds = config.decision.threshold if config.decision is not None else None
    fits = make_task(targets, config.settings.task).output_size == config.shape.output_size
    if not fits or (isinstance(thresholds, list) and len(thresholds) != config.shape.output_size):
        raise RunError(
            f"the targets do not fit a network of {config.shape.output_size} outputs",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )
    return Run(
        config=config,
        network=read_network(folder / MODEL, config),
        text=TextEncoder.load(folder / TOKENIZER) if config.shape.input == "tokens" else None,
        numbers=NumberEncoder.from_json(config.numbers) if config.numbers is not None else None,
        targets=targets,
        metrics=read_json(folder / METRICS),
        history=_read_history(history) if history.exists() else [],
        path=folder,
    )


def read_network(path: Path, config: RunConfig) -> SequenceNetwork:
    """The network of a run with its weights; names and sizes are checked before anything is allocated."""
    with torch.device("meta"):
        network = SequenceNetwork(config.settings.network, config.shape)
    expected = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    try:
        with safe_open(path, framework="pt") as stream:
            found = {name: stream.get_slice(name).get_shape() for name in stream.keys()}  # noqa: SIM118
            if found != expected:
                odd = sorted(
                    name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)
                )
                raise RunError(
                    f"the weights do not fit config.json: {odd[0]} is {found.get(odd[0], 'missing')}, "
                    f"expected {expected.get(odd[0], 'nothing of that name')}",
                    where=str(path),
                    fix="Restore the file, or train the run again.",
                )
            network.load_state_dict({name: stream.get_tensor(name) for name in found}, assign=True)
    except (SafetensorError, OSError) as error:
        raise RunError(
            f"the weights cannot be read ({error})",
            where=str(path),
            fix="Restore the file, or train the run again.",
        ) from error
    return network.requires_grad_(True).eval()


def _read_history(path: Path) -> list[dict[str, Any]]:
    import json

    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    except OSError as error:
        raise RunError(f"the file cannot be read ({error.strerror})", where=str(path)) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(
            f"a line is not valid JSON ({error})", where=str(path), fix="Delete the broken line."
        ) from error
