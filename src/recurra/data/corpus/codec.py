"""Running text to token ids and back, learned from the training part alone."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recurra.data.corpus.levels import LINE_END, SPLITTERS, Split, Splitter, Subwords, choose_split
from recurra.data.vocabulary import PADDING, UNKNOWN, Level
from recurra.errors import DataError, RunError
from recurra.storage import read_text, write_bytes

VOCABULARY_SIZE: dict[Split, int] = {
    "tokens": 50_000,
    "words": 20_000,
    "subwords": 8_000,
    "characters": 8_000,
}
_LEVELS: dict[Split, Level] = {
    "tokens": "word",
    "words": "word",
    "subwords": "subword",
    "characters": "character",
}
_FORM = "recurra token codec 1"


class CorpusConfig(BaseModel):
    """How running text becomes ids."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    level: Literal["auto", "word", "subword", "character"] = Field(
        default="auto",
        description="what an id stands for; auto: words where the text is tokenised already, characters up to "
        "4 million of them, subwords beyond",
    )
    vocabulary_size: int | None = Field(
        default=None,
        ge=4,
        le=1_000_000,
        description="ids at most, the most frequent tokens and padding and unknown; left out: 50,000 words of "
        "tokenised text, 20,000 of other text, 8,000 subwords or characters",
    )
    lowercase: bool = Field(default=False, description="take capitals for small letters")


class _Written(BaseModel):
    """`tokenizer.json`: nothing in it says how to split a text but a name, so a file cannot bring rules along."""

    model_config = ConfigDict(extra="forbid", strict=True)

    form: Literal["recurra token codec 1"]
    split: Split
    lowercase: bool
    why: str
    tokens: list[str]
    merges: list[list[str]] | None = None
    alphabet: int | None = Field(default=None, ge=1)


class Spelling(NamedTuple):
    """What the tokens of a text stand for, character by character.

    Args:
        characters: (n,) of text that each token stands for; None where they are no text.
        nats: (n,) what telling the characters of each token costs, its id being told: 0 of known ones; None where
            all are known.
    """

    characters: np.ndarray | None
    nats: np.ndarray | None = None

    def first(self, n: int) -> Spelling:
        """The same of the first n tokens."""
        return Spelling(*(None if each is None else each[:n] for each in self))


class TokenCodec:
    """Token ids of running text; id 0 is padding, id 1 an unknown token.

    - characters: Unicode code points, line ends included; decoding gives the text back.
    - subword: byte-pair encoding of UTF-8 bytes; decoding gives any text back.
    - word, of text that is tokenised already (Penn Treebank): what stands between blanks; a line end is the
      token `<eos>`; decoding puts one blank between words.
    - word, of other text: words with the blank in front of them, marks and line ends; characters of unspaced
      scripts (Chinese) one by one. Decoding gives the text back, rare words as `<unk>`.

    >>> codec = TokenCodec.fit("the cat sat\\nthe <unk> sat\\n")
    >>> codec.level, codec.tokens
    ('word', ['<pad>', '<unk>', '<eos>', 'sat', 'the', 'cat'])
    >>> codec.encode("the dog sat\\n"), codec.decode([4, 1, 3, 2])
    (array([4, 1, 3, 2], dtype=int32), 'the <unk> sat\\n')
    """

    padding_id = 0
    unknown_id = 1

    def __init__(self, split: Split, splitter: Splitter, lowercase: bool, why: str, alphabet: int):
        self.split: Split = split
        self._splitter = splitter
        self.lowercase = lowercase
        self.why = why
        self.alphabet = alphabet  # different characters of the training text

    @classmethod
    def fit(cls, texts: str | Sequence[str], config: CorpusConfig | None = None) -> Self:
        """Learn the vocabulary from `texts`, the training part alone.

        Raises:
            DataError: there is no text, or one of them is no string.
        """
        config = config or CorpusConfig()
        text = _joined(texts)
        if not text.strip():
            raise DataError("expected text to learn from, found none", fix="Check the file that was taken.")
        split, why = choose_split(text, config.level)
        if config.lowercase:
            text = text.lower()
        size = config.vocabulary_size or VOCABULARY_SIZE[split]
        return cls(split, SPLITTERS[split].learn(text, size), config.lowercase, why, len(set(text)))

    @property
    def level(self) -> Level:
        """What an id stands for: a "word", a "subword" or a "character"."""
        return _LEVELS[self.split]

    @property
    def tokens(self) -> list[str]:
        """(V,) the token of every id; of subwords in the byte alphabet of the `tokenizers` library."""
        return self._splitter.tokens

    @property
    def vocabulary_size(self) -> int:
        """V: ids are 0 .. V - 1."""
        return len(self.tokens)

    @property
    def line_end_id(self) -> int | None:
        """The id of a line's end; None where no token is that alone."""
        end = {"tokens": LINE_END, "subwords": "\u010a"}.get(self.split, "\n")
        return self.tokens.index(end) if end in self.tokens else None

    @property
    def never(self) -> tuple[int, ...]:
        """Ids that a generated text must not hold: padding and unknown."""
        return self.padding_id, self.unknown_id

    def encode(self, text: str) -> np.ndarray:
        """`text` as (n,) int32 ids, nothing added in front or behind.

        Raises:
            DataError: it is no string.
        """
        text = _joined(text)
        return self._splitter.encode(text.lower() if self.lowercase else text)

    def encode_piece(self, text: str) -> np.ndarray:
        """A piece of a text as (n,) ids, to be gone on with by other pieces.

        A word that is known only with or only without the blank before it is taken so; what stands behind the last
        word belongs to the next one.
        """
        if self.split != "words":
            return self.encode(text)
        text = text.rstrip(" ") or text
        ids = self.encode(text)
        return self._near(text, ids) if (ids == self.unknown_id).any() else ids

    def encode_prompt(self, text: str) -> np.ndarray:
        """The beginning of a text to be gone on with, as (n,) ids with n >= 1.

        Blanks at its end are left out where they belong to the token behind them; a word that is known only
        with or only without its blank is taken so. An empty prompt is the end of a line, where a text begins.
        """
        ids = self.encode_piece(text.rstrip(" ") if self.ends_in_blank(text) else text)
        if not len(ids):
            end = self.line_end_id
            ids = np.array([self.unknown_id if end is None else end], dtype=np.int32)
        return ids

    def ends_in_blank(self, prompt: str) -> bool:
        """Whether blanks at the end of a prompt belong to the token behind them, which need not bring its own."""
        return self.split != "characters" and prompt.endswith(" ")

    def _near(self, text: str, ids: np.ndarray) -> np.ndarray:
        words = [w.lower() if self.lowercase else w for w in self._splitter.split(text)]
        ids = ids.copy()
        for k in np.flatnonzero(ids == self.unknown_id):
            other = self._splitter.encode(words[k][1:] if words[k].startswith(" ") else f" {words[k]}")
            if len(other) == 1:
                ids[k] = other[0]
        return ids

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        """The text of one id after the other, of whole characters only, so an id may give "".

        Joined they are `decode(ids)`. One piece for each id and, of subwords, one more for bytes left over.

        Raises:
            DataError: an id outside of the vocabulary.
        """
        return self._splitter.pieces(self._known(ids))

    def shown(self, text: str) -> list[str]:
        """(n,) what of `text` each id of `encode(text)` stands for, an unknown token by its own text.

        Raises:
            DataError: it is no string.
        """
        ids = self.encode(text)
        found = list(self.pieces(ids.tolist()))[: len(ids)]
        if (ids == self.unknown_id).any():
            own = list(self._splitter.split(_joined(text)))
            found = [own[k] if ids[k] == self.unknown_id else piece for k, piece in enumerate(found)]
        return found

    def decode(self, ids: Iterable[int]) -> str:
        """(n,) ids to the text; padding is nothing.

        Raises:
            DataError: an id outside of the vocabulary.
        """
        return "".join(self.pieces(ids))

    def characters(self, ids: np.ndarray) -> np.ndarray:
        """(n,) how many characters of text each id stands for; their sum is the text's length.

        A subword counts the characters that begin in it. An unknown word counts as its sign; see `spelling`.
        """
        return self._splitter.lengths()[ids]

    def spelling(self, text: str, ids: np.ndarray) -> Spelling:
        """How long each token of `text` is, and what it costs to spell those that are unknown.

            nats = characters * ln(alphabet + 1)    of an unknown token, by its own characters

        with the number of different characters of the training text, and one for all others. Without this a text
        would be the easier to foretell the more of its words are unknown, as all of these are one token. What is
        written as `<unk>` in a text that is tokenised already is that token itself, and costs nothing.

        Args:
            ids: (n,) of `encode(text)`.

        >>> codec = TokenCodec.fit("the cat sat\\n", CorpusConfig(level="word"))
        >>> codec.spelling("the dragon", codec.encode("the dragon"))
        Spelling(characters=array([3, 7]), nats=array([ 0.        , 15.38057204]))
        """
        characters = self.characters(ids)
        unknown = np.flatnonzero(ids == self.unknown_id)
        if not len(unknown):
            return Spelling(characters)
        text = _joined(text)
        tokens = list(self._splitter.split(text.lower() if self.lowercase else text))
        own = [tokens[k] for k in unknown]
        if self.split == "tokens":  # each with its blank, as the known ones are counted
            own = [f" {token.lstrip(' ')}" for token in own]
        characters[unknown] = [len(token) for token in own]
        nats = np.zeros(len(ids))
        nats[unknown] = characters[unknown] * math.log(self.alphabet + 1)
        if self.split == "tokens":
            nats[unknown[[token == f" {UNKNOWN}" for token in own]]] = 0
        return Spelling(characters, nats if nats.any() else None)

    def unknown_share(self, ids: np.ndarray) -> float:
        """How many of some tokens are unknown, from 0 to 1."""
        return float((ids == self.unknown_id).mean())

    def to_json(self) -> str:
        """What `from_json` reads."""
        merges = self._splitter.merges if isinstance(self._splitter, Subwords) else None
        written = _Written(
            form=_FORM,
            split=self.split,
            lowercase=self.lowercase,
            why=self.why,
            tokens=self.tokens,
            merges=[list(pair) for pair in merges] if merges is not None else None,
            alphabet=self.alphabet,
        )
        return written.model_dump_json()

    @classmethod
    def from_json(cls, text: str, *, where: str = "tokenizer.json") -> Self:
        """The inverse of `to_json`; a file is data, and what does not fit is refused.

        Raises:
            RunError: not JSON, another form, or a broken vocabulary.
        """
        try:
            written = _Written.model_validate(json.loads(text))
        except (ValueError, RecursionError) as error:
            first = error.errors()[0] if isinstance(error, ValidationError) else None
            what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
            raise _broken(where, f"this is none ({what})") from error
        problem = _problem(written)
        if problem:
            raise _broken(where, problem)
        splitter: Any = SPLITTERS[written.split]
        try:
            extra = [[(a, b) for a, b in written.merges]] if written.merges is not None else []
            made = splitter(written.tokens, *extra)
        except Exception as error:  # the tokenizers library raises nothing more particular
            raise _broken(where, f"its vocabulary cannot be used ({error})") from error
        # Of files that do not tell, the characters of what was learned.
        alphabet = written.alphabet or len(set("".join(written.tokens[2:])))
        return cls(written.split, made, written.lowercase, written.why, alphabet)

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

    def _known(self, ids: Iterable[int]) -> Iterator[int]:
        for step, i in enumerate(map(int, ids)):
            if not 0 <= i < self.vocabulary_size:
                raise DataError(
                    f"expected ids from 0 to {self.vocabulary_size - 1}, found {i} at step {step}",
                    fix="Decode with the codec that the network was trained with.",
                )
            yield i


def _problem(written: _Written) -> str | None:
    """What is wrong with a vocabulary that has the right types."""
    tokens = written.tokens
    if tokens[:2] != [PADDING, UNKNOWN] or len(set(tokens)) != len(tokens):
        return f"its {len(tokens)} tokens do not begin with padding and unknown, or come twice"
    if written.split == "characters" and any(len(token) != 1 for token in tokens[2:]):
        return "one of its characters is none"
    if (written.split == "subwords") != (written.merges is not None):
        return "its merges do not fit its level"
    if written.split == "tokens" and tokens[2:3] != [LINE_END]:
        return "it has no end of a line"
    if any(len(pair) != 2 for pair in written.merges or []):
        return "one of its merges is no pair"
    return None


def _joined(texts: str | Sequence[str]) -> str:
    """One text; lone surrogates, which are text in no encoding, replaced."""
    parts = [texts] if isinstance(texts, str) else list(texts)
    for n, text in enumerate(parts):
        if not isinstance(text, str):
            raise DataError(
                f"expected a text, found {type(text).__name__} ({text!r:.40}) in place {n}, counted from 0"
            )
    text = "".join(parts)
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def _broken(where: str, problem: str) -> RunError:
    return RunError(
        f"expected a token codec that Recurra wrote; {problem}",
        where=where,
        fix="Copy the whole run folder again, or fit again.",
    )
