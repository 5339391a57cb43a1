"""Images, or vectors, with captions: tables, Flickr8k's layout, and what is broken in them."""

import numpy as np
import polars as pl
import pytest

from recurra.data.captions import CaptionBatches, CaptionOptions, read_captions, read_inputs
from recurra.data.images.pixels import Pixels
from recurra.data.packed import Packed
from recurra.errors import DataError, InputError
from tests.data.captions.made import write_flickr, write_scenes
from tests.data.images.made import bar, write_image


def told(found):
    return "\n".join(found.notes)


def test_a_table_with_two_columns_of_captions(tmp_path):
    found = read_captions(write_scenes(tmp_path, 6))
    assert found.schema.image == "file" and found.schema.target == ["caption_1", "caption_2"]
    assert (
        isinstance(found.examples.sequences, Pixels) and found.examples.sequences.lengths.tolist() == [1] * 6
    )
    first = found.examples.targets[0]
    assert len(first) == 2 and first[0].startswith("a standing bar")
    assert found.examples.names[1] == "images/1.png"
    assert "6 images with 12 captions; 8 x 8 pixels, grey" in told(found)


def test_rows_of_one_image_and_lists_of_captions_are_one_example(tmp_path):
    for n in range(2):
        write_image(tmp_path / f"{n}.png", bar("lying", n))
    rows = {"image": ["0.png", "1.png", "0.png"], "caption": ["one  line ", "two", "another"]}
    pl.DataFrame(rows).write_csv(tmp_path / "rows.csv")
    found = read_captions(tmp_path / "rows.csv")
    assert found.examples.targets.tolist() == [("one line", "another"), ("two",)]
    assert found.examples.rows.tolist() == [1, 2]
    lists = pl.DataFrame({"image": ["0.png", "1.png"], "captions": [["a b", "c d"], ["e f"]]})
    lists.write_ndjson(tmp_path / "lists.jsonl")
    assert read_captions(tmp_path / "lists.jsonl").examples.targets.tolist() == [("a b", "c d"), ("e f",)]


def test_rows_of_one_image_in_different_parts_are_refused_and_of_one_vector_stay_apart(tmp_path):
    for n in range(2):
        write_image(tmp_path / f"{n}.png", bar("lying", n))
    rows = {
        "image": ["0.png", "1.png", "0.png"],
        "caption": ["a b", "c d", "e f"],
        "part": ["train", "test", "test"],
    }
    pl.DataFrame(rows).write_csv(tmp_path / "rows.csv")
    split = CaptionOptions(split="part")
    with pytest.raises(
        DataError, match=r"1 images stand in more than one part: 0\.png \(train, test\)"
    ) as caught:
        read_captions(tmp_path / "rows.csv", split)
    assert caught.value.where == "rows.csv, column 'part'"
    vectors = pl.DataFrame({"a": [0.5, 1.5, 0.5], "b": [1.0, 2.0, 1.0], **rows}).drop("image")
    found = read_captions(vectors, split).examples
    assert found.parts.tolist() == ["train", "test", "test"] and len(set(found.inputs())) == 2


def test_vectors_of_features(tmp_path):
    frame = pl.DataFrame(
        {"a": [0.5, 1.5, None], "b": [1.0, 2.0, 3.0], "caption": ["low one", "high one", "no one"]}
    )
    found = read_captions(frame)
    assert found.schema.features == ["a", "b"] and found.schema.size == 2 and len(found.examples) == 2
    assert "a number is missing: row 3" in told(found)
    nested = pl.DataFrame({"v": [[1.0, 2.0], [3.0, 4.0]], "caption": ["x y", "y x"]})
    assert read_captions(nested).examples.sequences[1].tolist() == [[3.0, 4.0]]
    with pytest.raises(DataError, match="a vector has 1 numbers, and 2 were learned from"):
        read_inputs(pl.DataFrame({"v": [[1.0]]}), read_captions(nested).schema)


def test_vectors_of_another_length_are_told_and_the_others_kept():
    frame = pl.DataFrame({"v": [[1.0, 2.0], [3.0, 4.0], [1.0, 2.0, 3.0]], "caption": ["x y", "y x", "z z"]})
    found = read_captions(frame)
    assert found.schema.size == 2 and found.examples.rows.tolist() == [1, 2]
    assert "another number of numbers than 2: row 3" in told(found)
    examples, notes = read_inputs(pl.DataFrame({"v": [[9.0] * 3, [5.0, 6.0], [9.0] * 3]}), found.schema)
    assert examples.rows.tolist() == [2] and examples.sequences[0].tolist() == [[5.0, 6.0]]
    assert notes == ["2 rows are not used, another number of numbers than 2: rows 1, 3"]


@pytest.mark.parametrize("columns", [["v"], ["a", "b"]])
def test_vectors_far_from_zero_keep_their_digits(columns):
    vectors = [[1.7e9 + n, 0.1] for n in range(3)]
    cells = (
        {"v": vectors} if columns == ["v"] else {"a": [v[0] for v in vectors], "b": [v[1] for v in vectors]}
    )
    frame = pl.DataFrame({**cells, "caption": ["x y", "y x", "z z"]})
    found = read_captions(frame, CaptionOptions(features=columns))
    assert found.examples.sequences.values.tolist() == vectors


@pytest.mark.parametrize(
    ("cells", "rows", "said"),
    [
        ([[1.0, None], [3.0, 4.0], None], [2], "a number is missing: rows 1, 3"),
        ([[], [3.0, 4.0], [1.0, float("nan")]], [2], "a number is missing: rows 1, 3"),
        ([[1e300, 1.0], [3.0, 4.0], [5.0, 6.0]], [2, 3], "infinite, or too large for float32: row 1"),
        ([[1, float("inf")], [3.0, 4.0], [5.0, 6.0]], [2, 3], "infinite, or too large for float32: row 1"),
    ],
)
def test_vectors_with_numbers_that_cannot_be_used_are_told(cells, rows, said):
    frame = pl.DataFrame({"v": cells, "caption": ["x y", "y x", "z z"]}, strict=False)
    found = read_captions(frame)
    assert found.examples.rows.tolist() == rows and said in told(found)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([["a", "b"], ["c", "d"]], "column 'v': expected a list of numbers in each row, found List"),
        ([[[1, 2]], [[3, 4]]], "column 'v': expected a list of numbers in each row, found List"),
        ([[], []], "no row can be used"),
    ],
)
def test_vectors_of_no_numbers_are_refused(cells, said):
    frame = pl.DataFrame({"v": cells, "caption": ["x y", "y x"]})
    with pytest.raises(DataError, match=said):
        read_captions(frame, CaptionOptions(features=["v"]))


def test_flickrs_layout_with_images_missing(tmp_path):
    folder = write_flickr(tmp_path, absent=(3, 4))
    found = read_captions(folder)
    assert found.examples.parts.tolist() == ["train"] * 8 + ["validation", "test"]
    assert found.examples.targets[0][0] == "a standing bar on the left ."
    said = told(found)
    assert "2 rows are not used, no such file (3.jpg, 4.jpg): rows 4, 5" in said
    assert "1 images with captions are in none of the lists" in said
    assert "test: 1 images by Flickr_8k.testImages.txt" in said
    again = read_captions(folder / "Flickr8k.token.txt", schema=found.schema)
    assert again.examples.names.tolist() == found.examples.names.tolist()


def test_flickr_without_any_image_says_so(tmp_path):
    folder = write_flickr(tmp_path, absent=tuple(range(12)))
    with pytest.raises(DataError, match=r"none of the image files can be read.*0\.jpg: no such file"):
        read_captions(folder)


def test_a_broken_file_of_captions_is_told(tmp_path):
    folder = write_flickr(tmp_path)
    tokens = folder / "Flickr8k.token.txt"
    tokens.write_text("0.jpg#0\tfine words\nnot a caption\n\n5.jpg#1 no tab\n")
    assert "2 lines are no captions, and not read: lines 2, 4" in told(read_captions(folder))
    tokens.write_text("nothing of the kind\n")
    with pytest.raises(DataError, match="no line is an image, its number and a caption"):
        read_captions(folder)
    tokens.write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        read_captions(folder)


@pytest.mark.parametrize(
    ("frame", "options", "problem"),
    [
        ({"a": ["x", "y"], "caption": ["a b", "c d"]}, {}, "nothing to be captioned"),
        ({"n": [1.0, 2.0], "m": [1, 2]}, {}, "no column is plainly the captions"),
        (
            {"n": [1.0, 2.0], "p": ["a b", "c d"], "q": ["a c", "d e"]},
            {},
            "several columns could be the captions",
        ),
        ({"n": [1.0, 2.0], "caption": ["a b", "c d"]}, {"target": "z"}, "there is no column 'z'"),
        ({"n": [1.0, 2.0], "caption": ["", None]}, {}, "no row can be used"),
        (
            {"n": [1.0, 2.0], "c": pl.Series([None, None], dtype=pl.Float64)},
            {"target": "c"},
            "found empty cells",
        ),
        (
            {"n": [1.0, 2.0], "caption": ["a b", "c d"]},
            {"target": "n", "features": ["n"]},
            "expected captions, found values of type Float64",
        ),
        (
            {"n": [1.0, 2.0], "caption": ["a b", "c d"], "part": ["train", "x"]},
            {"split": "part"},
            "no part of a split",
        ),
    ],
)
def test_what_cannot_be_captioned_is_told(frame, options, problem):
    with pytest.raises(DataError, match=problem):
        read_captions(pl.DataFrame(frame), CaptionOptions(**options))


def test_a_size_without_images_is_refused():
    frame = pl.DataFrame({"n": [1.0, 2.0], "caption": ["a b", "c d"]})
    with pytest.raises(InputError, match="how images are read, and there are none"):
        read_captions(frame, CaptionOptions(size="8"))


def test_every_caption_comes_once_with_its_own_image():
    inputs = Packed.from_list([np.full((1, 3), n, dtype=np.float32) for n in range(4)])
    owners = np.array([0, 0, 1, 2, 3, 3])
    captions = Packed.from_list([np.full(2 + n % 3, 10 * owner + n) for n, owner in enumerate(owners)])
    batches = CaptionBatches(inputs, captions, owners, boundary=99, max_batch=2, seed=1)
    seen = []
    for batch in batches.epoch(3):
        images, read = batch.inputs
        for image, ids, target in zip(images, read, batch.target, strict=True):
            said = target[target >= 0].tolist()
            assert said[-1] == 99 and ids[0] == 99 and ids[1 : len(said)].tolist() == said[:-1]
            assert image.tolist() == [said[0] // 10] * 3
            seen.append(said[0])
    assert sorted(seen) == sorted(10 * owner + n for n, owner in enumerate(owners))
    assert len(batches.part(0.5)) < len(batches)
    with pytest.raises(InputError, match="expected 6 owners"):
        CaptionBatches(inputs, captions, owners[:5], boundary=99)


def test_captions_of_digits_are_kept_as_they_were_written(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,caption\n0.5,1.0,007\n1.5,2.0,3.10\n2.5,3.0,\n")
    found = read_captions(tmp_path / "a.csv")
    assert found.schema.features == ["x", "y"]
    assert found.examples.targets.tolist() == [("007",), ("3.10",)]
