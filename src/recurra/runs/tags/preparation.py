"""From examples to what the training loop reads: split, encoders fitted on the training part, batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recurra.data.batches import Batches
from recurra.data.examples import Examples
from recurra.data.labels import TargetEncoder
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.schema import Schema, Unusable
from recurra.errors import DataError, InputError
from recurra.networks.config import NetworkShape
from recurra.runs.events import Observer, Said
from recurra.runs.parts import fingerprint, hashes, split_parts
from recurra.runs.tags.config import TagFitOptions
from recurra.runs.tags.run import TagRun
from recurra.runs.tags.targets import StepTargets, encode_targets, fit_encoder
from recurra.tasks import counts_of
from recurra.tasks.settings import MACHINE
from recurra.tasks.tagging.settings import TagSettings, default_tag_settings
from recurra.tasks.tagging.task import TagTask
from recurra.training.device import settle


@dataclass(frozen=True)
class Prepared:
    """Everything that training needs, made from the data alone: the same for the same data and seed.

    Args:
        parts: the examples of "train", "validation" and "test".
        seen: training and validation part together, in their first order.
        inputs: the encoded sequences of each part.
        labels: their targets.
        training, validation: batches; None where there is no validation part.
        numbers, targets: the encoders.
        counts: training targets of each class, see `counts_of`.
        fingerprint: of all that training and validation read.
    """

    parts: dict[str, Examples]
    seen: Examples
    inputs: dict[str, Packed]
    labels: dict[str, StepTargets]
    training: Batches
    validation: Batches | None
    numbers: NumberEncoder
    targets: TargetEncoder
    counts: np.ndarray | None
    task: TagTask
    shape: NetworkShape
    settings: TagSettings
    fingerprint: str


def prepare(
    examples: Examples,
    schema: Schema,
    options: TagFitOptions,
    *,
    test: Examples | None,
    init: TagRun | None,
    observer: Observer,
) -> Prepared:
    """Split by sequences, fit the encoders on the training part, encode.

    Args:
        test: the test part, where it is not to be drawn from `examples`.
        init: a run whose scaling and settings are taken over.

    Raises:
        DataError, InputError: too few sequences, groups on two sides, or settings that do not fit.
    """
    if examples.sequences is None:
        raise DataError("expected numeric sequences with a target at every step, found texts")
    parts, seen = split_parts(
        examples,
        schema,
        seed=options.seed if options.split_seed is None else options.split_seed,
        validation=options.validation,
        test=options.test_share if test is None else test,
        observer=observer,
    )
    settings = _settings(parts, options, init)
    targets = fit_encoder(parts["train"], schema.classes or None)
    if not len(parts["validation"]):
        uncalibrated = "" if targets.kind == "real" else ", and probabilities are not calibrated"
        observer(Said(f"without a validation part the last weights are kept{uncalibrated}"))
    labels = {name: encode_targets(part, targets) for name, part in parts.items() if part.steps and len(part)}
    for name, found in labels.items():
        reason = f"a class that does not occur in the training part (in the {name} part)"
        if len(found.unlearned):
            for line in Unusable({reason: found.unlearned.tolist()}, "read, but not scored").lines():
                observer(Said(line, "warning"))
    train = parts["train"].sequences
    assert train is not None
    numbers = (
        init.numbers if init is not None else NumberEncoder.fit(train, parts["train"].rows, keep_flags=True)
    )
    inputs = {
        name: numbers.encode(part.sequences, part.rows)
        for name, part in parts.items()
        if part.sequences is not None and len(part)
    }
    sizes = settings.batches.model_dump()
    training = Batches(inputs["train"], labels["train"].encoded, seed=options.seed, **sizes)
    observer(
        Said(f"{len(training):,} batches an epoch; {training.padding_share():.1%} of their steps are padding")
    )
    ahead = "reads from both ends: the answer at a step knows what comes after it"
    if not settings.network.bidirectional:
        ahead = "reads forwards alone, as a stream does; --set network.bidirectional=true lets it look ahead"
    observer(Said(f"the network {ahead}"))
    counts = counts_of(targets, labels["train"].those_known)
    task = TagTask(targets, settings.task, counts)
    held = "validation" in inputs
    return Prepared(
        parts=parts,
        seen=seen,
        inputs=inputs,
        labels=labels,
        training=training,
        validation=Batches(inputs["validation"], labels["validation"].encoded, **sizes) if held else None,
        numbers=numbers,
        targets=targets,
        counts=counts,
        task=task,
        shape=NetworkShape(
            input="features",
            input_size=numbers.size,
            output_size=task.output_size,
            steps=max(1, int(train.lengths.max(initial=1))) if init is None else init.config.shape.steps,
        ),
        settings=settings,
        fingerprint=fingerprint(
            *(inputs[name] for name in ("train", "validation") if name in inputs),
            *(labels[name].encoded for name in ("train", "validation") if name in labels),
            *_raw(parts["test"]),
        ),
    )


def _settings(parts: dict[str, Examples], options: TagFitOptions, init: TagRun | None) -> TagSettings:
    """What was asked for, over the defaults for these data or the settings of the run to start from."""
    if init is None:
        train = parts["train"].sequences
        assert train is not None
        settings = default_tag_settings(train.lengths).changed(options.settings)
    else:
        settings = init.config.settings.changed(MACHINE | options.settings)
    if not len(parts["validation"]) and settings.task.threshold != "half":
        raise InputError(
            f"a threshold for {settings.task.threshold!r} is chosen on a validation part, and there is none",
            where="task.threshold",
            fix="Hold some sequences out (--validation 0.2), or leave the threshold at one half.",
        )
    return settings.model_copy(update={"training": settle(settings.training)})


def _raw(test: Examples) -> list[Packed]:
    """What stands in the test part."""
    contents = [] if test.sequences is None else [test.sequences]
    if test.steps is not None and test.steps.targets is not None:
        order = test.steps.in_order()
        contents.append(Packed.end_to_end(hashes(test.steps.targets[order]), test.steps.places.lengths))
    return contents
