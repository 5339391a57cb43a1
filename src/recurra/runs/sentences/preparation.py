"""From sentences to what the training loop reads: split, vocabulary and tags of the training part, batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recurra.data.batches import Batches
from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.sentences.collection import Sentences, objects
from recurra.data.sentences.definition import SentenceSchema
from recurra.data.sentences.schemes import Scheme
from recurra.data.sentences.vocabulary import EncodedSentences, Vocabulary
from recurra.data.sources.table import listed
from recurra.errors import DataError, InputError
from recurra.networks.sentence_network import SentenceShape
from recurra.runs.events import Observer, Said
from recurra.runs.parts import draw_split, fingerprint, hashes
from recurra.runs.sentences.config import SentenceFitOptions
from recurra.runs.sentences.run import SentenceRun
from recurra.runs.sentences.targets import encode_tags, learned_tags, told_of_strangers, true_tags
from recurra.tasks.sentences.settings import SentenceSettings, default_sentence_settings
from recurra.tasks.sentences.task import SentenceTask
from recurra.tasks.settings import MACHINE
from recurra.training.device import settle


@dataclass(frozen=True)
class Prepared:
    """Everything that training needs, made from the data alone: the same for the same data and seed.

    Args:
        parts: the sentences of "train", "validation" and "test".
        seen: training and validation part together, in their first order.
        truth: the tags of each part that has sentences, in the scheme of the data.
        encoded, targets: what the network reads of them, and is to give.
        training, validation: batches; None where there is no validation part.
        vocabulary: of the training part.
        tags: in the order of the network's outputs.
        learned_scheme: of these.
        fingerprint: of all that training and validation read.
    """

    parts: dict[str, Sentences]
    seen: Sentences
    truth: dict[str, list[list[str | None]]]
    encoded: dict[str, EncodedSentences]
    targets: dict[str, Packed]
    training: Batches
    validation: Batches | None
    vocabulary: Vocabulary
    tags: list[str]
    learned_scheme: Scheme | None
    task: SentenceTask
    shape: SentenceShape
    settings: SentenceSettings
    fingerprint: str


def prepare(
    sentences: Sentences,
    schema: SentenceSchema,
    options: SentenceFitOptions,
    *,
    test: Sentences | None,
    init: SentenceRun | None,
    observer: Observer,
) -> Prepared:
    """Split, learn words, characters and tags from the training part, encode.

    Args:
        test: the test part, where it is not to be drawn from `sentences`.
        init: a run whose vocabulary and settings are taken over.

    Raises:
        DataError, InputError: too few sentences, one tag only, or settings that do not fit.
    """
    parts, seen = _split(sentences, options, test, observer)
    settings = _settings(parts["train"], schema, options, init)
    asked = settings.task.scheme
    learned_scheme = schema.scheme if asked == "as found" or schema.scheme is None else asked
    truth = {name: true_tags(part, schema.scheme) for name, part in parts.items() if len(part)}
    learned = {name: learned_tags(tags, learned_scheme) for name, tags in truth.items()}
    names = sorted({tag for tags in learned["train"] for tag in tags if tag is not None})
    if len(names) < 2:
        raise DataError(
            f"expected two tags or more in the training part, found {listed(names) or 'none'}",
            fix="Check that the right column was taken for the tags (--target).",
        )
    vocabulary = init.vocabulary if init is not None else Vocabulary.fit(parts["train"], settings.words)
    encoded = {name: vocabulary.encode(part) for name, part in parts.items() if len(part)}
    targets = {name: encode_tags(tags, names) for name, tags in learned.items()}
    _tell(parts, truth, encoded, observer)
    sizes = settings.batches.model_dump()

    def batches(name: str) -> Batches:
        part = encoded[name]
        return Batches(part.kinds, targets[name], seed=options.seed, finish=part.finish, **sizes)

    training = batches("train")
    observer(
        Said(f"{len(training):,} batches an epoch; {training.padding_share():.1%} of their steps are padding")
    )
    marks_spans = schema.scheme is not None
    steps = max(1, int(parts["train"].words.lengths.max(initial=1)))
    return Prepared(
        parts=parts,
        seen=seen,
        truth=truth,
        encoded=encoded,
        targets=targets,
        training=training,
        validation=batches("validation") if "validation" in encoded else None,
        vocabulary=vocabulary,
        tags=names,
        learned_scheme=learned_scheme,
        task=SentenceTask(names, marks_spans=marks_spans),
        shape=SentenceShape(
            input_size=vocabulary.size,
            output_size=len(names),
            characters=vocabulary.characters_size,
            features=vocabulary.features_sizes,
            chain=settings.task.output == "crf",
            steps=steps if init is None else init.config.shape.steps,
        ),
        settings=settings,
        fingerprint=fingerprint(
            *(each for name, part in parts.items() if len(part) for each in _content(part, truth[name]))
        ),
    )


def _split(
    sentences: Sentences, options: SentenceFitOptions, test: Sentences | None, observer: Observer
) -> tuple[dict[str, Sentences], Sentences]:
    """Training, validation and test part, the same sentence never in two; and the first two together."""
    texts = objects("\x1f".join(sentences.words_of(n)) for n in range(len(sentences)))
    examples = Examples(texts, None, None, sentences.rows)
    split = draw_split(examples, options, given=test is not None, observer=observer)
    parts = {
        "train": sentences.take(split.train),
        "validation": sentences.take(split.validation),
        "test": sentences.take(split.test) if test is None else test,
    }
    return parts, sentences.take(np.sort(np.concatenate([split.train, split.validation])))


def _settings(
    train: Sentences, schema: SentenceSchema, options: SentenceFitOptions, init: SentenceRun | None
) -> SentenceSettings:
    """What was asked for, over the defaults for these data or the settings of the run to start from; nothing is left to
    be decided.
    """
    if init is None:
        settings = default_sentence_settings(train.words.lengths).changed(options.settings)
    else:
        if any(name.startswith("words.") for name in options.settings):
            raise InputError("the words are those of the run to start from", where="--init")
        settings = init.config.settings.changed(MACHINE | options.settings)
    task, words = settings.task, settings.words
    if task.output == "auto":
        task = task.model_copy(update={"output": "softmax" if schema.scheme is None else "crf"})
    if words.lowercase is None:
        words = words.model_copy(update={"lowercase": settings.network.characters != "none"})
    training = settle(settings.training)
    return settings.model_copy(update={"task": task, "words": words, "training": training})


def _tell(
    parts: dict[str, Sentences],
    truth: dict[str, list[list[str | None]]],
    encoded: dict[str, EncodedSentences],
    observer: Observer,
) -> None:
    """What the parts have that training does not hold."""
    known = {tag for tags in truth["train"] for tag in tags}
    for name in ("validation", "test"):
        if name not in truth:
            continue
        words = encoded[name].unseen()
        observer(
            Said(f"{words.mean():.1%} of the words of the {name} part do not stand in the training part")
        )
        strangers = [tag for tags in truth[name] for tag in tags if tag is not None and tag not in known]
        if strangers:
            observer(Said(told_of_strangers(strangers, f"the {name} part"), "warning"))
    if not len(parts["validation"]):
        observer(Said("without a validation part the last weights are kept"))


def _content(part: Sentences, truth: list[list[str | None]]) -> list[Packed | np.ndarray]:
    """What stands in a part, for its fingerprint."""
    tags = objects(str(tag) for each in truth for tag in each)
    known = [hashes(objects(str(value) for value in column)) for column in part.flat_features()]
    return [part.words.lengths, hashes(objects(part.flat_words())), hashes(tags), *known]
