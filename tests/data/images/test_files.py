"""Image files: every form in one, and the broken ones told."""

import sys

import numpy as np
import pytest
from PIL import Image

from recurra.data.images import files
from recurra.data.images.files import look_at, read_image, resized
from recurra.errors import DataError, InputError
from tests.data.images.made import bar, write_image


def test_grey_and_colour_are_read_as_asked(tmp_path):
    pixels = bar("lying", 2)
    path = write_image(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(read_image(path, 8, 8, 1)[..., 0], pixels)
    np.testing.assert_array_equal(read_image(path, 8, 8, 3)[..., 2], pixels)
    red = np.zeros((8, 8, 3), dtype=np.uint8)
    red[..., 0] = 200
    path = write_image(tmp_path / "red.png", red)
    np.testing.assert_array_equal(read_image(path, 8, 8, 3), red)
    assert look_at(path).colour and not look_at(tmp_path / "a.png").colour
    assert read_image(path, 8, 8, 1).max() < 100  # luma of red


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "CMYK", "I", "F"])
def test_every_mode_gives_the_same_picture(tmp_path, mode):
    pixels = bar("standing", 3)
    ending = {"CMYK": "jpg", "F": "tif", "I": "tif"}.get(mode, "png")
    path = write_image(tmp_path / f"a.{ending}", pixels, mode)
    read = read_image(path, 8, 8, 1)[..., 0].astype(int)
    assert np.abs(read - pixels).max() <= (60 if ending == "jpg" else 0)
    assert (read > 127).tolist() == (pixels > 127).tolist()


def test_sixteen_bits_become_eight(tmp_path):
    path = tmp_path / "deep.png"
    Image.fromarray(np.array([[0, 65535, 32896]], dtype=np.uint16)).save(path)
    assert read_image(path, 1, 3, 1).ravel().tolist() == [0, 255, 128]
    assert look_at(path).deep


def test_transparent_parts_are_white(tmp_path):
    pixels = np.zeros((2, 2, 4), dtype=np.uint8)
    pixels[0, 0, 3] = 255
    path = write_image(tmp_path / "clear.png", pixels)
    assert read_image(path, 2, 2, 1)[..., 0].tolist() == [[0, 255], [255, 255]]
    assert look_at(path).transparent


def test_a_photograph_held_upright_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "held.jpg"
    Image.fromarray(bar("lying", 0, height=8, width=16)).save(path, exif=exif, quality=95)
    assert (look_at(path).height, look_at(path).width) == (16, 8)
    turned = read_image(path, 16, 8, 1)[..., 0]
    assert turned[:, 7].min() > 200 and turned[:, :4].max() < 60


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_turned_image(tmp_path, ending, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"held.{ending}"
    Image.fromarray(bar("lying", 0, height=8, width=16)).save(path, exif=exif)
    look = look_at(path)
    assert (look.height, look.width) == ((16, 8) if orientation > 4 else (8, 16))
    upright = read_image(path, look.height, look.width, 1)[..., 0]
    assert max(upright.mean(0).max(), upright.mean(1).max()) > 200, "nothing is stretched"


def test_a_png_may_say_at_its_end_how_it_is_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "held.png"
    Image.fromarray(bar("lying", 0, height=8, width=16)).save(path, exif=exif)
    content, chunks, at = path.read_bytes(), [], 8
    while at < len(content):
        length = int.from_bytes(content[at : at + 4]) + 12
        chunks.append(content[at : at + length])
        at += length
    late = next(chunk for chunk in chunks if chunk[4:8] == b"eXIf")
    chunks.remove(late)
    path.write_bytes(content[:8] + b"".join([*chunks[:-1], late, chunks[-1]]))
    assert (look_at(path).height, look_at(path).width) == (16, 8)


def test_numbers_of_32_bits_are_read_by_the_white_that_is_said(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(np.array([[0.0, 0.5, 1.0, 2.0, np.nan, -1.0]], dtype=np.float32)).save(path)
    assert look_at(path).open_ended and files.largest_in(path) == 2
    assert read_image(path, 1, 6, 1, 1.0).ravel().tolist() == [0, 128, 255, 255, 0, 0]
    assert read_image(path, 1, 6, 1, 2.0).ravel().tolist() == [0, 64, 128, 255, 0, 0]


def test_other_sizes_are_resized(tmp_path):
    path = write_image(tmp_path / "big.png", np.full((20, 30), 90, dtype=np.uint8))
    assert (read_image(path, 4, 5, 1) == 90).all()
    assert resized(np.full((3, 3), 9, dtype=np.uint8), 6, 2, 1).shape == (6, 2, 1)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "no such file"), (b"", "an empty file"), (b"hello", "no image"), ("cut", "broken or cut off")],
)
def test_broken_files_are_told(tmp_path, content, problem):
    path = tmp_path / "x.png"
    if content == "cut":
        write_image(path, np.random.default_rng(0).integers(0, 256, (30, 30), dtype=np.uint8))
        content = path.read_bytes()[:200]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=problem):
        read_image(path, 8, 8, 1)


def test_a_huge_image_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = write_image(tmp_path / "x.png", bar("lying", 0))
    monkeypatch.setattr(files, "MOST_PIXELS", 60)
    with pytest.raises(DataError, match="more than 60 pixels"):
        look_at(path)


def test_without_pillow_the_extra_is_named(tmp_path, monkeypatch):
    path = write_image(tmp_path / "x.png", bar("lying", 0))
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(InputError, match=r"pip install 'recurra\[images\]'"):
        look_at(path)
