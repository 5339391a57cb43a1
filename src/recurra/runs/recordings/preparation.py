"""From sequences with texts to what the training loop reads: split, alphabet, scaling, batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recurra.data.audio.config import AudioConfig
from recurra.data.examples import Examples
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.sources.table import listed
from recurra.data.transcripts.alphabet import Alphabet, steps_needed
from recurra.data.transcripts.augmentation import Augmentation
from recurra.data.transcripts.batches import TranscriptBatches
from recurra.data.transcripts.definition import TranscriptSchema
from recurra.data.transcripts.reading import usual_voice, without_voices
from recurra.errors import DataError, InputError
from recurra.networks.config import NetworkShape
from recurra.networks.transcription_network import joined_steps
from recurra.runs.events import Observer, Said
from recurra.runs.parts import fingerprint, hashes, split_parts
from recurra.runs.recordings.config import RecordingFitOptions
from recurra.runs.recordings.run import RecordingRun
from recurra.tasks.settings import MACHINE
from recurra.tasks.transcription.settings import TranscriptionSettings, default_transcription_settings
from recurra.tasks.transcription.task import TranscriptionTask
from recurra.training.device import settle

_REPEATED = 10  # texts each come so often on average where the split takes care of all of them
_FEW = 1000  # words that are all that is written
_SCALED_FROM = 500_000  # steps at most
_NAMED = 5


@dataclass(frozen=True)
class Prepared:
    """Everything that training needs, made from the data alone: the same for the same data and seed.

    Args:
        parts: the examples of "train", "validation" and "test".
        seen: training and validation part together, in their first order.
        texts: of each part, plain.
        training, validation: batches; None where there is no validation part.
        numbers: the scaling.
        targets: the alphabet.
        steps: of all sequences of each part.
        fingerprint: of all that training and validation read.
    """

    parts: dict[str, Examples]
    seen: Examples
    texts: dict[str, list[str]]
    training: TranscriptBatches
    validation: TranscriptBatches | None
    numbers: NumberEncoder
    targets: Alphabet
    task: TranscriptionTask
    shape: NetworkShape
    settings: TranscriptionSettings
    steps: dict[str, int]
    fingerprint: str


def prepare(
    examples: Examples,
    schema: TranscriptSchema,
    options: RecordingFitOptions,
    *,
    names: list[str],
    audio: AudioConfig | None,
    test: Examples | None,
    init: RecordingRun | None,
    observer: Observer,
) -> Prepared:
    """Split, learn alphabet and scaling from the training part, leave out what cannot be learned.

    Args:
        names: of the rows of the source, for messages.
        audio: how sound was read. Where it tells speakers apart, the recordings of one in each part are taken together:
            what a test part is scored with is known when it is read alone, too.
        test: the test part, where it is not to be drawn from `examples`.
        init: a run whose alphabet, scaling and settings are taken over.

    Raises:
        DataError, InputError: too few sequences, or settings that do not fit.
    """
    assert examples.targets is not None
    parts, seen = split_parts(
        examples,
        schema,
        seed=options.seed if options.split_seed is None else options.split_seed,
        validation=options.validation,
        test=options.test_share if test is None else test,
        stratify=_REPEATED * len(set(examples.targets.tolist())) <= len(examples),
        observer=observer,
    )
    if audio is not None and audio.centre == "speaker":
        if audio.usual_voice is None:
            audio = audio.model_copy(update={"usual_voice": usual_voice(parts["train"])})
        parts = {name: without_voices(part, audio) for name, part in parts.items()}
        seen = without_voices(seen, audio)
    alphabet = _alphabet(parts["train"], options, init, observer)
    texts = {name: [alphabet.plain(text) for text in _texts(part)] for name, part in parts.items()}
    _say_unknown(alphabet, texts, observer)
    encoded = {name: [alphabet.encode(text) for text in found] for name, found in texts.items()}
    needed = {
        name: np.array([steps_needed(each) for each in found], dtype=np.int64)
        for name, found in encoded.items()
    }
    settings = _settings(parts["train"], needed["train"], schema, options, audio, init)
    settings = _with_known_texts(settings, alphabet, texts["train"], options, init, observer)
    train = _sequences(parts["train"])
    numbers = init.numbers if init is not None else _scaling(train, keep_flags=schema.input == "numbers")
    if numbers.channels != train.channels:
        raise DataError(
            f"expected {numbers.channels} features a step as the run to start from has, found {train.channels}",
            where="--init",
        )
    if not len(parts["validation"]):
        observer(Said("without a validation part the last weights are kept"))
    sizes = settings.batches.model_dump()
    augmentation = Augmentation(
        settings.augment, sound=schema.input == "sound", centred=audio.centred if audio else "none"
    )
    batches: dict[str, TranscriptBatches] = {}
    for name in ("train", "validation"):
        sequences = _sequences(parts[name])
        enough = joined_steps(sequences.lengths, settings.network) >= needed[name]
        _say_too_short(parts[name], enough, names, name, observer)
        if name == "train" and not enough.any():
            raise DataError(
                "no sequence has as many steps as its text needs",
                fix="Join fewer steps (--set network.segment=1), or write words (--set transcript.level=word).",
            )
        if not enough.any():
            continue
        kept = np.flatnonzero(enough)
        training = name == "train"
        batches[name] = TranscriptBatches(
            sequences.take(kept),
            Packed.from_list([encoded[name][n] for n in kept]),
            numbers,
            augmentation=augmentation if training else None,
            joined=settings.network.joined,
            between=alphabet.between,
            seed=options.seed if training else 0,
            **sizes,
        )
    observer(
        Said(
            f"{len(batches['train']):,} batches an epoch; {settings.network.joined} steps are joined into one; "
            + (
                "the network reads each of them by itself"
                if settings.network.cell == "feedforward"
                else "the network reads from both ends (--set network.bidirectional=false: as a stream does)"
                if settings.network.bidirectional
                else "the network reads forwards alone, as a stream does"
            )
        )
    )
    task = TranscriptionTask(alphabet)
    return Prepared(
        parts=parts,
        seen=seen,
        texts=texts,
        training=batches["train"],
        validation=batches.get("validation"),
        numbers=numbers,
        targets=alphabet,
        task=task,
        shape=NetworkShape(
            input="features",
            input_size=numbers.size,
            output_size=task.output_size,
            steps=max(1, int(train.lengths.max(initial=1))) if init is None else init.config.shape.steps,
        ),
        settings=settings,
        steps={name: int(_sequences(part).lengths.sum()) for name, part in parts.items()},
        fingerprint=fingerprint(
            *(
                array
                for name, part in parts.items()
                for array in (
                    hashes(np.array(part.inputs(), dtype=object)),
                    hashes(np.array(texts[name], dtype=object)),
                )
            )
        ),
    )


def _sequences(part: Examples) -> Packed:
    assert part.sequences is not None
    return part.sequences


def _texts(part: Examples) -> list[str]:
    return [] if part.targets is None else part.targets.tolist()


def _alphabet(
    train: Examples, options: RecordingFitOptions, init: RecordingRun | None, observer: Observer
) -> Alphabet:
    """Learned from the training texts, or that of the run to start from."""
    if init is not None:
        if any(name.startswith("transcript.") for name in options.settings):
            raise InputError("the tokens are those of the run to start from", where="--init")
        return init.alphabet
    config = TranscriptionSettings().changed(options.settings).transcript
    texts = _texts(train)
    alphabet = Alphabet.fit(texts, config)
    shown = ["blank space" if token == " " else token for token in alphabet.tokens]
    what = "characters" if config.level == "character" else "words"
    observer(Said(f"{len(alphabet)} different {what} are written: {listed(shown, 40)}"))
    if config.lower and any(text != text.lower() for text in texts):
        observer(Said("texts are read and written in lower case (--set transcript.lower=false: as they are)"))
    return alphabet


def _settings(
    train: Examples,
    needed: np.ndarray,
    schema: TranscriptSchema,
    options: RecordingFitOptions,
    audio: AudioConfig | None,
    init: RecordingRun | None,
) -> TranscriptionSettings:
    """What was asked for, over the defaults for these data or the settings of the run to start from."""
    if init is None:
        sound = schema.input == "sound"
        defaults = default_transcription_settings(_sequences(train).lengths, needed, sound=sound)
        settings = defaults.changed(options.settings)
    else:
        settings = init.config.settings.changed(MACHINE | options.settings)
    update = {"training": settle(settings.training)}
    return settings.model_copy(update=update if audio is None else update | {"audio": audio})


def _with_known_texts(
    settings: TranscriptionSettings,
    alphabet: Alphabet,
    texts: list[str],
    options: RecordingFitOptions,
    init: RecordingRun | None,
    observer: Observer,
) -> TranscriptionSettings:
    """With the texts that alone may be written: those asked for, else those of training if these are few words."""
    said = options.settings | ({} if init is None else init.config.options.settings)
    asked = settings.decoding.only if "decoding.only" in said else None
    if asked is None:
        only = sorted(set(texts))
        repeated = 1 < len(only) <= _FEW and _REPEATED * len(only) <= len(texts)
        if options.lm is not None or not repeated or any(" " in text for text in only):
            only = []
        else:
            observer(
                Said(
                    f"one of the {len(only)} words of the training part is written, whatever is said "
                    "(--set decoding.only=[]: any text)"
                )
            )
    else:
        if asked and options.lm is not None:
            raise InputError(
                "a language model has no say where all texts are known",
                where="decoding.only",
                fix="Leave it or --lm out.",
            )
        for text in asked:
            unknown = alphabet.unknown(text)
            if unknown or not alphabet.parts(text):
                raise InputError(
                    f"{text!r} cannot be written: the training part does not hold {listed(unknown)}"
                    if unknown
                    else "expected texts of one character or more, found an empty one",
                    where="decoding.only",
                )
        only = list(dict.fromkeys(map(alphabet.plain, asked)))
    decoding = settings.decoding.model_copy(update={"only": tuple(only)})
    return settings.model_copy(update={"decoding": decoding})


def _scaling(train: Packed, *, keep_flags: bool) -> NumberEncoder:
    """From the training sequences, or as many of them, spread evenly, as have half a million steps."""
    every = max(1, -(-int(train.lengths.sum()) // _SCALED_FROM))
    some = [train[n] for n in range(0, len(train), every)]
    return NumberEncoder.fit(Packed.from_list(some), keep_flags=keep_flags)


def _say_unknown(alphabet: Alphabet, texts: dict[str, list[str]], observer: Observer) -> None:
    for name in ("validation", "test"):
        unknown = sorted({token for text in texts[name] for token in alphabet.unknown(text)})
        if unknown:
            observer(
                Said(
                    f"the {name} part holds what training does not, which cannot be written: {listed(unknown)}",
                    "warning",
                )
            )


def _say_too_short(
    part: Examples, enough: np.ndarray, names: list[str], name: str, observer: Observer
) -> None:
    """Which sequences are too short for their texts, and what becomes of them."""
    short = np.flatnonzero(~enough)
    if len(short):
        which = listed([names[row - 1] for row in part.rows[short]], _NAMED)
        fate = "not learned from" if name == "train" else "not in the validation loss, but scored"
        observer(
            Said(
                f"{len(short):,} of {len(part):,} sequences of the {name} part are too short for their texts and "
                f"{fate}: {which}",
                "warning",
            )
        )
