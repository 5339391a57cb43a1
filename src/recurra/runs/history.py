"""What is kept and told of a training: its epochs as they end, why it ended, how long each part of the work took."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from recurra.runs.events import Event, Observer, Said
from recurra.runs.run import CHECKPOINT, HISTORY
from recurra.storage import append_line, write_bytes
from recurra.training.checkpoint import read_checkpoint
from recurra.training.loop import EpochRecord, History


def with_history(observer: Observer, out: Path | None, resume: bool) -> Observer:
    """Let every epoch also grow `history.jsonl`; lines past the checkpoint are dropped when resuming."""
    if out is None:
        return observer
    path = out / HISTORY
    kept = read_checkpoint(out / CHECKPOINT) if resume else None
    records = [] if kept is None else kept.progress["records"]
    write_bytes(path, b"".join(json.dumps(record).encode() + b"\n" for record in records))

    def observe(event: Event) -> None:
        if isinstance(event, EpochRecord):
            append_line(path, asdict(event))
        observer(event)

    return observe


def say_how_it_ended(history: History, observer: Observer) -> None:
    """Why the training ended, unless it went through all its steps."""
    endings = {
        "finished": None,
        "early": Said(f"stopped early: nothing better in validation since epoch {history.best_epoch}"),
        "interrupted": Said(
            f"interrupted at step {history.steps}; the weights of epoch {history.best_epoch} are kept",
            "warning",
        ),
        "clock": Said("the clock cut training short: another run may give other numbers", "warning"),
    }
    said = endings.get(
        history.stopped,
        Said(
            f"loss {history.stopped}: training stopped, the weights of epoch {history.best_epoch} are kept",
            "warning",
        ),
    )
    if said is not None:
        observer(said)


def seconds_of(clock: dict[str, float], started: float, history: History) -> dict[str, float]:
    """Of each part of the work; what earlier sessions trained counts in training and total."""
    earlier = max(0.0, history.seconds - (clock["trained"] - clock["training"]))
    return {
        "before": clock["begin"] - started,
        "preparing": clock["prepared"] - clock["begin"],
        "baselines": clock["baselines"] - clock["prepared"],
        "training": history.seconds,
        "scoring": clock["scored"] - clock["trained"],
        "total": clock["scored"] - started + earlier,
    }
