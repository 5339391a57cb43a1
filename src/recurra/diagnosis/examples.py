"""From a run and data to what is diagnosed: some examples as its network reads them, and its first weights."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from recurra.diagnosis.subject import Subject
from recurra.errors import InputError
from recurra.networks.own import encoders_of, own_encoders
from recurra.runs.events import Observer, PhaseStarted
from recurra.runs.kinds import stored_kind
from recurra.runs.run import Run
from recurra.training.loop import seeded

EXAMPLES, STEPS = 32, 256
SCORED = 2_000  # examples whose loss is measured


def subject_of(
    run: Run[Any, Any], data: Any = None, *, encoding: str | None = None, observer: Observer
) -> Subject:
    """The run's network with at most 32 examples of `data`, each cut to its last 256 steps (128 tokens of a text).

    Args:
        data: a file, a frame, or a tuple (X, y) as estimators take it; None: the data that the run names, where they
            still are; of forecasts, else, the steps that the run keeps.

    Raises:
        InputError: no data, and those of the training are not where they were.
        DataError: data that do not fit the run.
    """
    kind = stored_kind(run.config.kind, str(run.path))
    return importlib.import_module(f"recurra.diagnosis.subjects.{kind.name}").subject(
        run, data, encoding, observer
    )


def source_of(run: Run[Any, Any], data: Any, observer: Observer) -> Any:
    """`data`, or else the file that the run was trained on."""
    if data is None:
        named = run.config.sources[:1]
        if not named or not Path(named[0]).exists():
            raise InputError(
                f"the data that this run was trained on are not here any more ({named[0]})"
                if named
                else "the run was trained on data in memory, which it does not keep",
                where="DATA",
                fix="Give data of the same form, with the target: recurra diagnose RUN DATA.",
            )
        data = named[0]
    observer(PhaseStarted(f"Reading {data}" if isinstance(data, str | Path) else "Reading the data"))
    return data


def of_run(run: Run[Any, Any], form: Callable[[Any, Any], nn.Module], **own: Any) -> Subject:
    """What every kind of run gives alike; the first weights are drawn again by the seed."""
    config = run.config
    with seeded(config.options.seed), own_encoders(encoders_of(run.network)):
        initial = form(config.settings.network, config.shape)
    # What is no weight (the pairs that have a vector, running means) is that of the run.
    initial.load_state_dict(dict(run.network.named_buffers()), strict=False)
    notes = list(own.pop("notes"))
    if config.options.init:
        notes.append("the run began with another's weights; here the first weights are drawn by the seed")
    training = run.metrics.get("training", {})
    return Subject(
        network=run.network,
        initial=initial,
        history=run.history,
        settings=config.settings.flat() | {"network.cell": config.settings.network.cell},
        stopped=training.get("stopped"),
        chances=training.get("chance", {}),
        seed=config.options.seed,
        notes=tuple(notes),
        **own,
    )


def drawn(count: int, seed: int, most: int = EXAMPLES) -> np.ndarray:
    """The places of at most so many of `count` examples, drawn by the seed, in order."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def taken(chosen: int, count: int, what: str, cut: bool, steps: int) -> list[str]:
    """What of the data was looked at, in sentences."""
    notes = [f"{chosen} of {count:,} {what}, drawn by the seed" if chosen < count else f"{count} {what}"]
    if cut:
        notes.append(f"of sequences with more than {steps} steps the last {steps} were read")
    return notes
