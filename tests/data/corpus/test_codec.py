from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from recurra.data.corpus.codec import CorpusConfig, TokenCodec
from recurra.errors import DataError, RunError

ENGLISH = "It isn't late, said the cat.\nThe dog (an old one) slept;  nobody heard it.\n"
RUSSIAN = "Было поздно, и кошка сказала: «пора»!\nСобака спала — никто не слышал.\n"
CHINESE = "天色已晚，猫说：“该走了”。\n　　狗睡着了，没人听见。\n"
TOKENISED = "it was late , said the <unk> .\nthe dog slept , nobody heard it .\n"
ALL = ENGLISH + RUSSIAN + CHINESE
LEVELS = ("word", "subword", "character")
ONCE = {level: TokenCodec.fit(ALL, CorpusConfig(level=level)) for level in LEVELS}
PTB_LIKE = TokenCodec.fit(TOKENISED)
CODECS = {**ONCE, "tokenised": PTB_LIKE}


@settings(deadline=None)
@given(st.text())
@example("\ud800 lone")
@example("İ é 🙂\r\n\t<unk><pad>\x00")
def test_subwords_lose_nothing(text):
    expected = text.encode("utf-8", "replace").decode()
    ids = ONCE["subword"].encode(text)
    assert ONCE["subword"].decode(ids) == expected
    assert not np.isin(ids, ONCE["subword"].never).any()


@settings(deadline=None)
@given(st.lists(st.sampled_from([ENGLISH, RUSSIAN, CHINESE, "\n"])), st.sampled_from(LEVELS))
def test_what_was_learned_from_comes_back(texts, level):
    text = "".join(texts)
    codec = ONCE[level]
    assert codec.decode(codec.encode(text)) == text
    assert codec.characters(codec.encode(text)).sum() == len(text)


@pytest.mark.parametrize("level", CODECS)
def test_pieces_joined_are_the_text_and_hold_whole_characters(level):
    codec = CODECS[level]
    text = TOKENISED if level == "tokenised" else ALL + "🙂"
    ids = codec.encode(text)
    pieces = list(codec.pieces(ids))
    assert "".join(pieces) == codec.decode(ids)
    assert len(pieces) == len(ids) + (level == "subword")
    assert ("\ufffd" in "".join(pieces)) == (level == "character")  # 🙂 is no character it knows


def test_half_a_character_waits_for_its_other_half():
    codec = ONCE["subword"]
    ids = codec.encode("🙂")
    assert len(ids) == 4
    assert list(codec.pieces(ids)) == ["", "", "", "🙂", ""]
    assert list(codec.pieces(ids[:2])) == ["", "", "\ufffd"]
    assert codec.characters(ids).tolist() == [1, 0, 0, 0]


def test_tokenised_text_has_a_token_for_the_end_of_a_line():
    ids = PTB_LIKE.encode(TOKENISED)
    assert [PTB_LIKE.tokens[i] for i in ids[:9]] == [*"it was late , said the <unk> . <eos>".split()]
    assert PTB_LIKE.decode(ids) == TOKENISED
    assert PTB_LIKE.characters(ids).sum() == len(TOKENISED)
    assert PTB_LIKE.encode("the <pad> slept").tolist() == [
        PTB_LIKE.tokens.index("the"),
        1,
        PTB_LIKE.tokens.index("slept"),
    ]


def test_words_keep_the_blank_before_them():
    codec = ONCE["word"]
    ids = codec.encode("The dog (an old one) isn't 猫")
    assert [codec.tokens[i] for i in ids] == [
        "The",
        " dog",
        " (",
        "an",
        " old",
        " one",
        ")",
        " isn't",
        "<unk>",
    ]
    assert codec.decode(codec.encode("said the zebra.")) == " <unk> the <unk>."


@pytest.mark.parametrize(
    "text, split",
    [
        (ENGLISH, "characters"),
        (CHINESE, "characters"),
        (TOKENISED, "tokens"),
        ("he said , no . she said , yes .\n" * 9, "tokens"),
        ("t h e _ c a t _ s a t\n" * 9, "tokens"),
        ("天 地 玄 黄\n" * 9, "tokens"),
        ("One sentence. Another, longer one.\n" * 150_000, "subwords"),
    ],
)
def test_the_level_suits_the_text(text, split):
    codec = TokenCodec.fit(text[-4_100_000:], CorpusConfig(vocabulary_size=300))
    assert codec.split == split
    assert codec.why.split(",")[0].split()[0] in (split, "words")


def test_vocabulary_is_by_frequency_then_by_token():
    codec = TokenCodec.fit("c b a c b d\na e\n", CorpusConfig(level="character"))
    assert codec.tokens[2:6] == [" ", "\n", "a", "b"]
    small = TokenCodec.fit(ENGLISH, CorpusConfig(level="character", vocabulary_size=4))
    assert small.vocabulary_size == 4
    assert set(small.encode(ENGLISH)) == {1, 2, 3}


def test_of_large_alphabets_what_occurs_once_is_unknown():
    text = "".join(chr(0x4E00 + n) for n in range(300))
    codec = TokenCodec.fit(text + text[:200], CorpusConfig(level="character"))
    assert (codec.encode(text) == 1).sum() == 100
    assert codec.decode(codec.encode(text[250])) == "\ufffd"


def test_lowercase():
    codec = TokenCodec.fit(ENGLISH, CorpusConfig(level="word", lowercase=True))
    assert codec.decode(codec.encode("THE DOG")) == "the dog"
    assert TokenCodec.from_json(codec.to_json()).decode(codec.encode("THE DOG")) == "the dog"


@pytest.mark.parametrize("level", CODECS)
def test_a_prompt_has_a_token_and_no_dangling_blank(level):
    codec = CODECS[level]
    empty = codec.encode_prompt("")
    assert empty.tolist() == [codec.line_end_id]
    assert codec.decode(empty) == "\n"
    given_ids = codec.encode_prompt("The dog ")
    assert given_ids.tolist() == codec.encode("The dog " if level == "character" else "The dog").tolist()


def test_a_prompt_takes_words_with_or_without_their_blank():
    codec = ONCE["word"]
    assert codec.encode("dog The")[0] == 1
    assert [codec.tokens[i] for i in codec.encode_prompt("dog The xyz,")] == [" dog", "The", "<unk>", ","]


def test_words_read_piece_by_piece_are_those_of_the_whole():
    codec, pieces = ONCE["word"], ("The ", "dog ", "xyz", " dog", "  ")
    found = [codec.tokens[i] for piece in pieces for i in codec.encode_piece(piece)]
    assert found[:4] == ["The", " dog", "<unk>", " dog"] and len(found) == 4 + len(codec.encode("  "))
    for level, other in CODECS.items():
        if level != "word":
            assert other.encode_piece("The dog ").tolist() == other.encode("The dog ").tolist()


@pytest.mark.parametrize("prompt", ["dog  The", "\r\r", "the\n\ndog xyz", "dog\tsat", "xyz\nThe"])
def test_a_prompt_with_unknown_words_and_odd_blanks_has_the_tokens_it_would_have_alone(prompt):
    codec = ONCE["word"]
    ids = codec.encode(prompt)
    taken = codec.encode_prompt(prompt)
    assert len(taken) == len(ids)
    assert (taken == ids)[ids != codec.unknown_id].all()
    assert not {"\n"} & {codec.tokens[i] for i in taken[ids == codec.unknown_id]}


@pytest.mark.parametrize("level", CODECS)
def test_saved_and_loaded_it_is_the_same(level, tmp_path):
    codec = CODECS[level]
    codec.save(tmp_path / "tokenizer.json")
    loaded = TokenCodec.load(tmp_path / "tokenizer.json")
    assert loaded.tokens == codec.tokens
    assert (loaded.split, loaded.level, loaded.why) == (codec.split, codec.level, codec.why)
    for text in (ALL, TOKENISED):
        assert loaded.encode(text).tolist() == codec.encode(text).tolist()


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": ["<unk>", "<pad>", "a"]},
        {"tokens": ["<pad>", "<unk>", "a", "a"]},
        {"tokens": ["<pad>", "<unk>", 3]},
        {"split": "pickles"},
        {"extra": 1},
        {"lowercase": "yes"},
        {"merges": [["a"]]},
        {"merges": [["zz", "yy"]]},
        {"merges": None},
        {"form": "recurra token codec 9"},
    ],
)
def test_a_changed_file_is_refused(change):
    with pytest.raises(RunError, match=r"tokenizer\.json"):
        TokenCodec.from_json(json.dumps(json.loads(ONCE["subword"].to_json()) | change))


@pytest.mark.parametrize("split, tokens", [("characters", ["ab"]), ("tokens", ["a"])])
def test_tokens_of_another_level_are_refused(split, tokens):
    record = json.loads(PTB_LIKE.to_json()) | {"split": split, "tokens": ["<pad>", "<unk>", *tokens]}
    with pytest.raises(RunError):
        TokenCodec.from_json(json.dumps(record))


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b"[" * 10**5])
def test_a_broken_file_is_refused(content, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(RunError, match=r"tokenizer\.json"):
        TokenCodec.load(tmp_path / "tokenizer.json")
    with pytest.raises(RunError, match="missing"):
        TokenCodec.load(tmp_path / "missing.json")


def test_bad_input():
    with pytest.raises(DataError, match="found none"):
        TokenCodec.fit(" \n")
    with pytest.raises(DataError, match="found int"):
        TokenCodec.fit(["a", 3])  # pyright: ignore[reportArgumentType]
    with pytest.raises(DataError, match="found 99999 at step 1"):
        ONCE["word"].decode([2, 99_999])
    with pytest.raises(ValidationError):
        CorpusConfig(level="sentence")  # pyright: ignore[reportArgumentType]


@pytest.mark.skipif("RECURRA_DATA" not in os.environ, reason="RECURRA_DATA is not set")
def test_penn_treebank_has_the_published_numbers_of_tokens():
    folder = Path(os.environ["RECURRA_DATA"]) / "ptb"
    codec = TokenCodec.fit((folder / "ptb.train.txt").read_text())
    assert (codec.level, codec.vocabulary_size) == ("word", 10_001)  # and padding
    for part, count in (("train", 929_589), ("valid", 73_760), ("test", 82_430)):
        assert len(codec.encode((folder / f"ptb.{part}.txt").read_text())) == count


def test_an_unknown_word_is_charged_for_its_own_spelling():
    codec = ONCE["word"]
    text = "The dog met Nebuchadnezzar;\n"
    ids = codec.encode(text)
    characters, nats = codec.spelling(text, ids)
    unknown = ids == codec.unknown_id
    assert characters is not None and nats is not None
    assert characters.sum() == len(text) and unknown.sum() == 2
    assert characters[unknown].tolist() == [len(" met"), len(" Nebuchadnezzar")]
    np.testing.assert_allclose(nats, np.where(unknown, characters * np.log(len(set(ALL)) + 1), 0))
    assert codec.unknown_share(ids) == pytest.approx(2 / 6)


@pytest.mark.parametrize("level", CODECS)
def test_a_text_without_unknown_tokens_costs_no_spelling(level):
    codec = CODECS[level]
    text = TOKENISED if level == "tokenised" else ALL
    ids = codec.encode(text)
    characters, nats = codec.spelling(text, ids)
    assert nats is None and characters is not None
    assert np.array_equal(characters, codec.characters(ids))


def test_an_unknown_sign_in_a_tokenised_text_is_no_unknown_word():
    text = "the <unk> saw the zebra\n"
    characters, nats = PTB_LIKE.spelling(text, PTB_LIKE.encode(text))
    assert characters is not None and nats is not None
    assert characters.sum() == len(text)
    assert np.flatnonzero(nats).tolist() == [2, 4]  # " saw" and " zebra"


def test_spelling_is_of_small_letters_where_these_are_read():
    codec = TokenCodec.fit(ENGLISH, CorpusConfig(level="character", lowercase=True))
    text = "\u0130T\u042f"  # the first becomes two small letters
    characters, _ = codec.spelling(text, codec.encode(text))
    assert characters is not None and characters.sum() == len(text.lower())


def test_a_file_that_tells_no_alphabet_has_that_of_its_tokens():
    content = json.loads(ONCE["word"].to_json())
    assert TokenCodec.from_json(json.dumps(content)).alphabet == len(set(ALL))
    del content["alphabet"]
    assert TokenCodec.from_json(json.dumps(content)).alphabet == len(set("".join(content["tokens"][2:])))
    with pytest.raises(RunError, match="alphabet"):
        TokenCodec.from_json(json.dumps(content | {"alphabet": 0}))
