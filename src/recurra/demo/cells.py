"""The same training with each of the three cells, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from recurra.networks.sizing import hidden_size_for
from recurra.runs.config import RunConfig
from recurra.runs.events import Event, Observer, Said, ignore
from recurra.runs.fitting import Fitting, carry_out
from recurra.runs.run import Run
from recurra.storage import make_folder, write_json

CELLS = ("rnn", "lstm", "gru")

C = TypeVar("C", bound=RunConfig)
R = TypeVar("R", bound=Run[Any, Any])


@dataclass(frozen=True)
class Compared:
    """One network of the demo in a line."""

    cell: str
    hidden_size: int
    weights: int
    score: dict[str, Any]
    training_s: float
    best_epoch: int


def compare_cells(
    data: str,
    fitting: Callable[[dict[str, Any], bool], Fitting[C, R]],
    weights: int,
    *,
    sources: list[str],
    out: Path,
    observer: Observer,
) -> tuple[dict[str, Any], dict[str, R]]:
    """Train the three networks on the same split, with the same number of weights.

    Leaves a run folder for each and a `summary.json` in `out`. Baselines, the same for all, are fitted once.

    Args:
        data: what they are trained on, in words.
        fitting: a training with these settings, with its baselines or without.
        weights: of each network, as nearly as its hidden size allows.
        sources: where the data came from, for the record.

    Raises:
        KeyboardInterrupt: a training was interrupted.
    """
    make_folder(out)
    runs: dict[str, R] = {}
    said: set[str] = set()

    def observe(event: Event) -> None:
        """What is said of the data is the same for all three, and said once."""
        if not (isinstance(event, Said) and event.text in said):
            observer(event)
        if isinstance(event, Said):
            said.add(event.text)

    for cell in CELLS:
        size = _hidden_size(fitting({"network.cell": cell}, False), weights)
        observe(Said(f"{cell.upper()}, {size} units"))
        asked = fitting({"network.cell": cell, "network.hidden_size": size}, cell == CELLS[0])
        runs[cell] = carry_out(asked, sources=sources, out=out / cell, observer=observe)
        if runs[cell].metrics["training"]["stopped"] == "interrupted":
            raise KeyboardInterrupt
    networks = [
        Compared(
            cell=cell,
            hidden_size=run.config.settings.network.hidden_size,
            weights=run.metrics["training"]["weights"],
            score=run.metrics["test"]["scores"][0],
            training_s=run.metrics["seconds"]["training"],
            best_epoch=run.metrics["training"]["best_epoch"],
        )
        for cell, run in runs.items()
    ]
    first = runs[CELLS[0]]
    summary = {
        "data": data,
        "parts": first.config.parts,
        "seed": first.config.options.seed,
        "networks": [asdict(network) for network in networks],
        "baselines": first.metrics["baselines"],
    }
    write_json(out / "summary.json", summary)
    return summary, runs


def _hidden_size(fitting: Fitting[C, R], weights: int) -> int:
    fitting.prepare(None, ignore)
    return hidden_size_for(weights, fitting.resized)
