"""The commonest pairs of neighbouring tokens: "not good" says what "not" and "good" alone do not."""

from __future__ import annotations

import numpy as np

from recurra.data.packed import Packed

FIRST_TOKEN = 2  # ids 0 and 1 are padding and unknown, and make no pairs


def common_pairs(texts: Packed, vocabulary_size: int, most: int, least: int = 2) -> np.ndarray:
    """Codes of the pairs (a, b), b right after a in one text, that occur most often.

        code(a, b) = a V + b

    Args:
        texts: N texts as ids below V.
        vocabulary_size: V.
        most: so many pairs at most; of equally common ones those of smaller code.
        least: each occurs at least this often.

    Returns:
        (P,) int64, rising.

    >>> texts = Packed.from_list([np.array([2, 3, 2, 3]), np.array([3, 2, 1, 2, 3])])
    >>> common_pairs(texts, vocabulary_size=10, most=5).tolist()
    [23, 32]
    """
    values, offsets = texts.flat()
    ids = np.asarray(values, dtype=np.int64)
    if not most or len(ids) < 2:
        return np.zeros(0, dtype=np.int64)
    inside = np.ones(len(ids), dtype=bool)
    inside[offsets[:-1][texts.lengths > 0]] = False  # the first of a text has nothing before it
    left, right = ids[:-1], ids[1:]
    pairs = inside[1:] & (left >= FIRST_TOKEN) & (right >= FIRST_TOKEN)
    codes, counts = np.unique(left[pairs] * vocabulary_size + right[pairs], return_counts=True)
    codes, counts = codes[counts >= least], counts[counts >= least]
    commonest = np.argsort(-counts, kind="stable")[:most]
    return np.sort(codes[commonest])
