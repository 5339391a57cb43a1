"""From examples to a run: prepare, train, decide, score, write down."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from recurra import __version__
from recurra.data.examples import Examples
from recurra.data.schema import Schema
from recurra.data.vectors import word_vectors
from recurra.errors import InputError, RunError
from recurra.networks.inputs import TokenInput
from recurra.networks.sequence_network import SequenceNetwork, count_weights
from recurra.runs.budget import steps_within
from recurra.runs.config import CONFIG, FitOptions, RunConfig, read_config, write_config
from recurra.runs.events import Event, Observer, PhaseStarted, Said, ignore
from recurra.runs.preparation import Prepared, prepare, raw_lengths
from recurra.runs.run import CHECKPOINT, HISTORY, Run, clear_run, load
from recurra.runs.scoring import score_run
from recurra.storage import append_line, make_folder, write_bytes
from recurra.tasks.baselines import BaselineResult, run_baselines
from recurra.training.checkpoint import read_checkpoint
from recurra.training.loop import EpochRecord, History, seeded, train

BASELINES_SHARE = 0.1  # of a budget, for each baseline at most
DEADLINE_SHARE = 0.97  # of a budget, after which no step is begun


def fit(
    examples: Examples,
    schema: Schema,
    options: FitOptions,
    *,
    test: Examples | None = None,
    sources: list[str] | None = None,
    out: Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    started: float | None = None,
    observer: Observer = ignore,
) -> Run:
    """Train a network on `examples` and score it beside its baselines.

    Args:
        test: examples to score on; without them a part of `examples` is held out.
        sources: where the examples came from, for the record.
        out: the run folder; None keeps everything in memory.
        overwrite: replace the run in `out`, once nothing that was asked for can be refused any more.
        resume: go on from what is in `out`.
        started: `time.monotonic()` from which the budget counts.
        observer: is told what is found and done.

    Raises:
        DataError, InputError: the data or the options cannot be used.
        RunError: `out` holds another training than the one to resume.
        TrainingError: the loss was not finite from the start.
    """
    started = time.monotonic() if started is None else started
    clock = {"begin": time.monotonic()}
    deadline = None if options.budget_s is None else started + DEADLINE_SHARE * options.budget_s
    stored = _stored_config(out, options) if resume and out is not None else None
    init = load(options.init) if options.init else None

    observer(PhaseStarted("Preparing the data"))
    prepared = prepare(examples, schema, options, test=test, init=init, observer=observer)
    if stored is not None and stored.fingerprint != prepared.fingerprint:
        raise RunError(
            "the data is not the data that this training began with",
            where=str(out),
            fix="Give the same files, or start again with --overwrite.",
        )
    config = stored or _new_config(prepared, schema, options, sources or [])
    going_on = resume and out is not None and read_checkpoint(out / CHECKPOINT) is not None
    network = _start(prepared, init, options.seed, observer, from_vectors=not going_on)
    clock["prepared"] = time.monotonic()
    baselines = _fit_baselines(prepared, options, observer) if options.baselines else []
    clock["baselines"] = time.monotonic()

    if out is not None:
        if overwrite:
            clear_run(out)
        make_folder(out)
        write_config(out, config)
    with _threads(config.settings.training.threads):
        if config.total_steps is None:
            steps = _plan(network, prepared, options, deadline, observer)
            config = config.model_copy(update={"total_steps": steps})
            if out is not None:
                write_config(out, config)

        observer(PhaseStarted("Training"))
        assert config.total_steps is not None
        with seeded(options.seed, _device(network)):
            history = train(
                network,
                prepared.task,
                prepared.training,
                prepared.validation,
                config.settings.training,
                total_steps=config.total_steps,
                deadline=deadline,
                checkpoint_folder=None if out is None else out / CHECKPOINT,
                resume=resume,
                observer=_with_history(observer, out, resume),
            )
        clock["trained"] = time.monotonic()
        _say_how_it_ended(history, observer)

        observer(PhaseStarted("Scoring"))
        run = Run(
            config=config,
            network=network.eval(),
            text=prepared.text,
            numbers=prepared.numbers,
            targets=prepared.targets,
            history=[asdict(record) for record in history.records],
        )
        run.metrics = score_run(run, prepared.parts, baselines, observer)
    clock["scored"] = time.monotonic()
    run.metrics |= {
        "training": {
            "stopped": history.stopped,
            "reproducible": history.reproducible,
            "best_epoch": history.best_epoch,
            "epochs": len(history.records),
            "steps": history.steps,
            "total_steps": config.total_steps,
            "padding_share": prepared.training.padding_share(),
            "weights": count_weights(network),
        },
        "seconds": _seconds(clock, started, history),
    }
    if out is not None:
        run.write(out)
    return run


def _start(
    prepared: Prepared, init: Run | None, seed: int, observer: Observer, *, from_vectors: bool
) -> SequenceNetwork:
    """The network before its first step."""
    with seeded(seed):
        network = SequenceNetwork(prepared.settings.network, prepared.shape)
    if isinstance(network.input, TokenInput) and network.input.pairs:
        network.input.pair_codes.copy_(torch.from_numpy(prepared.pairs))
    if init is not None:
        _start_from(network, init, observer)
    elif from_vectors:
        _start_from_vectors(network, prepared, seed)
    return network.to(prepared.settings.training.device)


def _fit_baselines(prepared: Prepared, options: FitOptions, observer: Observer) -> list[BaselineResult]:
    held_out = prepared.parts["test"]
    if not len(held_out) or held_out.targets is None:
        return []
    observer(PhaseStarted("Fitting the baselines"))
    results = run_baselines(
        prepared.seen,
        held_out,
        prepared.targets.classes or None,
        class_weight=prepared.settings.task.class_weight,
        seed=options.seed,
        time_limit_s=60.0 if options.budget_s is None else BASELINES_SHARE * options.budget_s,
    )
    for result in results:
        score = result.scores[0]
        observer(Said(f"{result.name}: {score.name} {score.value:.4g} in {result.seconds:.1f} s"))
    return results


def _plan(
    network: SequenceNetwork,
    prepared: Prepared,
    options: FitOptions,
    deadline: float | None,
    observer: Observer,
) -> int:
    """Steps that the schedule will span: all epochs, or as many as the budget has time for."""
    config = prepared.settings.training
    if deadline is None:
        return config.epochs * len(prepared.training)
    observer(PhaseStarted("Measuring the time of a step"))
    steps = steps_within(
        deadline - time.monotonic(),
        network,
        prepared.task,
        prepared.training,
        config,
        seed=options.seed,
        validation_steps=prepared.validation_steps,
        final_steps=prepared.validation_steps + int(raw_lengths(prepared.parts["test"]).sum()),
    )
    observer(Said(f"the budget has time for {steps / len(prepared.training):.1f} of {config.epochs} epochs"))
    return steps


def _new_config(prepared: Prepared, schema: Schema, options: FitOptions, sources: list[str]) -> RunConfig:
    return RunConfig(
        status="training",
        versions={
            "recurra": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        machine={
            "system": platform.platform(),
            "processor": platform.machine(),
            "threads": torch.get_num_threads(),
        },
        options=options,
        settings=prepared.settings,
        data_schema=schema,
        shape=prepared.shape,
        sources=sources,
        parts={name: len(part) for name, part in prepared.parts.items()},
        fingerprint=prepared.fingerprint,
        numbers=None if prepared.numbers is None else prepared.numbers.to_json(),
        targets=prepared.targets.to_json(),
    )


def _stored_config(out: Path, options: FitOptions) -> RunConfig | None:
    """The configuration that an interrupted training wrote; None where it had not come so far."""
    if not (out / CONFIG).exists():
        return None
    stored = read_config(out)
    before, now = stored.options.model_dump(), options.model_dump()
    for name in before:
        if before[name] != now[name]:
            raise InputError(
                f"this training began with {name} = {before[name]!r}, found {now[name]!r}",
                where="--resume",
                fix="Repeat the command as it was, or start again with --overwrite.",
            )
    return stored


def _start_from(network: SequenceNetwork, init: Run, observer: Observer) -> None:
    """Take over every weight of the same name and shape; the rest stays as initialised, and is told."""
    own, given = network.state_dict(), init.network.state_dict()
    fitting = {name: t for name, t in given.items() if name in own and own[name].shape == t.shape}
    network.load_state_dict(fitting, strict=False)
    new = [name for name in own if name not in fitting]
    told = f"; new: {', '.join(new)}" if new else ""
    observer(Said(f"starting from {len(fitting)} of {len(own)} weights of {init.path}{told}"))


def _start_from_vectors(network: SequenceNetwork, prepared: Prepared, seed: int) -> None:
    """Begin with what the training texts say of their words, before any label is seen."""
    if not isinstance(network.input, TokenInput) or prepared.settings.network.embedding_init != "vectors":
        return
    embedding = network.input.embedding
    vectors = word_vectors(prepared.inputs, embedding.num_embeddings, embedding.embedding_dim, seed)
    with torch.no_grad():
        embedding.weight.copy_(torch.from_numpy(vectors))


def _with_history(observer: Observer, out: Path | None, resume: bool) -> Observer:
    """Let every epoch also grow `history.jsonl`; lines past the checkpoint are dropped when resuming."""
    if out is None:
        return observer
    path = out / HISTORY
    kept = read_checkpoint(out / CHECKPOINT) if resume else None
    records = [] if kept is None else kept.progress.get("records", [])
    write_bytes(path, b"".join(json.dumps(record).encode() + b"\n" for record in records))

    def observe(event: Event) -> None:
        if isinstance(event, EpochRecord):
            append_line(path, asdict(event))
        observer(event)

    return observe


def _say_how_it_ended(history: History, observer: Observer) -> None:
    endings = {
        "finished": None,
        "early": Said(f"stopped early: no better validation loss since epoch {history.best_epoch}"),
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


def _seconds(clock: dict[str, float], started: float, history: History) -> dict[str, float]:
    return {
        "before": clock["begin"] - started,
        "preparing": clock["prepared"] - clock["begin"],
        "baselines": clock["baselines"] - clock["prepared"],
        "training": history.seconds,
        "scoring": clock["scored"] - clock["trained"],
        "total": clock["scored"] - started,
    }


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


def _device(network: SequenceNetwork) -> torch.device:
    return next(network.parameters()).device
