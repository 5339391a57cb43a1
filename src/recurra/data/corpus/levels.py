"""What a token of running text is: four ways to split it, each with its inverse."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, Protocol

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from recurra.data.vocabulary import _LETTER, _UNSPACED, PADDING, UNKNOWN

LINE_END = "<eos>"
Split = Literal["tokens", "words", "subwords", "characters"]

# A blank belongs to the word behind it, so that tokens set side by side are the text again.
_WORD = rf"\n| ?[{_UNSPACED}]| ?{_LETTER}+(?:['’]{_LETTER}+)*| ?[^\w\s]|\s"
# Within these pieces pairs of bytes are merged, in time with the square of their length: none is long.
_PIECE = (
    rf" ?[{_UNSPACED}]{{1,6}}"
    + r"| ?[\p{L}\p{M}]{1,32}| ?\p{N}{1,3}| ?[^\s\p{L}\p{M}\p{N}]{1,16}|\n|[^\S\n]{1,16}(?!\S)|\s"
)
_MARKS = re.compile(r"[.,;:!?。，；：！？]+")
_FEW_WORDS = 20_000
_TURN = 1_000_000  # characters handled at a time
_ENOUGH_TURNS = 4
_SAMPLE = 2_000_000
_LONGEST_BY_CHARACTER = 4_000_000


class Splitter(Protocol):
    """Text to ids and back; the first two ids are padding and the unknown token."""

    tokens: list[str]

    def encode(self, text: str) -> np.ndarray:
        """(n,) int32."""
        ...

    def split(self, text: str) -> Iterator[str]:
        """The text of each token; of subwords, which know every text, in whole words."""
        ...

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        """The text of each id, as far as its characters are whole; joined they are the text."""
        ...

    def lengths(self) -> np.ndarray:
        """(V,) characters of text that each token stands for."""
        ...


class Characters:
    """A token per Unicode code point."""

    def __init__(self, tokens: Sequence[str]):
        self.tokens = list(tokens)
        self._ids = np.full(0x110000, 1, dtype=np.int32)
        self._ids[[ord(token) for token in self.tokens[2:]]] = np.arange(2, len(self.tokens))

    @classmethod
    def learn(cls, text: str, size: int) -> Characters:
        """By falling count, then by code point. Of large alphabets what occurs once is unknown."""
        points, counts = np.unique(_points(text), return_counts=True)
        kept = counts >= (2 if len(points) > 256 else 1)
        order = np.argsort(-counts[kept], kind="stable")[: max(size - 2, 0)]
        return cls([PADDING, UNKNOWN, *map(chr, points[kept][order].tolist())])

    def encode(self, text: str) -> np.ndarray:
        return self._ids[_points(text)]

    def split(self, text: str) -> Iterator[str]:
        return iter(text)

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        shown = ["", "\ufffd", *self.tokens[2:]]
        return (shown[i] for i in ids)

    def lengths(self) -> np.ndarray:
        return _lengths(["", "x", *self.tokens[2:]])


class Tokens:
    """Text that is tokenised already: a token between white space, and one for the end of a line."""

    def __init__(self, tokens: Sequence[str]):
        self.tokens = list(tokens)
        self._ids = {token: i for i, token in enumerate(self.tokens) if token != PADDING}

    @classmethod
    def learn(cls, text: str, size: int) -> Tokens:
        counts = Counter(_marked(text))
        return cls(_commonest(counts, size, 1, always=[LINE_END]))

    def encode(self, text: str) -> np.ndarray:
        get = self._ids.get
        return np.fromiter((get(token, 1) for token in _marked(text)), dtype=np.int32)

    def split(self, text: str) -> Iterator[str]:
        return self._apart(_marked(text))

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        return self._apart(self.tokens[i] for i in ids if i)

    def _apart(self, tokens: Iterable[str]) -> Iterator[str]:
        """With a blank before each that is not the first of a line."""
        begun = False
        for token in tokens:
            if token == LINE_END:
                yield "\n"
            else:
                yield f" {token}" if begun else token
            begun = token != LINE_END

    def lengths(self) -> np.ndarray:
        # A word and the blank in front of it; the first of a line has none, which makes up for the line's end.
        return _lengths(["" if token in (PADDING, LINE_END) else f" {token}" for token in self.tokens])


class Words:
    """Words with the blank before them, single marks, single characters of unspaced scripts, line ends."""

    def __init__(self, tokens: Sequence[str]):
        self.tokens = list(tokens)
        self._ids = {token: i for i, token in enumerate(self.tokens) if i > 1}
        self._split = pre_tokenizers.Split(Regex(_WORD), "isolated").pre_tokenize_str

    @classmethod
    def learn(cls, text: str, size: int) -> Words:
        counts = Counter(cls([PADDING, UNKNOWN]).split(text))
        least = 2 if counts.total() > _FEW_WORDS else 1
        return cls(_commonest(counts, size, least, always=["\n"]))

    def encode(self, text: str) -> np.ndarray:
        get = self._ids.get
        return np.fromiter((get(word, 1) for word in self.split(text)), dtype=np.int32)

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        shown = ["", f" {UNKNOWN}", *self.tokens[2:]]
        return (shown[i] for i in ids)

    def lengths(self) -> np.ndarray:
        return _lengths(["", f" {UNKNOWN}", *self.tokens[2:]])

    def split(self, text: str) -> Iterator[str]:
        for part in turns(text):
            for word, _ in self._split(part):
                yield word


class Subwords:
    """Byte-pair encoding of UTF-8 bytes (Radford et al. 2019), so that no text is unknown."""

    def __init__(self, tokens: Sequence[str], merges: Sequence[tuple[str, str]]):
        self.tokens, self.merges = list(tokens), [(a, b) for a, b in merges]
        vocabulary = {token: i for i, token in enumerate(self.tokens)}
        self._tokenizer = _byte_level(models.BPE(vocab=vocabulary, merges=self.merges, ignore_merges=False))
        byte = _bytes_of_letters()
        self._bytes = [b"", "\ufffd".encode(), *(bytes(byte[c] for c in t) for t in self.tokens[2:])]

    @classmethod
    def learn(cls, text: str, size: int) -> Subwords:
        """At least the 256 bytes; learned from some 4 million characters spread over a longer text."""
        tokenizer = _byte_level(models.BPE())
        trainer = trainers.BpeTrainer(
            vocab_size=max(size, 258),
            min_frequency=2,
            special_tokens=[PADDING, UNKNOWN],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        parts = list(turns(text))
        tokenizer.train_from_iterator(parts[:: -(-len(parts) // _ENOUGH_TURNS)], trainer)
        learned = json.loads(tokenizer.to_str())["model"]
        tokens = sorted(learned["vocab"], key=learned["vocab"].__getitem__)
        return cls(tokens, [tuple(merge) for merge in learned["merges"]])

    def encode(self, text: str) -> np.ndarray:
        found = [np.zeros(0, np.int32)]
        # One part at a time: the library's own objects are many times larger than the ids.
        for part in turns(text):
            (encoding,) = self._tokenizer.encode_batch_fast([part], add_special_tokens=False)
            found.append(np.array(encoding.ids, np.int32))
        return np.concatenate(found)

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        from codecs import getincrementaldecoder

        decoder = getincrementaldecoder("utf-8")("replace")
        for i in ids:
            yield decoder.decode(self._bytes[i])
        yield decoder.decode(b"", final=True)

    def split(self, text: str) -> Iterator[str]:
        return self.pieces(self.encode(text).tolist())

    def lengths(self) -> np.ndarray:
        # A character is counted where it begins: at every byte that continues none.
        return np.array([sum(byte & 0xC0 != 0x80 for byte in token) for token in self._bytes])


SPLITTERS: dict[Split, type[Characters | Tokens | Words | Subwords]] = {
    "tokens": Tokens,
    "words": Words,
    "subwords": Subwords,
    "characters": Characters,
}


def choose_split(text: str, level: Literal["auto", "word", "subword", "character"]) -> tuple[Split, str]:
    """How `text` is split, and why, in words for people.

    - "tokens" where the text is tokenised already: it holds "<unk>" once in 1,000 words or more, or every
      mark stands between blanks (nine in ten of 20 or more), or every word is a single character.
    - "characters" up to 4 million characters, "subwords" beyond.

    >>> choose_split("To be, or not to be.", "auto")[0], choose_split("the <unk> of\\n", "auto")[0]
    ('characters', 'tokens')
    """
    if level == "subword":
        return "subwords", "subwords, as asked"
    if level == "character":
        return "characters", "characters, as asked"
    sign = _tokenised(text)
    if sign:
        return "tokens", f"words between blanks, because the text is tokenised already: {sign}"
    if level == "word":
        return "words", "words and marks, as asked"
    if len(text) <= _LONGEST_BY_CHARACTER:
        return (
            "characters",
            f"characters, because {len(text):,} of them are too few to learn rare words from",
        )
    return "subwords", f"subwords, because {len(text):,} characters make many steps, but are enough for them"


def turns(text: str) -> Iterator[str]:
    """`text` in parts of about a million characters that end where a line does."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + _TURN) + 1 or len(text)
        yield text[start:end]
        start = end


def _tokenised(text: str) -> str | None:
    tokens = text[:_SAMPLE].split()
    unknown = tokens.count(UNKNOWN)
    if unknown and 1000 * unknown >= len(tokens):
        return f'"{UNKNOWN}" stands in it'
    ending = [token for token in tokens if _MARKS.fullmatch(token[-1:])]
    alone = sum(_MARKS.fullmatch(token) is not None for token in ending)
    if len(ending) >= 20 and 10 * alone >= 9 * len(ending):
        return "marks stand between blanks"
    if len(tokens) >= 20 and sum(map(len, tokens)) <= 1.05 * len(tokens):
        return "every word is a single character"
    return None


def _marked(text: str) -> list[str]:
    return text.replace("\n", f" {LINE_END} ").split()


def _commonest(counts: Counter[str], size: int, least: int, *, always: list[str]) -> list[str]:
    """Padding, unknown, what is always needed, and the rest by falling count, then by itself."""
    first = [PADDING, UNKNOWN, *always]
    rest = ((-n, token) for token, n in counts.items() if n >= least and token not in first)
    return [*first, *(token for _, token in sorted(rest)[: max(size - len(first), 0)])]


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def _lengths(shown: Sequence[str]) -> np.ndarray:
    return np.array([len(token) for token in shown])


def _byte_level(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECE), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _bytes_of_letters() -> dict[str, int]:
    """The byte that each letter of the library's byte-level alphabet stands for.

    Visible Latin-1 characters stand for themselves; the other bytes, in order, are the letters from U+0100.
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in set(visible)]
    return {chr(b): b for b in visible} | {chr(256 + n): b for n, b in enumerate(hidden)}
