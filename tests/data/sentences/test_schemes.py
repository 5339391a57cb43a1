from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score

from recurra.data.sentences.schemes import (
    allowed,
    converted,
    forbidden_transitions,
    impossible,
    marked,
    recognise,
    spans,
)

SCHEMES = ["IOB1", "IOB2", "BIOES", "BILOU"]


@st.composite
def spanned(draw):
    """Spans of a sentence, and its length."""
    found, at = [], 0
    for kind, gap, size in draw(
        st.lists(st.tuples(st.sampled_from(["X", "LU-S", ""]), st.integers(0, 2), st.integers(1, 3)))
    ):
        found.append((kind, at + gap, at + gap + size - 1))
        at += gap + size
    return found, at + draw(st.integers(0, 2))


@given(spanned(), st.sampled_from(SCHEMES))
def test_spans_come_back_from_every_scheme(case, scheme):
    found, length = case
    tags = marked(found, length, scheme)
    assert spans(tags) == found
    assert impossible([tags], scheme) == []


@given(spanned(), st.sampled_from(SCHEMES), st.sampled_from(SCHEMES))
def test_conversion_goes_there_and_back(case, one, other):
    tags = marked(*case, one)
    assert converted(converted(tags, other), one) == tags


@given(st.lists(st.sampled_from(["O", "B-X", "I-X", "I-Y"]), max_size=8))
def test_broken_tags_are_read_as_seqeval_reads_them(tags):
    mended = converted(tags, "IOB2")
    assert impossible([mended], "IOB2") == []
    if any(tag != "O" for tag in tags):
        assert f1_score([tags], [mended]) == 1.0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_is_recognised_by_its_own_tags(scheme):
    sentence = marked([("X", 0, 1), ("X", 2, 2), ("Y", 4, 6)], 8, scheme)
    assert recognise([sentence, marked([("Y", 1, 3)], 5, scheme)]) == scheme


@pytest.mark.parametrize(
    "tags", [["NOUN", "VERB"], ["B", "I"], ["S-X", "NOUN"], ["O", "O"], ["-LRB-", "NN"], []]
)
def test_tags_of_words_are_no_scheme(tags):
    assert recognise([tags]) is None


def test_bare_marks_are_a_scheme_where_there_is_an_outside():
    assert recognise([["B", "I", "O", "B"]]) == "IOB2"
    assert spans(["B", "I", "O", "B"]) == [("", 0, 1), ("", 3, 3)]


def test_impossible_transitions_are_counted_where_they_stand():
    assert impossible([["B-X", "I-Y", "O"], ["O", "B-X"]], "IOB2") == [(0, 1)]
    assert impossible([["B-X", "O"], ["S-X", "I-X"], ["B-X"]], "BIOES") == [(0, 1), (1, 1), (1, 1), (2, 0)]
    assert impossible([["B-X", "I-X"]], "IOB1") == [(0, 0)]


def test_forbidden_transitions_leave_what_is_allowed():
    names = ["O", "B-X", "I-X", "I-Y"]
    table = forbidden_transitions(names, "IOB2")
    assert table.shape == (5, 5) and not table[-1, -1]
    assert [names[j] for j in range(4) if not table[1, j]] == ["O", "B-X", "I-X"]
    assert [names[j] for j in range(4) if not table[-1, j]] == ["O", "B-X"]
    assert not allowed("B-X", None, "BIOES") and allowed("B-X", None, "IOB2")


def test_a_slip_does_not_hide_the_scheme_and_tags_without_spans_have_none():
    spans_ = [["B-X", "I-X", "O", "O"]] * 10
    assert recognise([*spans_, ["0"]]) == "IOB2" and recognise([*spans_, ["0"] * 3]) is None
    assert recognise([["I", "E", "NN", "O"]] * 10) is None and recognise([["B_LOC", "O"]]) is None
    assert converted(["B-X", "0", "I-X"], "BIOES") == ["S-X", "O", "S-X"]
