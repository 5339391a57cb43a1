"""Pairs of texts to ids and back: a vocabulary for each side, or one for both."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recurra.data.corpus import CorpusConfig, TokenCodec
from recurra.errors import DataError, RunError
from recurra.storage import read_text, write_bytes

_FORM = "recurra pair codec 1"
_LEAST, _MOST = 500, 8_000  # ids that are learned where nobody says how many
_CHARACTERS_PER_ID = 250


class PairTokensConfig(BaseModel):
    """How sources and targets become ids."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    level: Literal["subword", "word", "character"] = Field(
        default="subword", description="what an id stands for"
    )
    vocabulary_size: int | None = Field(
        default=None,
        ge=4,
        le=1_000_000,
        description="ids of each side at most; unset: one for every 250 characters of it, 500 to 8,000",
    )
    shared: bool = Field(
        default=False, description="one vocabulary for both sides, as where both are one language"
    )
    lowercase: bool = Field(default=False, description="take capitals for small letters, in answers too")
    longest_source: int = Field(
        default=250,
        ge=1,
        description="ids of a source that are read; what stands behind them is cut off; unset: up to 1000, as long as "
        "nearly all are",
    )
    longest_target: int = Field(
        default=250,
        ge=1,
        description="ids of a target at most; longer ones are not learned from, nor written; unset: up to 1000, as "
        "long as nearly all are",
    )


class _Written(BaseModel):
    """`tokenizer.json`: the codec of the sources and, where it is another, that of the targets."""

    model_config = ConfigDict(extra="forbid", strict=True)

    form: Literal["recurra pair codec 1"]
    source: str
    target: str | None
    lines: bool


class PairCodec:
    """Ids of sources and targets. The id behind a vocabulary is the boundary: the end of a text, and its beginning.

    Args:
        source, target: of either side; the same where they share one.
        lines: whether targets may have several lines.

    >>> codec = PairCodec.fit(["a b", "b a"], ["c", "d"], PairTokensConfig(level="character"))
    >>> codec.encode_source("ab").tolist(), codec.encode_target("d").tolist(), codec.decode([4, 3])
    ([4, 5, 6], [4], 'dc')
    >>> codec.source_size, codec.boundary
    (7, 5)
    """

    def __init__(self, source: TokenCodec, target: TokenCodec, lines: bool):
        self.source, self.target, self.lines = source, target, lines

    @classmethod
    def fit(cls, sources: Sequence[str], targets: Sequence[str], config: PairTokensConfig) -> Self:
        """Learn from the training part alone.

        Raises:
            DataError: a side holds no text.
        """
        lines = any("\n" in text.strip() for text in targets)
        if config.shared:
            both = _fitted([*sources, *targets], config)
            return cls(both, both, lines)
        return cls(_fitted(sources, config), _fitted(targets, config), lines)

    @property
    def shared(self) -> bool:
        """Whether both sides have one vocabulary."""
        return self.source is self.target

    @property
    def source_size(self) -> int:
        """Ids of the sources, the end included."""
        return self.source.vocabulary_size + 1

    @property
    def target_size(self) -> int:
        """Ids of the targets, the boundary included."""
        return self.target.vocabulary_size + 1

    @property
    def boundary(self) -> int:
        """The id before the first of a target, and behind its last."""
        return self.target.vocabulary_size

    @property
    def never(self) -> tuple[int, ...]:
        """Ids that no answer may hold: padding, unknown and, where targets have one line, its end."""
        end = self.target.line_end_id
        return self.target.never if self.lines or end is None else (*self.target.never, end)

    def encode_source(self, text: str, longest: int | None = None) -> np.ndarray:
        """A source, without blanks at its ends, as (S,) int32 ids, its end the last.

        Args:
            longest: ids that are kept; None: all.
        """
        ids = self.source.encode(text.strip())[:longest]
        return np.append(ids, np.int32(self.source.vocabulary_size))

    def encode_target(self, text: str) -> np.ndarray:
        """A target, without blanks at its ends, as (T,) int32 ids, without boundaries."""
        return self.target.encode(text.strip())

    def decode(self, ids: Sequence[int]) -> str:
        """The text of a target's ids, without blanks at its ends."""
        return self.target.decode(ids).strip()

    def source_pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each id of a source, for people; its end as a sign."""
        return _pieces(self.source, ids)

    def target_pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each id of a target, for people; its end as a sign."""
        return _pieces(self.target, ids)

    def to_json(self) -> str:
        """What `from_json` reads."""
        written = _Written(
            form=_FORM,
            source=self.source.to_json(),
            target=None if self.shared else self.target.to_json(),
            lines=self.lines,
        )
        return written.model_dump_json()

    @classmethod
    def from_json(cls, text: str, *, where: str = "tokenizer.json") -> Self:
        """The inverse of `to_json`; what does not fit is refused.

        Raises:
            RunError: not JSON, another form, or a broken vocabulary.
        """
        try:
            written = _Written.model_validate(json.loads(text))
        except (ValueError, RecursionError) as error:
            first = error.errors()[0] if isinstance(error, ValidationError) else None
            what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
            raise RunError(
                f"expected a pair of token codecs that Recurra wrote; this is none ({what})",
                where=where,
                fix="Copy the whole run folder again, or fit again.",
            ) from error
        source = TokenCodec.from_json(written.source, where=where)
        target = source if written.target is None else TokenCodec.from_json(written.target, where=where)
        return cls(source, target, written.lines)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `tokenizer.json`, whole or not at all.

        Raises:
            StorageError: it could not be written.
        """
        write_bytes(Path(path), self.to_json().encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote.

        Raises:
            RunError: the file is missing, too large, or not a codec of Recurra's.
        """
        return cls.from_json(read_text(Path(path)), where=str(path))


def _fitted(texts: Sequence[str], config: PairTokensConfig) -> TokenCodec:
    size = config.vocabulary_size
    if size is None and config.level == "subword":
        size = min(max(sum(map(len, texts)) // _CHARACTERS_PER_ID, _LEAST), _MOST)
    asked = CorpusConfig(level=config.level, vocabulary_size=size, lowercase=config.lowercase)
    if not any(text.strip() for text in texts):
        raise DataError("expected texts to learn from, found none")
    # Each from a new line, so that nothing is learned across the border of two texts.
    return TokenCodec.fit([f"{text}\n" for text in texts], asked)


def _pieces(codec: TokenCodec, ids: Sequence[int]) -> list[str]:
    """Single ids of bytes within a character are shown as signs: people look at them one by one."""
    return ["∎" if i >= codec.vocabulary_size else codec.decode([int(i)]) for i in ids]
