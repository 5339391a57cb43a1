"""From examples to a run: split, encode, train, decide, score, write down."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from recurra import __version__
from recurra.data.batches import Batches
from recurra.data.examples import Examples
from recurra.data.labels import TargetEncoder
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.schema import Schema
from recurra.data.splits import make_split
from recurra.data.text import TextEncoder
from recurra.data.vectors import word_vectors
from recurra.errors import InputError, RunError
from recurra.networks.config import NetworkShape
from recurra.networks.inputs import TokenInput
from recurra.networks.sequence_network import SequenceNetwork, count_weights
from recurra.runs.budget import steps_within
from recurra.runs.config import FitOptions, RunConfig, read_config, write_config
from recurra.runs.events import Event, Observer, PhaseStarted, Said, ignore
from recurra.runs.run import HISTORY, Run, load
from recurra.runs.scoring import score_run
from recurra.storage import append_line, make_folder, write_bytes
from recurra.tasks import make_task
from recurra.tasks.baselines import run_baselines
from recurra.tasks.defaults import default_settings
from recurra.tasks.settings import Settings
from recurra.tasks.task import Task
from recurra.training.checkpoint import read_checkpoint
from recurra.training.loop import EpochRecord, History, seeded, train
from recurra.training.precision import resolve_precision

CHECKPOINT = "checkpoint"
BASELINES_SHARE = 0.1  # of a budget, for each baseline at most


@dataclass(frozen=True)
class Prepared:
    """Everything that training needs, made from the data alone: the same for the same data and seed."""

    inputs: Packed
    training: Batches
    validation: Batches
    validation_steps: int
    parts: dict[str, Examples]
    seen: Examples
    text: TextEncoder | None
    numbers: NumberEncoder | None
    targets: TargetEncoder
    task: Task
    shape: NetworkShape
    settings: Settings
    fingerprint: str


def fit(
    examples: Examples,
    schema: Schema,
    options: FitOptions,
    *,
    test: Examples | None = None,
    sources: list[str] | None = None,
    out: Path | None = None,
    resume: bool = False,
    started: float | None = None,
    observer: Observer = ignore,
) -> Run:
    """Train a network on `examples` and score it beside its baselines.

    Args:
        test: examples to score on; without them a part of `examples` is held out.
        sources: where the examples came from, for the record.
        out: the run folder; None keeps everything in memory.
        resume: go on from what is in `out`.
        started: `time.monotonic()` from which the budget counts.

    Raises:
        DataError, InputError: the data or the options cannot be used.
        RunError: `out` holds another training than the one to resume.
        TrainingError: the loss was not finite from the start.
    """
    started = time.monotonic() if started is None else started
    clock = {"begin": time.monotonic()}
    stored = _stored_config(out, options) if resume and out is not None else None
    init = load(options.init) if options.init else None

    observer(PhaseStarted("Preparing the data"))
    with seeded(options.seed):
        prepared = prepare(examples, schema, options, test=test, init=init, observer=observer)
        network = SequenceNetwork(prepared.settings.network, prepared.shape)
        going_on = resume and out is not None and (out / CHECKPOINT).exists()
        if init is None and not going_on:
            _start_from_vectors(network, prepared, options.seed)
    if stored is not None and stored.fingerprint != prepared.fingerprint:
        raise RunError(
            "the data is not the data that this training began with",
            where=str(out),
            fix="Give the same files, or start again with --overwrite.",
        )
    if init is not None:
        _start_from(network, init, observer)
    clock["prepared"] = time.monotonic()

    baselines = []
    held_out = prepared.parts["test"]
    if options.baselines and len(held_out):
        observer(PhaseStarted("Fitting the baselines"))
        baselines = run_baselines(
            prepared.seen,
            held_out,
            prepared.targets.classes or None,
            class_weight=prepared.settings.task.class_weight,
            seed=options.seed,
            time_limit_s=60.0 if options.budget_s is None else BASELINES_SHARE * options.budget_s,
        )
        for result in baselines:
            score = result.scores[0]
            observer(Said(f"{result.name}: {score.name} {score.value:.4g} in {result.seconds:.1f} s"))
    clock["baselines"] = time.monotonic()

    task = prepared.task
    config = stored or _new_config(prepared, schema, options, sources or [])
    if out is not None:
        make_folder(out)
        write_config(out, config)
    total_steps = config.total_steps
    deadline = None if options.budget_s is None else started + 0.97 * options.budget_s
    if total_steps is None:
        total_steps = config.settings.training.epochs * len(prepared.training)
        if deadline is not None:
            observer(PhaseStarted("Measuring the time of a step"))
            total_steps = steps_within(
                deadline - time.monotonic(),
                network,
                task,
                prepared.training,
                config.settings.training,
                seed=options.seed,
                validation_steps=prepared.validation_steps,
                final_steps=prepared.validation_steps + int(_raw_lengths(held_out).sum()),
            )
        config = config.model_copy(update={"total_steps": total_steps})
        if out is not None:
            write_config(out, config)

    observer(PhaseStarted("Training"))
    with _threads(config.settings.training.threads), seeded(options.seed):
        history = train(
            network,
            task,
            prepared.training,
            prepared.validation,
            config.settings.training,
            total_steps=total_steps,
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
            "total_steps": total_steps,
            "padding_share": prepared.training.padding_share(),
            "weights": count_weights(network),
        },
        "seconds": _seconds(clock, started, history),
    }
    if out is not None:
        run.write(out)
    return run


def prepare(
    examples: Examples,
    schema: Schema,
    options: FitOptions,
    *,
    test: Examples | None = None,
    init: Run | None = None,
    observer: Observer = ignore,
) -> Prepared:
    """Split, fit the encoders on the training part, encode.

    Raises:
        DataError, InputError: too few examples, or settings that do not fit.
    """
    split = make_split(
        examples,
        seed=options.seed,
        validation=options.validation,
        test=None if test is not None else options.test,
    )
    for note in split.notes:
        observer(Said(note))
    parts = {
        "train": examples.take(split.train),
        "validation": examples.take(split.validation),
        "test": test if test is not None else examples.take(split.test),
    }
    training = parts["train"]
    overrides = dict(options.settings)
    cell = overrides.get("network.cell")
    kind = "tokens" if schema.input == "text" else "features"
    text = numbers = None
    if init is not None:
        _check_init(init, kind)
        settings = init.config.settings.changed(overrides)
        text, numbers = init.text, init.numbers
    else:
        settings = default_settings(kind, _raw_lengths(training), cell).changed(overrides)
    if kind == "tokens":
        assert training.texts is not None
        text = text or TextEncoder.fit(training.texts, settings.text)
        encoded = {name: text.encode(part.texts) for name, part in parts.items() if part.texts is not None}
        size = text.vocabulary_size
    else:
        assert training.sequences is not None
        numbers = numbers or NumberEncoder.fit(training.sequences)
        encoded = {
            n: numbers.encode(p.sequences)
            for n, p in parts.items()
            if n != "test" and p.sequences is not None
        }
        size = numbers.size
    assert training.targets is not None
    targets = TargetEncoder.fit(training.targets, classes=schema.classes or None)
    y = {name: targets.encode(parts[name].targets, parts[name].rows) for name in ("train", "validation")}
    settings = settings.model_copy(
        update={
            "training": settings.training.model_copy(
                update={
                    "precision": resolve_precision(settings.training.precision, torch.device("cpu")),
                    "threads": settings.training.threads or torch.get_num_threads(),
                }
            )
        }
    )
    task = make_task(targets, settings.task, y["train"])
    return Prepared(
        inputs=encoded["train"],
        training=Batches(encoded["train"], y["train"], seed=options.seed, **settings.batches.model_dump()),
        validation=Batches(encoded["validation"], y["validation"], **settings.batches.model_dump()),
        validation_steps=int(encoded["validation"].lengths.sum()),
        parts=parts,
        seen=examples.take(np.sort(np.concatenate([split.train, split.validation]))),
        text=text,
        numbers=numbers,
        targets=targets,
        shape=NetworkShape(input=kind, input_size=size, output_size=task.output_size),
        task=task,
        settings=settings,
        fingerprint=fingerprint(encoded, y),
    )


def fingerprint(encoded: dict[str, Packed], targets: dict[str, np.ndarray]) -> str:
    """A hash of all that training and validation read: resuming on other data is refused."""
    digest = hashlib.blake2b(digest_size=16)
    for name in ("train", "validation"):
        for array in (encoded[name].values, encoded[name].offsets, targets[name]):
            digest.update(str((array.shape, array.dtype)).encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


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
    if not (out / "config.json").exists():
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


def _check_init(init: Run, kind: str) -> None:
    if init.config.shape.input != kind:
        raise InputError(
            f"the run to start from reads {init.config.shape.input}, the data has {kind}", where="--init"
        )


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
    records = [] if kept is None else kept.progress["records"]
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
            f"interrupted at step {history.steps}; the run holds the weights of epoch {history.best_epoch} "
            "(go on with --resume)",
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


def _raw_lengths(examples: Examples) -> np.ndarray:
    """Steps of numeric sequences; of texts, about the number of words."""
    if examples.sequences is not None:
        return examples.sequences.lengths
    assert examples.texts is not None
    return np.array([len(text) for text in examples.texts]) / 5


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
