"""The parts of a corpus as streams of ids, and what to say of them before anything trains."""

from __future__ import annotations

import numpy as np

from recurra.data.corpus.codec import TokenCodec
from recurra.data.corpus.reading import PARTS, Corpus, Part
from recurra.errors import DataError


def encode_corpus(corpus: Corpus, codec: TokenCodec, *, least: int = 2) -> dict[Part, np.ndarray]:
    """Each part that holds text as one stream (n,) int32 of ids.

    Args:
        corpus: as `read_corpus` made it.
        codec: fitted on its training part.
        least: tokens that a part must have: one window and the token after it.

    Raises:
        DataError: a part has fewer tokens.
    """
    streams: dict[Part, np.ndarray] = {}
    for part in PARTS:
        text = corpus.part(part)
        if not text:
            continue
        ids = codec.encode(text)
        if len(ids) < least:
            raise DataError(
                f"expected {least:,} tokens or more for {part}, found {len(ids):,} ({len(text):,} characters)",
                where=corpus.origin,
                fix="Give more text, take shorter windows, or another share for that part.",
            )
        streams[part] = ids
    return streams


def describe_corpus(corpus: Corpus, codec: TokenCodec, streams: dict[Part, np.ndarray]) -> list[str]:
    """Lines for people: how much text, how it is split and why, what of it is unknown.

    >>> from recurra.data.corpus import read_corpus
    >>> corpus = read_corpus("to be or not to be\\n" * 9, validation_share=0, test_share=0.2)
    >>> codec = TokenCodec.fit(corpus.train)
    >>> for line in describe_corpus(corpus, codec, encode_corpus(corpus, codec)):
    ...     print(line)
    text: the text given, 171 characters
    of its 171 characters the last are set aside: 38 for test
    tokens: characters, because 133 of them are too few to learn rare words from
    vocabulary: 10 ids
    train: 133 tokens
    test: 38 tokens
    """
    total = sum(len(corpus.part(part)) for part in PARTS)
    lines = [f"text: {corpus.origin}, {total:,} characters", *corpus.notes, f"tokens: {codec.why}"]
    lines.append(f"vocabulary: {codec.vocabulary_size:,} ids")
    for part, ids in streams.items():
        unknown = codec.unknown_share(ids)
        said = f", {percentage(unknown)} of them unknown" if unknown else ""
        lines.append(f"{part}: {len(ids):,} tokens{said}")
    return lines


def percentage(share: float) -> str:
    """A share for people, with two digits.

    >>> percentage(0.0123), percentage(0.999)
    ('1.2 %', '100 %')
    """
    return f"{float(f'{100 * share:.2g}'):g} %"
