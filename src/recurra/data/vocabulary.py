"""The levels at which a text is split, and how the vocabulary of each is learned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

Level = Literal["word", "subword", "character"]
LEVELS: tuple[Level, ...] = ("word", "subword", "character")
PADDING, UNKNOWN = "<pad>", "<unk>"

# Scripts written without spaces between words: each of their characters is a word of its own.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_LETTER = rf"[\w&&[^{_UNSPACED}]]"
_WORD = rf"[{_UNSPACED}]|{_LETTER}+|[^\w\s\p{{Cc}}\p{{Cf}}]"
# Merging pairs takes time with the square of a word's length, so a word without an end is broken up.
_SPACED_WORD = rf"[{_UNSPACED}]|▁?{_LETTER}{{1,64}}|▁?[^\w\s▁]|▁"
LINE_BREAK = re.compile(r"(?i)<br\s*/?>")

# Chinese, Japanese, Thai, Lao, Burmese, Khmer: written without spaces between words.
_NO_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)

_SLICE_CHARACTERS = 1_000_000  # of texts handled at a time: less than 100 MB of the library's own objects
_SAMPLE_CHARACTERS = 1_000_000


def rules(level: Level, lowercase: bool) -> Tokenizer:
    """A tokenizer that normalises and splits as the level does, and has no vocabulary yet."""
    character = level == "character"
    steps: list[normalizers.Normalizer] = [normalizers.Replace(Regex(LINE_BREAK.pattern), " ")]
    steps.append(normalizers.NFC() if character else normalizers.NFKC())
    if lowercase:
        steps.append(normalizers.Lowercase())
    if level == "subword":
        # Spaces are marked below, and only single ones come back from the marks.
        steps += [normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
        tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN, fuse_unk=True))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Metaspace(prepend_scheme="always", split=False),
                pre_tokenizers.Split(Regex(_SPACED_WORD), "isolated"),
            ]
        )
        tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    else:
        tokenizer = Tokenizer(models.WordLevel({}, unk_token=UNKNOWN))
        if character:
            tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
            tokenizer.decoder = decoders.Fuse()
        else:
            tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), "removed", invert=True)
    tokenizer.normalizer = normalizers.Sequence(steps)
    return tokenizer


def written_rules(tokenizer: Tokenizer) -> dict[str, Any]:
    """Everything in a tokenizer but what it learned."""
    written = json.loads(tokenizer.to_str())
    written["model"] = {k: v for k, v in written["model"].items() if k not in {"vocab", "merges"}}
    return written


def patterns(written: Any) -> set[str]:
    """All regular expressions in a tokenizer's JSON."""
    if isinstance(written, dict):
        found = {str(written["Regex"])} if "Regex" in written else set()
        return found.union(*map(patterns, written.values()))
    return set().union(*map(patterns, written)) if isinstance(written, list) else set()


def train(tokenizer: Tokenizer, texts: list[str], size: int, least: int) -> None:
    """Learn the vocabulary of `rules(...)`: `size` ids at most, of tokens that occur `least` times.

    Only what was learned is taken over from the library's trainers: their special tokens would be
    found in users' texts too, where somebody writes "<unk>".
    """
    if isinstance(tokenizer.model, models.BPE):
        tokenizer.model = _merge(tokenizer, texts, size, least)
    else:
        tokenizer.model = models.WordLevel(_count(tokenizer, texts, size, least), unk_token=UNKNOWN)


def slices(texts: list[str]) -> Iterator[list[str]]:
    """Runs of texts of about a million characters; lone surrogates (no text in any encoding) replaced."""
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64) // _SLICE_CHARACTERS
    borders = [0, *(np.flatnonzero(np.diff(ends)) + 1).tolist(), len(texts)]
    for first, last in pairwise(borders):
        part = texts[first:last]
        try:
            "".join(part).encode()
        except UnicodeEncodeError:
            part = [text.encode("utf-8", "replace").decode() for text in part]
        yield part


def writes_without_spaces(texts: Sequence[str]) -> bool:
    """Whether a third of what these texts say (the first 500 of them) is in a script without spaces.

    >>> writes_without_spaces(["今天天气很好"]), writes_without_spaces(["Погода хороша", "fine"])
    (True, False)
    """
    head = [text[:2000] for text in texts[:500]]
    letters = sum(character.isalpha() for text in head for character in text)
    return sum(len(_NO_SPACES.findall(text)) for text in head) > letters / 3


def choose_level(texts: Sequence[str]) -> Level:
    """The level that suits `texts`, from at most a million characters spread over them.

    - "character" where texts have no words inside: less than 1.2 words a text (names, codes), or words of
      more than 20 characters on average (molecules, genomes).
    - "subword" where words are too rare to learn one by one: at least 2,000 words, and of those in every
      second text more than 30 in 100 do not occur in the other texts (a few hundred Russian sentences).
    - "word" otherwise, which separates Chinese and Japanese into characters.

    >>> choose_level(["a good film", "a bad film"]), choose_level(["ivanova", "smith", "li"])
    ('word', 'character')
    """
    characters = sum(map(len, texts))
    sample = [text for text in texts[:: 1 + characters // _SAMPLE_CHARACTERS] if text.strip()]
    splitter = rules("word", lowercase=True)
    words = [
        [word for word, _ in splitter.pre_tokenizer.pre_tokenize_str(splitter.normalizer.normalize_str(text))]
        for part in slices(sample)
        for text in part
    ]
    count = sum(map(len, words))
    letters = sum(len(word) for text in words for word in text)
    if count < 1.2 * len(words) or letters > 20 * count:
        return "character"
    seen = {word for text in words[::2] for word in text}
    others = [word for text in words[1::2] for word in text]
    unseen = sum(word not in seen for word in others)
    return "subword" if count >= 2_000 and unseen > 0.3 * len(others) else "word"


def _count(splitter: Tokenizer, texts: list[str], size: int, least: int) -> dict[str, int]:
    """Ids of the most frequent tokens; the library sorts by falling count, then by the token itself."""
    counting = Tokenizer(models.WordLevel({}, unk_token=UNKNOWN))
    counting.normalizer, counting.pre_tokenizer = splitter.normalizer, splitter.pre_tokenizer
    trainer = trainers.WordLevelTrainer(
        vocab_size=size, min_frequency=least, special_tokens=[PADDING, UNKNOWN], show_progress=False
    )
    counting.train_from_iterator((text for part in slices(texts) for text in part), trainer)
    return counting.get_vocab()


def _merge(splitter: Tokenizer, texts: list[str], size: int, least: int) -> models.BPE:
    """Byte-pair merges over an alphabet of the most frequent characters, half of the vocabulary at most."""
    letters = rules("character", lowercase=False)
    letters.normalizer = splitter.normalizer
    kept = sorted({"▁", *_count(letters, texts, max(3, size // 2), 1)} - {" ", PADDING, UNKNOWN})
    merging = Tokenizer(models.BPE(unk_token=UNKNOWN, fuse_unk=True))
    merging.normalizer, merging.pre_tokenizer = splitter.normalizer, splitter.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=least,
        special_tokens=[PADDING, UNKNOWN],
        initial_alphabet=kept,
        limit_alphabet=len(kept),
        show_progress=False,
    )
    merging.train_from_iterator((text for part in slices(texts) for text in part), trainer)
    learned = json.loads(merging.to_str())["model"]
    merges = [tuple(merge) for merge in learned["merges"]]
    return models.BPE(vocab=learned["vocab"], merges=merges, unk_token=UNKNOWN, fuse_unk=True)
