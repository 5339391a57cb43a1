"""From pairs of texts to what the training loop reads: split, ids learned on the training part, batches."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.parallel import PairBatches, PairCodec
from recurra.data.schema import Unusable
from recurra.errors import DataError, InputError
from recurra.networks.config import NetworkShape
from recurra.networks.encoders import RECURRENT
from recurra.runs.events import Observer, Said
from recurra.runs.pairs.config import PairFitOptions
from recurra.runs.pairs.run import PairRun
from recurra.runs.parts import draw_split, fingerprint, hashes
from recurra.tasks.settings import MACHINE
from recurra.tasks.translation.scores import words_of
from recurra.tasks.translation.settings import PairSettings, default_pair_settings, measure_of, usual_limit
from recurra.training.device import settle

_MOST_VALIDATION = 2_000  # pairs that every epoch is measured on, where nobody says how many
_VALIDATION_SHARE = 0.1
_LOOKED_AT = 2_000  # pairs whose lengths say what is usual


@dataclass(frozen=True)
class Prepared:
    """Everything that training needs, made from the data alone: the same for the same data and seed.

    Args:
        parts: the pairs of "train", "validation" and "test".
        codec: from texts to ids and back.
        training, validation: batches; None where there is no validation part.
        tokens: ids of each part's targets, ends included.
        fingerprint: of all that training, validation and scoring read.
    """

    parts: dict[str, Examples]
    codec: PairCodec
    training: PairBatches
    validation: PairBatches | None
    tokens: dict[str, int]
    shape: NetworkShape
    settings: PairSettings
    fingerprint: str


def prepare(
    examples: Examples,
    options: PairFitOptions,
    *,
    test: Examples | None,
    init: PairRun | None,
    observer: Observer,
) -> Prepared:
    """Split, learn ids from the training part, encode.

    Args:
        test: the test part, where it is not to be drawn from `examples`.
        init: a run whose ids and settings are taken over.

    Raises:
        DataError, InputError: too few pairs, none short enough, or settings that do not fit.
    """
    parts = _split(examples, options, test, observer)
    codec, settings = _codec(parts["train"], options, init)
    if init is None:
        settings = _limited(settings, parts["train"], codec, options)
    longest = settings.tokens.longest_source, settings.tokens.longest_target
    sides, cut = {}, 0
    for name in ("train", "validation"):
        sources, targets, shortened = encode(parts[name], codec, longest[0])
        cut += shortened
        short = targets.lengths <= longest[1]
        if not short.all():
            long = {
                f"a target of more than {longest[1]} ids ({name} part)": parts[name].rows[~short].tolist()
            }
            for line in Unusable(long, "not learned from").lines():
                observer(Said(f"{line} (--set tokens.longest_target={2 * longest[1]} takes more)", "warning"))
        kept = np.flatnonzero(short)
        parts[name] = parts[name].take(kept)
        sides[name] = sources.take(kept), targets.take(kept)
    if not len(parts["train"]):
        raise DataError(
            f"every target is longer than {longest[1]} ids",
            where="tokens.longest_target",
            fix="Raise it: --set tokens.longest_target=500.",
        )
    if cut:
        observer(
            Said(
                f"{cut:,} sources are longer than {longest[0]} ids: what stands behind them is not read "
                f"(--set tokens.longest_source={2 * longest[0]} reads more)",
                "warning",
            )
        )
    tokens = {name: int(targets.lengths.sum()) + len(targets) for name, (_, targets) in sides.items()}
    settings = _settled(settings, parts["train"], tokens["train"], options, init, observer)
    _tell(codec, settings, sides["train"], observer)
    sizes = settings.batches.model_dump()
    training = PairBatches(*sides["train"], boundary=codec.boundary, seed=options.seed, **sizes)
    validation = None
    if len(parts["validation"]):
        validation = PairBatches(*sides["validation"], boundary=codec.boundary, **sizes)
    else:
        observer(Said("without a validation part the last weights are kept"))
    observer(Said(f"{len(training):,} batches an epoch, {tokens['train']:,} ids to foretell"))
    lengths = sides["train"][0].lengths
    read = [packed for name in ("train", "validation") if len(parts[name]) for packed in sides[name]]
    return Prepared(
        parts=parts,
        codec=codec,
        training=training,
        validation=validation,
        tokens=tokens | {"test": _test_tokens(parts["test"], codec)},
        shape=NetworkShape(
            input="tokens",
            input_size=codec.source_size,
            output_size=codec.target_size,
            steps=max(1, int(lengths.max())) if init is None else init.config.shape.steps,
        ),
        settings=settings,
        fingerprint=fingerprint(*read, *(hashes(side) for side in _texts(parts["test"]))),
    )


def encode(examples: Examples, codec: PairCodec, longest_source: int) -> tuple[Packed, Packed, int]:
    """Sources, cut to so many ids and their end, targets without boundaries, and how many sources were cut."""
    texts, targets = _texts(examples)
    whole = [codec.encode_source(text) for text in texts]
    end = np.array([codec.source_size - 1], dtype=np.int32)
    sources = [
        ids if len(ids) <= longest_source + 1 else np.append(ids[:longest_source], end) for ids in whole
    ]
    cut = sum(len(ids) > longest_source + 1 for ids in whole)
    return Packed.from_list(sources), Packed.from_list([codec.encode_target(text) for text in targets]), cut


def _texts(examples: Examples) -> tuple[np.ndarray, np.ndarray]:
    assert examples.texts is not None and examples.targets is not None
    return examples.texts, examples.targets


def _split(
    examples: Examples, options: PairFitOptions, test: Examples | None, observer: Observer
) -> dict[str, Examples]:
    """All pairs of one source stay on one side."""
    validation, count = options.validation, len(examples)
    if validation is None and _VALIDATION_SHARE * count > _MOST_VALIDATION:
        validation = _MOST_VALIDATION / count
    texts = replace(examples, targets=None)  # a target is no class of which each part should have some
    split = draw_split(texts, options, given=test is not None, observer=observer, validation=validation)
    return {
        "train": examples.take(split.train),
        "validation": examples.take(split.validation),
        "test": examples.take(split.test) if test is None else test,
    }


def _codec(train: Examples, options: PairFitOptions, init: PairRun | None) -> tuple[PairCodec, PairSettings]:
    """Ids, and the settings as far as these are needed for them."""
    if init is None:
        settings = PairSettings().changed(options.settings)
        sources, targets = _texts(train)
        return PairCodec.fit(sources.tolist(), targets.tolist(), settings.tokens), settings
    kept = [name for name in options.settings if name.startswith("tokens.") and "longest" not in name]
    if kept:
        raise InputError("the ids are those of the run to start from", where=kept[0], fix="Leave it out.")
    return init.codec, init.config.settings.changed(MACHINE | options.settings)


def _limited(
    settings: PairSettings, train: Examples, codec: PairCodec, options: PairFitOptions
) -> PairSettings:
    """With limits of length for these texts, where none were asked for: of summaries they are longer."""
    some = np.linspace(0, len(train) - 1, min(len(train), _LOOKED_AT)).astype(np.int64)
    sources, targets = (side[some].tolist() for side in _texts(train))
    lengths = {
        "longest_source": [len(codec.encode_source(text)) - 1 for text in sources],
        "longest_target": [len(codec.encode_target(text)) for text in targets],
    }
    limits = {
        name: usual_limit(np.array(found))
        for name, found in lengths.items()
        if f"tokens.{name}" not in options.settings
    }
    return settings.model_copy(update={"tokens": settings.tokens.model_copy(update=limits)})


def _settled(
    settings: PairSettings,
    train: Examples,
    tokens: int,
    options: PairFitOptions,
    init: PairRun | None,
    observer: Observer,
) -> PairSettings:
    """What was asked for over the defaults for these data; nothing of it left to them any more."""
    if init is None:
        tokens_config = settings.tokens
        settings = default_pair_settings(len(train), tokens).changed(options.settings)
        settings = settings.model_copy(update={"tokens": tokens_config})
    sources, targets = (side.tolist() for side in _texts(train))
    measure, why = measure_of(settings.task.measure, sources, targets)
    observer(Said(why))
    words = words_of(measure, settings.task.tokenize, targets)
    task = settings.task.model_copy(update={"measure": measure, "tokenize": words})
    return settings.model_copy(update={"task": task, "training": settle(settings.training)})


def _tell(codec: PairCodec, settings: PairSettings, sides: tuple[Packed, Packed], observer: Observer) -> None:
    level = {"word": "words", "subword": "subwords", "character": "characters"}[codec.source.level]
    if codec.shared:
        vocabulary = f"{codec.source.vocabulary_size:,} {level} of both sides"
    else:
        vocabulary = f"{codec.source.vocabulary_size:,} {level} of sources, {codec.target.vocabulary_size:,} of targets"
    typical, longest = zip(*((int(np.median(s.lengths)), int(s.lengths.max())) for s in sides), strict=True)
    observer(
        Said(
            f"{vocabulary}; a source has {typical[0]} of them (the longest {longest[0]}), a target {typical[1]} "
            f"(the longest {longest[1]})"
        )
    )
    network = settings.network
    if network.cell not in RECURRENT:
        observer(Said(f"a {network.cell_name} reads the source; a recurrent layer, a GRU, writes the target"))


def _test_tokens(test: Examples, codec: PairCodec) -> int:
    return sum(len(codec.encode_target(text)) + 1 for text in _texts(test)[1].tolist()) if len(test) else 0
