"""Texts in Python objects to a list of str."""

from __future__ import annotations

from typing import Any

import numpy as np

from recurra.errors import DataError


def listed_texts(given: Any, where: str) -> list[str]:
    """A list of str, from a list, an array, a series or whatever gives one text after the other.

    Args:
        given: several texts; of a frame, or an array (N, 1), its only column.
        where: the argument, for messages.

    Raises:
        DataError: one text, a table of more columns, or something that is no text.

    >>> listed_texts(np.array([["a dog"], ["a cat"]]), "X")
    ['a dog', 'a cat']
    """
    if isinstance(given, str | bytes | dict) or not hasattr(given, "__iter__"):
        found = "one" if isinstance(given, str) else f"a {type(given).__name__}"
        raise DataError(f"expected several texts, found {found}", where=where, fix="Give a list: [text].")
    if len(getattr(given, "shape", ())) == 2:  # a frame gives the names of its columns one after the other
        given = np.asarray(given, dtype=object)
        if given.shape[1] != 1:
            raise DataError(
                f"expected one column of texts, found {given.shape[1]}",
                where=where,
                fix="Give that column alone.",
            )
        given = given[:, 0]
    texts = list(given)
    for n, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(
                f"expected a text, found {type(text).__name__} ({text!r:.40}) in place {n}, counted from 0",
                where=where,
            )
    return [str(text) for text in texts]
