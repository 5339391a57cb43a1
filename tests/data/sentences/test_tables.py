from __future__ import annotations

import json

import polars as pl
import pytest

from recurra.data.sentences.definition import SentenceOptions, SentenceSchema
from recurra.data.sentences.reading import holds_tagged_words, read_document, recognise
from recurra.errors import DataError

LISTS = [
    {"id": "a", "tokens": ["the", "dog"], "tags": ["DET", "NOUN"]},
    {"id": "b", "tokens": [], "tags": []},
    {"id": "c", "tokens": ["barks"], "tags": ["VERB"]},
]
ROWS = (
    "Sentence #,Word,POS,Tag\nSentence: 1,Thousands,NNS,O\n,of,IN,O\n,London,NNP,B-geo\n"
    'Sentence: 2,"He, too",PRP,O\n'
)


@pytest.fixture
def write(tmp_path):
    def written(content, name):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return written


def lines(records):
    return "".join(json.dumps(record) + "\n" for record in records)


def test_lists_of_words_and_tags(write):
    path = write(lines(LISTS), "data.jsonl")
    assert holds_tagged_words(path)
    found = read_document(path)
    assert [found.sentences.words_of(n) for n in range(3)] == [["the", "dog"], [], ["barks"]]
    assert found.sentences.tags_of(0) == ["DET", "NOUN"]
    assert (found.schema.form, found.schema.text, found.schema.target) == ("lists", "tokens", "tags")
    again = [json.loads(line) for line in found.rewritten(["X", "Y", "Z"]).splitlines()]
    assert again == [LISTS[0] | {"tags": ["X", "Y"]}, LISTS[1], LISTS[2] | {"tags": ["Z"]}]


def test_tags_as_numbers_come_back_as_numbers(write):
    records = [{"tokens": ["a", "b"], "pos_tags": [1, 2], "ner_tags": [0, 7]}]
    found = read_document(write(lines(records), "data.jsonl"))
    assert found.schema.target == "ner_tags" and found.sentences.tags_of(0) == ["0", "7"]
    assert json.loads(found.rewritten(["7", "0"])) == records[0] | {"ner_tags": [7, 0]}


def test_lists_without_tags_can_be_tagged(write):
    schema = read_document(write(lines(LISTS), "data.jsonl")).schema
    bare = read_document(
        write(lines([{"tokens": ["a"]}]), "new.jsonl"), schema=schema, answers=frozenset({"A", "B"})
    )
    assert bare.sentences.tags is None
    assert json.loads(bare.rewritten(["X"])) == {"tokens": ["a"], "tags": ["X"]}


def test_a_row_for_each_word(write):
    path = write(ROWS, "ner.csv")
    assert holds_tagged_words(path)
    found = read_document(path)
    assert [found.sentences.words_of(n) for n in range(2)] == [["Thousands", "of", "London"], ["He, too"]]
    assert found.schema.target == "Tag" and found.sentences.rows.tolist() == [1, 4]
    assert "they go on with the sentence above" in "\n".join(found.notes)
    again = found.rewritten(["B-x", "O", "O", "O"])
    assert again == ROWS.replace("NNS,O", "NNS,B-x").replace("B-geo", "O")


def test_a_table_without_tags_gets_a_column_of_them(write):
    schema = read_document(write(ROWS, "ner.csv")).schema
    bare = "Sentence #,Word\n1,He\n1,ran\n"
    found = read_document(write(bare, "new.csv"), schema=schema, answers=frozenset({"A", "B"}))
    assert found.rewritten(["O", "B-x"]) == "Sentence #,Word,Tag\n1,He,O\n1,ran,B-x\n"


def test_further_columns_of_tables_are_read(write):
    rows = read_document(write(ROWS, "data.csv"), SentenceOptions(features=["POS"]))
    assert rows.schema.target == "Tag" and rows.sentences.flat_features() == [["NNS", "IN", "NNP", "PRP"]]
    records = [{"tokens": ["a", "b"], "pos": ["X", None], "tags": ["T", "U"]}]
    lists = read_document(write(lines(records), "data.jsonl"), SentenceOptions(features=["pos"]))
    assert lists.sentences.flat_features() == [["X", None]]
    assert json.loads(lists.rewritten(["V", "W"])) == records[0] | {"tags": ["V", "W"]}


def test_words_of_digits_are_read_and_given_back_as_they_were_written(write):
    records = [{"s": "1", "w": "3.10", "f": "+1", "tag": "X"}, {"s": "1", "w": "12.00", "f": "2", "tag": "Y"}]
    options = SentenceOptions(text="w", id="s", features=["f"])
    found = read_document(write(lines(records), "data.jsonl"), options)
    assert found.sentences.words_of(0) == ["3.10", "12.00"]
    assert found.sentences.flat_features() == [["+1", "2"]]
    assert found.rewritten(["Y", "X"]).splitlines()[1:] == ["1,3.10,+1,Y", "1,12.00,2,X"]


def test_frames_are_read_as_files_are():
    frame = pl.DataFrame({"sent_id": [7, 7, 8], "token": ["a", "b", "c"], "upos": ["X", None, "Y"]})
    assert holds_tagged_words(frame)
    found = read_document(frame)
    assert found.sentences.tags_of(0) == ["X", None]


def test_columns_of_any_name_can_be_asked_for():
    frame = {"satz": ["1", "1", "2"], "wort": ["a", "b", "c"], "art": ["X", "Y", "X"]}
    options = SentenceOptions(text="wort", target="art", id="satz")
    assert read_document(frame, options).sentences.words_of(0) == ["a", "b"]


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        ({"word": ["a"], "tag": ["X"]}, {}, "needs a column that says which sentence"),
        ({"sid": [1], "x": ["a"], "tag": ["X"]}, {}, "no column is known to hold words"),
        ({"sid": [1], "word": ["a"], "x": ["X"]}, {}, "no column is known to hold tags"),
        ({"sid": [1], "word": ["a"], "tag": ["X"]}, {"text": "form"}, "there is no column 'form'"),
        ({"sid": [1, 1], "word": ["a", "b"], "tag": [None, None]}, {}, "no word has a tag"),
        (
            {"tokens": [["a", "b"]], "tags": [["X"]]},
            {},
            "row 1: expected as many tags as words, found 2 words and 1 tags",
        ),
        ({"tokens": [["a", "b"]], "tags": ["X"]}, {}, "expected a list of tags in every record"),
        ({"tokens": [[["a"]]], "tags": [["X"]]}, {}, "lists within lists"),
        (
            {"tokens": [["a", "b"]], "tags": [["X", "Y"]], "pos": [["N"]]},
            {"features": ["pos"]},
            "row 1: expected as many values as words, found 2 words and 1 values",
        ),
        (
            {"tokens": [["a"]], "tags": [["X"]], "n": [1]},
            {"features": ["n"]},
            "a list of values in every record",
        ),
        ({"sid": [1], "word": ["a"], "tag": ["X"]}, {"features": ["pos"]}, "there is no column 'pos'"),
    ],
)
def test_what_cannot_be_read_is_told(frame, options, message):
    with pytest.raises(DataError, match=message):
        read_document(frame, SentenceOptions(**options))


def test_missing_words_and_ids_that_come_again_are_counted():
    frame = {"sid": ["1", "1", "2", "1"], "word": ["a", None, "c", "d"], "tag": ["X", "Y", "X", "Y"]}
    found = read_document(frame)
    assert len(found.sentences) == 3 and found.sentences.words_of(0) == ["a", ""]
    said = "\n".join(found.notes)
    assert "1 words are missing and read as empty (row 2)" in said
    assert "1 sentences have the 'sid' of one further up" in said


def test_missing_words_in_lists_are_told_by_their_record():
    found = read_document(
        {"tokens": [["a", None, None], ["b"], [None]], "tags": [["X", "Y", "X"], ["Y"], ["X"]]}
    )
    assert "3 words are missing and read as empty (rows 1, 3)" in "\n".join(found.notes)


def test_columns_of_other_names_are_known_when_they_are_said(write):
    rows = "satz,wort,art\n1,ein,DET\n1,Hund,NOUN\n2,bellt,VERB\n"
    path = write(rows, "deutsch.csv")
    said = {"text": "wort", "target": ["art"], "id": "satz"}
    assert recognise(path, {}, None) is None
    assert "deutsch.csv holds words with their tags" in recognise(path, said, None)
    assert (
        recognise(path, {"text": "wort", "target": ["art"]}, None) is None
    )  # a text in each row, and its class
    assert recognise(path, said | {"group": "satz"}, None) is None
    assert recognise(write(rows.replace("ein,", "ein Satz,"), "texte.csv"), said, None) is None
    lists = write(lines([{"w": ["a", "b"], "t": ["X", "Y"], "n": 1}]), "lists.jsonl")
    assert recognise(lists, {"text": "w", "target": ["t"]}, None) is not None


def test_columns_of_other_things_are_kept_and_cells_stay_as_they_were_written(write):
    schema = SentenceSchema(form="columns", text="column 1", target="column 2")
    rows = 'sid;word;pos;x\r\n1;Anna;N;1.50\r\n1;"a;b";V;007\r\n'
    found = read_document(write(rows, "a.csv"), schema=schema, answers=frozenset({"O", "B-PER"}))
    assert found.rewritten(["B-PER", "O"]) == (
        'sid;word;pos;x;tag\r\n1;Anna;N;1.50;B-PER\r\n1;"a;b";V;007;O\r\n'
    )
    assert "'pos' holds other things than this run's tags (N, V), and is kept" in "\n".join(found.notes)
    quote = 'sid\tword\ttag\n1\t"\tO\n1\tit\tO\n'
    found = read_document(write(quote, "a.tsv"), schema=schema, answers=frozenset({"O", "B-PER"}))
    assert found.rewritten(["O", "B-PER"]) == 'sid\tword\ttag\n1\t"\tO\n1\tit\tB-PER\n'


def test_records_keep_what_they_hold_and_how_they_are_written(write):
    schema = SentenceSchema(form="lists", text="tokens", target="ner")
    records = [
        {"tokens": ["a"], "ner_tags": [0], "n": 1},
        {"tokens": ["b", "c"], "ner_tags": [0, 0], "x": None},
    ]
    answers = frozenset({"O", "B-PER"})
    whole = read_document(write(json.dumps(records), "a.json"), schema=schema, answers=answers)
    tagged = [records[0] | {"ner": ["O"]}, records[1] | {"ner": ["O", "B-PER"]}]
    assert json.loads(whole.rewritten(["O", "O", "B-PER"])) == tagged
    each = read_document(write(lines(records), "a.jsonl"), schema=schema, answers=answers)
    assert [json.loads(line) for line in each.rewritten(["O", "O", "B-PER"]).splitlines()] == tagged
    numbers = read_document(write(lines(records), "b.jsonl"), schema=schema, answers=frozenset({"0", "3"}))
    assert json.loads(numbers.rewritten(["3", "0", "3"]).splitlines()[1])["ner"] == [0, 3]
