from __future__ import annotations

import gzip
import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recurra.data.corpus import (
    TokenCodec,
    describe_corpus,
    encode_corpus,
    is_running_text,
    is_text_itself,
    read_corpus,
)
from recurra.errors import DataError, InputError

LINES = "".join(f"line {n} of a text\n" for n in range(200))
NOVEL = "In which it begins\n\nOnce upon a time,\nlong ago,\nthere was a text of five lines.\n"


@given(
    st.text(st.sampled_from("ab \n\r"), min_size=1, max_size=400).filter(lambda t: t.strip()),
    st.floats(0, 0.45),
    st.floats(0, 0.45),
)
@settings(deadline=None)
@example("aa\r aaaaaaa", 0.4375, 0.4375)  # after the test part too little is left for validation
def test_the_parts_are_the_text_cut_in_order(text, validation, test):
    try:
        corpus = read_corpus(f"\n{text}", validation_share=validation, test_share=test)
    except DataError:
        return
    whole = corpus.train + corpus.validation + corpus.test
    assert whole.rstrip("\n") == f"\n{text}".replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    for part, share in ((corpus.validation, validation), (corpus.test, test)):
        assert round(share * len(whole)) <= len(part) <= 1.5 * round(share * len(whole))


@pytest.mark.parametrize(
    ("name", "content", "running"),
    [
        ("novel.txt", NOVEL.encode(), True),
        ("novel.txt.gz", gzip.compress(NOVEL.encode(), mtime=0), True),
        ("novel", NOVEL.encode("utf-16"), True),
        ("labelled.txt", LINES.replace("line", "__label__a").encode(), False),
        ("novel.csv", NOVEL.encode(), False),
        ("novel.conllu", NOVEL.encode(), False),
    ],
)
def test_a_file_of_text_alone_is_told_from_one_with_labels_or_columns(tmp_path, name, content, running):
    (tmp_path / name).write_bytes(content)
    assert is_running_text(tmp_path / name) is running
    assert not is_running_text(tmp_path)
    assert not is_running_text("-")


@pytest.mark.parametrize("source", ["", "  ", "x" * 300, "/".join(["x" * 300] * 2)])
def test_what_can_be_no_name_is_text(source):
    assert is_text_itself(source)
    if source.strip():
        assert read_corpus(source, validation_share=0, test_share=0).train == f"{source}\n"
    else:
        with pytest.raises(DataError, match="no text"):
            read_corpus(source)


def test_cuts_are_between_lines():
    corpus = read_corpus(LINES)
    assert corpus.train.endswith("\n") and corpus.validation.endswith("\n")
    assert len(corpus.test) / len(LINES) == pytest.approx(0.05, abs=0.01)
    assert any("set aside" in note for note in corpus.notes)
    bare = read_corpus(LINES, validation_share=0, test_share=0)
    assert (bare.train, bare.validation, bare.test, bare.notes) == (LINES, "", "", ())


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode("utf-8-sig"),
        LINES.encode("utf-16"),
        LINES.replace("\n", "\r\n").encode(),
        gzip.compress(LINES.encode(), mtime=0),
        LINES.rstrip("\n").encode(),
    ],
)
def test_files_of_any_form_are_one_text(tmp_path, content):
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    corpus = read_corpus(path)
    assert corpus.train + corpus.validation + corpus.test == LINES


def test_an_old_encoding_is_found_and_said(tmp_path):
    text = "Было поздно, и кошка сказала: пора! Собака спала, никто не слышал.\n" * 20
    (tmp_path / "old.txt").write_bytes(text.encode("cp1251"))
    corpus = read_corpus(tmp_path / "old.txt")
    assert corpus.train.startswith("Было поздно")
    assert any("1251" in note for note in corpus.notes)


def test_given_parts_are_taken(tmp_path):
    for name, text in (("a.txt", "train\n"), ("b.txt", "valid\n"), ("c.txt", "test\n")):
        (tmp_path / name).write_text(text)
    corpus = read_corpus(tmp_path / "a.txt", validation=tmp_path / "b.txt", test=str(tmp_path / "c.txt"))
    assert (corpus.train, corpus.validation, corpus.test) == ("train\n", "valid\n", "test\n")


def test_one_given_part_leaves_the_other_to_be_cut():
    corpus = read_corpus(LINES, test="a test\n")
    assert corpus.test == "a test\n"
    assert corpus.validation and corpus.train + corpus.validation == LINES


def test_a_folder_with_named_parts(tmp_path):
    for name in ("x.train.txt", "x.valid.txt", "x.test.txt"):
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / "README.md").write_text("about\n")
    (tmp_path / ".hidden.txt").write_text("hidden\n")
    corpus = read_corpus(tmp_path)
    assert (corpus.train, corpus.validation, corpus.test) == (
        "x.train.txt\n",
        "x.valid.txt\n",
        "x.test.txt\n",
    )
    with pytest.raises(InputError, match="a test part of its own"):
        read_corpus(tmp_path, test="more\n")


def test_a_folder_of_other_files_is_one_text(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.txt").write_text("second")
    (tmp_path / "a.txt").write_text("first\r\n")
    (tmp_path / "deep" / "c.txt").write_text("third\n")
    corpus = read_corpus(tmp_path, validation_share=0, test_share=0)
    assert corpus.train == "first\nsecond\nthird\n"
    with pytest.raises(DataError, match="none to train on"):
        (tmp_path / "only").mkdir()
        (tmp_path / "only" / "test.txt").write_text("x\n")
        (tmp_path / "only" / "valid.txt").write_text("x\n")
        read_corpus(tmp_path / "only")


def test_tables_give_the_column_of_texts(tmp_path):
    frame = pd.DataFrame({"n": range(40), "text": [f"row {n}" for n in range(40)], "label": ["a"] * 40})
    frame.to_csv(tmp_path / "t.csv", index=False)
    for source in (frame, tmp_path / "t.csv", frame["text"].tolist()):
        corpus = read_corpus(source, validation_share=0, test_share=0)
        assert corpus.train == "".join(f"row {n}\n" for n in range(40))
    assert read_corpus(frame, text="label", test_share=0, validation_share=0).train == "a\n" * 40
    with pytest.raises(DataError, match="expected one column of texts, found 2"):
        read_corpus(frame.rename(columns={"text": "said"}))
    with pytest.raises(DataError, match="column of texts, found Int64"):
        read_corpus(frame, text="n")
    with pytest.raises(DataError, match="there is no column"):
        read_corpus(frame, text="nothing")


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \n", "empty"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"text\n" * 9 + b"\0" * 99, "NUL"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, message):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_corpus(path)


def test_bad_input(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_corpus(tmp_path / "missing.txt")
    with pytest.raises(DataError, match="no such file"):
        read_corpus("missing.txt")
    with pytest.raises(DataError, match="no files"):
        read_corpus(tmp_path)
    with pytest.raises(DataError, match="no text"):
        read_corpus(" \n")
    with pytest.raises(InputError, match="leave some text"):
        read_corpus(LINES, test_share=0.5, validation_share=0.5)


def test_a_part_shorter_than_a_window_is_refused():
    corpus = read_corpus(LINES)
    codec = TokenCodec.fit(corpus.train)
    with pytest.raises(DataError, match="expected 1,000 tokens or more for validation"):
        encode_corpus(corpus, codec, least=1000)


@pytest.mark.skipif("RECURRA_DATA" not in os.environ, reason="RECURRA_DATA is not set")
@pytest.mark.parametrize(
    "source, level, note",
    [
        ("tinyshakespeare/input.txt", "character", "set aside"),
        ("russian_text", "character", "plain ones"),
        ("chinese_text/hongloumeng_zh.txt", "character", "set aside"),
        ("ptb/ptb.train.txt", "word", "set aside"),
        ("ag_news/test.csv", "character", "set aside"),
    ],
)
def test_real_texts_need_no_option(source, level, note):
    folder = Path(os.environ["RECURRA_DATA"])
    corpus = read_corpus(folder / source, text="column_3" if source.endswith("csv") else None)
    codec = TokenCodec.fit(corpus.train)
    streams = encode_corpus(corpus, codec)
    assert codec.level == level
    assert any(note in line for line in describe_corpus(corpus, codec, streams))
    unknown = 0.06 if level == "word" else 0.005
    assert all((ids == 1).mean() < unknown for ids in streams.values())
