"""The trainings of a comparison, one after the other or several at once; each is saved as it ends."""

from __future__ import annotations

import math
import multiprocessing
import os
import pickle
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import asdict
from multiprocessing.connection import wait as wait_for
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as from_safetensors
from safetensors.numpy import save as to_safetensors

from recurra.comparison.plan import Trial
from recurra.errors import InputError, RunError, TrainingError
from recurra.networks.own import Encoders, Factory, encoders_handed_over, hand_over
from recurra.runs.events import Observer, ignore
from recurra.runs.fitting import Fitting, carry_out, train_network
from recurra.storage import make_folder, read_json, write_bytes, write_json

TRIALS = "trials"
_AGAIN = f"Delete {TRIALS}/{{}}.json and resume: that trial is then carried out again."
_PATIENCE_S = 10.0  # for trainings that are to end

Record = dict[str, Any]


def record_of(out: Path, trial: Trial) -> Record | None:
    """What a trial left; None where it has not ended.

    Raises:
        RunError: it cannot be read, or is of another trial.
    """
    path = out / TRIALS / f"{trial.name}.json"
    if not path.exists():
        return None
    record = read_json(path)
    if not isinstance(record, dict) or record.get("name") != trial.name:
        raise RunError("this is no record of that trial", where=str(path), fix=_AGAIN.format(trial.name))
    return record


def contributions_of(out: Path, trial: Trial) -> np.ndarray:
    """(N, C) what each test example added to the sums of the headline in a final trial.

    Raises:
        RunError: the file is missing or broken.
    """
    path = out / TRIALS / f"{trial.name}.safetensors"
    try:
        return from_safetensors(path.read_bytes())["contributions"]
    except (OSError, SafetensorError, KeyError) as error:
        raise RunError(
            "what the trial's test examples scored is missing or cannot be read",
            where=str(path),
            fix=_AGAIN.format(trial.name),
        ) from error


def run_trials(
    fitting: Fitting[Any, Any],
    trials: list[Trial],
    out: Path,
    *,
    threads: int,
    jobs: int,
    sources: list[str],
    observer: Observer,
) -> Iterator[tuple[Trial, Record]]:
    """Each trial that has not ended yet is trained and saved; all are given, as they end.

    Args:
        fitting: prepared, with its baselines fitted.
        threads: of each training.
        jobs: processes; with one, trainings run in this process and are told step by step.

    Raises:
        KeyboardInterrupt: a training was interrupted; its checkpoint is left, and a further call goes on from there.
    """
    make_folder(out / TRIALS)
    todo = []
    for trial in trials:
        record = record_of(out, trial)
        if record is None:
            todo.append(trial)
        else:
            yield trial, record
    if jobs == 1 or len(todo) < 2:
        for trial in todo:
            yield trial, run_trial(fitting, trial, out, threads=threads, sources=sources, observer=observer)
        return
    yield from _at_once(fitting, todo, out, threads=threads, jobs=jobs, sources=sources)


def run_trial(
    fitting: Fitting[Any, Any],
    trial: Trial,
    out: Path,
    *,
    threads: int,
    sources: list[str],
    observer: Observer = ignore,
) -> Record:
    """Train one network, and save what came of it.

    A training whose loss is not finite is a result, too: its record says so under "failed".

    Raises:
        KeyboardInterrupt: it was interrupted.
    """
    own = fitting.again(trial.candidate.settings(trial.learning_rate, threads), trial.seed, trial.share)
    record: Record = {
        "name": trial.name,
        "cell": trial.candidate.cell,
        "purpose": trial.purpose,
        "learning_rate": trial.learning_rate,
        "seed": trial.seed,
        "failed": None,
    }
    try:
        found = (
            _tune(own, trial, out, observer)
            if trial.purpose == "tuning"
            else _final(own, trial, out, sources, observer)
        )
    except TrainingError as error:
        found = {"failed": error.problem}
    write_json(out / TRIALS / f"{trial.name}.json", record | found)
    return record | found


def _tune(own: Fitting[Any, Any], trial: Trial, out: Path, observer: Observer) -> Record:
    """Train, and look at the validation part alone."""
    folder = out / TRIALS / trial.name
    make_folder(folder)
    network = own.network(None, observer, anew=True)
    history = train_network(
        own,
        network,
        total_steps=trial.total_steps,
        folder=folder,
        resume=True,
        observer=observer,
    )
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    shutil.rmtree(folder)
    losses = [record.validation["loss"] for record in history.records if record.is_best]
    return {
        "validation_loss": losses[-1],
        "stopped": history.stopped,
        "best_epoch": history.best_epoch,
        "steps": history.steps,
        "seconds": history.seconds,
        "curve": [asdict(record) for record in history.records],
    }


def _final(own: Fitting[Any, Any], trial: Trial, out: Path, sources: list[str], observer: Observer) -> Record:
    """Train, score on the test part, and leave a run folder."""
    run = carry_out(
        own,
        sources=sources,
        out=out / trial.name,
        resume=True,
        observer=observer,
        prepared=True,
        total_steps=trial.total_steps,
    )
    training = run.metrics["training"]
    if training["stopped"] == "interrupted":
        raise KeyboardInterrupt
    assert own.contributions is not None
    content = {"contributions": np.ascontiguousarray(own.contributions)}
    write_bytes(out / TRIALS / f"{trial.name}.safetensors", to_safetensors(content))
    return {
        "run": trial.name,
        "score": run.metrics["test"]["scores"][0],
        "scores": run.metrics["test"]["scores"],
        "stopped": training["stopped"],
        "steps": training["steps"],
        "best_epoch": training["best_epoch"],
        "weights": training["weights"],
        "seconds": run.metrics["seconds"]["training"],
        "curve": run.history,
    }


def check_importable(encoders: Encoders) -> None:
    """See that other processes can have these modules: they import them.

    Raises:
        InputError: one of them cannot be imported.
    """
    for name, factory in encoders.items():
        typed_in = getattr(factory, "__module__", "") == "__main__" and not hasattr(
            sys.modules["__main__"], "__file__"
        )
        try:
            pickle.dumps(factory)
        except (pickle.PicklingError, AttributeError, TypeError):
            typed_in = True
        if typed_in:
            raise InputError(
                "with several trainings at a time every process imports it, and it stands in no file of its own",
                where=f"encoders[{name!r}]",
                fix="Define the class or function at the top of a module, or leave jobs out.",
            )


def chosen_rate(records: list[Record]) -> float | None:
    """The learning rate with the lowest validation loss; None where every one failed."""
    ended = [record for record in records if record["failed"] is None]
    best = min(ended, key=lambda record: record["validation_loss"], default=None)
    return None if best is None or not math.isfinite(best["validation_loss"]) else best["learning_rate"]


# Of a process that trains: what all its trials share, and whether it is to begin no further one.
_held: tuple[Fitting[Any, Any], Path, int, list[str]]
_ended = False


def _at_once(
    fitting: Fitting[Any, Any],
    todo: list[Trial],
    out: Path,
    *,
    threads: int,
    jobs: int,
    sources: list[str],
) -> Iterator[tuple[Trial, Record]]:
    """Trials in fresh processes (a fork would inherit torch's threads half dead), the data sent to each once."""
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        min(jobs, len(todo)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(fitting, out, threads, sources, encoders_handed_over()),
    )
    try:
        running = {pool.submit(_carry_out, trial): trial for trial in todo}
        while running:
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                yield running.pop(future), future.result()
    except BaseException:
        processes = set(multiprocessing.active_children()) - before
        pool.shutdown(wait=False, cancel_futures=True)
        _end(processes)
        raise
    pool.shutdown()


def _end(processes: set[BaseProcess]) -> None:
    """Have every training leave a checkpoint; those that take too long are killed, which costs their last steps."""
    for process in processes:
        process.terminate()
    until = time.monotonic() + _PATIENCE_S
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))
        if process.is_alive():
            process.kill()


def _begin(
    fitting: Fitting[Any, Any], out: Path, threads: int, sources: list[str], encoders: dict[str, Factory]
) -> None:
    global _held  # noqa: PLW0603
    hand_over(encoders)
    _held = (fitting, out, threads, sources)
    torch.set_num_threads(threads)
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C is for the parent, which then asks every process to end, once
    signal.signal(signal.SIGTERM, _end_soon)  # between trials; within one, the training leaves a checkpoint
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_soon(number: int, frame: FrameType | None) -> None:
    global _ended  # noqa: PLW0603
    _ended = True


def _end_with_parent() -> None:
    """Nobody reads what a process finds whose parent was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _carry_out(trial: Trial) -> Record:
    global _ended  # noqa: PLW0603
    if _ended:
        raise KeyboardInterrupt
    fitting, out, threads, sources = _held
    try:
        return run_trial(fitting, trial, out, threads=threads, sources=sources)
    except KeyboardInterrupt:
        _ended = True
        raise


class Clock:
    """How long the trials still to come will take, by those that ended.

    Args:
        planned_s: of all trials, as planned.
    """

    def __init__(self, planned_s: float):
        self._planned_s, self._done_s, self._began = planned_s, 0.0, time.monotonic()

    def ended(self, planned_s: float) -> float:
        """Seconds left once a trial has ended that was planned to take so long.

        >>> Clock(10.0).ended(10.0)
        0.0
        """
        self._done_s += planned_s
        return (time.monotonic() - self._began) * max(0.0, self._planned_s / self._done_s - 1)
