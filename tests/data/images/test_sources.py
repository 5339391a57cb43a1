"""Folders of images, idx files and columns of file names: to tables, schemas, examples."""

import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from recurra.data.images.pixels import Pixels
from recurra.data.schema import SchemaOptions, describe, infer_schema, to_examples
from recurra.data.sources import read
from recurra.errors import DataError, InputError
from tests.data.images.made import bar, folder_of_bars, folder_of_clips, idx_bytes, write_idx, write_image


def opened(source, **options):
    table = read(source)
    schema = infer_schema(table, SchemaOptions(**options))
    examples, unusable = to_examples(table, schema)
    assert isinstance(examples.sequences, Pixels)
    return schema, examples, describe(schema, examples, unusable, table)


def test_a_folder_of_classes(tmp_path):
    schema, examples, said = opened(folder_of_bars(tmp_path / "bars", 3))
    assert schema.classes == ["lying", "standing"] and schema.pixels.steps == "rows"
    assert examples.targets.tolist() == ["lying"] * 3 + ["standing"] * 3
    assert examples.names.tolist()[:2] == ["lying/0.png", "lying/1.png"]
    assert examples.sequences.images(4)[0, :, 1, 0].min() == 255
    assert any("8 x 8 pixels (the size of all), grey; a row of pixels is a step" in line for line in said)


def test_odd_files_are_named_and_survived(tmp_path):
    root = folder_of_bars(tmp_path / "bars", 4)
    (root / "lying" / "notes.txt").write_text("x")
    (root / "read me.txt").write_text("x")
    (root / "lying" / "empty.png").write_bytes(b"")
    (root / "lying" / "text.png").write_text("no picture")
    (root / "nothing").mkdir()
    write_image(root / "standing" / "big.png", bar("standing", 1, height=9, width=10))
    write_image(root / "standing" / "red.png", np.full((8, 8, 3), [200, 0, 0], dtype=np.uint8))
    schema, examples, said = opened(root)
    told = "\n".join(said)
    assert len(examples) == 10 and schema.pixels.colours == 1
    assert "not read, being no images in the folder of a class: lying/notes.txt, read me.txt" in told
    assert "sub-folders without images: nothing" in told
    assert "1 row is not used, an empty file (lying/empty.png): row 5" in told
    assert "1 row is not used, no image (lying/text.png): row 6" in told
    assert "1 image of another size, resized to 8 x 8: standing/big.png" in told
    assert "1 image in colour, read as grey: standing/red.png" in told


def test_what_lies_beside_images_without_classes_is_named(tmp_path):
    write_image(tmp_path / "a.png", bar("lying", 1))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "more").mkdir()
    table = read(tmp_path)
    assert table.frame["image"].to_list() == ["a.png"]
    assert table.notes == ("not read, being no images: notes.txt", "folders inside are not read: more")


def test_parts_are_kept(tmp_path):
    for part in ("train", "test"):
        folder_of_bars(tmp_path / "bars" / part, 2)
    schema, examples, _ = opened(tmp_path / "bars")
    assert schema.split == "part" and examples.parts.tolist().count("test") == 4


def test_parts_are_kept_beside_other_folders(tmp_path):
    for part in ("train", "valid", "test"):
        folder_of_bars(tmp_path / "bars" / part, 2)
    for other in ("__MACOSX", "notes"):
        (tmp_path / "bars" / other).mkdir()
    schema, examples, said = opened(tmp_path / "bars")
    assert schema.classes == ["lying", "standing"] and schema.pixels.steps == "rows"
    assert [examples.parts.tolist().count(part) for part in ("train", "validation", "test")] == [4, 4, 4]
    assert any("not read, being none of the parts: notes" in line for line in said)
    assert not any("__MACOSX" in line for line in said)


def test_a_folder_of_frames_in_the_order_of_their_numbers(tmp_path):
    root = folder_of_clips(tmp_path / "clips", 2)
    for t in range(5, 12):
        write_image(root / "left" / "0" / f"frame_{t}.png", bar("lying", t))
    (root / "left" / "1" / "frame_2.png").write_bytes(b"broken")
    schema, examples, said = opened(root)
    assert schema.pixels.steps == "frames" and examples.sequences.lengths.tolist() == [11, 4, 4, 5]
    assert examples.sequences.images(0)[10, 3, 0, 0] == 255  # frame_11 lies in row 3
    assert examples.names.tolist() == ["left/0", "left/1", "right/0", "right/1"]
    assert any("left out of sequences, no image: left/1/frame_2.png" in line for line in said)


def test_frames_that_are_missing_in_a_list_are_passed_over(tmp_path):
    folder_of_clips(tmp_path, 2)
    lists = [[None, "left/0/frame_1.png", "left/0/frame_2.png"], ["right/0/frame_1.png", None]]
    lines = [json.dumps({"frames": names, "label": str(n)}) for n, names in enumerate(lists)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    schema, examples, _ = opened(tmp_path / "a.jsonl")
    assert examples.names.tolist() == ["left/0", "right/0"]
    assert examples.sequences.lengths.tolist() == [2, 1]
    new, _ = to_examples(read(tmp_path / "a.jsonl"), schema, need_targets=False)
    assert new.names.tolist() == ["left/0", "right/0"]


def test_folders_further_down_are_named(tmp_path):
    folder_of_bars(tmp_path / "bars", 2)
    write_image(tmp_path / "bars" / "lying" / "more" / "9.png", bar("lying", 0))
    table = read(tmp_path / "bars")
    assert len(table) == 4
    assert f"folders inside those of the classes are not read: {Path('lying/more')}" in table.notes
    folder_of_clips(tmp_path / "clips", 2)
    write_image(tmp_path / "clips" / "left" / "0" / "more" / "9.png", bar("lying", 0))
    notes = read(tmp_path / "clips").notes
    assert f"folders inside those of the examples are not read: {Path('left/0/more')}" in notes


def test_a_column_of_file_names(tmp_path):
    folder_of_bars(tmp_path / "bars", 5)
    frame = pl.DataFrame(
        {
            "shot": [f"bars/{kind}/{n}.png" for kind in ("lying", "standing") for n in range(5)]
            + ["gone.png", None],
            "place": [0.5 * n + 0.1 for _ in range(2) for n in range(5)] + [1.0, 2.0],
        }
    )
    frame.write_csv(tmp_path / "list.csv")
    schema, examples, said = opened(tmp_path / "list.csv", steps="columns")
    assert schema.image == "shot" and schema.task == "regress" and len(examples) == 10
    assert examples.sequences.form.steps == "columns"
    told = "\n".join(said)
    assert "no such file (gone.png): row 11" in told and "no image named: row 12" in told


@pytest.mark.parametrize(
    ("kind", "largest", "white"),
    [(np.float32, (1.0, 1.01), 1.0), (np.int32, (255, 256), 255.0), (np.int32, (90, 4000), 65535.0)],
)
def test_images_of_32_bits_are_brought_to_bytes_by_one_factor(tmp_path, kind, largest, white):
    rows = ["file,label"]
    for n, top in enumerate(largest):
        pixels = np.zeros((4, 4), dtype=kind)
        pixels[0], pixels[1] = top, largest[0]
        write_image(tmp_path / f"{n}.tif", pixels)
        rows.append(f"{n}.tif,{n}")
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    schema, examples, said = opened(tmp_path / "a.csv")
    assert schema.pixels.white == white
    first, second = (examples.sequences[n] for n in range(2))
    assert first[1].tolist() == second[1].tolist() == [round(255 * min(largest[0] / white, 1))] * 4
    assert f"2 images of 32 bits a pixel, read with 8: {white:g} is white: 0.tif, 1.tif" in said
    write_image(tmp_path / "new.tif", np.full((4, 4), 200, dtype=kind))
    new, _ = to_examples(read(tmp_path / "new.tif"), schema, need_targets=False)
    assert (new.sequences[0] == round(255 * min(200 / white, 1))).all(), (
        "as in training, whatever is beside it"
    )


def test_idx_files_as_mnist_has_them(tmp_path):
    images = np.stack([bar("lying", n) for n in range(6)])
    labels = np.array([0, 1, 0, 1, 0, 1])
    path = write_idx(tmp_path, "t10k", images, labels)
    schema, examples, said = opened(path)
    assert schema.classes == ["0", "1"] and examples.targets.tolist() == ["0", "1"] * 3
    np.testing.assert_array_equal(examples.sequences.images(4)[0, ..., 0], images[4])
    assert any("labels from t10k-labels-idx1-ubyte" in line for line in said)
    packed = tmp_path / "packed"
    packed.mkdir()
    for file in (path, tmp_path / "t10k-labels-idx1-ubyte"):
        (packed / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    assert read(packed).frame.equals(read(path).frame)
    write_idx(tmp_path, "train", images[:4], labels[:4])
    both, examples, _ = opened(tmp_path)
    assert both.split == "part" and examples.parts.tolist().count("train") == 4
    smaller, examples, said = opened(path, size="4x6")
    assert (smaller.pixels.height, smaller.pixels.width) == (4, 6) and examples.sequences.lengths[0] == 4
    assert any("all images resized from 8 x 8 to 4 x 6" in line for line in said)


def test_broken_idx_files_are_refused(tmp_path):
    images = np.zeros((3, 4, 4), dtype=np.uint8)
    path = write_idx(tmp_path, "t10k", images, np.zeros(2))
    with pytest.raises(DataError, match=r"2 labels, but 3 images in t10k-images-idx3-ubyte"):
        read(path)
    whole = idx_bytes(images)
    for content, problem in (
        (whole[:-1], "63 bytes, but 64 belong to 3 x 4 x 4 values"),
        (whole[:9], "9 bytes"),
        (b"hello world", "no idx file of unsigned bytes"),
        (idx_bytes(np.zeros(5)), "no idx file"),
        (idx_bytes(np.zeros((0, 4, 4))), "holds no images"),
        (b"", "the file is empty"),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=problem):
            read(path)


def test_images_without_labels_are_for_prediction_alone(tmp_path):
    for table in (
        read(write_image(tmp_path / "one.png", bar("lying", 1))),
        read(tmp_path),
        read(write_idx(tmp_path / "idx", "t10k", np.zeros((2, 8, 8)))),
    ):
        with pytest.raises(DataError, match="nothing says what the images show"):
            infer_schema(table)
    schema, *_ = opened(folder_of_bars(tmp_path / "bars", 2))
    examples, _ = to_examples(read(tmp_path / "one.png"), schema, need_targets=False)
    assert examples.names.tolist() == ["one.png"] and examples.sequences.lengths.tolist() == [8]
    (tmp_path / "photos.csv").write_text("photo,who\none.png,Anna\n")
    called, _ = to_examples(read(tmp_path / "photos.csv"), schema, need_targets=False)
    assert called.names.tolist() == ["one.png"], "a table's only column of images, whatever it is called"
    clips, *_ = opened(folder_of_clips(tmp_path / "clips", 2))
    alone, _ = to_examples(read(tmp_path / "clips" / "left" / "0"), clips, need_targets=False)
    assert alone.sequences.lengths.tolist() == [4]
    several, _ = to_examples(read(tmp_path / "clips" / "left"), clips, need_targets=False)
    assert several.sequences.lengths.tolist() == [4, 5]


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"steps": "frames"}, "--steps frames"),
        ({"size": "0"}, "--size"),
        ({"size": "28x"}, "--size"),
        ({"image": "image", "text": "label"}, "--text"),
        ({"layout": "images", "window": 3}, "--window"),
        ({"image": "image", "layout": "wide"}, "--layout"),
        ({"task": "tag"}, "--task tag"),
    ],
)
def test_what_cannot_be_asked_of_images_is_refused(tmp_path, options, where):
    with pytest.raises(InputError) as error:
        infer_schema(read(folder_of_bars(tmp_path / "bars", 2)), SchemaOptions(**options))
    assert error.value.where == where


def test_unclear_and_missing_columns_are_told(tmp_path):
    folder_of_bars(tmp_path / "bars", 3)
    names = [f"bars/lying/{n}.png" for n in range(3)]
    frame = pl.DataFrame({"a": names, "b": names, "label": ["x", "y", "x"], "n": [1, 2, 3]})
    frame.write_csv(tmp_path / "list.csv")
    table = read(tmp_path / "list.csv")
    for options, problem in (
        ({}, "several columns name images"),
        ({"image": "n", "target": "label"}, "holds no names of image files"),
        ({"image": "label", "target": "n"}, "none of the image files can be read"),
        ({"image": "c"}, "there is no column 'c'"),
    ):
        with pytest.raises(DataError, match=problem):
            infer_schema(table, SchemaOptions(**options))
    with pytest.raises(InputError, match="how images are read, and there are none"):
        infer_schema(
            read({"text": ["a b c", "d e f"] * 4, "label": list("xyxyxyxy")}), SchemaOptions(steps="rows")
        )
    assert infer_schema(table, SchemaOptions(image="b", target="label")).image == "b"


def test_texts_with_an_image_among_them_stay_texts(tmp_path):
    for kind in ("ham", "spam"):
        (tmp_path / "mails" / kind).mkdir(parents=True)
        for n in range(3):
            (tmp_path / "mails" / kind / f"{n}.txt").write_text("some words")
    write_image(tmp_path / "mails" / "spam" / "logo.png", bar("lying", 1))
    with pytest.raises(DataError, match="PNG picture"):
        read(tmp_path / "mails")
