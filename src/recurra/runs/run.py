"""What every trained network leaves behind, in memory and as a folder, whatever kind of run it is."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors
from torch import nn

from recurra.errors import InputError, RunError
from recurra.networks.sequence_network import count_weights
from recurra.ops.streaming.stages import Stage
from recurra.runs.config import CONFIG, RunConfig, write_config
from recurra.runs.streaming import RunStream
from recurra.storage import (
    append_line,
    make_folder,
    read_json,
    reading_error,
    sha256,
    storage_error,
    write_bytes,
    write_json,
)

MODEL, TOKENIZER, METRICS, HISTORY = "model.safetensors", "tokenizer.json", "metrics.json", "history.jsonl"
CHECKPOINT, ESTIMATOR = "checkpoint", "estimator.json"
REPORT = "report.html"
# What `recurra diagnose` found, and the page about it; no run needs them.
DIAGNOSIS, DIAGNOSIS_PAGE = "diagnosis.json", "diagnosis.html"
LANGUAGE = "language"  # of a run that writes down sequences: the language model that helps it
LAST = "last.safetensors"  # of a forecast: the steps that it goes on from

C = TypeVar("C", bound=RunConfig)
N = TypeVar("N", bound=nn.Module)


@dataclass(kw_only=True, repr=False)
class Run(ABC, Generic[C, N]):
    """A trained network with what is needed to use it; each kind of run adds its encoders and its answers.

    Args:
        config: how it was made.
        network: the trained network, in evaluation mode.
        metrics: the content of `metrics.json`.
        history: one record per epoch.
        path: the run folder, where there is one.
    """

    purpose: ClassVar[str]  # "for ...", what runs of this kind are for
    verb: ClassVar[str]  # of the command line, that has a run of this kind answer

    config: C
    network: N
    metrics: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    path: Path | None = None

    def __repr__(self) -> str:
        """One line: the configuration, the vocabulary and the layers together fill pages."""
        cell = self.config.settings.network.cell_name  # type: ignore[attr-defined]
        place = "not saved" if self.path is None else str(self.path)
        return f"<{type(self).__name__} {self.purpose}: {cell}, {count_weights(self.network):,} weights, {place}>"

    def stream(self, batch: int = 1, *, precision: str | None = None, backend: str = "auto") -> RunStream:
        """The network fed step by step: what a step gives is what the run says of the sequence up to there.

        Args:
            batch: sequences at once.
            precision: of the weights: "float32", "bfloat16" or "int8".
            backend: "auto", "native" or "reference".

        Raises:
            InputError: this network cannot run step by step, and why; or an argument that cannot be.
            BackendError: the backend asked for cannot run the network.
        """
        stages, encode = self._stages()
        return RunStream(stages, encode, batch=batch, precision=precision, backend=backend)

    @abstractmethod
    def _stages(self) -> tuple[list[Stage], Callable[[str], np.ndarray] | None]:
        """What `stream` runs, and how it turns a text into ids.

        Raises:
            InputError: this network cannot run step by step, and why.
        """

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
        names = [MODEL, METRICS, *self._write_encoders(folder)]
        weights = {
            name: tensor.detach().cpu().contiguous() for name, tensor in self.network.state_dict().items()
        }
        write_bytes(folder / MODEL, to_safetensors(weights, metadata={"format": "pt"}))
        write_json(folder / METRICS, self.metrics)
        _remove(folder / DIAGNOSIS, folder / DIAGNOSIS_PAGE)  # they were of other weights
        self.config = self.config.model_copy(
            update={"status": "complete", "files": {name: sha256(folder / name) for name in names}}
        )
        write_config(folder, self.config)
        self.path = folder

    def _write_encoders(self, folder: Path) -> list[str]:
        """Write the files of this kind of run alone; returns their names."""
        return []


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
    names = (CONFIG, MODEL, TOKENIZER, LAST, METRICS, HISTORY, ESTIMATOR, REPORT, DIAGNOSIS, DIAGNOSIS_PAGE)
    _remove(
        *(folder / name for name in names), *(folder / CHECKPOINT).glob("*"), *(folder / LANGUAGE).glob("*")
    )


def _remove(*files: Path) -> None:
    """Take away the files that are there."""
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, file) from error


def check_targets(folder: Path, config: Any, outputs: int) -> None:
    """See that a network gives as many outputs as its targets need, and a threshold for each where there are several;
    and that the classes counted are as many.

    Args:
        config: with the network's shape and, of kinds that have them, the counts and the decision.
        outputs: that the targets need.

    Raises:
        RunError: they do not fit.
    """
    thresholds = getattr(getattr(config, "decision", None), "threshold", None)
    given, counts = config.shape.output_size, getattr(config, "counts", None) or []
    counted = {len(row) if isinstance(row, list) else len(counts) for row in counts}
    if outputs != given or (isinstance(thresholds, list) and len(thresholds) != given) or counted - {given}:
        raise RunError(
            f"the targets do not fit a network of {given} outputs",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )


def check_scaling(folder: Path, config: Any, size: int) -> None:
    """See that a network reads as many numbers a step as the scaling gives.

    Args:
        config: with the network's shape.
        size: numbers of a step, once they are scaled.

    Raises:
        RunError: they do not fit.
    """
    if size != config.shape.input_size:
        raise RunError(
            f"the scaling gives {size:,} numbers a step, and the network reads {config.shape.input_size:,}",
            where=str(folder / CONFIG),
            fix="Restore it, or train the run again.",
        )


def check_files(folder: Path, config: RunConfig, encoders: set[str]) -> None:
    """See that a run is complete, and that its files are those that it wrote.

    Args:
        encoders: files that this run needs beside weights and metrics.

    Raises:
        RunError: a file is missing or altered, or the training has not ended.
    """
    if config.status != "complete":
        raise RunError(
            "this training has not ended",
            where=str(folder),
            fix="Go on with it: repeat its command with --resume.",
        )
    if absent := sorted(({MODEL, METRICS} | encoders) - config.files.keys()):
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


def read_network(path: Path, make: Callable[[], N]) -> N:
    """The network of a run with its weights; names and sizes are checked before anything is allocated.

    Args:
        make: makes the network that config.json describes.
    """
    try:
        with torch.device("meta"):
            network = make()
    except (RuntimeError, TypeError, OverflowError) as error:  # what torch says of sizes beyond all numbers
        raise RunError(
            f"config.json describes a network that cannot be ({str(error).splitlines()[0]})",
            where=str(path.parent / CONFIG),
            fix="Restore it, or train the run again.",
        ) from error
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


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The records of `history.jsonl`; none where there is no such file."""
    path = folder / HISTORY
    if not path.exists():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    except OSError as error:
        raise reading_error(error, path) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunError(
            f"a line is not valid JSON ({error})", where=str(path), fix="Delete the broken line."
        ) from error
