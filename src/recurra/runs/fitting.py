"""One training from data to run: prepare, plan, train, score, write down. The kinds of runs fill in the parts."""

from __future__ import annotations

import copy
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, Self, TypedDict, TypeVar

import numpy as np
import torch
from torch import nn

from recurra.data.batches import BatchSource
from recurra.errors import InputError, RunError
from recurra.networks.sequence_network import count_weights
from recurra.networks.sizing import sized
from recurra.runs.budget import steps_within
from recurra.runs.config import CONFIG, FitOptions, RunConfig, Told, read_config, write_config
from recurra.runs.events import Observer, PhaseStarted, Said, ignore, noting
from recurra.runs.history import say_how_it_ended, seconds_of, with_history
from recurra.runs.loading import load
from recurra.runs.places import check_place
from recurra.runs.run import CHECKPOINT, Run, clear_run
from recurra.runs.starting import start_from
from recurra.statistics.repeated import Measure
from recurra.storage import make_folder
from recurra.tasks.baselines import BaselineResult
from recurra.training.checkpoint import read_checkpoint
from recurra.training.config import TrainingConfig
from recurra.training.device import settle
from recurra.training.loop import History, Objective, seeded, train

BASELINES_SHARE = 0.1  # of a budget, for each baseline at most
_FOR_CHANCE = 200  # batches
DEADLINE_SHARE = 0.97  # of a budget, after which no step is begun

C = TypeVar("C", bound=RunConfig)
R = TypeVar("R", bound=Run[Any, Any])


class Fitting(ABC, Generic[C, R]):
    """What one kind of run does at each stage of a training; `carry_out` calls the methods in this order.

    `prepare` sets the attributes but the first.

    Args:
        options: what was asked for.
        settings: all choices, nothing of them left to the data or the machine.
        shape: what the data decide of the network.
        objective: what is minimised.
        training, validation: the batches; None where there is no validation part.
        fingerprint: a hash of all that training and validation read.
        validation_steps: valid steps that every epoch is measured on.
        final_steps: valid steps that are measured once at the end.
        contributions: (N, C) what each test example adds to the sums of `measure`, once `score` has opened the test
            part; None before, or where there is none.
    """

    config_form: type[C]
    network_form: Callable[[Any, Any], nn.Module]
    options: FitOptions
    settings: Any
    shape: Any
    objective: Objective
    training: BatchSource
    validation: BatchSource | None
    fingerprint: str
    validation_steps: int
    final_steps: int
    contributions: np.ndarray | None = None

    @abstractmethod
    def prepare(self, init: Run[Any, Any] | None, observer: Observer) -> None:
        """Split, fit the encoders on the training part, make batches."""

    @abstractmethod
    def new_config(self, sources: list[str]) -> C:
        """The content of `config.json` of a training that begins now."""

    def network(self, init: Run[Any, Any] | None, observer: Observer, *, anew: bool) -> nn.Module:
        """The network before its first step, on its device: by the seed, or with the weights of another run.

        Args:
            anew: False where a checkpoint is about to replace all its weights.
        """
        with seeded(self.options.seed):
            network = self.network_form(self.settings.network, self.shape)
        if init is not None:
            start_from(network, init, observer, same_outputs=self.same_outputs(init))
        return network.to(self.settings.training.device)

    def same_outputs(self, init: Any) -> bool:
        """Whether the outputs stand for what those of a run to start from do; of most kinds it decides that."""
        return True

    def again(self, settings: dict[str, Any], seed: int, share: float = 1.0) -> Self:
        """Another training on what `prepare` made: the same parts, encoders and batches; nothing is copied.

        The split stays that of the first seed, and where it is drawn the record says so (`split_seed`).

        Args:
            settings: changes of network and training only; what the data were prepared with stays.
            seed: of the first weights, the order of batches and dropout.
            share: of the training examples that it learns from.
        """
        other = copy.copy(self)
        update: dict[str, Any] = {"settings": self.options.settings | settings, "seed": seed}
        if getattr(self.options, "split_seed", 0) is None:
            update["split_seed"] = self.options.seed
        other.options = self.options.model_copy(update=update)
        other.settings = self.settings.changed(settings)
        other.training = self.training.reseeded(seed)
        if share < 1:
            other.training = other.training.part(share)
        return other

    def resized(self, hidden_size: int) -> nn.Module:
        """The same network with another hidden size."""
        config = self.settings.network.model_copy(update={"hidden_size": hidden_size})
        return self.network_form(config, self.shape)

    def sized(self, weights: int) -> dict[str, Any]:
        """The settings whose network comes nearest to so many weights: `network.hidden_size`, and what it takes."""
        found = sized(self.settings.network, weights, lambda config: self.network_form(config, self.shape))
        return {
            f"network.{name}": value
            for name in ("hidden_size", "inner_size")
            if (value := getattr(found, name)) is not None
        }

    def fit_baselines(self, time_limit_s: float, observer: Observer) -> None:
        """Fit what the network is compared with, each in at most that time; nothing where nothing is held out."""

    def chance(self, batches: BatchSource) -> float:
        """Loss on `batches` of the best answer that does not look at the input."""
        task: Any = self.objective  # it knows this from the targets alone, but for kinds that do it otherwise
        return task.chance(batch.target for batch in batches.evaluation() if batch.target is not None)

    @abstractmethod
    def score(self, config: C, network: nn.Module, history: History, observer: Observer) -> R:
        """The run, with the scores in its metrics; the test part is opened here, once."""

    @abstractmethod
    def measure(self) -> Measure:
        """The headline score over the test part, as a function of sums over its examples."""

    def test_groups(self) -> np.ndarray | None:
        """(N,) the group of each test example, such as who speaks, where those of one depend on each other."""
        return None

    @abstractmethod
    def of_baselines(self) -> list[tuple[BaselineResult, np.ndarray]]:
        """Each baseline that was fitted, and (N, C) what the test examples add to the sums of `measure`.

        NaN stands where a baseline has no answer to an example.
        """


class Conduct(TypedDict, total=False):
    """What every `fit` takes by keyword beside data and options: where to write, and whom to tell.

    Args:
        out: the run folder; None keeps everything in memory.
        overwrite: replace the run in `out`, once nothing that was asked for can be refused any more.
        resume: go on from what is in `out`.
        started: `time.monotonic()` from which the budget counts; None is now.
        observer: is told what is found and done.
        command: the command line that asks for it, for the record.
    """

    out: Path | None
    overwrite: bool
    resume: bool
    started: float | None
    observer: Observer
    command: list[str] | None


def begin(conduct: Conduct) -> Observer:
    """Start the clock and look at the place before any data are read; returns who is to be told.

    Raises:
        InputError: `out` is taken, or there is nothing to resume.
    """
    if conduct.get("started") is None:
        conduct["started"] = time.monotonic()
    out = conduct.get("out")
    if out is not None:
        check_place(out, overwrite=conduct.get("overwrite", False), resume=conduct.get("resume", False))
    conduct["observer"] = observer = noting(conduct.get("observer", ignore))
    return observer


def carry_out(
    fitting: Fitting[C, R],
    *,
    sources: list[str] | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    started: float | None = None,
    observer: Observer = ignore,
    command: list[str] | None = None,
    prepared: bool = False,
    total_steps: int | None = None,
) -> R:
    """Train and score what `fitting` describes.

    Args:
        sources: where the data came from, for the record.
        prepared: `fitting.prepare` was called already: this is one of several trainings on the same data.
        total_steps: optimiser steps, where they were decided before; None: as epochs or budget say.
        out, overwrite, resume, started, observer, command: see `Conduct`.

    Raises:
        DataError, InputError: the data or the options cannot be used.
        RunError: `out` holds another training than the one to resume.
        TrainingError: the loss was not finite from the start.
    """
    started = time.monotonic() if started is None else started
    clock = {"begin": time.monotonic()}
    observer = noting(observer)
    options = fitting.options
    deadline = None if options.budget_s is None else started + DEADLINE_SHARE * options.budget_s
    stored = _stored_config(out, options, fitting.config_form) if resume and out is not None else None
    init = load(options.init) if options.init else None

    if not prepared:
        observer(PhaseStarted("Preparing the data"))
        fitting.prepare(init, observer)
    if stored is not None and stored.fingerprint != fitting.fingerprint:
        raise RunError(
            "the data is not the data that this training began with",
            where=str(out),
            fix="Give the same files, or start again with --overwrite.",
        )
    config = fitting.new_config(sources or []) if stored is None else _as_begun(fitting, stored, observer)
    going_on = resume and out is not None and read_checkpoint(out / CHECKPOINT) is not None
    with _threads(fitting.settings.training.threads):
        network = fitting.network(init, observer, anew=not going_on)
    if stored is None:
        told = [Told(phase=phase, text=said.text, kind=said.kind) for phase, said in observer.told]
        config = config.model_copy(update={"command": command, "told": told})
    clock["prepared"] = time.monotonic()
    if options.baselines:
        fitting.fit_baselines(
            60.0 if options.budget_s is None else BASELINES_SHARE * options.budget_s, observer
        )
    clock["baselines"] = time.monotonic()
    chance = _chance(fitting)

    if out is not None:
        if overwrite:
            clear_run(out)
        make_folder(out)
        write_config(out, config)
    with _threads(fitting.settings.training.threads):
        if config.total_steps is None:
            steps = total_steps or _plan(network, fitting, options.seed, deadline, observer)
            config = config.model_copy(update={"total_steps": steps})
            if out is not None:
                write_config(out, config)

        observer(PhaseStarted("Training"))
        clock["training"] = time.monotonic()
        assert config.total_steps is not None
        history = train_network(
            fitting,
            network,
            total_steps=config.total_steps,
            deadline=deadline,
            folder=out,
            resume=resume,
            observer=with_history(observer, out, resume),
        )
        clock["trained"] = time.monotonic()
        say_how_it_ended(history, observer)

        observer(PhaseStarted("Scoring"))
        run = fitting.score(config, network.eval(), history, observer)
    clock["scored"] = time.monotonic()
    run.metrics["training"] = {
        "stopped": history.stopped,
        "reproducible": history.reproducible and not config.moved,
        "best_epoch": history.best_epoch,
        "epochs": len(history.records),
        "steps": history.steps,
        "total_steps": config.total_steps,
        "weights": count_weights(network),
        "chance": chance,
    } | run.metrics.get("training", {})
    run.metrics["seconds"] = seconds_of(clock, started, history)
    if out is not None:
        run.write(out)
    return run


def train_network(
    fitting: Fitting[C, R],
    network: nn.Module,
    *,
    total_steps: int,
    deadline: float | None = None,
    folder: Path | None = None,
    resume: bool = False,
    observer: Observer = ignore,
) -> History:
    """The training alone, of what `prepare` made: nothing is scored, and the test part stays closed.

    Args:
        folder: where checkpoints are left; None leaves none.
        total_steps, deadline, resume, observer: see `recurra.training.loop.train`, which also says what is raised.
    """
    with (
        _threads(fitting.settings.training.threads),
        seeded(fitting.options.seed, next(network.parameters()).device),
    ):
        return train(
            network,
            fitting.objective,
            fitting.training,
            fitting.validation,
            fitting.settings.training,
            total_steps=total_steps,
            deadline=deadline,
            checkpoint_folder=None if folder is None else folder / CHECKPOINT,
            resume=resume,
            observer=observer,
        )


def _chance(fitting: Fitting[C, R]) -> dict[str, float]:
    """Loss of the best answer that does not look at the input; in training on so many batches at most."""
    training = fitting.training
    parts = {
        "training": training.part(min(1.0, _FOR_CHANCE / len(training))),
        "validation": fitting.validation,
    }
    return {name: fitting.chance(part) for name, part in parts.items() if part is not None}


def _plan(
    network: nn.Module,
    fitting: Fitting[C, R],
    seed: int,
    deadline: float | None,
    observer: Observer,
) -> int:
    """Steps that the schedule will span: all epochs, or as many as the budget has time for."""
    config: TrainingConfig = fitting.settings.training
    if deadline is None:
        return config.epochs * len(fitting.training)
    observer(PhaseStarted("Measuring the time of a step"))
    steps = steps_within(
        deadline - time.monotonic(),
        network,
        fitting.objective,
        fitting.training,
        config,
        seed=seed,
        validation_steps=fitting.validation_steps,
        final_steps=fitting.final_steps,
    )
    observer(Said(f"the budget has time for {steps / len(fitting.training):.1f} of {config.epochs} epochs"))
    return steps


def _stored_config(out: Path, options: FitOptions, form: type[C]) -> C | None:
    """The configuration that an interrupted training wrote; None where it had not come so far."""
    if not (out / CONFIG).exists():
        return None
    stored = read_config(out, form)
    before, now = stored.options.model_dump(), options.model_dump()
    for name in before:
        if before[name] != now[name]:
            raise InputError(
                f"this training began with {name} = {before[name]!r}, found {now[name]!r}",
                where="--resume",
                fix="Repeat the command as it was, or start again with --overwrite.",
            )
    return stored


def _as_begun(fitting: Fitting[C, R], stored: C, observer: Observer) -> C:
    """Have `fitting` go on with the device, precision and threads that the training began with, whatever is here now.

    Returns:
        `stored`; where its GPU is not here, with the device that the training goes on on, and saying so.
    """
    config: Any = stored  # each kind has settings of its own
    now: TrainingConfig = fitting.settings.training
    begun = {name: getattr(config.settings.training, name) for name in ("device", "precision", "threads")}
    gone = begun["device"] == "cuda" and not torch.cuda.is_available()
    if gone:
        begun["device"] = "cpu"
    training = settle(now.model_copy(update=begun))
    fitting.settings = fitting.settings.model_copy(update={"training": training})
    kept = [f"{name} {value}" for name, value in begun.items() if value != getattr(now, name)]
    if kept:
        observer(Said(f"the training goes on as it began: {', '.join(kept)}"))
    if not gone:
        return stored
    said = Said(
        "this training began on a GPU, and torch finds none: it goes on on the CPU, to other numbers",
        "warning",
    )
    observer(said)
    told = [*stored.told, Told(phase="Going on with the training", text=said.text, kind=said.kind)]
    settings = config.settings.model_copy(update={"training": training})
    return stored.model_copy(update={"settings": settings, "moved": True, "told": told})


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Run the body with `count` CPU threads: sums come out the same only with the same number of them."""
    before = torch.get_num_threads()
    if count is not None and count != before:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
