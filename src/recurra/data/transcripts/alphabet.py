"""What texts are made of: characters or words, and their numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from recurra.errors import DataError, RunError

Level = Literal["character", "word"]
BLANK = 0  # the number that stands for no token at all


class TranscriptConfig(BaseModel):
    """How texts are taken apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Level = Field(default="character", description="what the network writes: character or word")
    lower: bool = Field(default=True, description="texts are read and written in lower case")


@dataclass(frozen=True)
class Alphabet:
    """The tokens of the training texts, in the order of their code points; token k has the number k + 1, 0 is blank.

    Args:
        level: what a token is.
        lower: whether texts are made lower case.
        tokens: characters (the blank space among them) or words, all different.

    >>> alphabet = Alphabet.fit(["Two one", "one"], TranscriptConfig(level="word"))
    >>> alphabet.tokens, alphabet.encode("one  Three TWO")
    (('one', 'two'), array([1, 2]))
    >>> alphabet.decode([2, 1])
    'two one'
    """

    level: Level
    lower: bool
    tokens: tuple[str, ...]

    @classmethod
    def fit(cls, texts: Sequence[str], config: TranscriptConfig) -> Self:
        """Learn from the training texts.

        Raises:
            DataError: there is nothing in them.
        """
        plain = cls(config.level, config.lower, ())
        tokens = sorted({token for text in texts for token in plain.parts(text)})
        if not tokens:
            raise DataError("expected texts to learn from, found none with a character in it")
        return cls(config.level, config.lower, tuple(tokens))

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def outputs(self) -> int:
        """Numbers that a network gives at each step: one for each token, and blank."""
        return len(self.tokens) + 1

    def plain(self, text: str) -> str:
        """A text as it is learned and scored: one form of accents (NFC), single spaces, lower case where asked.

        >>> Alphabet("character", True, ()).plain(" Good\\tDay ")
        'good day'
        """
        text = " ".join(unicodedata.normalize("NFC", text).split())
        return text.lower() if self.lower else text

    def parts(self, text: str) -> list[str]:
        """The tokens of a text, known or not."""
        text = self.plain(text)
        return text.split(" ") if self.level == "word" and text else list(text)

    def encode(self, text: str) -> np.ndarray:
        """(S,) int64 numbers of its tokens; those that training did not hold are left out."""
        known = self._numbers
        return np.array([known[part] for part in self.parts(text) if part in known], dtype=np.int64)

    @property
    def between(self) -> np.ndarray:
        """(n,) tokens between two texts that follow each other: a blank space where that is one.

        >>> Alphabet("character", True, (" ", "a")).between, Alphabet("word", True, ("a",)).between
        (array([1]), array([], dtype=int64))
        """
        return np.array([self._numbers[" "]] if " " in self._numbers else [], dtype=np.int64)

    def unknown(self, text: str) -> list[str]:
        """Tokens of a text that training did not hold."""
        known = self._numbers
        return [part for part in self.parts(text) if part not in known]

    def decode(self, numbers: Sequence[int] | np.ndarray) -> str:
        """The text of tokens, blanks left out."""
        parts = [self.tokens[int(number) - 1] for number in numbers if number != BLANK]
        return " ".join(parts) if self.level == "word" else "".join(parts).strip()

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.tokens, 1)}

    def to_json(self) -> dict[str, Any]:
        """Plain types."""
        return {"level": self.level, "lower": self.lower, "tokens": list(self.tokens)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            RunError: something else.
        """
        tokens = stored.get("tokens")
        if (
            set(stored) != {"level", "lower", "tokens"}
            or stored["level"] not in ("character", "word")
            or not isinstance(stored["lower"], bool)
            or not isinstance(tokens, list)
            or not tokens
            or not all(isinstance(token, str) and token for token in tokens)
            or len(set(tokens)) < len(tokens)
        ):
            raise RunError(
                "the alphabet is not one that a run writes",
                where="alphabet",
                fix="Copy the whole run folder again, or fit again.",
            )
        return cls(stored["level"], stored["lower"], tuple(tokens))


def steps_needed(numbers: np.ndarray) -> int:
    """Steps that an alignment takes at least: one for each token, and a blank between two that are the same.

    >>> steps_needed(np.array([1, 2, 2]))
    4
    """
    return len(numbers) + int((numbers[1:] == numbers[:-1]).sum())
