from __future__ import annotations

import gzip
import io
import json
import sys
from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest

from recurra.data.sources import read
from recurra.errors import DataError


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


class TestJsonLines:
    def test_objects_are_records(self, tmp_path):
        lines = '{"text": "a\\u0085b\u2028", "label": 1}\n{"text": "c", "label": 0, "more": [1, 2]}\n'
        for name, content in (
            ("a.jsonl", lines),
            ("a.ndjson.gz", gzip.compress(lines.encode())),
            ("a.txt", lines),
        ):
            table = read(write(tmp_path / name, content))
            assert table.format == "jsonl"
            assert table.frame["text"].to_list() == ["a\x85b\u2028", "c"]
            assert table.frame["more"].to_list() == [None, [1, 2]]

    def test_python_nan_is_read(self, tmp_path):
        table = read(write(tmp_path / "a.jsonl", '{"x": [1, NaN], "y": "a"}\n\n{"x": [2.5], "y": "b"}\n'))
        assert table.frame["y"].to_list() == ["a", "b"]
        np.testing.assert_array_equal(table.frame["x"][0].to_numpy(), [1, np.nan])

    def test_lists_are_sequences_and_strings_texts(self, tmp_path):
        table = read(write(tmp_path / "a.jsonl", "[[1,2,0],[3,4,1]]\n[[5,6,0]]\n"))
        assert table.frame["sequence"].to_list() == [[[1, 2, 0], [3, 4, 1]], [[5, 6, 0]]]
        assert read(write(tmp_path / "b.jsonl", '"one"\n"two"\n')).frame["text"].to_list() == ["one", "two"]

    def test_one_list_of_objects_is_read(self, tmp_path):
        records = [{"text": "a", "label": 1}, {"text": "b", "label": 0}]
        for indent in (None, 2):
            table = read(write(tmp_path / "a.json", json.dumps(records, indent=indent)))
            assert table.frame.to_dicts() == records

    @pytest.mark.parametrize(
        ("content", "where", "what"),
        [
            ('{"a": 1}\n\n{"a": }\n', "a.jsonl, row 2", "line 3 is not JSON: Expecting value at character 7"),
            ('{"a": 1}\n[1]\n', "a.jsonl, row 2", "line 2 holds a list, but the first an object"),
            ('{"a": 1}\nplain\n', "a.jsonl, row 2", "line 2 is not JSON"),
            ("1\n2\n", "a.jsonl, row 1", "line 1 holds a number"),
            ("[1]\n2\n", "a.jsonl, row 2", "line 2 holds a number, but the first a list"),
            (
                '{"s": [1]}\n{"s": 2}\n',
                "a.jsonl, row 2, column 's'",
                "line 2 holds a number, but line 1 a list",
            ),
            ("[" * 100_000 + "]" * 100_000, "a.jsonl, row 1", "line 1 is not JSON: too deep"),
        ],
    )
    def test_broken_lines_are_named(self, tmp_path, content, where, what):
        with pytest.raises(DataError) as caught:
            read(write(tmp_path / "a.jsonl", content))
        assert caught.value.where == where
        assert what in caught.value.problem

    def test_bare_numbers_are_said_to_be_no_records(self, tmp_path):
        with pytest.raises(DataError) as caught:
            read(write(tmp_path / "a.jsonl", "1\n2\n"))
        assert caught.value.problem == "line 1 holds a number"


class TestParquet:
    def frame(self):
        return pl.DataFrame({"text": ["a", "b"], "y": [1, 2], "s": [[1.0, 2.0], [3.0]]})

    def test_parquet_is_told_by_content(self, tmp_path):
        self.frame().write_parquet(tmp_path / "a.parquet")
        packed = gzip.compress((tmp_path / "a.parquet").read_bytes())
        for path in (
            tmp_path / "a.parquet",
            write(tmp_path / "a.parquet.gz", packed),
            write(tmp_path / "a", packed),
        ):
            assert read(path).frame.equals(self.frame())

    @pytest.mark.parametrize("cut", [10, 200, -3])
    def test_cut_parquet_is_named(self, tmp_path, cut):
        self.frame().write_parquet(tmp_path / "a.parquet")
        data = (tmp_path / "a.parquet").read_bytes()[:cut]
        with pytest.raises(DataError, match=r"a\.parquet: the Parquet file is cut off or damaged"):
            read(write(tmp_path / "a.parquet", data))

    def test_parquet_without_rows_is_named(self, tmp_path):
        self.frame().clear().write_parquet(tmp_path / "a.parquet")
        with pytest.raises(DataError, match="no rows"):
            read(tmp_path / "a.parquet")


class TestTs:
    HEADER = "# comment\n@problemName x\n@timeStamps false\n@classLabel true a b\n@data\n"

    def test_channels_of_unequal_length(self, tmp_path):
        table = read(write(tmp_path / "x.ts", self.HEADER + "1,2,3:4,?,6:a\n7:8:b\n"))
        assert table.frame["channel_1"].to_list() == [[1, 2, 3], [7]]
        assert table.frame["channel_2"].to_list() == [[4, None, 6], [8]]
        assert table.frame["label"].to_list() == ["a", "b"]
        assert table.roles == {"target": "label"}
        assert table.task == "classify"

    def test_targets_of_regression_and_none(self, tmp_path):
        header = "@targetLabel true\n@data\n"
        table = read(write(tmp_path / "x.ts", header + "1,2:0.5\r\n3,4:0.25\r\n"))
        assert table.task == "regress"
        assert table.frame["label"].to_list() == ["0.5", "0.25"]
        table = read(write(tmp_path / "y.ts", "@classLabel false\n@data\n1,2:3,4\n"))
        assert table.frame.columns == ["channel_1", "channel_2"]
        assert table.roles == {}

    @pytest.mark.parametrize(
        ("body", "where", "what"),
        [
            ("1,2:3,4:a\n1,2:b\n", "x.ts, row 2", "1 channels in line 7, but 2 in the first"),
            ("1,2:a\n1,zwei:b\n", "x.ts, row 2", "'zwei' in line 7, channel 1, is not a number"),
            ("1,2:a\n1,\u0661:b\n", "x.ts, row 2", "'\u0661' in line 7, channel 1, is not a number"),
            ("", "x.ts", "there is no sequence after @data"),
        ],
    )
    def test_broken_lines_are_named(self, tmp_path, body, where, what):
        with pytest.raises(DataError) as caught:
            read(write(tmp_path / "x.ts", self.HEADER + body))
        assert caught.value.where == where
        assert what in caught.value.problem

    def test_header_without_data_is_named(self, tmp_path):
        with pytest.raises(DataError, match="no line @data"):
            read(write(tmp_path / "x.ts", "@problemName x\n1,2:a\n"))

    def test_time_stamps_are_refused(self, tmp_path):
        with pytest.raises(DataError, match="time stamps"):
            read(write(tmp_path / "x.ts", "@timeStamps true\n@classLabel true a\n@data\n(0,1),(1,2):a\n"))


class TestLines:
    @pytest.mark.parametrize(
        ("content", "running"),
        [
            ("Once upon a time\nthere was a text,\n\nand it went on.\n", True),
            ("one line", True),
            ("王子\n公主\n", True),
            ("".join(f"line {n} of a text{' again' * (n % 2)}\n" for n in range(30)), True),
            ("".join(f"{'pos' if n % 2 else 'neg'} film {n}\n" for n in range(20)), False),  # labels, perhaps
            (
                "".join(f"{'ab' * (n + 1)} NN B-NP\n" for n in range(20)),
                False,
            ),  # a column of words, one of tags
            ("1\n2\n3\n", False),
            ("__label__a one\n__label__b two\n", False),
            ("neg\tbad\npos\tgood\n", False),
        ],
    )
    def test_text_without_labels_is_to_be_written_on(self, tmp_path, content, running):
        assert (read(write(tmp_path / "a.txt", content)).task == "generate") is running

    def test_plain_lines_are_texts(self, tmp_path):
        table = read(write(tmp_path / "a.txt", "a good, long film\r\n\r\nbad\x85film\nno, no\n"))
        assert table.frame["text"].to_list() == ["a good, long film", "bad\x85film", "no, no"]
        assert table.format == "lines"

    @pytest.mark.parametrize("name", ["a.train", "a.txt", "a.csv.label"])
    def test_coarse_and_fine_labels(self, tmp_path, name):
        content = "".join(f"{'LOC' if i % 3 else 'NUM'}:f{i % 2} What , is {i} ?\n" for i in range(30))
        table = read(write(tmp_path / name, content))
        assert table.frame.columns == ["label", "fine", "text"]
        assert table.frame.row(1) == ("LOC", "f1", "What , is 1 ?")
        assert table.roles == {"target": "label", "text": "text"}
        assert "every line begins with one of 2 labels (LABEL:fine text)" in table.notes[0]

    @pytest.mark.parametrize(("form", "label"), [("{} some, text {}", "1"), ("{}: some text, {}", "pos")])
    def test_labels_in_front(self, tmp_path, form, label):
        other = "0" if label == "1" else "neg"
        content = "".join(form.format(label if i % 2 else other, i) + "\n" for i in range(20))
        table = read(write(tmp_path / "a.all", content))
        assert table.frame["label"].to_list() == [other, label] * 10
        assert table.frame["text"][3].endswith("3")

    def test_label_tab_text(self, tmp_path):
        content = "neg\tbad, bad\npos\tgood\nneg\tworse\npos\tbetter, really\n"
        table = read(write(tmp_path / "a.txt", content))
        assert table.frame.rows() == [tuple(line.split("\t")) for line in content.strip().split("\n")]
        assert "no header line" in table.notes[0]

    def test_fasttext_labels(self, tmp_path):
        table = read(write(tmp_path / "a.txt", "__label__a one two\n__label__a __label__b three\n"))
        assert table.frame["label"].to_list() == [["a"], ["a", "b"]]
        assert table.frame["text"].to_list() == ["one two", "three"]

    def test_few_lines_that_begin_with_numbers_stay_texts(self, tmp_path):
        table = read(write(tmp_path / "a.txt", "3 stars are too many\n3 are not\n"))
        assert table.frame["text"].to_list() == ["3 stars are too many", "3 are not"]

    def test_words_in_front_are_asked_about(self, tmp_path):
        table = read(
            write(tmp_path / "a.txt", "".join(f"{'pos' if i % 2 else 'neg'} film {i}\n" for i in range(20)))
        )
        assert table.frame.columns == ["text"]
        assert (
            "begins with one of 2 words (neg, pos): if that is its label, write a tab after it"
            in table.notes[0]
        )

    def test_numbers_between_blanks_are_a_table(self, tmp_path):
        table = read(write(tmp_path / "a.dat", "  1.0  2.5 -3e1\n  4.0  5.5  6.25\n"))
        assert table.frame.rows() == [(1.0, 2.5, -30.0), (4.0, 5.5, 6.25)]

    def test_aligned_numbers_between_commas_are_a_table(self, tmp_path):
        table = read(write(tmp_path / "a.tra", " 47,100, 27, 3\n  0, 89, 27, 4\n"))
        assert table.frame.rows() == [(47, 100, 27, 3), (0, 89, 27, 4)]


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ("text,label\na,1\nb,0\n", "csv"),
        ("text\tlabel\na\t1\n", "tsv"),
        ('{"a": 1}\n', "jsonl"),
        ("a film\n", "lines"),
    ],
)
def test_standard_input_is_told_by_content(monkeypatch, content, form):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    table = read("-")
    assert table.format == form
    assert table.origin == "standard input"


def test_empty_standard_input_is_named(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(DataError, match="standard input: the file is empty"):
        read("-")


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xff\xfe", b"\xff\xfe\n\0"])
@pytest.mark.parametrize("ending", ["txt", "csv", "jsonl", "ts"])
def test_file_of_a_byte_order_mark_is_empty(tmp_path, ending, mark):
    with pytest.raises(DataError, match="the file is empty"):
        read(write(tmp_path / f"a.{ending}", mark))


class TestFolder:
    def test_classes_of_texts(self, tmp_path):
        write(tmp_path / "d/pos/1.txt", "good\nfilm")
        write(tmp_path / "d/neg/2.txt", "café".encode("latin-1"))
        write(tmp_path / "d/neg/3.txt", "")
        write(tmp_path / "d/neg/.hidden", "x")
        table = read(tmp_path / "d")
        assert table.frame.select("label", "text", "file").rows() == [
            ("neg", "café", "neg/2.txt"),
            ("neg", "", "neg/3.txt"),
            ("pos", "good\nfilm", "pos/1.txt"),
        ]
        assert table.roles == {"text": "text", "target": "label"}

    def test_parts_above_classes(self, tmp_path):
        for part in ("train", "test"):
            for label in ("a", "b"):
                write(tmp_path / "d" / part / label / "1.txt", f"{part} {label}")
        table = read(tmp_path / "d")
        assert table.roles["split"] == "part"
        assert table.frame.select("part", "label", "text").rows() == [
            (p, c, f"{p} {c}") for p in ("test", "train") for c in ("a", "b")
        ]

    def test_parts_beside_other_folders(self, tmp_path):
        for part in ("train", "test"):
            write(tmp_path / "d" / part / "a/1.txt", part)
        write(tmp_path / "d/valid/1.txt", "x")
        write(tmp_path / "d/__MACOSX/a/1.txt", "x")
        write(tmp_path / "d/extra/a/1.txt", "x")
        table = read(tmp_path / "d")
        assert table.frame.select("part", "label").rows() == [("test", "a"), ("train", "a")]
        assert table.notes == ("folders beside the parts are not read: extra, valid",)

    def test_folders_are_classes_where_no_part_is_for_training(self, tmp_path):
        for name in ("test", "dev", "exam"):
            write(tmp_path / "d" / name / "1.txt", name)
            write(tmp_path / "d" / name / "deep/1.txt", name)
        table = read(tmp_path / "d")
        assert "split" not in table.roles and table.frame["label"].to_list() == ["dev", "exam", "test"]

    def test_classes_of_sequences(self, tmp_path):
        write(tmp_path / "d/walk/1.csv", "x,y\n1,2\n3,4\n5,6\n")
        write(tmp_path / "d/run/1.csv", "x,y\n7,8.5\n")
        table = read(tmp_path / "d")
        assert table.frame.select("label", "x", "y").rows() == [
            ("run", [7], [8.5]),
            ("walk", [1, 3, 5], [2, 4, 6]),
        ]

    def test_encoding_is_forced_or_said(self, tmp_path):
        write(tmp_path / "d/a/1.txt", "a long line about a caf\xe9 in the town\ncafé".encode("cp1252"))
        write(tmp_path / "d/a/2.txt", "plain\nthree\na long line that is na\xefve and plain".encode("cp1252"))
        write(tmp_path / "d/b/1.txt", "plain")
        table = read(tmp_path / "d")
        assert table.notes == (
            "not UTF-8 (line 1): read as cp1252; --encoding forces another (d/a/1.txt, and alike in 1 more files)",
        )
        table = read(tmp_path / "d", encoding="cp1251")
        assert table.frame["text"][0] == "a long line about a caf\u0439 in the town\ncaf\u0439"
        assert table.notes == ("read as cp1251, as asked (all files)",)
        write(tmp_path / "n/a/1.csv", "gr\xf6\xdfe\n1\n2\n".encode("cp1252"))
        write(tmp_path / "n/b/1.csv", "gr\xf6\xdfe\n1\n".encode("cp1252"))
        assert read(tmp_path / "n", encoding="cp1252").frame.columns[0] == "größe"

    def test_files_are_read_once_and_named_where_they_may_not_be(self, tmp_path, monkeypatch):
        path = write(tmp_path / "d/a/1.txt", "text")
        write(tmp_path / "d/b/1.txt", "")
        whole, asked = type(path).read_bytes, []
        monkeypatch.setattr(
            type(path), "read_bytes", lambda self: asked.append(self.parent.name) or whole(self)
        )
        assert read(tmp_path / "d").frame["text"].to_list() == ["text", ""]
        assert asked == ["a", "b"]

        def refuse(self):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(type(path), "read_bytes", refuse)
        with pytest.raises(DataError, match=r"d/a/1\.txt: the file may not be read"):
            read(tmp_path / "d")

    def test_byte_order_mark_alone_is_an_empty_text_and_no_sequence(self, tmp_path):
        write(tmp_path / "d/a/1.txt", b"\xef\xbb\xbf")
        write(tmp_path / "d/b/1.txt", "text")
        assert read(tmp_path / "d").frame["text"].to_list() == ["", "text"]
        write(tmp_path / "n/a/1.csv", b"\xef\xbb\xbf")
        with pytest.raises(DataError, match=r"n/a/1\.csv: the file is empty"):
            read(tmp_path / "n")

    def test_what_is_not_read_is_said(self, tmp_path):
        write(tmp_path / "d/train/a/1.txt", "x")
        write(tmp_path / "d/train/b/deep/1.txt", "x")
        write(tmp_path / "d/train/readme.md", "x")
        write(tmp_path / "d/vocabulary.txt", "x")
        assert read(tmp_path / "d").notes == (
            "empty sub-folders: train/b",
            "files beside the sub-folders are not read: vocabulary.txt, train/readme.md",
            "folders inside those of the classes are not read: train/b/deep",
        )

    def test_text_among_the_numbers_of_one_file_is_named(self, tmp_path):
        write(tmp_path / "d/a/1.csv", "x,y,at\n1,2,mon\n3,4,tue\n")
        write(tmp_path / "d/a/2.csv", "x,y,at\n1,NA,mon\n3,007,tue\n")
        write(tmp_path / "d/b/1.csv", "x,y,at\n5,6.5,mon\n")
        frame = read(tmp_path / "d").frame
        assert frame["y"].to_list() == [[2, 4], [None, 7], [6.5]]
        assert frame["at"].to_list() == [["mon", "tue"], ["mon", "tue"], ["mon"]]
        write(tmp_path / "d/a/2.csv", "x,y,at\n1,8,mon\n3,off,tue\n")
        with pytest.raises(DataError) as caught:
            read(tmp_path / "d")
        assert caught.value.where == "d/a/2.csv, row 2, column 'y'"
        assert caught.value.problem == "'off' is not a number"

    def test_all_files_have_a_header_or_none(self, tmp_path):
        write(tmp_path / "d/a/1.csv", "0.5,2.5,3\n4,5,7\n")
        write(tmp_path / "d/a/2.csv", "1,2,3\n5,1,2\n")
        write(tmp_path / "d/b/1.csv", "9,1,5\n")
        table = read(tmp_path / "d")
        assert table.frame["column_1"].to_list() == [[0.5, 4], [1, 5], [9]]
        assert table.notes == (
            "no header line (the first line holds the number 0.5): "
            "the columns are named column_1, column_2, column_3 (all files)",
        )

    def test_wrong_folders_are_named(self, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(DataError, match="no sub-folders"):
            read(tmp_path / "empty")
        (tmp_path / "hollow/a").mkdir(parents=True)
        with pytest.raises(DataError, match="hold no files"):
            read(tmp_path / "hollow")
        write(tmp_path / "mixed/a/1.csv", "x\n1\n")
        write(tmp_path / "mixed/b/1.txt", "x")
        with pytest.raises(DataError, match="files of different kinds"):
            read(tmp_path / "mixed")
        write(tmp_path / "other/a/1.csv", "x,y\n1,2\n")
        write(tmp_path / "other/b/1.csv", "x,z\n1,2\n")
        with pytest.raises(
            DataError, match=r"other/b/1\.csv: its columns are x, z, but the first file has x, y"
        ):
            read(tmp_path / "other")


class TestObjects:
    COLUMNS: ClassVar = {"text": ["a", "b"], "y": [1, 2]}

    @pytest.mark.parametrize(
        "source",
        [
            COLUMNS,
            pl.DataFrame(COLUMNS),
            pl.LazyFrame(COLUMNS),
            pd.DataFrame(COLUMNS),
            pd.DataFrame(COLUMNS).astype({"text": object}),
            [{"text": "a", "y": 1}, {"text": "b", "y": 2}],
            {"text": np.array(["a", "b"], dtype=object), "y": np.array([1, 2])},
        ],
    )
    def test_frames_dicts_and_records(self, source):
        assert read(source).frame.to_dict(as_series=False) == self.COLUMNS

    @pytest.mark.parametrize(
        "source", [["a", "b"], np.array(["a", "b"]), pd.Series(["a", "b"]), pl.Series(["a", "b"])]
    )
    def test_texts(self, source):
        assert read(source).frame.to_dict(as_series=False)[read(source).frame.columns[0]] == ["a", "b"]

    def test_arrays(self):
        assert read(np.arange(6).reshape(2, 3)).frame.rows() == [(0, 1, 2), (3, 4, 5)]
        cube = np.arange(12.0).reshape(2, 3, 2)
        for source in (cube, list(cube)):
            frame = read(source).frame
            assert frame["channel_1"].to_list() == cube[:, :, 0].tolist()
            assert frame["channel_2"].to_list() == cube[:, :, 1].tolist()

    def test_columns_of_a_frame_may_be_named_by_numbers(self):
        frame = read(pd.DataFrame(np.arange(6.0).reshape(2, 3))).frame
        assert frame.to_dict(as_series=False) == {"0": [0.0, 3.0], "1": [1.0, 4.0], "2": [2.0, 5.0]}
        with pytest.raises(DataError, match="two columns are named '1'"):
            read(pd.DataFrame({1: [1, 2], "1": [3, 4]}))

    @pytest.mark.parametrize(
        "source", [[], {}, pl.DataFrame(), pd.DataFrame({"a": []}), 3, object(), {"a": [1], "b": [1, 2]}]
    )
    def test_what_is_no_table_is_named(self, source):
        with pytest.raises(DataError, match="the data given: "):
            read(source)


def test_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "a.csv", "a,b\n1,2\n")
    monkeypatch.setattr(type(path), "read_bytes", refuse)
    with pytest.raises(DataError, match=r"a\.csv: the file may not be read"):
        read(path)
