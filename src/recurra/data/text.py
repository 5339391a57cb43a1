"""Texts to token ids: words, subwords or characters, learned from the training texts alone."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from tokenizers import Tokenizer

from recurra.data.packed import Packed
from recurra.data.vocabulary import (
    LEVELS,
    LINE_BREAK,
    PADDING,
    UNKNOWN,
    Level,
    choose_level,
    patterns,
    rules,
    slices,
    train,
    written_rules,
)
from recurra.errors import DataError, RunError
from recurra.storage import read_text, write_bytes

VOCABULARY_SIZE = {"word": 30_000, "subword": 8_000, "character": 5_000}
MAX_STEPS = {"word": 800, "subword": 1_200, "character": 3_000}


class TextConfig(BaseModel):
    """How texts become ids. Everything left at None is settled when the encoder is fitted.

    `choose_level` (recurra.data.vocabulary) says what "auto" stands for. Of a long text both ends are kept,
    because an opinion stands there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    level: Literal["auto", "word", "subword", "character"] = Field(
        default="auto", description="what an id stands for; auto: what suits the training texts"
    )
    vocabulary_size: int | None = Field(
        default=None,
        ge=4,
        le=1_000_000,
        description="ids at most, the most frequent tokens and padding and unknown; left out: 30,000 words, "
        "8,000 subwords or 5,000 characters",
    )
    min_frequency: int | None = Field(
        default=None,
        ge=1,
        description="a token seen less often in training is unknown; left out: 2, but 1 for characters, and "
        "for words of less than 200,000 characters of training text",
    )
    lowercase: bool = Field(default=True, description="take capitals for small letters")
    max_steps: int | None = Field(
        default=None,
        ge=2,
        description="of a longer text the head and the tail are kept, half of the steps each; left out: "
        f"{MAX_STEPS['word']} words, {MAX_STEPS['subword']:,} subwords or {MAX_STEPS['character']:,} characters",
    )


class TextEncoder:
    """Token ids of texts, by the `tokenizers` library; id 0 is padding, id 1 an unknown token.

    Every text is first normalised: HTML line breaks become spaces, Unicode NFKC (NFC for characters, which
    keep their text as it stands), capitals folded if asked. Then

    - word: runs of letters and digits, and every other visible mark by itself. Han, Hiragana, Thai, Lao,
      Khmer and Myanmar characters are words each by itself, so unspaced languages need no dictionary.
    - subword: byte-pair encoding (Sennrich, Haddow & Birch, arXiv:1508.07909) within such words; a word
      carries the space before it, so that decoding gives the normalised text back.
    - character: Unicode code points, spaces and line ends included.

    The library uses all cores unless the environment says TOKENIZERS_PARALLELISM=false; the ids do not
    depend on it.

    >>> encoder = TextEncoder.fit(["A fine film.", "A dull film!"], TextConfig(level="word"))
    >>> encoder.tokens(encoder.encode(["a fine, dull day"])[0])
    ['a', 'fine', '<unk>', 'dull', '<unk>']
    >>> TextEncoder.fit(["电影很好", "电影很差"]).encode(["很好", ""]).lengths
    array([2, 0])
    """

    padding_id = 0
    unknown_id = 1

    def __init__(self, tokenizer: Tokenizer, level: Level, lowercase: bool, max_steps: int):
        self._tokenizer = tokenizer
        self.level: Level = level
        self.lowercase = lowercase
        self.max_steps = max_steps

    @classmethod
    def fit(cls, texts: Sequence[str] | np.ndarray, config: TextConfig | None = None) -> Self:
        """Learn the vocabulary from `texts`, which are to be the training texts and no others.

        Raises:
            DataError: an entry is not a text, or no token occurs often enough.
        """
        config = config or TextConfig()
        texts = _checked(texts)
        level = choose_level(texts) if config.level == "auto" else config.level
        few = level == "character" or (level == "word" and sum(map(len, texts)) < 200_000)
        least = config.min_frequency or (1 if few else 2)
        tokenizer = rules(level, config.lowercase)
        train(tokenizer, texts, config.vocabulary_size or VOCABULARY_SIZE[level], least)
        if tokenizer.get_vocab_size() <= 2:
            raise DataError(
                f"expected texts to learn from, found no {level} that occurs {least} times or more",
                fix="Check that the right column was taken for the text.",
            )
        return cls(tokenizer, level, config.lowercase, config.max_steps or MAX_STEPS[level])

    @property
    def vocabulary_size(self) -> int:
        """V: ids are 0 .. V - 1."""
        return self._tokenizer.get_vocab_size()

    @property
    def vocabulary(self) -> list[str]:
        """(V,) the token of every id."""
        ids = self._tokenizer.get_vocab()
        return sorted(ids, key=ids.__getitem__)

    def encode(self, texts: Sequence[str] | np.ndarray) -> Packed:
        """(N,) texts to packed int32 ids, each at most `max_steps` long; an empty text has length 0.

        Raises:
            DataError: an entry is not a text.
        """
        return self.encode_counting(texts)[0]

    def encode_counting(self, texts: Sequence[str] | np.ndarray) -> tuple[Packed, int]:
        """As `encode`, and how many of the texts were longer than `max_steps` and lost their middle."""
        texts = _checked(texts)
        head = (self.max_steps + 1) // 2
        tail = self.max_steps - head
        cut = 0
        sequences: list[np.ndarray] = []
        for part in slices(texts):
            for encoding in self._tokenizer.encode_batch_fast(part, add_special_tokens=False):
                ids = np.array(encoding.ids, dtype=np.int32)
                if len(ids) > self.max_steps:
                    ids = np.concatenate([ids[:head], ids[-tail:]])
                    cut += 1
                sequences.append(ids)
        packed = Packed.from_list(sequences)
        return Packed(packed.values.astype(np.int32, copy=False), packed.starts, packed.lengths), cut

    def readable(self, text: str) -> str:
        """`text` with blanks for HTML line breaks and a question mark for half a character, each as long as it was.

        >>> TextEncoder.fit(["a film"]).readable("a<br />film")
        'a      film'
        """
        return LINE_BREAK.sub(lambda found: " " * len(found[0]), text.encode("utf-8", "replace").decode())

    def spans(self, text: str) -> list[tuple[int, int]]:
        """(T,) from and up to which character of `text` each id of `encode([text])` stands for.

        >>> TextEncoder.fit(["A fine film."], TextConfig(level="word")).spans("Fine,  FILM")
        [(0, 4), (4, 5), (7, 11)]
        """
        ((text,),) = slices(_checked([text]))
        spans = self._tokenizer.encode(text, add_special_tokens=False).offsets
        if len(spans) <= self.max_steps:
            return spans
        head = (self.max_steps + 1) // 2
        return spans[:head] + spans[head - self.max_steps :]

    def tokens(self, ids: np.ndarray | Sequence[int]) -> list[str]:
        """(T,) the token of each id, padding and unknown by their names.

        Raises:
            DataError: an id outside of the vocabulary.
        """
        names = []
        for step, i in enumerate(map(int, ids)):
            if not 0 <= i < self.vocabulary_size:
                raise DataError(
                    f"expected ids from 0 to {self.vocabulary_size - 1}, found {i} at step {step}",
                    fix="Decode with the encoder that the network was trained with.",
                )
            names.append(self._tokenizer.id_to_token(i))
        return names

    def decode(self, ids: np.ndarray | Sequence[int]) -> str:
        """(T,) ids to a text, padding left out: words joined by spaces, subwords and characters as they were.

        Raises:
            DataError: an id outside of the vocabulary.
        """
        self.tokens(ids)
        kept = [int(i) for i in ids if i != self.padding_id]
        return self._tokenizer.decode(kept, skip_special_tokens=False)

    def to_json(self) -> str:
        """The encoder in the tokenizers library's own JSON; `max_steps` stands there as its truncation."""
        written = json.loads(self._tokenizer.to_str())
        written["truncation"] = {
            "direction": "Right",
            "max_length": self.max_steps,
            "strategy": "LongestFirst",
            "stride": 0,
        }
        return json.dumps(written, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, *, where: str = "tokenizer.json") -> Self:
        """The inverse of `to_json`. Other rules than Recurra's are refused: a file is data.

        Raises:
            RunError: not JSON, rules that are not Recurra's, or a broken vocabulary.
        """
        known: dict[tuple[Level, bool], Tokenizer] = {
            (level, low): rules(level, low) for level in LEVELS for low in (True, False)
        }
        allowed = set().union(*(patterns(written_rules(tokenizer)) for tokenizer in known.values()))
        try:
            written = json.loads(text)
            vocabulary, max_steps = written["model"]["vocab"], written["truncation"]["max_length"]
            whole = sorted(vocabulary.values()) == list(range(len(vocabulary)))
            first = [vocabulary[PADDING], vocabulary[UNKNOWN]]
            strange = patterns(written) - allowed
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise _broken(where, f"this is none ({type(error).__name__}: {error})") from error
        if not whole or first != [cls.padding_id, cls.unknown_id]:
            raise _broken(
                where, f"the ids of its {len(vocabulary)} tokens are not 0, 1, 2 ..., padding first"
            )
        if strange or type(max_steps) is not int or max_steps < 2:
            raise _broken(where, "its rules for splitting texts are not this version's")
        try:
            tokenizer = Tokenizer.from_str(text)
        except Exception as error:  # the library raises nothing more particular
            raise _broken(where, f"the library refuses it ({error})") from error
        tokenizer.no_truncation()
        found = written_rules(tokenizer)
        for (level, lowercase), own in known.items():
            if found == written_rules(own):
                return cls(tokenizer, level, lowercase, max_steps)
        raise _broken(where, "its rules for splitting texts are not this version's")

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
            RunError: the file is missing, too large, or not a tokenizer of Recurra's.
        """
        return cls.from_json(read_text(Path(path)), where=str(path))


def _checked(texts: Sequence[str] | np.ndarray) -> list[str]:
    listed: list[str] = texts.tolist() if isinstance(texts, np.ndarray) else list(texts)
    for n, text in enumerate(listed):
        if not isinstance(text, str):
            raise DataError(
                f"expected a text, found {type(text).__name__} ({text!r:.40}) in place {n}, counted from 0",
                fix="Leave the row out, or put an empty text there.",
            )
    return listed


def _broken(where: str, problem: str) -> RunError:
    return RunError(
        f"expected a tokenizer that Recurra wrote; {problem}",
        where=where,
        fix="Copy the whole run folder again, or fit again.",
    )
