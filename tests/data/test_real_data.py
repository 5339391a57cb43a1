from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from recurra.data.schema import SchemaOptions, duplicates, duplicates_across, infer_schema, to_examples
from recurra.data.sources import read
from recurra.errors import DataError

FOLDER = os.environ.get("RECURRA_DATA")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="RECURRA_DATA is not set")


def path(name: str) -> Path:
    return Path(FOLDER or "") / name


def load(name: str, **options):
    table = read(path(name))
    schema = infer_schema(table, SchemaOptions(**options))
    return schema, *to_examples(table, schema)


def test_imdb_needs_no_option():
    schema, examples, unusable = load("imdb/imdb_train.csv.gz")
    assert (schema.text, schema.target, schema.classes) == ("text", ["label"], ["neg", "pos"])
    assert schema.set_aside == {
        "id": "an identifier",
        "stars": "gives the target away",
        "part": "says where a row belongs; --split part splits by it",
    }
    assert (len(examples), len(unusable)) == (25_000, 0)
    assert (examples.targets == "pos").sum() == 12_500
    assert duplicates(examples) == 96
    test, _ = to_examples(read(path("imdb/imdb_test.csv.gz")), schema)
    shared = {*examples.texts} & {*test.texts}
    assert len(shared) == 123
    assert duplicates_across(examples, test) == sum(text in shared for text in test.texts)


def test_trec_is_read_with_its_accents():
    schema, examples, _ = load("trec/TREC.train")
    assert schema.classes == ["ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM"]
    assert len(examples) == 5452
    assert [text for text in examples.texts if not text.isascii()] == [examples.texts[65]]
    assert "ð" in examples.texts[65]
    test, _ = to_examples(read(path("trec/TREC.test")), schema)
    assert len(test) == 500
    schema, examples, _ = load("trec/TREC.train.all")
    assert (schema.classes, len(examples)) == (list("012345"), 5452)


def test_mpqa_is_read_with_its_labels():
    schema, examples, _ = load("mpqa/mpqa.all")
    assert schema.classes == ["0", "1"]
    assert np.unique(examples.targets, return_counts=True)[1].tolist() == [7294, 3312]
    assert sum(text == "" for text in examples.texts) == 3
    assert len(read(path("mpqa/mpqa.pos"))) == 3311
    assert read(path("mpqa/mpqa.pos")).frame.columns == ["text"]


def test_ag_news_has_no_header():
    schema, examples, _ = load("ag_news/test.csv")
    assert len(examples) == 7600
    assert (schema.text, schema.target, schema.classes) == ("column_3", ["column_1"], ["1", "2", "3", "4"])
    assert schema.set_aside == {"column_2": "another text: one column of texts is read"}


def test_bbc_news():
    schema, examples, _ = load("bbc_news_summary/bbc_news_summary.csv.gz")
    assert (schema.text, schema.target, len(schema.classes)) == ("article", ["category"], 5)
    assert len(examples) == 2225


@pytest.mark.parametrize(
    ("name", "train", "test", "classes", "channels", "shortest", "longest"),
    [
        ("JapaneseVowels", 270, 370, 9, 12, 7, 29),
        ("GunPoint", 50, 150, 2, 1, 150, 150),
        ("ItalyPowerDemand", 67, 1029, 2, 1, 24, 24),
        ("OSULeaf", 200, 242, 6, 1, 427, 427),
        ("ArrowHead", 36, 175, 3, 1, 251, 251),
    ],
)
def test_ts_archives(name, train, test, classes, channels, shortest, longest):
    schema, examples, _ = load(f"{name}/{name}_TRAIN.ts")
    assert (schema.task, len(schema.classes), len(schema.channels)) == ("classify", classes, channels)
    others, unusable = to_examples(read(path(f"{name}/{name}_TEST.ts")), schema)
    assert (len(examples), len(others), len(unusable)) == (train, test, 0)
    lengths = np.concatenate([examples.sequences.lengths, others.sequences.lengths])
    assert (lengths.min(), lengths.max()) == (shortest, longest)
    assert not np.isnan(examples.sequences.values).any()


def test_pendigits_target_is_the_last_column():
    schema, examples, _ = load("pendigits/pendigits.tra")
    assert (schema.target, schema.steps, len(schema.classes), len(examples)) == (["column_17"], 16, 10, 7494)


def test_strokes_are_sequences_without_a_target():
    table = read(path("sketch_strokes/valid.jsonl.gz"))
    assert table.frame.columns == ["sequence"]
    assert len(table) == 300
    with pytest.raises(DataError, match="target"):
        infer_schema(table)


def test_forecasting_table_asks_for_a_target():
    with pytest.raises(DataError, match="OT"):
        load("ett/ETTh1.csv")
    schema, examples, _ = load("ett/ETTh1.csv", target="OT", window=24, stride=12)
    assert (schema.layout, schema.time, schema.task) == ("stream", "date", "regress")
    assert schema.channels == ["HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL"]
    assert len(examples) == (17420 - 24) // 12 + 1
