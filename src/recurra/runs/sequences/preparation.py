"""From examples to what the training loop reads: split, encoders fitted on the training part, batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from recurra.data.batches import Batches
from recurra.data.examples import Examples
from recurra.data.images.pixels import PixelEncoder, Pixels
from recurra.data.labels import TargetEncoder
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.pairs import common_pairs
from recurra.data.schema import Schema, Unusable
from recurra.data.text import TextEncoder
from recurra.errors import InputError
from recurra.networks.config import NetworkShape
from recurra.networks.inputs import TokenInput
from recurra.runs.events import Observer, Said, ignore
from recurra.runs.parts import fingerprint, hashes, split_parts
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.run import SequenceRun
from recurra.tasks import counts_of, make_task
from recurra.tasks.defaults import default_settings
from recurra.tasks.settings import MACHINE, Settings
from recurra.tasks.task import Task
from recurra.training.device import settle


@dataclass(frozen=True)
class Prepared:
    """Everything that training needs, made from the data alone: the same for the same data and seed.

    Args:
        parts: the examples of "train", "validation" and "test".
        seen: training and validation part together, in their first order.
        inputs: the encoded training part.
        training, validation: its batches, and those of the validation part; None where there is none.
        validation_steps: valid steps in the validation part.
        pairs: (P,) codes of the pairs of tokens that have a vector (text only).
        text, numbers, targets: the encoders.
        counts: training targets of each class, see `counts_of`.
        fingerprint: of all that training and validation read.
    """

    parts: dict[str, Examples]
    seen: Examples
    inputs: Packed
    training: Batches
    validation: Batches | None
    validation_steps: int
    pairs: np.ndarray
    text: TextEncoder | None
    numbers: NumberEncoder | PixelEncoder | None
    targets: TargetEncoder
    counts: np.ndarray | None
    task: Task
    shape: NetworkShape
    settings: Settings
    fingerprint: str


def prepare(
    examples: Examples,
    schema: Schema,
    options: SequenceFitOptions,
    *,
    test: Examples | None = None,
    init: SequenceRun | None = None,
    observer: Observer = ignore,
) -> Prepared:
    """Split, fit the encoders on the training part, encode.

    Args:
        test: the test part, where it is not to be drawn from `examples`.
        init: a run whose encoders and settings are taken over.

    Raises:
        DataError, InputError: too few examples, groups on two sides, or settings that do not fit.
    """
    parts, seen = split_parts(
        examples,
        schema,
        seed=options.seed if options.split_seed is None else options.split_seed,
        validation=options.validation,
        test=options.test_share if test is None else test,
        observer=observer,
    )
    form = schema.pixels
    image = (form.height, form.width, form.colours) if form is not None and form.whole_images else None
    kind = "tokens" if schema.input == "text" else "features" if image is None else "images"
    settings = _settings(parts, options, init, kind, image)
    targets = TargetEncoder.fit(
        _targets(parts["train"]), classes=schema.classes or None, rows=parts["train"].rows
    )
    if not len(parts["validation"]):
        uncalibrated = "" if targets.kind == "real" else ", and probabilities are not calibrated"
        observer(Said(f"without a validation part the last weights are kept{uncalibrated}"))
    for name in ("validation", "test"):
        parts[name] = _of_known_classes(parts[name], targets, name, observer)
    seen = _of_known_classes(seen, targets, "validation", ignore)  # told above
    y = {name: targets.encode(_targets(parts[name]), parts[name].rows) for name in ("train", "validation")}
    counts = counts_of(targets, y["train"])
    task = make_task(targets, settings.task, counts)

    text = numbers = None
    pairs = np.zeros(0, dtype=np.int64)
    if kind == "tokens":
        text = init.text if init is not None else TextEncoder.fit(_texts(parts["train"]), settings.text)
        assert text is not None
        inputs, cut = text.encode_counting(_texts(parts["train"]))
        validation = text.encode(_texts(parts["validation"]))
        size = text.vocabulary_size
        known = _pairs_of(init, settings)
        pairs = common_pairs(inputs, size, settings.network.pairs) if known is None else known
        _tell_of_texts(text, len(inputs), cut, len(pairs), observer)
    else:
        train, held = parts["train"], parts["validation"]
        assert train.sequences is not None and held.sequences is not None
        numbers = init.numbers if init is not None else _scaling(train)
        assert numbers is not None
        inputs = numbers.encode(train.sequences, train.rows)
        validation = numbers.encode(held.sequences, held.rows)
        size = numbers.size
    sizes = settings.batches.model_dump()
    training = Batches(inputs, y["train"], seed=options.seed, **sizes)
    observer(
        Said(f"{len(training):,} batches an epoch; {training.padding_share():.1%} of their steps are padding")
    )
    return Prepared(
        parts=parts,
        seen=seen,
        inputs=inputs,
        training=training,
        validation=Batches(validation, y["validation"], **sizes) if len(validation) else None,
        validation_steps=int(validation.lengths.sum()),
        pairs=pairs,
        text=text,
        numbers=numbers,
        targets=targets,
        counts=counts,
        task=task,
        shape=NetworkShape(
            input=kind,
            input_size=size,
            output_size=task.output_size,
            image=image,
            pairs=len(pairs),
            steps=max(1, int(inputs.lengths.max(initial=1))) if init is None else init.config.shape.steps,
        ),
        settings=settings,
        fingerprint=fingerprint(inputs, validation, *y.values(), *_raw(parts["test"])),
    )


def _of_known_classes(part: Examples, targets: TargetEncoder, name: str, observer: Observer) -> Examples:
    """The part without examples of classes that do not occur in training; they are counted and told."""
    if targets.kind not in ("binary", "multiclass") or part.targets is None or not len(part):
        return part
    known = np.isin(part.targets.astype(str), [str(each) for each in targets.classes])
    if not known.all():
        reason = f"a class that does not occur in the training part (in the {name} part)"
        for line in Unusable({reason: part.rows[~known].tolist()}).lines():
            observer(Said(line, "warning"))
    return part.take(np.flatnonzero(known))


def _settings(
    parts: dict[str, Examples],
    options: SequenceFitOptions,
    init: SequenceRun | None,
    kind: Literal["tokens", "features", "images"],
    image: tuple[int, int, Any] | None,
) -> Settings:
    """What was asked for, over the defaults for these data or the settings of the run to start from."""
    if init is None:
        settings = default_settings(kind, raw_lengths(parts["train"]), image).changed(options.settings)
    else:
        _check_init(init, kind, options)
        settings = init.config.settings.changed(MACHINE | options.settings)
    if not len(parts["validation"]) and settings.task.threshold != "half":
        raise InputError(
            f"a threshold for {settings.task.threshold!r} is chosen on a validation part, and there is none",
            where="task.threshold",
            fix="Hold some examples out (--validation 0.2), or leave the threshold at one half.",
        )
    return settings.model_copy(update={"training": settle(settings.training)})


def _scaling(train: Examples) -> NumberEncoder | PixelEncoder:
    """Learned from the training part alone."""
    assert train.sequences is not None
    if isinstance(train.sequences, Pixels):
        return PixelEncoder.fit(train.sequences)
    return NumberEncoder.fit(train.sequences, train.rows)


def _tell_of_texts(text: TextEncoder, count: int, cut: int, pairs: int, observer: Observer) -> None:
    told = f"; {pairs:,} pairs of neighbours" if pairs else ""
    observer(Said(f"{text.vocabulary_size:,} different {text.level}s; padding and unknown among them{told}"))
    if cut:
        observer(
            Said(
                f"{cut:,} of {count:,} training texts are longer than {text.max_steps} {text.level}s: "
                "their head and tail are read"
            )
        )


def _pairs_of(init: SequenceRun | None, settings: Settings) -> np.ndarray | None:
    """The pairs that the run to start from has vectors of; None where they are to be counted anew."""
    if init is None or init.config.settings.network.pairs != settings.network.pairs:
        return None
    assert isinstance(init.network.input, TokenInput)
    return init.network.input.pair_codes.numpy() if init.network.input.pairs else np.zeros(0, np.int64)


def raw_lengths(examples: Examples) -> np.ndarray:
    """(N,) steps of numeric sequences; of texts, about the number of words."""
    if examples.sequences is not None:
        return examples.sequences.lengths
    return np.array([len(text) for text in _texts(examples)]) / 5


def _texts(examples: Examples) -> np.ndarray:
    assert examples.texts is not None
    return examples.texts


def _targets(examples: Examples) -> np.ndarray:
    assert examples.targets is not None
    return examples.targets


def _raw(examples: Examples) -> list[Packed | np.ndarray]:
    """What stands in the examples, as numbers to hash."""
    contents: list[Packed | np.ndarray] = [
        hashes(array) for array in (examples.texts, examples.targets) if array is not None
    ]
    if examples.sequences is not None:
        contents.append(examples.sequences)
    return contents


def _check_init(init: SequenceRun, kind: str, options: SequenceFitOptions) -> None:
    if init.config.shape.input != kind:
        raise InputError(
            f"the run to start from reads {init.config.shape.input}, the data has {kind}", where="--init"
        )
    if own := sorted(name for name in options.settings if name.startswith("text.")):
        raise InputError(
            f"{own[0]} cannot be set: the words are those of the run to start from", where="--init"
        )
