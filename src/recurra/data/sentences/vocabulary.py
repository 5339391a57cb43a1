"""Words to ids and characters: what is learned from the training sentences, and what becomes of any other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recurra.data.batches import Batch
from recurra.data.packed import Packed
from recurra.data.sentences.collection import Sentences
from recurra.errors import DataError, RunError
from recurra.storage import read_json, write_json

PADDING_ID, UNKNOWN_ID, FIRST_ID = 0, 1, 2
BEGIN_ID, END_ID, FIRST_CHARACTER_ID = 2, 3, 4  # of a word, among the characters
_DIGIT = re.compile(r"\d")


class WordConfig(BaseModel):
    """What of a word is looked up."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    lowercase: bool | None = Field(
        default=None,
        description="look words up in small letters; unset: where their characters are read, too",
    )
    fold_digits: bool = Field(default=True, description="look words up with 0 for every digit")
    least: int = Field(default=1, ge=1, description="times that a word occurs in training to have a vector")
    most: int = Field(default=100_000, ge=1, description="words with a vector, the commonest ones")
    longest: int = Field(
        default=24, ge=2, description="characters of a word that are read; of longer ones the first and last"
    )


class _Written(BaseModel):
    """The file of a vocabulary."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    form: str = Field(pattern="^words$")
    words: list[str]
    counts: list[int]
    characters: list[str]
    features: list[list[str]]
    lowercase: bool
    fold_digits: bool
    longest: int = Field(ge=2)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.words) != len(self.counts) or len(set(self.words)) != len(self.words):
            raise ValueError("expected different words with a count for each")
        if any(len(each) != 1 for each in self.characters) or len(set(self.characters)) != len(
            self.characters
        ):
            raise ValueError("expected different characters")
        if any(len(set(each)) != len(each) for each in self.features):
            raise ValueError("expected different values of each further column")
        return self


@dataclass(frozen=True)
class Vocabulary:
    """The words that have a vector, and the characters that words are made of.

    A word is looked up as `normal` makes it; its characters are read as they stand. Ids of words begin with padding and
    the unknown word, ids of characters with padding, the unknown one, the beginning and the end of a word, ids of what
    a further column says with padding and the unknown value, which stands for none, too.

    Args:
        words: the commonest first; of equally common ones by their code points.
        counts: how often each occurs in training.
        characters: in the order of their code points.
        features: the values of each further column, likewise.

    >>> vocabulary = Vocabulary.fit(Sentences.of([["The", "the", "dog"]]), WordConfig(lowercase=True))
    >>> vocabulary.words, vocabulary.ids(["THE", "cat"]).tolist(), vocabulary.spelled(["dog"]).values.tolist()
    (('the', 'dog'), [2, 1], [2, 5, 9, 7, 3])
    """

    words: tuple[str, ...]
    counts: tuple[int, ...]
    characters: tuple[str, ...]
    features: tuple[tuple[str, ...], ...]
    lowercase: bool
    fold_digits: bool
    longest: int

    @classmethod
    def fit(cls, sentences: Sentences, config: WordConfig) -> Self:
        """Count the words and characters of the training sentences."""
        values, _ = sentences.words.flat()
        times = np.bincount(values, minlength=len(sentences.forms))
        lowercase = bool(config.lowercase)
        counts: dict[str, int] = {}
        letters: set[str] = set()
        for form, count in zip(sentences.forms.tolist(), times.tolist(), strict=True):
            if count:
                word = normal(form, lowercase, config.fold_digits)
                counts[word] = counts.get(word, 0) + count
                letters.update(form)
        kept = sorted((-count, word) for word, count in counts.items() if count >= config.least)[
            : config.most
        ]
        return cls(
            tuple(word for _, word in kept),
            tuple(-count for count, _ in kept),
            tuple(sorted(letters)),
            tuple(
                tuple(sorted({value for value in column if value is not None}))
                for column in sentences.flat_features()
            ),
            lowercase,
            config.fold_digits,
            config.longest,
        )

    @property
    def size(self) -> int:
        """V, ids of words."""
        return FIRST_ID + len(self.words)

    @property
    def characters_size(self) -> int:
        """Ids of characters."""
        return FIRST_CHARACTER_ID + len(self.characters)

    @property
    def features_sizes(self) -> tuple[int, ...]:
        """Ids of what each further column says."""
        return tuple(FIRST_ID + len(names) for names in self.features)

    def ids(self, forms: Iterable[str]) -> np.ndarray:
        """(W,) int64 ids of words as people wrote them; UNKNOWN_ID of one that has no vector."""
        place = {word: k for k, word in enumerate(self.words, FIRST_ID)}
        normals = (normal(form, self.lowercase, self.fold_digits) for form in forms)
        return np.array([place.get(word, UNKNOWN_ID) for word in normals], dtype=np.int64)

    def spelled(self, forms: Iterable[str]) -> Packed:
        """W packed words as ids of their characters, between beginning and end."""
        place = {letter: k for k, letter in enumerate(self.characters, FIRST_CHARACTER_ID)}
        first = (self.longest + 1) // 2
        flat: list[int] = []
        lengths = []
        for form in forms:
            shown = form if len(form) <= self.longest else form[:first] + form[first - self.longest :]
            flat += [BEGIN_ID, *(place.get(letter, UNKNOWN_ID) for letter in shown), END_ID]
            lengths.append(len(shown) + 2)
        return Packed.end_to_end(np.array(flat, dtype=np.int32), np.array(lengths, dtype=np.int64))

    def encode(self, sentences: Sentences) -> EncodedSentences:
        """What a network reads of sentences.

        Raises:
            DataError: they have not the further columns that it knows.
        """
        if len(sentences.features) != len(self.features):
            raise DataError(
                f"expected words with {len(self.features)} further columns, as in training, found "
                f"{len(sentences.features)}",
                fix="Give data of the form of the training data, or of each word a tuple of it and of what else is "
                "known of it.",
            )
        forms = sentences.forms.tolist()
        known = [
            np.array([UNKNOWN_ID, *_ids(each.names, names)])[each.places + 1]
            for each, names in zip(sentences.features, self.features, strict=True)
        ]
        told = np.column_stack([sentences.words.values.astype(np.int64) + 1, *known])
        kinds, which = np.unique(told, axis=0, return_inverse=True)
        kinds = np.concatenate([np.full((1, kinds.shape[1]), PADDING_ID), kinds])
        return EncodedSentences(
            replace(sentences.words, values=which.reshape(-1).astype(np.int32) + 1),
            kinds[:, 0],
            np.concatenate([[PADDING_ID], self.ids(forms)]),
            self.spelled(["", *forms]),
            kinds[:, 1:],
        )

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        fields = ("words", "counts", "characters", "features", "lowercase", "fold_digits", "longest")
        write_json(path, {"form": "words"} | {name: getattr(self, name) for name in fields})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read it back.

        Raises:
            RunError: the file is broken, or not of this form.
        """
        try:
            written = _Written.model_validate(read_json(path))
        except ValidationError as error:
            raise RunError(
                f"this is not the vocabulary of a tagger ({error.errors()[0]['msg']})",
                where=str(path),
                fix="Restore the file, or train the run again.",
            ) from error
        return cls(
            tuple(written.words),
            tuple(written.counts),
            tuple(written.characters),
            tuple(tuple(names) for names in written.features),
            written.lowercase,
            written.fold_digits,
            written.longest,
        )


@dataclass(frozen=True)
class EncodedSentences:
    """Sentences as a network reads them; what a word is made of is held once for each distinct word.

    Args:
        kinds: N packed sequences of places in the two tables of kinds; 0 stands for padding. Words of one kind are the
            same, and all further columns say the same of them.
        words: (K + 1,) the word of each kind, a place in the two below.
        ids: (W + 1,) the word's id.
        spelled: W + 1 packed words as ids of characters.
        features: (K + 1, F) ids of what the further columns say of each kind.
    """

    kinds: Packed
    words: np.ndarray
    ids: np.ndarray
    spelled: Packed
    features: np.ndarray

    def __len__(self) -> int:
        return len(self.kinds)

    def unseen(self) -> np.ndarray:
        """(words,) bool, end to end, the words that have no vector: training did not hold them."""
        return self.ids[self.words[self.kinds.flat()[0]]] == UNKNOWN_ID

    def finish(self, batch: Batch) -> Batch:
        """A batch of kinds as the network's inputs: words (B, T), lengths (B,), the characters (U, C) of the U distinct
        words in it with their lengths (U,), which of these each word is (B, T), what the further columns say (B, T, F).
        """
        kinds, lengths = batch.inputs
        forms = self.words[kinds.numpy()]
        distinct, which = np.unique(forms, return_inverse=True)
        characters, sizes = self.spelled.pad(distinct)
        return replace(
            batch,
            inputs=(
                torch.from_numpy(self.ids[forms]),
                lengths,
                torch.from_numpy(characters.astype(np.int64)),
                torch.from_numpy(sizes),
                torch.from_numpy(which.reshape(forms.shape)),
                torch.from_numpy(self.features[kinds.numpy()]),
            ),
        )


def _ids(values: Iterable[str], names: tuple[str, ...]) -> list[int]:
    """Of what a further column says; UNKNOWN_ID of what it did not say in training."""
    place = {name: k for k, name in enumerate(names, FIRST_ID)}
    return [place.get(value, UNKNOWN_ID) for value in values]


def normal(form: str, lowercase: bool, fold_digits: bool) -> str:
    """A word as it is looked up.

    >>> normal("Route66", True, True), normal("Route66", False, False)
    ('route00', 'Route66')
    """
    word = form.lower() if lowercase else form
    return _DIGIT.sub("0", word) if fold_digits else word
