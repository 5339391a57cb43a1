"""From images with captions to what the training loop reads: split, ids learned on the training part, batches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recurra.data.captions import CaptionBatches, CaptionSchema
from recurra.data.examples import Examples
from recurra.data.images.pixels import PixelEncoder, Pixels
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.parallel import PairCodec
from recurra.data.schema import Unusable
from recurra.errors import DataError, InputError
from recurra.networks.caption_network import CaptionShape
from recurra.runs.captions.config import CaptionFitOptions
from recurra.runs.captions.run import CaptionRun, captions_of
from recurra.runs.events import Observer, Said
from recurra.runs.parts import draw_split, fingerprint, hashes
from recurra.tasks.captioning.settings import CaptionSettings, default_caption_settings, measure_of
from recurra.tasks.settings import MACHINE
from recurra.training.device import settle


@dataclass(frozen=True)
class Prepared:
    """Everything that training needs, made from the data alone: the same for the same data and seed.

    Args:
        parts: the examples of "train", "validation" and "test".
        codec: from captions to ids and back.
        scaling: of pixels or numbers.
        training, validation: batches; None where there is no validation part.
        tokens: ids of each part's captions, ends included.
        fingerprint: of all that training, validation and scoring read.
    """

    parts: dict[str, Examples]
    codec: PairCodec
    scaling: NumberEncoder | PixelEncoder
    training: CaptionBatches
    validation: CaptionBatches | None
    tokens: dict[str, int]
    shape: CaptionShape
    settings: CaptionSettings
    fingerprint: str


def prepare(
    examples: Examples,
    schema: CaptionSchema,
    options: CaptionFitOptions,
    *,
    test: Examples | None,
    init: CaptionRun | None,
    observer: Observer,
) -> Prepared:
    """Split, learn ids from the captions of the training part, encode.

    Args:
        test: the test part, where it is not to be drawn from `examples`.
        init: a run whose ids, scaling and settings are taken over.

    Raises:
        DataError, InputError: too few examples, no caption short enough, or settings that do not fit.
    """
    parts = _split(examples, options, test, observer)
    form = schema.pixels
    image = None if form is None else (form.height, form.width, form.colours)
    settings, codec = _settings(parts, options, init, image, observer)
    train = _inputs(parts["train"])
    scaling = init.scaling if init is not None else fit_scaling(train)
    owned = {}
    for name in ("train", "validation"):
        said, owners = encode(parts[name], codec)
        short = said.lengths <= settings.tokens.longest
        if not short.all():
            rows = parts[name].rows[owners[~short]].tolist()
            long = {f"a caption of more than {settings.tokens.longest} ids ({name} part)": rows}
            for line in Unusable(long, "not learned from with it").lines():
                observer(Said(line, "warning"))
        owned[name] = said.take(np.flatnonzero(short)), owners[short]
    if not len(owned["train"][0]):
        raise DataError(
            f"every caption is longer than {settings.tokens.longest} ids",
            where="tokens.longest",
            fix="Raise it: --set tokens.longest=200.",
        )
    sizes = settings.batches.model_dump()
    inputs = {name: scaling.encode(_inputs(parts[name]), parts[name].rows) for name in owned}
    training = CaptionBatches(
        inputs["train"], *owned["train"], boundary=codec.boundary, seed=options.seed, **sizes
    )
    validation = None
    if len(owned["validation"][0]):
        validation = CaptionBatches(
            inputs["validation"], *owned["validation"], boundary=codec.boundary, **sizes
        )
    else:
        observer(Said("without a validation part the last weights are kept"))
    tokens = {name: int(said.lengths.sum()) + len(said) for name, (said, _) in owned.items()}
    said, _ = encode(parts["test"], codec)
    tokens["test"] = int(said.lengths.sum()) + len(said)
    level = {"word": "words", "subword": "subwords", "character": "characters"}[codec.target.level]
    typical = int(np.median(owned["train"][0].lengths))
    observer(Said(f"{codec.target.vocabulary_size:,} {level}; a caption has {typical} of them"))
    observer(Said(f"{len(training):,} batches an epoch, {tokens['train']:,} ids to foretell"))
    read = [each for name in owned for each in (inputs[name], owned[name][0]) if len(each)]
    return Prepared(
        parts=parts,
        codec=codec,
        scaling=scaling,
        training=training,
        validation=validation,
        tokens=tokens,
        shape=CaptionShape(input_size=scaling.size, image=image, output_size=codec.target_size),
        settings=settings,
        fingerprint=fingerprint(*read, hashes(_objects(captions_of(parts["test"])))),
    )


def encode(examples: Examples, codec: PairCodec) -> tuple[Packed, np.ndarray]:
    """All captions as ids without boundaries, and (M,) the place of the example that each belongs to."""
    captions = captions_of(examples)
    said = [codec.encode_target(caption) for each in captions for caption in each]
    owners = np.repeat(np.arange(len(captions)), [len(each) for each in captions])
    if not said:
        return Packed.end_to_end(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)), owners.astype(
            np.int64
        )
    return Packed.from_list(said), owners


def fit_scaling(inputs: Packed) -> NumberEncoder | PixelEncoder:
    """Learned from the training part alone."""
    return PixelEncoder.fit(inputs) if isinstance(inputs, Pixels) else NumberEncoder.fit(inputs)


def _inputs(examples: Examples) -> Packed:
    assert examples.sequences is not None
    return examples.sequences


def _split(
    examples: Examples, options: CaptionFitOptions, test: Examples | None, observer: Observer
) -> dict[str, Examples]:
    images = replace(examples, targets=None)
    split = draw_split(images, options, given=test is not None, observer=observer, stratify=False)
    return {
        "train": examples.take(split.train),
        "validation": examples.take(split.validation),
        "test": examples.take(split.test) if test is None else test,
    }


def _settings(
    parts: dict[str, Examples],
    options: CaptionFitOptions,
    init: CaptionRun | None,
    image: tuple[int, int, int] | None,
    observer: Observer,
) -> tuple[CaptionSettings, PairCodec]:
    """What was asked for over the defaults for these data, nothing left to them any more; and the ids."""
    learned = captions_of(parts["train"])
    if init is None:
        count = sum(map(len, learned))
        settings = default_caption_settings(count, image).changed(options.settings)
        codec = PairCodec.fit([], [c for each in learned for c in each], settings.tokens.for_codec())
    else:
        if kept := [
            name for name in options.settings if name.startswith("tokens.") and "longest" not in name
        ]:
            raise InputError("the ids are those of the run to start from", where=kept[0], fix="Leave it out.")
        if init.config.shape.image != image:
            before, now = init.config.shape.image or "vectors", image or "vectors"
            raise InputError(f"the run to start from reads {before}, the data has {now}", where="--init")
        settings, codec = init.config.settings.changed(MACHINE | options.settings), init.codec
    others = captions_of(parts["validation"]) or captions_of(parts["test"])
    measure, why = measure_of(settings.task.measure, learned, others)
    observer(Said(why))
    task = settings.task.model_copy(update={"measure": measure})
    return settings.model_copy(update={"task": task, "training": settle(settings.training)}), codec


def _objects(captions: list[tuple[str, ...]]) -> np.ndarray:
    found = np.empty(len(captions), dtype=object)
    found[:] = ["\n".join(each) for each in captions]
    return found
