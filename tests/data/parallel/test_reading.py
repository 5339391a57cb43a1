"""Pairs from tables and aligned files, and every way in which they can be broken."""

import gzip
import json
import os

import numpy as np
import polars as pl
import pytest

from recurra.data.parallel import (
    PairCodec,
    PairOptions,
    PairSchema,
    PairTokensConfig,
    read_again,
    read_pairs,
    read_sources,
)
from recurra.data.parallel.files import check_aligned, partner
from recurra.errors import DataError, InputError

PAIRS = [("Ein Hund.", "A dog."), ("Zwei Katzen laufen.", "Two cats run."), ("Ein Mann!", "A man!")]


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def lines(path, texts):
    return written(path, "".join(f"{text}\n" for text in texts))


def found(pairs):
    return list(zip(pairs.examples.texts.tolist(), pairs.examples.targets.tolist(), strict=True))


def test_a_table_with_two_columns_of_texts_is_read_as_it_stands(tmp_path):
    frame = pl.DataFrame(PAIRS, schema=["de", "en"], orient="row")
    frame.write_csv(tmp_path / "a.csv")
    frame.write_csv(tmp_path / "a.tsv", separator="\t")
    frame.write_ndjson(tmp_path / "a.jsonl")
    frame.write_parquet(tmp_path / "a.parquet")
    for source in (frame, *(tmp_path / f"a.{ending}" for ending in ("csv", "tsv", "jsonl", "parquet"))):
        pairs = read_pairs(source, PairOptions())
        assert found(pairs) == PAIRS and (pairs.schema.text, pairs.schema.target) == ("de", "en")
        assert "source: 'de', target: 'en'" in pairs.notes
        swapped = read_pairs(source, PairOptions(target="de"))
        assert found(swapped) == [(b, a) for a, b in PAIRS]


def test_columns_are_named_where_there_are_more(tmp_path):
    frame = pl.DataFrame(PAIRS, schema=["de", "en"], orient="row").with_columns(
        topic=pl.Series(["x", "y", "x"]), part=pl.Series(["train", "dev", "test"]), n=pl.Series([1, 2, 3])
    )
    with pytest.raises(
        DataError, match=r"which of 4 columns of texts is the source.*--text SOURCE --target TARGET"
    ):
        read_pairs(frame, PairOptions())
    with pytest.raises(DataError, match=r"no column 'fr'.*The columns are: de, en, topic"):
        read_pairs(frame, PairOptions(text="fr", target="en"))
    with pytest.raises(InputError, match="the same column"):
        read_pairs(frame, PairOptions(text="en", target="en"))
    pairs = read_pairs(frame, PairOptions(text="de", target="en", split="part"))
    assert pairs.examples.parts.tolist() == ["train", "validation", "test"]
    with pytest.raises(
        DataError, match=r"expected two columns of texts, source and target, found 1.*train\.en"
    ):
        read_pairs(frame.select("de", "n"), PairOptions())


def test_a_first_line_that_is_a_pair_is_no_header(tmp_path):
    path = written(tmp_path / "fra.txt", "".join(f"{a}\t{b}\n" for a, b in PAIRS))
    pairs = read_pairs(path, PairOptions())
    assert found(pairs) == PAIRS and any("no header line" in note for note in pairs.notes)
    other = written(tmp_path / "other.txt", "Hallo\tHello\nJa\tYes\n")
    assert found(read_again(other, pairs.schema)) == [("Hallo", "Hello"), ("Ja", "Yes")]
    one = written(tmp_path / "new.txt", "Hallo\nJa, ja\n\n")
    assert read_sources(one, pairs.schema)[0] == ["Hallo", "Ja, ja", ""]


@pytest.mark.parametrize("packed", [False, True])
def test_two_aligned_files(tmp_path, packed):
    paths = []
    for side, ending in ((0, "de"), (1, "en")):
        text = "".join(f"{pair[side]}\r\n" for pair in PAIRS).encode()
        path = tmp_path / (f"train.{ending}" + (".gz" if packed else ""))
        path.write_bytes(gzip.compress(text) if packed else text)
        paths.append(path)
    pairs = read_pairs(paths[0], PairOptions(target=str(paths[1])))
    assert found(pairs) == PAIRS and pairs.schema.layout == "files"
    assert any("line n of" in note for note in pairs.notes)
    test = lines(tmp_path / "test_new.de", ["Hallo"])
    lines(tmp_path / "test_new.en", ["Hello"])
    assert found(read_again(test, pairs.schema)) == [("Hallo", "Hello")]
    table = pl.DataFrame({"source": ["Ja"], "target": ["Yes"]})
    assert found(read_again(table, pairs.schema)) == [("Ja", "Yes")]
    lonely = lines(tmp_path / "lonely.de", ["Hallo", "", "x"])
    with pytest.raises(DataError, match=r"lonely.en: there is no such file"):
        read_again(lonely, pairs.schema)
    assert read_sources(lonely, pairs.schema)[0] == ["Hallo", "", "x"]
    with pytest.raises(InputError, match="cannot be found by name"):
        read_again(lines(tmp_path / "other.txt", ["x"]), pairs.schema)


def test_columns_are_followed_by_files_of_their_names(tmp_path):
    learned = read_pairs({"en": ["a dog"], "de": ["ein Hund"]}, PairOptions()).schema
    (tmp_path / "test.en").write_text("a cat\n")
    (tmp_path / "test.de").write_text("eine Katze\n")
    found = read_again(tmp_path / "test.en", learned).examples
    assert (found.texts.tolist(), found.targets.tolist()) == (["a cat"], ["eine Katze"])
    (tmp_path / "table.txt").write_text("en\tde\na cat\teine Katze\n")
    assert read_again(tmp_path / "table.txt", learned).examples.targets.tolist() == ["eine Katze"]


def test_files_that_are_not_aligned(tmp_path):
    de = lines(tmp_path / "a.de", [a for a, _ in PAIRS])
    short = lines(tmp_path / "a.en", [b for _, b in PAIRS][:2])
    with pytest.raises(
        DataError, match=r"a\.en: expected as many lines as in a\.de \(3\), found 2.*a line too many"
    ):
        read_pairs(de, PairOptions(target=str(short)))
    blank = lines(tmp_path / "b.en", [*(b for _, b in PAIRS), "", " "])
    assert found(read_pairs(de, PairOptions(target=str(blank)))) == PAIRS
    with pytest.raises(DataError, match=r"none\.en: there is no such file"):
        read_pairs(de, PairOptions(target=str(tmp_path / "none.en")))
    with pytest.raises(InputError, match="no columns"):
        read_pairs(de, PairOptions(text="de", target=str(short)))
    with pytest.raises(DataError, match=r"expected two columns of texts|no column 'en'.*Two aligned files"):
        read_pairs(de, PairOptions(target="en"))


def test_a_line_off_is_noticed():
    draw = np.random.default_rng(0)
    sources = ["x" * n for n in draw.integers(5, 90, 200)]
    targets = ["y" * (len(each) + int(draw.integers(0, 9))) for each in sources]
    assert check_aligned(sources, targets, "a", "b") == []
    (doubt,) = check_aligned(sources[1:], targets[:-1], "a", "b")
    assert "line n of a seems to go with line n+1 of b" in doubt
    (doubt,) = check_aligned(sources[:-1], targets[1:], "a", "b")
    assert "line n-1 of b" in doubt
    shuffled = [targets[k] for k in draw.permutation(200)]
    assert check_aligned(sources, shuffled, "a", "b") == []


def test_empty_and_repeated_pairs_are_counted():
    table = {
        "de": ["Hund", None, "Katze", "Hund", " ", "Hund", "Maus"],
        "en": ["dog", "x", "", "dog", " ", "hound", "mouse"],
    }
    pairs = read_pairs(table, PairOptions())
    assert found(pairs) == [("Hund", "dog"), ("Hund", "hound"), ("Maus", "mouse")]
    assert pairs.examples.rows.tolist() == [1, 6, 7]
    said = " / ".join(pairs.notes)
    for part in ("3 pairs of texts", "no source: row 2", "no target: row 3", "same pair as one before: row 4",
                 "no source and no target: row 5"):  # fmt: skip
        assert part in said


@pytest.mark.parametrize("content, message", [
    (b"", "the file is empty"),
    (b"\x89PNG\r\n", "PNG"),
    (b"de,en\n,\n,\n", "pair of two texts|no record|expected two columns"),
    (b"de,en\nx\n", "row|fields|columns"),
    (b'{"de": "x"}\n{"de": \n', "line 2|row 2"),
])  # fmt: skip
def test_broken_tables_are_refused(tmp_path, content, message):
    path = tmp_path / ("broken.jsonl" if content.startswith(b"{") else "broken.csv")
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_pairs(path, PairOptions())


def test_old_encodings_are_read_and_said(tmp_path):
    path = tmp_path / "old.csv"
    path.write_bytes("de,en\nGrüße,greetings\nFüße,feet\n".encode("latin-1"))
    pairs = read_pairs(path, PairOptions())
    assert found(pairs)[0] == ("Grüße", "greetings") and any("not UTF-8" in note for note in pairs.notes)


def test_lists_in_columns_are_no_texts():
    with pytest.raises(DataError, match="expected a column of texts, found List"):
        read_pairs(pl.DataFrame({"a": [["x"]], "b": ["y"]}), PairOptions(text="a", target="b"))


def test_sources_to_answer(tmp_path):
    schema = read_pairs({"de": ["x"], "en": ["y"]}, PairOptions()).schema
    assert read_sources(["a", "b"], schema)[0] == ["a", "b"]
    path = written(tmp_path / "new.jsonl", json.dumps({"de": "Hund", "n": 1}) + "\n" + '{"n": 2}\n')
    assert read_sources(path, schema)[0] == ["Hund", ""]
    only = written(tmp_path / "only.csv", "german\nHund da\nKatze\n")
    texts, notes = read_sources(only, schema)
    assert texts == ["Hund da", "Katze"] and "the column 'german' is read" in notes[-1]
    with pytest.raises(DataError, match="no column 'de'"):
        read_sources(pl.DataFrame({"a": ["x"], "b": ["y"]}), schema)


def test_the_name_of_a_partner():
    assert partner(f"x{os.sep}val.de.gz", "train.de.gz", "train.en") == f"x{os.sep}val.en.gz"
    assert partner("de.de", "train.de", "train.en") == "de.en"
    for source, of, target in (("a.fr", "train.de", "train.en"), ("a.de", "train.de", "other.en")):
        with pytest.raises(InputError, match="cannot be found by name"):
            partner(source, of, target)


def test_a_table_of_one_column_without_a_header_loses_no_text(tmp_path):
    learned = read_pairs({"en": ["a dog"], "de": ["ein Hund"]}, PairOptions()).schema
    texts = ["A dog runs now.", "It sleeps.", "Why?"]
    for name in ("new.tsv", "new.csv"):
        assert read_sources(lines(tmp_path / name, texts), learned)[0] == texts
    assert read_sources(lines(tmp_path / "named.tsv", ["en", *texts]), learned)[0] == texts
    assert read_sources(lines(tmp_path / "other.tsv", ["english", *texts]), learned)[0] == texts
    headless = read_pairs(written(tmp_path / "f.txt", "Go.\tVa !\nStop.\tStop !\n"), PairOptions()).schema
    assert read_sources(lines(tmp_path / "short.tsv", ["Go", "Stop"]), headless)[0] == ["Go", "Stop"]


def test_blanks_and_line_ends_around_texts_are_left_off():
    pairs = read_pairs(
        {"source": ["a dog\n", "a dog", " a cat"], "target": ["x\r\n", "x", "y "]}, PairOptions()
    )
    assert found(pairs) == [("a dog", "x"), ("a cat", "y")]
    codec = PairCodec.fit(["a dog"], ["ein Hund"], PairTokensConfig(level="word"))
    assert np.array_equal(codec.encode_source("a dog\n"), codec.encode_source("a dog"))
    assert np.array_equal(codec.encode_target(" ein Hund\n"), codec.encode_target("ein Hund"))


def test_pairs_that_come_again_are_learned_once_and_scored_as_often_as_they_stand():
    pairs = {"source": ["a", "a", "b", "b"], "target": ["x", "x", "y", "y"]}
    learned = read_pairs(pairs, PairOptions())
    assert len(learned.examples) == 2 and len(read_again(pairs, learned.schema).examples) == 4
    split = read_pairs(pairs | {"part": ["train", "train", "test", "test"]}, PairOptions(split="part"))
    assert found(split) == [("a", "x"), ("b", "y"), ("b", "y")]


def test_texts_of_digits_are_pairs_as_they_were_written(tmp_path):
    path = written(tmp_path / "a.csv", "de,en\n3.10,+4915\n12.00,12345678901234567890\n")
    learned = read_pairs(path, PairOptions(text="de", target="en"))
    assert found(learned) == [("3.10", "+4915"), ("12.00", "12345678901234567890")]
    assert read_sources(path, learned.schema)[0] == ["3.10", "12.00"]


def test_after_aligned_files_a_table_is_told_what_its_columns_are_to_be_called(tmp_path):
    schema = PairSchema(layout="files", text="train.en", target="train.de")
    table = tmp_path / "new.csv"
    table.write_text("en,de\na dog,ein Hund\n")
    for reader in (read_again, read_sources):
        with pytest.raises(DataError, match="Call them source and target"):
            reader(str(table), schema)
