from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data.corpus import CorpusConfig, TokenCodec
from recurra.errors import InputError
from recurra.tasks.generation import generate, generate_text
from recurra.tasks.generation.decoding import _until


def counting(vocabulary_size: int, seen: list):
    """A step that keeps what it read, and says the next id."""

    def step(token, state):
        seen.append((token, state))
        return 50 * torch.eye(vocabulary_size)[(token + 1) % vocabulary_size], (state or 0) + 1

    return step


def says(text: str, codec: TokenCodec):
    """A step that says `text` token by token, over and over, whatever it reads after the prompt."""
    ids = codec.encode(text).tolist()

    def step(token, state):
        state = 0 if state is None else state
        return 50 * torch.eye(codec.vocabulary_size)[ids[state % len(ids)]], state + 1

    return step


def test_each_token_is_one_step_with_the_state_of_the_last():
    seen = []
    made = list(generate(counting(9, seen), [2, 3], max_tokens=4))
    assert made == [4, 5, 6, 7]
    assert seen == [(2, None), (3, 1), (4, 2), (5, 3), (6, 4)]


def test_tokens_come_as_they_are_made():
    seen = []
    made = generate(counting(9, seen), [2], max_tokens=100)
    assert seen == []
    assert next(made) == 3
    assert len(seen) == 1


def test_same_seed_same_tokens():
    def step(token, state):
        return torch.zeros(1000), state

    runs = [list(generate(step, [2], max_tokens=20, seed=seed)) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert min(runs[0]) > 1


def test_bad_options_are_refused_before_anything_is_read():
    options: dict[str, Any]
    for options in ({"temperature": -1}, {"max_tokens": -1}, {"seed": -1}, {"top_k": 0}):
        seen = []
        with pytest.raises(InputError, match=next(iter(options))):
            generate(counting(9, seen), [2], **options)
        assert not seen
    with pytest.raises(InputError, match="prompt"):
        generate(counting(9, []), [])


@pytest.mark.parametrize("level", ["word", "subword", "character"])
def test_text_comes_in_whole_characters(level):
    text = "Кот 猫 🙂 sat.\nOn\n"
    codec = TokenCodec.fit(text, CorpusConfig(level=level))
    steps = len(codec.encode(text))
    pieces = list(generate_text(says(text, codec), codec, "", max_tokens=steps))
    assert "".join(pieces) == text
    assert all(pieces)
    assert len(pieces) > 3


def test_half_a_character_at_the_end_is_said_as_such():
    codec = TokenCodec.fit("ab", CorpusConfig(level="subword"))
    assert "".join(generate_text(says("🙂", codec), codec, "a", max_tokens=3)) == "\ufffd"


def test_words_of_tokenised_text_have_a_blank_where_one_belongs():
    codec = TokenCodec.fit("the cat sat <unk>\n")
    assert codec.split == "tokens"
    assert "".join(generate_text(says("cat sat\nthe", codec), codec, "the", max_tokens=4)) == " cat sat\nthe"
    assert "".join(generate_text(says("cat sat\nthe", codec), codec, "", max_tokens=4)) == "cat sat\nthe"


def test_it_stops_before_the_stop_text():
    codec = TokenCodec.fit("abcd\n", CorpusConfig(level="character"))
    step = says("abcabd\n", codec)
    for stop, expected in [("abd", "abc"), (["d", "\n"], "abcab"), ("abcabc", "abcabd\na"), ("a", "")]:
        assert "".join(generate_text(step, codec, "a", stop=stop, max_tokens=8)) == expected
    with pytest.raises(InputError, match="stop"):
        generate_text(step, codec, "a", stop=["b", ""]).__next__()


@settings(deadline=None)
@given(
    st.lists(st.text("ab", max_size=3), max_size=12),
    st.lists(st.text("ab", min_size=1, max_size=4), max_size=3),
)
def test_stopping_does_not_depend_on_how_the_text_is_cut(pieces, stops):
    text = "".join(pieces)
    found = "".join(_until(iter(pieces), stops))
    assert text.startswith(found)
    assert not any(stop in found for stop in stops)
    if found != text:
        assert any(text.startswith(stop, len(found)) for stop in stops)


@pytest.mark.parametrize("level", ["word", "subword"])
@pytest.mark.parametrize(
    "prompt, expected", [("a cat", " sat. a"), ("a cat ", "sat. a"), ("a cat  ", "sat. a")]
)
def test_a_blank_at_the_end_of_the_prompt_is_not_said_twice(level, prompt, expected):
    codec = TokenCodec.fit("a cat sat. " * 20, CorpusConfig(level=level))
    ids = codec.encode(" sat. a").tolist()
    read = len(codec.encode_prompt(prompt))

    def step(token, state):
        state = (state or 0) + 1
        return torch.eye(codec.vocabulary_size)[ids[min(max(state - read, 0), len(ids) - 1)]], state

    made = list(generate_text(step, codec, prompt, max_tokens=len(ids), temperature=0))
    assert "".join(made) == expected


def test_a_blank_that_is_no_token_s_stays():
    codec = TokenCodec.fit("ab ab ", CorpusConfig(level="character"))
    made = generate_text(says(" ab", codec), codec, "a ", max_tokens=3, temperature=0)
    assert "".join(made) == "ab "  # of the prompt's second step on
