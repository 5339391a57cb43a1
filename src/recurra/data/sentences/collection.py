"""N sentences in a few flat arrays: each distinct word is held once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recurra.data.packed import Packed
from recurra.errors import DataError


@dataclass(frozen=True)
class Feature:
    """What a further column says of each word, such as its part of speech.

    Args:
        places: (words,) int32 places in `names`, aligned with the values of the packed words; -1 where it says nothing.
        names: the distinct values in the order in which they first occur.
    """

    places: np.ndarray
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: Iterable[str | None]) -> Feature:
        """From what it says of the words, end to end."""
        names: dict[str, int] = {}
        places = [-1 if value is None else names.setdefault(value, len(names)) for value in values]
        return cls(np.array(places, dtype=np.int32), tuple(names))


@dataclass(frozen=True)
class Sentences:
    """N sentences of words, as people wrote them, with the tag of each word where there is one.

    Args:
        words: N packed sequences of places in `forms`.
        forms: (W,) str objects, the distinct words in the order in which they first occur.
        tags: as many packed places in `names`, -1 at a word without a tag; None where nothing has one.
        names: the distinct tags, likewise.
        rows: (N,) int64 the line, or record, at which each sentence begins, counted from 1.
        features: what else is known of each word.

    >>> sentences = Sentences.of([["the", "dog"], ["the"]], [["DET", "NOUN"], [None]])
    >>> sentences.forms.tolist(), sentences.names, sentences.words.values.tolist(), sentences.tags_of(1)
    (['the', 'dog'], ('DET', 'NOUN'), [0, 1, 0], [None])
    """

    words: Packed
    forms: np.ndarray
    tags: Packed | None
    names: tuple[str, ...]
    rows: np.ndarray
    features: tuple[Feature, ...] = ()

    @classmethod
    def of(
        cls,
        words: Sequence[Sequence[str | tuple[str, ...]]],
        tags: Sequence[Sequence[str | None]] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Sentences:
        """From sentences as lists of words, and lists of tags of the same lengths.

        Args:
            words: each a text, or a tuple of it and of what else is known of it: of every word as much.
            rows: where each begins; else they are counted.

        Raises:
            DataError: more is known of some words than of others.

        >>> Sentences.of([[("the", "DET"), ("dog", "NOUN")]]).features[0].names
        ('DET', 'NOUN')
        """
        lengths = np.array([len(sentence) for sentence in words], dtype=np.int64)
        flat = [word if isinstance(word, tuple) else (word,) for sentence in words for word in sentence]
        flat_tags = None if tags is None else (tag for sentence in tags for tag in sentence)
        if odd := next((word for word in flat if len(word) != len(flat[0])), None):
            raise DataError(
                f"expected {len(flat[0])} texts of every word, as of {flat[0]}, found {odd}",
                fix="Give of every word as much: a text alone, or a tuple of it and of what else is known of it.",
            )
        columns = list(zip(*flat, strict=True)) or [()]
        starts = range(1, len(words) + 1) if rows is None else rows
        return cls.flat(columns[0], flat_tags, lengths, starts, columns[1:])

    @classmethod
    def flat(
        cls,
        words: Iterable[str],
        tags: Iterable[str | None] | None,
        lengths: np.ndarray,
        rows: Sequence[int],
        features: Iterable[Iterable[str | None]] = (),
    ) -> Sentences:
        """From words, tags and further columns end to end, and the number of words of each sentence."""
        forms: dict[str, int] = {}
        names: dict[str, int] = {}
        places = [forms.setdefault(word, len(forms)) for word in words]
        packed = Packed.end_to_end(np.array(places, dtype=np.int32), lengths)
        of_tags = None
        if tags is not None:
            found = [-1 if tag is None else names.setdefault(tag, len(names)) for tag in tags]
            of_tags = Packed.end_to_end(np.array(found, dtype=np.int32), lengths)
        return cls(
            packed,
            objects(forms),
            of_tags,
            tuple(names),
            np.array(rows, dtype=np.int64),
            tuple(Feature.of(column) for column in features),
        )

    def __len__(self) -> int:
        return len(self.words)

    @property
    def count(self) -> int:
        """Words in all."""
        return int(self.words.lengths.sum())

    def take(self, indices: np.ndarray) -> Sentences:
        """The sentences at `indices`, in that order; the words themselves are not copied."""
        tags = None if self.tags is None else self.tags.take(indices)
        return replace(self, words=self.words.take(indices), tags=tags, rows=self.rows[indices])

    def words_of(self, n: int) -> list[str]:
        """The words of one sentence."""
        return self.forms[self.words[n]].tolist()

    def tags_of(self, n: int) -> list[str | None]:
        """The tags of one sentence; none where the sentences have none."""
        if self.tags is None:
            return [None] * int(self.words.lengths[n])
        return [None if tag < 0 else self.names[tag] for tag in self.tags[n].tolist()]

    def flat_features(self) -> list[list[str | None]]:
        """Of each further column what it says of the words of all sentences, end to end."""
        at = replace(self.words, values=np.arange(len(self.words.values))).flat()[0]
        return [
            [None if place < 0 else each.names[place] for place in each.places[at].tolist()]
            for each in self.features
        ]

    def flat_words(self) -> list[str]:
        """Of all sentences, end to end."""
        return self.forms[self.words.flat()[0]].tolist()

    def flat_tags(self) -> np.ndarray:
        """(words,) places in `names`, end to end, -1 where there is none."""
        if self.tags is None:
            return np.full(self.count, -1, dtype=np.int32)
        return self.tags.flat()[0]


def objects(items: Iterable[str]) -> np.ndarray:
    """(N,) an array of texts of any length."""
    items = list(items)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array
