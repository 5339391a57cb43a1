"""Pairs of texts: a source and its target each, read, turned into ids, put into batches."""

from __future__ import annotations

from recurra.data.parallel.batches import PairBatches
from recurra.data.parallel.codec import PairCodec, PairTokensConfig
from recurra.data.parallel.definition import PairOptions, PairSchema
from recurra.data.parallel.memory import listed_texts
from recurra.data.parallel.reading import ReadPairs, read_again, read_pairs, read_sources

__all__ = [
    "PairBatches",
    "PairCodec",
    "PairOptions",
    "PairSchema",
    "PairTokensConfig",
    "ReadPairs",
    "listed_texts",
    "read_again",
    "read_pairs",
    "read_sources",
]
