"""N sentences in a few flat arrays: each distinct word is held once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recurra.data.packed import Packed


@dataclass(frozen=True)
class Sentences:
    """N sentences of words, as people wrote them, with the tag of each word where there is one.

    Args:
        words: N packed sequences of places in `forms`.
        forms: (W,) str objects, the distinct words in the order in which they first occur.
        tags: as many packed places in `names`, -1 at a word without a tag; None where nothing has one.
        names: the distinct tags, likewise.
        rows: (N,) int64 the line, or record, at which each sentence begins, counted from 1.

    >>> sentences = Sentences.of([["the", "dog"], ["the"]], [["DET", "NOUN"], [None]])
    >>> sentences.forms.tolist(), sentences.names, sentences.words.values.tolist(), sentences.tags_of(1)
    (['the', 'dog'], ('DET', 'NOUN'), [0, 1, 0], [None])
    """

    words: Packed
    forms: np.ndarray
    tags: Packed | None
    names: tuple[str, ...]
    rows: np.ndarray

    @classmethod
    def of(
        cls,
        words: Sequence[Sequence[str]],
        tags: Sequence[Sequence[str | None]] | None = None,
        rows: Sequence[int] | None = None,
    ) -> Sentences:
        """From sentences as lists of words, and lists of tags of the same lengths.

        Args:
            rows: where each begins; else they are counted.
        """
        lengths = np.array([len(sentence) for sentence in words], dtype=np.int64)
        flat = (word for sentence in words for word in sentence)
        flat_tags = None if tags is None else (tag for sentence in tags for tag in sentence)
        return cls.flat(flat, flat_tags, lengths, range(1, len(words) + 1) if rows is None else rows)

    @classmethod
    def flat(
        cls,
        words: Iterable[str],
        tags: Iterable[str | None] | None,
        lengths: np.ndarray,
        rows: Sequence[int],
    ) -> Sentences:
        """From words and tags end to end, and the number of words of each sentence."""
        forms: dict[str, int] = {}
        names: dict[str, int] = {}
        places = [forms.setdefault(word, len(forms)) for word in words]
        packed = Packed.end_to_end(np.array(places, dtype=np.int32), lengths)
        of_tags = None
        if tags is not None:
            found = [-1 if tag is None else names.setdefault(tag, len(names)) for tag in tags]
            of_tags = Packed.end_to_end(np.array(found, dtype=np.int32), lengths)
        return cls(packed, objects(forms), of_tags, tuple(names), np.array(rows, dtype=np.int64))

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
