"""What a run folder says of itself, read without its network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recurra.diagnosis.result import Diagnosis
from recurra.runs.captions.config import CaptionRunConfig
from recurra.runs.config import CONFIG, RunConfig, read_config, read_kind
from recurra.runs.kinds import stored_kind
from recurra.runs.run import DIAGNOSIS, METRICS, MODEL, check_files, read_history
from recurra.storage import read_json


@dataclass(frozen=True)
class RunFiles:
    """The files of a run that a page is made from.

    Args:
        folder: where they are; sections may look for more files there.
        config: `config.json`; of forms that differ by kind, so that settings and schema are of any type here.
        metrics: `metrics.json`.
        history: the records of `history.jsonl`.
        diagnosis: `diagnosis.json`; None where there is none, or one of other weights than the run has now.
    """

    folder: Path
    config: Any
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    diagnosis: Diagnosis | None = None

    @property
    def cell(self) -> str:
        """The name of the cell as people write it."""
        return self.config.settings.network.cell_name

    @property
    def sources(self) -> list[str]:
        """Where the data came from; nothing where they were given in Python."""
        return ["standard input" if source == "-" else source for source in self.config.sources]

    @property
    def units(self) -> str:
        """What its examples are called."""
        if isinstance(self.config, CaptionRunConfig):
            return self.config.data_schema.units
        return stored_kind(self.config.kind, str(self.folder / CONFIG)).units

    @property
    def scored(self) -> tuple[str, dict[str, Any]] | None:
        """The part that the scores are of, and what stands in the metrics of it; None where nothing was held out."""
        for name in ("test", "validation"):
            if name in self.metrics:
                return name, self.metrics[name]
        return None

    @property
    def standing(self) -> str | None:
        """Whether the network is "better" or "worse" than the best baseline, or a "tie"; None: not compared."""
        return self.metrics.get("standing", {}).get("is")

    @property
    def best_baseline(self) -> dict[str, Any] | None:
        """The one that the network was compared with; None where there is none."""
        name = self.metrics.get("standing", {}).get("baseline")
        return next((each for each in self.metrics.get("baselines", []) if each["name"] == name), None)


def read_run_files(folder: Path) -> RunFiles:
    """Read the files of a finished run.

    Raises:
        RunError: a file is missing, altered, broken or of another version, or the training has not ended.
    """
    config: RunConfig = read_config(folder, stored_kind(read_kind(folder), str(folder / CONFIG)).config)
    check_files(folder, config, set())
    diagnosis = read_diagnosis(folder) if (folder / DIAGNOSIS).exists() else None
    if diagnosis is not None and diagnosis.model != config.files[MODEL]:
        diagnosis = None
    return RunFiles(folder, config, read_json(folder / METRICS), read_history(folder), diagnosis)


def read_diagnosis(folder: Path) -> Diagnosis:
    """The diagnosis that a run folder holds.

    Raises:
        RunError: there is none, or a broken one, or one of another version.
    """
    path = folder / DIAGNOSIS
    return Diagnosis.from_json(read_json(path), str(path))
