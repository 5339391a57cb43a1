"""What of an input is looked at together: words of a text, some steps of a long sequence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from recurra.data.vocabulary import Level, writes_without_spaces
from recurra.explanation.result import Part

MOST = 400  # parts of a text
_LONGEST = 12  # mean characters of a word; where "words" are longer, the script has no blanks
_UNKNOWN = 1
_SHOWN = 60  # characters of a part


def blocks(steps: int, most: int, word: str = "step") -> list[Part]:
    """At most so many neighbouring blocks of equal size, the last one as long as it comes.

    >>> [part.text for part in blocks(5, 3)]
    ['steps 1 to 2', 'steps 3 to 4', 'step 5']
    """
    size = -(-steps // most)
    begins = range(0, steps, size)
    return [
        Part(_named(word, begin, min(begin + size, steps)), begin, min(begin + size, steps))
        for begin in begins
    ]


def _named(word: str, begin: int, end: int) -> str:
    if end - begin == 1:
        return f"{word} {begin + 1}"
    return f"{word if word == 'ahead' else f'{word}s'} {begin + 1} to {end}"


def parts_of_text(
    text: str, spans: Sequence[tuple[int, int]], ids: np.ndarray, level: Level, gap: int | None = None
) -> tuple[list[Part], list[str]]:
    """The words of a text, and what has to be known of them.

    Tokens smaller than words are put together to words; where a script has no blanks between words, they stay by
    themselves. Of a very long text neighbouring words are put together, too.

    Args:
        text: as it is read: see `TextEncoder.readable`.
        spans: from and up to which character each token stands.
        ids: (T,).
        gap: the token before which text was left out, because it is too long; None: there is none.

    >>> parts, notes = parts_of_text("ab cd", [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)], np.full(5, 9), "character")
    >>> [part.text for part in parts], notes
    (['ab', 'cd'], ['5 characters are looked at as 2 words'])
    """
    notes = []
    begins = [0] + [k for k in range(1, len(spans)) if k == gap or spans[k][0] >= spans[k - 1][1]]
    if level != "word" and not writes_without_spaces([text]):
        words = [k for k in begins if k in (0, gap) or _begins_word(text, spans, k)]
        if len(text) / len(words) <= _LONGEST:
            begins = words
            notes.append(f"{len(spans):,} {level}s are looked at as {len(words):,} words")
    known = np.add.reduceat(ids != _UNKNOWN, begins, dtype=np.int64) > 0
    unknown, count = int((~known).sum()), len(begins)
    if count > MOST:
        size = -(-count // MOST)
        notes.append(f"of so long a text {size} neighbouring words are looked at together")
        head = begins.index(gap) if gap is not None else count
        begins = begins[:head:size] + begins[head::size]
    ends = [*begins[1:], len(spans)]
    parts = [
        Part(_shown(text, spans[begin:end]), begin, end, bool((ids[begin:end] != _UNKNOWN).any()))
        for begin, end in zip(begins, ends, strict=True)
    ]
    if unknown:
        said = "no word of this text was" if unknown == count else f"{unknown:,} of {count:,} words were not"
        notes.append(
            f"{said} learned; to the network such words are all the same, and make no difference here"
        )
    return parts, notes


def _begins_word(text: str, spans: Sequence[tuple[int, int]], k: int) -> bool:
    """Whether token k is the first of a word: blanks, which belong to what is before them, are none."""
    (_, before), (begin, end) = spans[k - 1], spans[k]
    own = text[begin:end]
    if not own.strip():
        return False
    return own[:1].isspace() or text[before - 1 : before].isspace() or begin > before


def _shown(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The tokens as they stand in the text; of a long piece both ends."""
    piece = " ".join(text[spans[0][0] : spans[-1][1]].split())
    return piece if len(piece) <= _SHOWN else f"{piece[: _SHOWN // 2]} … {piece[-_SHOWN // 2 :]}"


def owners(parts: Sequence[Part]) -> Tensor:
    """(T,) the part that each step belongs to.

    >>> owners(blocks(5, 3))
    tensor([0, 0, 1, 1, 2])
    """
    return torch.repeat_interleave(torch.tensor([part.end - part.begin for part in parts]))
