"""Running text: read, cut into its parts, and turned into one stream of token ids."""

from __future__ import annotations

from recurra.data.corpus.codec import CorpusConfig, Spelling, TokenCodec
from recurra.data.corpus.reading import Corpus, is_running_text, is_text_itself, read_corpus
from recurra.data.corpus.streams import describe_corpus, encode_corpus, percentage

__all__ = [
    "Corpus",
    "CorpusConfig",
    "Spelling",
    "TokenCodec",
    "describe_corpus",
    "encode_corpus",
    "is_running_text",
    "is_text_itself",
    "percentage",
    "read_corpus",
]
