from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pydantic import ValidationError

from recurra.data.schema import Schema, SchemaOptions, describe, duplicates_across, infer_schema, to_examples
from recurra.data.schema.names import part_in, part_of
from recurra.data.sources import read
from recurra.errors import DataError, InputError
from tests.work import calls_of

N = 60
LABELS = ["neg", "pos", "neg"] * 20


def sentences(n=N, word="film"):
    return [f"a {word} of number {i} that is long enough" for i in range(n)]


def infer(columns, **options) -> Schema:
    return infer_schema(read(columns), SchemaOptions(**options))


class TestTexts:
    def test_reviews_need_no_option(self):
        schema = infer(
            {
                "id": list(range(N)),
                "label": LABELS,
                "stars": [1 + 8 * (label == "pos") + i % 2 for i, label in enumerate(LABELS)],
                "part": ["train", "val", "train"] * 20,
                "lang": ["en"] * N,
                "text": sentences(),
            }
        )
        assert (schema.text, schema.target, schema.task, schema.target_kind) == (
            "text",
            ["label"],
            "classify",
            "binary",
        )
        assert schema.classes == ["neg", "pos"]
        assert (schema.input, schema.layout) == ("text", "text")
        assert schema.set_aside == {
            "id": "an identifier",
            "stars": "gives the target away",
            "part": "says where a row belongs; --split part splits by it",
            "lang": "the same in every row",
        }
        assert schema.target_why == "by its name; 2 different values"

    def test_longest_strings_are_the_text(self):
        schema = infer({"k": ["a", "b", "c"] * 20, "h": sentences(), "b": [s * 3 for s in sentences()]})
        assert (schema.text, schema.target) == ("b", ["k"])
        assert schema.set_aside == {"h": "another text: one column of texts is read"}

    def test_name_decides_between_equal_texts(self):
        schema = infer({"label": LABELS, "heading": sentences(), "review": sentences(word="book")})
        assert schema.text == "review"

    def test_equal_texts_are_asked_about(self):
        with pytest.raises(
            DataError, match=r"several columns could be the text\. .*--text COLUMN\): (a1|b1), (a1|b1)"
        ):
            infer({"label": LABELS, "a1": sentences(), "b1": sentences(word="book")})

    def test_two_columns_of_texts_alone_may_be_pairs(self):
        with pytest.raises(DataError, match=r"--task translate\): (a1|b1), (a1|b1)"):
            infer({"a1": sentences(), "b1": sentences(word="book")})

    def test_short_strings_that_seldom_repeat_are_texts(self):
        schema = infer({"name": [f"nm{i}" for i in range(N)], "country": LABELS})
        assert (schema.text, schema.target) == ("name", ["country"])

    def test_chinese_is_text(self):
        texts = [f"今天天气很好，孩子们在花园里玩到晚上，大家都很高兴{i}" for i in range(N)]
        assert infer({"标签": LABELS, "内容": texts}).text == "内容"

    def test_several_targets_by_name_are_asked_about(self):
        columns = {"text": sentences(), "label": LABELS, "class": ["a", "b", "c"] * 20}
        with pytest.raises(
            DataError, match=r"several columns could be the target.*label \(2 values\), class \(3 values\)"
        ):
            infer(columns)
        assert infer(columns, target="class").classes == ["a", "b", "c"]

    def test_label_beside_its_number_is_one_target(self):
        schema = infer({"text": sentences(), "class": [int(x == "pos") for x in LABELS], "label": LABELS})
        assert schema.target == ["label"]
        assert schema.set_aside == {"class": "gives the target away"}

    def test_no_target_lists_the_choices(self):
        with pytest.raises(DataError, match=r"no column is plainly the target.*length \(60 values\)"):
            infer(
                {
                    "text": sentences(),
                    "length": [i + 0.5 for i in range(N)],
                    "width": [i + 0.25 for i in range(N)],
                }
            )
        with pytest.raises(DataError, match="there is no column to learn"):
            infer({"text": sentences()})

    def test_time_and_group_are_suggested(self):
        schema = infer(
            {
                "text": sentences(),
                "label": LABELS,
                "posted": [f"2024-01-{1 + i % 28:02d}" for i in range(N)],
                "author": [f"u{i % 7}" for i in range(N)],
            }
        )
        assert schema.set_aside["posted"] == "a time; --time posted orders by it"
        assert "--group author" in schema.set_aside["author"]


class TestTargets:
    def test_few_whole_numbers_are_classes_and_said(self):
        schema = infer({"text": sentences(), "rating": [10, 9, 1] * 20})
        assert (schema.task, schema.classes) == ("classify", ["1", "9", "10"])
        assert "3 different whole numbers; --task regress" in schema.task_why
        assert infer({"text": sentences(), "rating": [10, 9, 1] * 20}, task="regress").target_kind == "real"

    def test_many_numbers_are_regressed(self):
        schema = infer({"text": sentences(), "score": [i / 7 for i in range(N)]})
        assert (schema.task, schema.target_kind, schema.classes) == ("regress", "real", [])
        assert "--task classify" in schema.task_why

    @pytest.mark.parametrize(
        ("values", "classes"),
        [
            ([True, False], ["false", "true"]),
            ([1.0, 0.0], ["0", "1"]),
            ([" b", "a "], ["a", "b"]),
            (["01", "1"], ["1", "01"]),
        ],
    )
    def test_class_names(self, values, classes):
        schema = infer({"text": sentences(), "label": values * 30})
        assert sorted(schema.classes) == sorted(classes)
        examples, _ = to_examples(read({"text": sentences(), "label": values * 30}), schema)
        assert sorted(set(examples.targets)) == sorted(classes)

    @pytest.mark.parametrize("task", ["regress", "tag"])
    def test_targets_too_large_to_be_squared_are_refused(self, task):
        columns = {"id": [n // 4 for n in range(40)], "x": [n / 3 for n in range(40)]}
        columns["y"] = [1e300 if n == 11 else n / 7 for n in range(40)]
        with pytest.raises(DataError, match=r"row 12, column 'y': expected numbers of at most 1e\+150"):
            infer(columns, id="id", target="y", task=task, layout="long")

    def test_one_class_only_is_refused(self):
        with pytest.raises(DataError, match=r"column 'label': the target has one value only, 'pos'"):
            infer({"text": sentences(), "label": ["pos"] * N})
        with pytest.raises(DataError, match=r"one value only, 2\.5"):
            infer({"text": sentences(), "y": [2.5] * N}, task="regress")

    def test_target_without_values_is_refused(self):
        with pytest.raises(DataError, match="no value in any row"):
            infer({"text": sentences(), "label": [None] * N}, target="label")

    def test_named_target_without_values_is_refused_as_such(self):
        with pytest.raises(DataError, match=r"column 'label': the target has no value in any row"):
            infer({"text": sentences(), "label": [None] * N, "page": [0.5, 1.5, 2.5] * 20})

    def test_axes_of_a_sensor_are_no_target(self):
        rng = np.random.default_rng(0)
        columns = {axis: rng.normal(size=N) for axis in "xyz"} | {"activity": LABELS}
        schema = infer(columns, window=5)
        assert (schema.target, schema.features) == (["activity"], ["x", "y", "z"])

    def test_names_that_never_repeat_are_no_classes(self):
        with pytest.raises(DataError, match="60 different values in 60 rows are too many for classes"):
            infer({"text": sentences(), "label": [f"l{i}" for i in range(N)]}, target="label")

    def test_text_in_a_number_target_is_named(self):
        values = [str(i) for i in range(N)]
        values[17] = "many"
        with pytest.raises(DataError) as caught:
            infer({"text": sentences(), "score": values}, target="score")
        assert caught.value.where == "the data given, row 18, column 'score'"
        assert caught.value.problem == "'many' is not a number"

    def test_infinite_target_is_named(self):
        values = [i / 3 for i in range(N)]
        values[4] = np.inf
        with pytest.raises(DataError, match=r"row 5, column 'score': an infinite number"):
            infer({"text": sentences(), "score": values})

    def test_several_columns_are_several_labels(self):
        columns = {"text": sentences(), "toxic": [0, 1, 0] * 20, "insult": [True, False, False] * 20}
        schema = infer(columns, target=["toxic", "insult"])
        assert (schema.target_kind, schema.classes) == ("multilabel", ["toxic", "insult"])
        examples, _ = to_examples(read(columns), schema)
        np.testing.assert_array_equal(examples.targets[:3], [[False, True], [True, False], [False, False]])
        with pytest.raises(DataError, match=r"row 2, column 'x': '2' is neither 0 nor 1"):
            infer({"text": sentences(), "x": [0, 2, 1] * 20, "z": [0, 1, 1] * 20}, target=["x", "z"])

    def test_labels_in_one_cell(self):
        cells = ["b|a", "a", "c | b", None] * 15
        columns = {"text": sentences(), "tags": cells}
        schema = infer(columns, label_separator="|")
        assert (schema.target_kind, schema.classes) == ("multilabel", ["a", "b", "c"])
        examples, unusable = to_examples(read(columns), schema)
        np.testing.assert_array_equal(examples.targets[:3], [[1, 1, 0], [1, 0, 0], [0, 1, 1]])
        assert unusable.reasons == {"no target": list(range(4, N + 1, 4))}

    def test_largest_whole_floats_are_numbers(self):
        columns = {"text": sentences(), "y": [1e19 * i for i in range(N)]}
        schema = infer(columns)
        assert schema.target_kind == "real"
        assert to_examples(read(columns), schema)[0].targets[2] == 2e19

    def test_names_of_classes_do_not_depend_on_other_cells(self):
        schema = infer({"text": sentences(), "label": [0.0, 1.0] * 30})
        examples, unusable = to_examples(read({"text": sentences(3), "label": [1.0, 0.5, 0.0]}), schema)
        assert examples.targets.tolist() == ["1", "0"]
        assert unusable.reasons == {"class '0.5' was not learned": [2]}

    def test_arrays_of_labels_are_lists(self):
        labels = pl.Series([["a", "b"], ["b", "c"]] * 30, dtype=pl.Array(pl.String, 2))
        frame = pl.DataFrame({"text": sentences(), "labels": labels})
        schema = infer(frame, target="labels")
        assert (schema.target_kind, schema.classes) == ("multilabel", ["a", "b", "c"])
        examples, _ = to_examples(read(frame), schema)
        np.testing.assert_array_equal(examples.targets[:2], [[1, 1, 0], [0, 1, 1]])
        nested = frame.with_columns(labels=pl.Series([[["a"]], [["b"]]] * 30))
        with pytest.raises(DataError, match="column 'labels': lists of several labels hold names"):
            infer(nested, target="labels")

    def test_text_beside_learned_lists_is_one_label(self):
        schema = infer({"text": sentences(), "labels": [["x", "y"], ["x"]] * 30}, target="labels")
        examples, _ = to_examples(read({"text": sentences(2), "labels": ["y", None]}), schema)
        np.testing.assert_array_equal(examples.targets, [[0, 1]])

    @pytest.mark.parametrize("broken", ["text", "label"])
    def test_bytes_that_are_not_utf8_are_named(self, broken):
        cells = {name: [c.encode() for c in v] for name, v in {"text": sentences(), "label": LABELS}.items()}
        schema = infer(pl.DataFrame(cells), text="text", target="label")
        assert to_examples(read(pl.DataFrame(cells)), schema)[0].texts.tolist() == sentences()
        cells[broken][6] = b"caf\xe9"
        with pytest.raises(DataError, match=rf"row 7, column '{broken}': these bytes are not UTF-8"):
            to_examples(read(pl.DataFrame(cells)), schema)

    def test_lists_of_names_are_found_by_the_name_of_their_column(self):
        columns = {
            "text": sentences(),
            "labels": [["x", "y"], [], ["x"]] * 20,
            "more": [["p"], [], ["q"]] * 20,
        }
        schema = infer(columns)
        assert (schema.target, schema.target_kind, schema.classes) == (["labels"], "multilabel", ["x", "y"])
        assert schema.target_why == "by its name; lists of names"
        numbers = {"s": [[1.0, 2.0], [3.0]] * 10, "tags": [["x", "y"], ["x"]] * 10}
        schema = infer(numbers)
        assert (schema.layout, schema.target, schema.features) == ("lists", ["tags"], ["s"])
        with pytest.raises(
            DataError, match=r"several columns could be the target.*labels, label \(2 values\)"
        ):
            infer({"text": sentences(), "labels": columns["labels"], "label": LABELS})

    def test_lists_of_labels(self):
        columns = {"text": sentences(), "labels": [["x", "y"], [], None] * 20}
        schema = infer(columns, target="labels")
        examples, unusable = to_examples(read(columns), schema)
        assert schema.classes == ["x", "y"]
        np.testing.assert_array_equal(examples.targets[:2], [[1, 1], [0, 0]])
        assert len(unusable) == 20


class TestOptions:
    COLUMNS: ClassVar = {"text": sentences(), "label": LABELS}

    @pytest.mark.parametrize("role", ["text", "target", "time", "id", "group", "split"])
    def test_absent_column_is_named_and_the_nearest_one_too(self, role):
        told = r"no column 'lable' \(asked for as .*\)\. Did you mean 'label'\? The columns are: text, label"
        with pytest.raises(DataError, match=told):
            infer(self.COLUMNS, **{role: "lable"})

    def test_targets_with_a_comma_between_them_are_to_be_named_one_by_one(self):
        columns = {"text": sentences(), "a": [0, 1] * 30, "b": [1, 0] * 30}
        with pytest.raises(
            DataError, match=r"Name them one by one: --target a --target b; in Python a list\.$"
        ):
            infer(columns, target="a, b")

    def test_one_column_has_one_role(self):
        with pytest.raises(DataError, match="'label' cannot be the text and the target at once"):
            infer(self.COLUMNS, text="label", target="label")

    def test_unknown_options_and_keys_are_refused(self):
        with pytest.raises(ValidationError):
            SchemaOptions(tekst="a")
        with pytest.raises(ValidationError):
            Schema.model_validate({**infer(self.COLUMNS).model_dump(), "code": "x"})

    @pytest.mark.parametrize(
        ("options", "where"),
        [
            ({"text": "text", "features": ["n"]}, "--features"),
            ({"text": "text", "window": 5}, "--window"),
            ({"layout": "text", "window": 5, "stride": 2}, "--window"),
            ({"text": "text", "layout": "wide"}, "--layout"),
            ({"stride": 2}, "--stride"),
            ({"layout": "wide", "features": ["n"], "window": 5}, "--window"),
        ],
    )
    def test_options_without_effect_are_refused(self, options, where):
        columns = {**self.COLUMNS, "n": [float(i) for i in range(N)]}
        with pytest.raises(InputError) as caught:
            infer(columns, target="label", **options)
        assert caught.value.where == where

    def test_window_of_lists_is_refused(self):
        with pytest.raises(
            InputError, match="windows are cut from a stream, and here a row is a whole sequence"
        ):
            infer({"s": [[1.0, 2.0], [3.0]] * 5, "label": ["a", "b"] * 5}, window=2)

    def test_schema_goes_through_json(self):
        schema = infer(self.COLUMNS)
        assert Schema.model_validate_json(schema.model_dump_json()) == schema

    def test_ignored_columns_are_not_looked_at(self):
        columns = {**self.COLUMNS, "target": ["a", "b", "c"] * 20}
        schema = infer(columns, ignore=["target"])
        assert schema.target == ["label"]
        assert schema.set_aside == {"target": "as asked"}


def steps(channels=("",), length=10, n=N):
    rng = np.random.default_rng(0)
    return {f"{c}{t}": rng.normal(size=n).tolist() for t in range(length) for c in channels}


class TestLayouts:
    def test_numbered_columns_are_steps(self):
        schema = infer({"key": list(range(N)), **steps(("t_",)), "label": LABELS})
        assert (schema.layout, schema.channels, schema.steps) == ("wide", ["value"], 10)
        assert schema.features == [f"t_{t}" for t in range(10)]
        assert schema.set_aside == {"key": "an identifier"}

    def test_families_of_numbered_columns_are_channels(self):
        columns = {**steps(("x", "y")), "label": LABELS, "age": [i / 3 for i in range(N)]}
        schema = infer(columns)
        assert (schema.channels, schema.steps) == (["x", "y"], 10)
        assert schema.set_aside == {"age": "not one of the numbered steps"}
        examples, _ = to_examples(read(columns), schema)
        wanted = np.array([[columns[f"x{t}"][3], columns[f"y{t}"][3]] for t in range(10)])
        np.testing.assert_array_equal(examples.sequences[3], wanted)

    def test_numbered_names_are_ordered_by_number(self):
        columns = {f"t{t}": [float(t)] * N for t in (10, 2, 1, 9)} | {"label": LABELS}
        examples, _ = to_examples(read(columns), infer(columns))
        np.testing.assert_array_equal(examples.sequences[0][:, 0], [1, 2, 9, 10])

    def test_named_features_keep_their_order(self):
        columns = {f"t{t}": [float(t)] * N for t in (1, 2, 3)} | {"label": LABELS}
        schema = infer(columns, features=["t3", "t1", "t2"], layout="wide")
        assert schema.features == ["t3", "t1", "t2"]
        columns = {f"{c}{t}": [0.5] * N for t in (1, 2, 3) for c in "xy"} | {"label": LABELS}
        schema = infer(columns, features=["x2", "y2", "x1", "y1", "x3", "y3"], layout="wide")
        assert schema.features == ["x2", "x1", "x3", "y2", "y1", "y3"]

    @pytest.mark.parametrize("names", [[f"lag_{t}" for t in range(9, 0, -1)], ["3", "2", "1.5", "0"]])
    def test_falling_numbers_keep_the_order_of_the_table(self, names):
        columns = {name: np.random.default_rng(0).normal(size=N) for name in names} | {"label": LABELS}
        assert infer(columns).features == names

    def test_families_of_falling_and_rising_numbers_are_ordered_alike(self):
        columns = {f"x{t}": [0.5] * N for t in (3, 2, 1)} | {f"y{t}": [0.5] * N for t in (1, 2, 3)}
        assert infer(columns | {"label": LABELS}).features == ["x1", "x2", "x3", "y1", "y2", "y3"]

    def test_thousands_of_columns_take_no_quadratic_time(self):
        def work(count):
            columns = {f"t{t}": [0.5, 1.5, 0.25, 1.0] for t in range(count)} | {"label": list("abab")}
            table = read(columns)
            schema = infer_schema(table, SchemaOptions(target="label"))
            return calls_of(lambda: to_examples(table, schema))

        assert work(4_000) < 6 * work(1_000)

    @pytest.mark.parametrize("first", [True, False])
    def test_few_valued_column_at_the_edge_is_the_target(self, first):
        values = np.random.default_rng(0).normal(size=(N, 12))
        classes = np.arange(N) % 3
        table = np.column_stack([classes, values] if first else [values, classes])
        schema = infer(table)
        assert schema.target == ["column_1" if first else "column_13"]
        assert schema.classes == ["0", "1", "2"]
        assert schema.steps == 12

    def test_missing_end_is_no_step_and_missing_middle_is_missing(self):
        nan = np.nan
        columns = {"t0": [1, nan, nan], "t1": [nan, 2, nan], "t2": [3, nan, nan], "label": ["a", "b", "a"]}
        schema = infer(columns, target="label", layout="wide")
        examples, _ = to_examples(read(columns), schema)
        assert examples.sequences.lengths.tolist() == [3, 2, 1]
        np.testing.assert_array_equal(examples.sequences.values[:, 0], np.float32([1, nan, 3, nan, 2, nan]))

    def test_lists_are_channels(self):
        columns = {
            "x": [[1.0, 2.0], [3.0], [], [4.0, 5.0], None],
            "y": [[5, 6], [7], [], [8], None],
            "label": ["a", "b", "a", "b", "a"],
        }
        schema = infer(columns)
        assert (schema.layout, schema.channels) == ("lists", ["x", "y"])
        examples, unusable = to_examples(read(columns), schema)
        np.testing.assert_array_equal(examples.sequences[0], [[1, 5], [2, 6]])
        np.testing.assert_array_equal(examples.sequences[1], [[3, 7]])
        assert examples.rows.tolist() == [1, 2]
        assert unusable.reasons == {"channels of unequal length": [4], "no steps": [3, 5]}

    def test_nested_lists_are_steps_of_channels(self):
        columns = {"s": [[[1, 2], [3, 4], [5, 6]], [[7, 8]]] * 5, "label": ["a", "b"] * 5}
        schema = infer(columns)
        assert schema.channels == ["s_1", "s_2"]
        examples, _ = to_examples(read(columns), schema)
        np.testing.assert_array_equal(examples.sequences[0], [[1, 2], [3, 4], [5, 6]])
        columns["s"][4] = [[1, 2], [3]]
        with pytest.raises(DataError, match=r"row 5, column 's': the steps do not all have 2 channels"):
            to_examples(read(columns), schema)

    @pytest.mark.parametrize(
        ("cell", "where", "what"),
        [
            ([1, "x", 3], ", row 4, column 's'", "'x' is not a number"),
            ([1, None, "x"], ", row 4, column 's'", "'x' is not a number"),
            ([{"a": 1}], ", column 's'", "these steps hold no numbers"),
            ([[[1.0]]], ", column 's'", "these steps hold no numbers"),
            ([[1, 2], None, [3, 4]], ", row 4, column 's'", "step 2 is null"),
            ([[1, 2], [3]], ", row 4, column 's'", "step 2 has 1 values"),
            ([[], []], "", "0 channels, but 1 were learned from"),
        ],
    )
    def test_broken_lists_are_named(self, cell, where, what):
        schema = infer({"s": [[1.0, 2.0], [3.0]] * 5, "label": ["a", "b"] * 5})
        few = pl.DataFrame({"s": [None, [], None, cell]}, strict=False)
        with pytest.raises(DataError) as caught:
            to_examples(read(few), schema, need_targets=False)
        assert caught.value.where == f"the data given{where}"
        assert what in caught.value.problem

    def test_values_that_are_no_lists_are_named(self):
        schema = infer({"s": [[1.0, 2.0], [3.0]] * 5, "label": ["a", "b"] * 5})
        with pytest.raises(DataError, match=r"row 2, column 's': 3 is not a sequence"):
            to_examples(read({"s": [None, 3]}), schema, need_targets=False)
        examples, unusable = to_examples(read({"s": [None, None]}), schema, need_targets=False)
        assert (len(examples), unusable.reasons) == (0, {"no steps": [1, 2]})

    def test_lists_of_numbers_written_as_text_are_read(self):
        schema = infer({"s": [[1.0, 2.0], [3.0]] * 5, "label": ["a", "b"] * 5})
        examples, _ = to_examples(read({"s": [["1", "NA", "2.5"]]}), schema, need_targets=False)
        np.testing.assert_array_equal(examples.sequences[0][:, 0], [1, np.nan, 2.5])

    def test_null_step_to_learn_from_is_named(self):
        columns = {"s": [[[1, 2]], [[1, 2], None, [3, 4]]] * 3, "label": ["a", "b"] * 3}
        with pytest.raises(DataError, match=r"row 2, column 's': .*step 2 is null"):
            to_examples(read(columns), infer(columns))

    def long(self):
        return {
            "seq": ["b", "b", "a", "a", "a", "c", "c", "c", "a"],
            "t": [1, 0, 3, 1, 2, 1, 2, 3, 0],
            "x": [1.0, 0.0, 23.0, 21.0, 22.0, 31.0, 32.0, 33.0, 20.0],
            "label": ["k", "k", None, "m", "m", "k", "k", "k", "m"],
        }

    def test_rows_of_one_id_are_a_sequence(self):
        schema = infer(self.long())
        assert (schema.layout, schema.id, schema.time, schema.channels) == ("long", "seq", "t", ["x"])
        examples, unusable = to_examples(read(self.long()), schema)
        assert [examples.sequences[n][:, 0].tolist() for n in range(3)] == [
            [0, 1],
            [20, 21, 22, 23],
            [31, 32, 33],
        ]
        assert examples.targets.tolist() == ["k", "m", "k"]
        assert examples.rows.tolist() == [1, 3, 6]
        assert len(unusable) == 0

    def test_changing_target_within_a_sequence_is_refused(self):
        columns = self.long() | {"label": list("kmkmkmkmk")}
        with pytest.raises(DataError, match="the target changes within the sequence 'b'"):
            infer(columns, id="seq", target="label")

    @pytest.mark.parametrize("role", ["split", "group"])
    def test_a_sequence_of_two_parts_or_groups_is_refused(self, role):
        columns = self.long() | {
            "of": ["train", "train", "train", None, "train", "train", "test", "test", None]
        }
        schema = infer(columns, **{role: "of"})
        with pytest.raises(DataError, match=r"changes within 1 of 3 sequences.*: seq 'c' is of train, test"):
            to_examples(read(columns), schema)

    def test_stream_is_cut_into_windows(self):
        order = np.random.default_rng(1).permutation(10)
        columns = {
            "time": order.tolist(),
            "x": (order * 1.0).tolist(),
            "act": [["walk", "run"][i // 5] for i in order],
        }
        schema = infer(columns, target="act", window=4, stride=3)
        assert (schema.layout, schema.time, schema.channels) == ("stream", "time", ["x"])
        assert schema.in_order_of_time
        examples, _ = to_examples(read(columns), schema)
        assert [examples.sequences[n][:, 0].tolist() for n in range(3)] == [
            [0, 1, 2, 3],
            [3, 4, 5, 6],
            [6, 7, 8, 9],
        ]
        assert examples.targets.tolist() == ["walk", "run", "run"]
        assert order[examples.rows - 1].tolist() == [3, 6, 9]

    def test_windows_stay_inside_id_group_and_part(self):
        columns = {
            "who": [1, 1, 1, 2, 2, 2, 2],
            "part": ["train"] * 5 + ["test"] * 2,
            "x": [0.5, 1, 2, 3, 4, 5, 6],
        }
        columns["y"] = ["a", "b", "a", "b", "a", "b", "a"]
        schema = infer(columns, target="y", group="who", split="part", window=2, stride=1)
        examples, _ = to_examples(read(columns), schema)
        assert [examples.sequences[n][:, 0].tolist() for n in range(4)] == [[0.5, 1], [1, 2], [3, 4], [5, 6]]
        assert examples.parts.tolist() == ["train", "train", "train", "test"]
        assert examples.groups.tolist() == ["1", "1", "2", "2"]

    def test_windows_of_several_ids_come_in_the_order_of_time(self):
        columns = {"who": ["b"] * 6 + ["a"] * 6, "t": [*range(6), *range(1, 7)], "y": ["k", "m"] * 6}
        columns["x"] = [10.0 * (who == "a") + t for who, t in zip(columns["who"], columns["t"], strict=True)]
        schema = infer(columns, target="y", id="who", time="t", layout="stream", window=2)
        examples, _ = to_examples(read(columns), schema)
        assert [examples.sequences[n][:, 0].tolist() for n in range(6)] == [
            [0, 1],
            [11, 12],
            [2, 3],
            [13, 14],
            [4, 5],
            [15, 16],
        ]
        assert examples.rows.tolist() == [2, 8, 4, 10, 6, 12]

    def test_windows_of_a_stream_are_judged_by_stretches_of_one_target(self):
        who, target = ["b"] * 12 + ["a"] * 12, list("kkkkkkmmmmmm") + list("mmmmmmmmmmkm")
        columns = {"who": who, "t": [*range(12), *range(12)], "x": np.arange(24) / 7, "y": target}
        schema = infer(columns, target="y", id="who", time="t", layout="stream", window=3, stride=1)
        examples, _ = to_examples(read(columns), schema)
        of = {
            (who[row - 1], row % 12 or 12): found
            for row, found in zip(examples.rows, examples.clusters, strict=True)
        }
        assert [of["b", step] for step in range(3, 13)] == [of["b", 3]] * 4 + [of["b", 12]] * 6
        assert len({of["a", step] for step in range(3, 11)}) == 1
        assert len(set(examples.clusters)) == 4
        grouped = infer(
            columns, target="y", id="who", group="who", time="t", layout="stream", window=3, stride=1
        )
        assert set(to_examples(read(columns), grouped)[0].clusters) == {"a", "b"}

    def test_rows_in_no_window_are_listed(self):
        columns = {"x": [float(i) for i in range(10)], "y": ["a", "b"] * 5}
        schema = infer(columns, target="y", window=3, stride=4)
        _, unusable = to_examples(read(columns), schema)
        assert unusable.lines() == ["4 rows are not used, in no window of 3 steps: rows 4, 8, 9, 10"]
        assert to_examples(read(columns), schema, need_targets=False)[1] == unusable

    def test_windows_that_overlap_share_their_values(self):
        n = 200_000
        columns = {"x": np.arange(n) / 7, "y": ["a", "b"] * (n // 2)}
        schema = infer(columns, target="y", window=100_000, stride=1)
        examples, _ = to_examples(read(columns), schema)
        assert len(examples) == 100_001
        assert examples.sequences.values.shape == (n, 1)
        np.testing.assert_array_equal(examples.sequences[7], examples.sequences.values[7:100_007])

    def test_windows_longer_than_the_stream_are_refused(self):
        columns = {"x": [0.5, 1, 2.5], "y": ["a", "b", "a"]}
        schema = infer(columns, target="y", window=4, stride=1)
        with pytest.raises(DataError, match="the longest unbroken stretch has 3 rows, a window 4"):
            to_examples(read(columns), schema)

    def test_unclear_layout_lists_the_choices(self):
        rng = np.random.default_rng(0)
        columns = {"time": list(range(N)), "a": rng.normal(size=N), "b": rng.normal(size=N), "label": LABELS}
        with pytest.raises(DataError, match=r"--layout wide.*--layout long --id.*--layout stream --window"):
            infer(columns)
        with pytest.raises(DataError, match="their length is not known"):
            infer(columns, layout="stream")
        with pytest.raises(DataError, match="which sequence a row belongs to"):
            infer(columns, layout="long")
        assert infer(columns, layout="wide").steps == 2

    def test_features_can_be_named(self):
        rng = np.random.default_rng(0)
        columns = {"a": rng.normal(size=N), "b": rng.normal(size=N), "c": rng.normal(size=N), "label": LABELS}
        schema = infer(columns, features=["c", "a"], layout="wide")
        assert schema.features == ["c", "a"]
        assert schema.set_aside == {"b": "not one of the features"}

    def test_feature_that_gives_the_target_away_is_set_aside(self):
        rng = np.random.default_rng(0)
        columns = {"x": rng.normal(size=N), "code": [7 if y == "pos" else 3 for y in LABELS], "label": LABELS}
        schema = infer(columns, window=5)
        assert schema.features == ["x"]
        assert schema.set_aside == {"code": "gives the target away"}

    def test_text_in_a_number_column_is_named(self):
        columns = {**steps(("t",)), "label": LABELS}
        columns["t4"] = [str(v) for v in columns["t4"]]
        columns["t4"][30] = "n.a. (sensor off)"
        with pytest.raises(DataError) as caught:
            infer(columns)
        assert caught.value.where == "the data given, row 31, column 't4'"
        assert "'n.a. (sensor off)' is not a number" in caught.value.problem

    @pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
    def test_infinite_numbers_are_named(self, value):
        columns = {**steps(("t",)), "label": LABELS}
        columns["t4"][30] = value
        with pytest.raises(DataError, match=r"row 31, column 't4': an infinite number, or one too large"):
            to_examples(read(columns), infer(columns))
        lists = {"x": [[1.0, 2.0], [3.0], [1.0, value]] * 2, "label": ["a", "b"] * 3}
        with pytest.raises(DataError, match=r"row 3, column 'x': an infinite number"):
            to_examples(read(lists), infer(lists))

    @pytest.mark.parametrize("layout", ["wide", "lists", "long", "stream"])
    def test_numbers_far_from_zero_keep_their_digits(self, layout):
        """Seconds since 1970, which float32 holds to two minutes: no two of the sequences are the same."""
        begin = 1.7e9 + np.arange(N)[:, None]
        seconds = begin + np.arange(5) / 8
        columns = {"label": LABELS}
        if layout == "wide":
            columns |= {f"t{k}": seconds[:, k] for k in range(5)}
        elif layout == "lists":
            columns["t"] = seconds.tolist()
        else:
            columns = {"t": seconds.ravel(), "label": np.repeat(LABELS, 5)}
        if layout == "long":
            columns["key"] = np.repeat(np.arange(N), 5)
        asked = {"long": {"id": "key"}, "stream": {"window": 5, "stride": 5}}.get(layout, {})
        schema = infer(columns, layout=layout, features=[c for c in columns if c[0] == "t"], **asked)
        examples, _ = to_examples(read(columns), schema)
        assert len(examples) == len(set(examples.inputs())) == N
        for n in (0, N - 1):
            np.testing.assert_array_equal(examples.sequences[n][:, 0], seconds[n])


class TestExamples:
    def test_rows_without_target_are_listed(self):
        columns = {"text": sentences(), "label": list(LABELS)}
        for row in (3, 10, 11):
            columns["label"][row - 1] = ["", None, "NaN"][row % 3]
        schema = infer(columns)
        examples, unusable = to_examples(read(columns), schema)
        assert len(examples) == N - 3
        assert set(range(1, N + 1)) - set(examples.rows.tolist()) == {3, 10, 11}
        assert unusable.lines() == ["3 rows are not used, no target: rows 3, 10, 11"]
        assert examples.texts[2] == columns["text"][3]

    def test_unknown_classes_are_listed(self):
        schema = infer({"text": sentences(), "label": LABELS})
        examples, unusable = to_examples(read({"label": ["pos", "odd", "neg"], "text": sentences(3)}), schema)
        assert examples.targets.tolist() == ["pos", "neg"]
        assert unusable.reasons == {"class 'odd' was not learned": [2]}

    def test_unknown_labels_of_several_are_listed(self):
        schema = infer({"text": sentences(), "tags": ["b|a", "a", "b"] * 20}, label_separator="|")
        table = read({"text": sentences(4), "tags": ["a", "a|zzz", "odd|zzz", "a|b"]})
        examples, unusable = to_examples(table, schema)
        np.testing.assert_array_equal(examples.targets, [[1, 0], [1, 1]])
        assert unusable.reasons == {"class 'odd' was not learned": [3], "class 'zzz' was not learned": [2]}
        schema = infer({"text": sentences(), "labels": [["x", "y"], ["x"]] * 30}, target="labels")
        table = read({"text": sentences(3), "labels": [["y"], ["x", "z"], []]})
        examples, unusable = to_examples(table, schema)
        np.testing.assert_array_equal(examples.targets, [[0, 1], [0, 0]])
        assert unusable.reasons == {"class 'z' was not learned": [2]}

    @pytest.mark.parametrize("odd", [2, 0.5, "maybe"])
    def test_cells_that_say_neither_yes_nor_no_are_listed(self, odd):
        schema = infer(
            {"text": sentences(), "toxic": [0, 1] * 30, "rude": [1, 1, 0] * 20}, target=["toxic", "rude"]
        )
        cells = [1, odd, 0, odd] if not isinstance(odd, str) else ["1", odd, "0", odd]
        table = read({"text": sentences(4), "toxic": cells, "rude": [1, 0, 1, 3]})
        examples, unusable = to_examples(table, schema)
        np.testing.assert_array_equal(examples.targets, [[1, 1], [0, 1]])
        assert unusable.reasons == {f"neither 0 nor 1 in column 'toxic' (such as '{odd}')": [2, 4]}

    def test_scoring_needs_inputs_and_targets_alone(self):
        roles = {"part": ["train", "test"] * 30, "who": ["u", "v", "w"] * 20, "day": list(range(N))}
        columns = {"text": sentences(), "label": LABELS}
        schema = infer(columns | roles, split="part", group="who", time="day")
        examples, unusable = to_examples(read(columns), schema, need_roles=False)
        assert (len(examples), len(unusable), examples.parts, examples.groups) == (N, 0, None, None)
        assert examples.rows.tolist() == list(range(1, N + 1))
        roles["day"] = roles["day"][::-1]
        examples, _ = to_examples(read(columns | roles), schema, need_roles=False)
        assert examples.rows.tolist() == list(range(N, 0, -1))
        assert set(examples.parts) == {"train", "test"}
        assert set(examples.groups) == {"u", "v", "w"}
        broken = {"part": ["elsewhere"] * N, "who": [None, *roles["who"][1:]], "day": [None, *range(1, N)]}
        examples, _ = to_examples(read(columns | broken), schema, need_roles=False)
        assert (len(examples), examples.parts, examples.groups) == (N, None, None)
        with pytest.raises(DataError, match="the column 'label' is not there"):
            to_examples(read({"text": ["a"]}), schema, need_roles=False)

    def test_rows_without_target_need_no_role(self):
        columns = {"text": sentences(), "label": [None, *LABELS[1:]]}
        roles = {"part": ["train"] * N, "who": ["u", "v"] * 30, "day": list(range(N))}
        for values in roles.values():
            values[0] = None
        columns |= roles
        schema = infer(columns, split="part", group="who", time="day")
        examples, unusable = to_examples(read(columns), schema)
        assert unusable.reasons == {"no target": [1]}
        assert len(examples) == N - 1
        columns["who"][7] = None
        with pytest.raises(DataError, match="row 8, column 'who': there is no group"):
            to_examples(read(columns), schema)

    def test_prediction_needs_the_inputs_alone(self):
        schema = infer({"text": sentences(), "label": LABELS, "g": ["u", "v", "w"] * 20}, group="g")
        examples, unusable = to_examples(read({"x": [1, 2], "text": ["a", None]}), schema, need_targets=False)
        assert examples.texts.tolist() == ["a", ""]
        assert examples.targets is None
        assert len(unusable) == 0
        with pytest.raises(DataError, match=r"the column 'text' is not there\. The columns are: t, label"):
            to_examples(read({"t": ["a"], "label": ["pos"]}), schema, need_targets=False)
        with pytest.raises(DataError, match="the columns 'label', 'g' are not there"):
            to_examples(read({"text": ["a"]}), schema)

    def test_texts_of_digits_are_read_as_they_were_written(self, tmp_path):
        schema = infer({"text": sentences(), "label": LABELS})
        (tmp_path / "new.csv").write_text("id,text\n1,3.10\n2,+4915\n")
        (tmp_path / "lone.csv").write_text("said\n12.00\n12345678901234567890\n")
        examples, _ = to_examples(read(tmp_path / "new.csv"), schema, need_targets=False)
        assert examples.texts.tolist() == ["3.10", "+4915"]
        examples, _ = to_examples(read(tmp_path / "lone.csv"), schema, need_targets=False)
        assert examples.texts.tolist() == ["12.00", "12345678901234567890"]

    def test_bare_texts_can_be_predicted_whatever_the_column_was_called(self):
        schema = infer({"review": sentences(), "label": LABELS})
        examples, _ = to_examples(read(["a film", "a book"]), schema, need_targets=False)
        assert examples.texts.tolist() == ["a film", "a book"]

    def test_a_lone_first_line_taken_for_the_header_is_told(self, tmp_path):
        schema = infer({"text": sentences(), "label": LABELS})
        lines = ["good film here", "bad film", "so so story", "very good actor"]

        def told(first: list[str]) -> tuple[int, list[str]]:
            (tmp_path / "new.csv").write_text("\n".join([*first, *lines]) + "\n")
            examples, unusable = to_examples(read(tmp_path / "new.csv"), schema, need_targets=False)
            return len(examples), unusable.lines()

        said = (
            "the first line 'good film here' is taken for the header, not for a text: if it is one, write "
            "'text' above it"
        )
        assert told([]) == (3, [said])
        assert told(["text"]) == (4, [])
        assert told(["a first line that is plainly a text by its many words"]) == (5, [])

    def test_no_usable_row_is_an_error(self):
        schema = infer({"text": sentences(), "label": LABELS})
        with pytest.raises(DataError, match=r"no row can be used.*2 rows are not used, no target"):
            to_examples(read({"text": ["a", "b"], "label": [None, None]}), schema)

    def test_parts_are_three(self):
        columns = {"text": sentences(), "label": LABELS, "fold": ["Train", " dev", "TEST"] * 20}
        examples, _ = to_examples(read(columns), infer(columns, split="fold"))
        assert examples.parts[:3].tolist() == ["train", "validation", "test"]
        columns["fold"][7] = "fold 3"
        with pytest.raises(DataError, match=r"row 8, column 'fold': 'fold 3' names no part"):
            to_examples(read(columns), infer(columns, split="fold"))

    def test_time_orders_examples_to_learn_from(self):
        days = [f"2024-{1 + (i * 7) % 12:02d}-{1 + i % 28:02d}" for i in range(N)]
        columns = {"text": sentences(), "label": LABELS, "day": days}
        schema = infer(columns, time="day")
        examples, _ = to_examples(read(columns), schema)
        assert [days[row - 1] for row in examples.rows] == sorted(days)
        examples, _ = to_examples(read(columns), schema, need_targets=False)
        assert examples.rows.tolist() == list(range(1, N + 1))

    def test_rows_take_no_more_than_a_few_calls_each(self):
        n = 25_000
        columns = {
            "text": [f"a film that is number {i}" for i in range(n)],
            "label": ["neg", "pos"] * (n // 2),
        }
        table = read(columns)
        assert calls_of(lambda: to_examples(table, infer_schema(table))) < 3 * n


class TestDescription:
    def test_texts(self):
        columns = {"id": list(range(N)), "text": sentences(), "label": list(LABELS)}
        columns["text"][5] = columns["text"][2]
        columns["text"][9] = ""
        columns["label"][0] = None
        table = read(columns)
        schema = infer_schema(table)
        examples, unusable = to_examples(table, schema)
        assert describe(schema, examples, unusable, table) == [
            "the data given: 60 rows, 3 columns (python)",
            "task: classify: the target has 2 different names",
            "target: label (by its name; 2 different values)",
            "  neg 39 (66.1 %), pos 20 (33.9 %)",
            "text: text (the only column of texts, 9 words on average)",
            "  59 examples; words: median 9, 95 % up to 9, longest 9",
            "  1 text is empty, kept as such",
            "duplicates: 1 input is an exact copy of an earlier one",
            "1 row is not used, no target: row 1",
            "set aside: id (an identifier)",
        ]

    def test_numbers(self):
        columns = {
            "x": [[1.0, None], [2.0, 3.0, 4.0], [2.0, 3.0, 4.0]] * 4,
            "score": [0.25 * i for i in range(12)],
        }
        table = read(columns)
        schema = infer_schema(table)
        examples, unusable = to_examples(table, schema)
        lines = describe(schema, examples, unusable)
        assert "  0 to 2.75, median 1.375, half of them between 0.6875 and 2.062" in lines
        assert "  12 examples; steps: median 3, 95 % up to 3, longest 3" in lines
        assert "  4 values are missing (12.5 %)" in lines
        assert "duplicates: 10 inputs are an exact copy of an earlier one" in lines

    def test_duplicates_across_parts(self):
        columns = {"x": [[1.0], [2.0, np.nan], [3.0]], "y": ["a", "b", "a"]}
        schema = infer(columns, target="y")
        train, _ = to_examples(read(columns), schema)
        test, _ = to_examples(read(columns | {"x": [[2.0, np.nan], [1.0, 2.0], [3.0]]}), schema)
        assert duplicates_across(train, test) == 2


def test_schema_of_pandas_is_that_of_polars():
    frame = pd.DataFrame({"label": pd.Categorical(LABELS), "text": sentences(), "gap": [None, "x", "y"] * 20})
    frame.loc[3, "text"] = None
    schema = infer_schema(read(frame))
    assert (schema.text, schema.target, schema.classes) == ("text", ["label"], ["neg", "pos"])
    assert schema == infer_schema(read(pl.DataFrame(frame.astype(object).to_dict("list"), strict=False)))
    categories = pl.DataFrame(
        {"label": LABELS, "text": sentences()}, schema_overrides={"label": pl.Categorical}
    )
    assert infer_schema(read(categories)).classes == ["neg", "pos"]


def test_schema_of_a_file_is_that_of_its_frame(tmp_path):
    frame = pl.DataFrame({"label": LABELS, "text": sentences(), "score": [i / 8 for i in range(N)]})
    frame.write_csv(tmp_path / "a.csv")
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ndjson(tmp_path / "a.jsonl")
    schemas = [
        infer_schema(read(tmp_path / f"a.{form}"), SchemaOptions(target="label"))
        for form in ("csv", "parquet", "jsonl")
    ]
    assert schemas[0] == schemas[1] == schemas[2] == infer_schema(read(frame), SchemaOptions(target="label"))


def test_parts_by_names_and_by_how_they_begin():
    names = ["traindata", "Training", "val_2", "validation", "dev", "test", "testing", "trains", "validate"]
    assert [part_of(name) for name in names] == [
        *("train", "train", "validation", "validation", "validation", "test", "test"),
        *(None, None),
    ]
    official = ["train-clean-5", "train-other-500", "dev-clean-2", "test-clean"]
    assert [part_of(name) for name in official] == ["train", "train", "validation", "test"]
    assert part_in(Path("LibriSpeech/test-other/1/2/a.flac")) == "test" and part_in(Path("test.flac")) is None


FILES = [f"a/{i}.wav" for i in range(N)]


class TestColumnsThatNameRecordings:
    @pytest.mark.parametrize(
        ("columns", "options"),
        [
            ({"text": LABELS}, {}),
            ({"text": LABELS}, {"target": "text"}),
            ({"text": LABELS, "speaker": LABELS[::-1]}, {"target": "text"}),
            ({"text": LABELS}, {"features": ["file"], "target": "text"}),
        ],
    )
    def test_with_nothing_else_to_read_or_learn_the_task_for_them_is_named(self, columns, options):
        with pytest.raises(
            DataError, match=r"column 'file': this column names recordings.*--task transcribe"
        ):
            infer({"file": FILES, **columns}, **options)

    def test_beside_a_text_and_a_target_they_are_set_aside(self):
        schema = infer({"file": FILES, "text": sentences(), "label": LABELS})
        assert (schema.text, schema.target) == ("text", ["label"])
        assert schema.set_aside == {"file": "names recordings; --task transcribe writes down what they say"}

    def test_beside_numbers_they_are_set_aside(self):
        schema = infer({"file": FILES, **steps(("t_",)), "label": LABELS})
        assert (schema.layout, schema.target) == ("wide", ["label"])
        assert schema.set_aside == {"file": "names recordings; --task transcribe writes down what they say"}
