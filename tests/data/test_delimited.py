from __future__ import annotations

import csv
import gzip
import io
import string

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.data.sources import read
from recurra.data.sources.second_pass import read_slowly
from recurra.errors import DataError


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_types_are_those_of_the_values(tmp_path):
    table = read(write(tmp_path / "a.csv", "n,x,code,s,gap\n1,1.5,007,a,\n2,2e3,8,b,NA\n-3,.5,9,c,4\n"))
    assert dict(table.frame.schema) == {
        "n": pl.Int64,
        "x": pl.Float64,
        "code": pl.String,
        "s": pl.String,
        "gap": pl.Int64,
    }
    assert table.frame["gap"].to_list() == [None, None, 4]
    assert table.frame["code"].to_list() == ["007", "8", "9"]
    assert table.notes == ()


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_every_line_ending_gives_the_same(tmp_path, ending):
    content = b'a,b\n1,"x, y"\n2,z\n'.replace(b"\n", ending)
    assert read(write(tmp_path / "a.csv", content)).frame.rows() == [(1, "x, y"), (2, "z")]


def test_lines_end_at_no_unicode_separator(tmp_path):
    odd = "a\x85b\u2028c\u2029d\x0be\x0cf\x1cg"
    table = read(write(tmp_path / "a.csv", f"id,text\n1,{odd}\n2,x\n"))
    assert table.frame["text"].to_list() == [odd, "x"]


def test_gzip_is_told_by_content(tmp_path):
    packed = gzip.compress(b"a,b\n1,x\n")
    for name in ("a.csv.gz", "a.csv"):
        assert read(write(tmp_path / name, packed)).frame.rows() == [(1, "x")]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_found(tmp_path, separator):
    table = read(write(tmp_path / "a.csv", f"a{separator}b\n1{separator}x\n2{separator}y\n"))
    assert table.frame.rows() == [(1, "x"), (2, "y")]
    assert "separated by" in table.notes[0]


def test_decimal_comma_beside_semicolons(tmp_path):
    assert read(write(tmp_path / "a.csv", "a;b\n1,5;x\n2,25;y\n")).frame["a"].to_list() == [1.5, 2.25]


def test_commas_group_thousands_where_a_column_holds_both_marks(tmp_path):
    rows = 'a,b,c\n"1,234.50","1,5","1,234"\n850,2,7\nNA,3,8\n"-1,234,567",4,9\n'
    frame = read(write(tmp_path / "a.csv", rows)).frame
    assert frame["a"].to_list() == [1234.5, 850.0, None, -1234567.0]
    assert [str(frame[name].dtype) for name in "bc"] == [
        "String",
        "String",
    ]  # one mark may be a decimal comma


def test_thousands_points_beside_semicolons(tmp_path):
    rows = "a;b;c\n1.234,50;1,5;1.234,5\n850;2.25;12.5\nNA;3;7\n-1.234.567;4;8\n"
    frame = read(write(tmp_path / "a.csv", rows)).frame
    assert frame["a"].to_list() == [1234.5, 850.0, None, -1234567.0]
    assert frame["b"].to_list() == [1.5, 2.25, 3.0, 4.0]
    assert frame["c"].dtype == pl.String  # 12.5 groups no thousands


def test_numbers_can_be_had_as_they_were_written(tmp_path):
    told = ["3.10", "+4915", "12345678901234567890", "NA", " 7"]
    table = read(
        write(tmp_path / "a.csv", "n,text\n" + "".join(f"{k},{cell}\n" for k, cell in enumerate(told)))
    )
    assert table.frame["text"].dtype == pl.Float64
    assert table.as_written(["text"]).frame["text"].to_list() == told
    assert table.as_written(["text"]).frame["n"].to_list() == list(range(5))
    assert table.renamed({"text": "said"}).as_written(["said"]).frame["said"].to_list() == told
    commas = read(write(tmp_path / "b.csv", "a;b\n1,50;x\n2,25;y\n"))
    assert commas.as_written(["a", "b"]).frame["a"].to_list() == ["1,50", "2,25"]
    lines = read(write(tmp_path / "c.jsonl", '{"text": "3.10"}\n{"text": "4.00"}\n'))
    assert lines.as_written(["text"]).frame["text"].to_list() == ["3.10", "4.00"]


def test_tab_separated_text_keeps_bare_quotes(tmp_path):
    content = 'text\tlabel\n"Oh" she said\t1\n5" nail\t0\n"open\t1\n'
    assert read(write(tmp_path / "a.tsv", content)).frame["text"].to_list() == [
        '"Oh" she said',
        '5" nail',
        '"open',
    ]


def test_tab_separated_quoted_fields_are_unquoted(tmp_path):
    content = 'text\tlabel\n"a\tb"\t1\n"say ""hi"""\t0\n'
    assert read(write(tmp_path / "a.tsv", content)).frame["text"].to_list() == ["a\tb", 'say "hi"']


def test_bare_quote_in_unquoted_csv_field_stands(tmp_path):
    table = read(write(tmp_path / "a.csv", 'a,b\n1,5" nail\n2,"x,y"\n'))
    assert table.frame["b"].to_list() == ['5" nail', "x,y"]


def test_blank_lines_are_no_records(tmp_path):
    table = read(write(tmp_path / "a.csv", "a,b\n1,x\n\n2,y\n\n\n"))
    assert table.frame.rows() == [(1, "x"), (2, "y")]
    assert table.notes == ("1 blank line skipped",)


def test_equal_column_names_are_told_apart_aloud(tmp_path):
    table = read(write(tmp_path / "a.csv", "a,a,,b\n1,2,3,x\n4,5,6,y\n"))
    assert table.frame.columns == ["a", "a_2", "column_3", "b"]
    assert "two columns are named 'a'" in table.notes[0]


@pytest.mark.parametrize(
    ("content", "missing"),
    [
        ("3,Fears for pensions,Unions say\n4,A race,A second team\n3,Oil,Oil rose\n", True),
        ("neg,bad film\npos,good film\nneg,worse\npos,fine\n", True),
        ("label,text\nneg,bad film\npos,good film\nneg,worse\npos,fine\n", False),
        ("label,0,1,2,3\nx,.1,.2,.3,.4\ny,.1,.2,.3,.4\n", False),
        ("0.5,0.25,a\n0.75,0.1,b\n0.25,0.3,a\n", True),
        ("country,2019,2020,2021\nNL,1,2,3\nDE,3,4,5\n", False),
        ("text,label\ntext,pos\n" + "".join(f"film {i},{'np'[i % 2]}\n" for i in range(43)), False),
        ("text,label\n" + "".join(f"text {i // 2},{'np'[i % 2]}\n" for i in range(40)) + "text,p\n", False),
    ],
)
def test_missing_header_is_noticed(tmp_path, content, missing):
    table = read(write(tmp_path / "a.csv", content))
    assert (table.frame.columns[0] == "column_1") == missing
    assert len(table) == content.count("\n") - (not missing)
    assert any("no header line" in note for note in table.notes) == missing


def test_header_of_even_numbers_is_said(tmp_path):
    table = read(write(tmp_path / "a.csv", "1,2,3\n5,1,2\n7,8,8\n"))
    assert table.frame.columns == ["1", "2", "3"]
    assert table.notes == (
        "the first line is taken for the header (its numbers 1, 2, 3 count up): if it is data, write one above",
    )


def test_megabyte_line_is_read(tmp_path):
    long = "word, " * 200_000
    table = read(write(tmp_path / "a.csv", f'text,label\n"{long}",1\nshort,0\n'))
    assert table.frame["text"].to_list() == [long, "short"]
    # The slow pass too, past the csv module's limit on fields.
    limit = csv.field_size_limit()
    assert read_slowly(f'"{long}",1\n5" nail,0\n'.encode(), ",", "a.csv").rows() == [
        (long, "1"),
        ('5" nail', "0"),
    ]
    assert csv.field_size_limit() == limit


CELL = st.text(
    st.one_of(
        st.sampled_from(list(",;\t|\"'\n\r \x0b\x1c\x85\u2028é\ufeff中") + list(string.ascii_letters)),
        st.characters(exclude_categories=["Cs", "Cc"]),
    ),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8))
def test_what_csv_wrote_is_read_back(tmp_path_factory, rows):
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL)
    writer.writerow(["first name", "second name"])
    writer.writerows([("x" + a, "y" + b) for a, b in rows])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(stream.getvalue().encode())
    assert read(path).frame.rows() == [("x" + a, "y" + b) for a, b in rows]


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**62), 2**62)), min_size=1
    )
)
def test_numbers_survive(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_text("real,whole\n" + "".join(f"{a!r},{b}\n" for a, b in rows))
    frame = read(path).frame
    assert frame["real"].to_list() == [a for a, _ in rows]
    assert frame["whole"].to_list() == [b for _, b in rows]


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        ("a,b\n1,2\n3\n4,5\n", "a.csv, row 2", "1 field in line 3, but the first line has 2"),
        (
            "a,b\n1,2\n3,4,5\n4,5,6\n",
            "a.csv, row 2",
            "3 fields in line 3, but the first line has 2 (rows 2, 3)",
        ),
        ("\n\r\n\na,b\n1,2\n3\n4,5\n", "a.csv, row 2", "1 field in line 6, but the first line has 2"),
        ('\n\na,b\n1,5" x\n3,"x\n4,5\n', "a.csv, row 2", "in the record that begins in line 5"),
        ('a,b\n1,2\n3,"x\n4,5\n', "a.csv, row 2", 'a quote (") is opened and not closed'),
        (
            'a,b\n1,2\n3,"x"y\n4,5\n',
            "a.csv, row 2",
            "a quoted field goes on behind its quote, in the record that begins in line 3",
        ),
        ("a,b\n", "a.csv", "there is a header (a, b) but no record under it"),
        ("", "a.csv", "the file is empty"),
        (" \n\n", "a.csv", "the file is empty"),
        ("a,b\n1,x\0y\n", "a.csv", "line 2 holds a NUL byte"),
    ],
)
def test_broken_tables_are_named(tmp_path, content, where, what):
    with pytest.raises(DataError) as caught:
        read(write(tmp_path / "a.csv", content))
    assert caught.value.where == where
    assert what in caught.value.problem
    assert caught.value.fix


@pytest.mark.parametrize("row", ["only text", 'a "quoted text\t1\tmore'])
def test_ragged_tab_separated_rows_are_named_whatever_the_quotes(tmp_path, row):
    content = f'text\tlabel\n"Oh" she said\t1\n5" nail\t0\n{row}\nlast\t1\n'
    with pytest.raises(DataError) as caught:
        read(write(tmp_path / "a.tsv", content))
    assert caught.value.where == "a.tsv, row 3"
    assert "in line 4, but the first line has 2" in caught.value.problem


def test_whole_numbers_beyond_64_bits_stay_as_they_are_written(tmp_path):
    ids = [str(12345678901234567890 + k // 4) for k in range(12)]
    rows = [f"{name},{k},{float(k)}e300" for k, name in enumerate(ids)]
    (tmp_path / "trips.csv").write_text("\n".join(["trip,x,large", *rows, "NA,1,2"]))
    frame = read(tmp_path / "trips.csv").frame
    assert (
        frame["trip"].drop_nulls().n_unique() == len(set(ids)) + 1
    )  # NA is no number, and left to who reads them
    assert frame["trip"].to_list()[:12] == ids
    assert frame.dtypes[1:] == [pl.Int64, pl.Float64]
