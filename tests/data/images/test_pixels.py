"""Images as packed bytes: what a step is, and their scaling."""

import numpy as np
import pytest

from recurra.data.batches import Batches
from recurra.data.images import pixels
from recurra.data.images.form import ImageForm
from recurra.data.images.pixels import PixelEncoder, Pixels, room_for
from recurra.data.packed import Packed
from recurra.errors import DataError, RunError

rng = np.random.default_rng(3)


def made(steps, colours=1, count=5, height=4, width=6):
    form = ImageForm(steps=steps, height=height, width=width, colours=colours)
    images = rng.integers(0, 256, (count, height, width, colours), dtype=np.uint8)
    values = np.concatenate([form.to_steps(image) for image in images])
    lengths = np.full(count, form.length)
    return images, Pixels(values, np.arange(count) * form.length, lengths, form)


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("steps", ["rows", "columns", "pixels", "whole"])
def test_steps_are_what_they_say_and_give_the_image_back(steps, colours):
    images, packed = made(steps, colours)
    first = images[0]
    expected = {
        "rows": first.reshape(4, -1),
        "columns": np.stack([first[:, x].ravel() for x in range(6)]),
        "pixels": first.reshape(-1, colours),
        "whole": first.reshape(1, -1),
    }[steps]
    np.testing.assert_array_equal(packed[0], expected)
    for n in range(5):
        np.testing.assert_array_equal(packed.images(n)[0], images[n])


@pytest.mark.parametrize("colours", [1, 3])
def test_scaling_is_by_colour_and_of_the_sequences_given(colours):
    images, packed = made("rows", colours)
    encoder = PixelEncoder.fit(packed.take(np.array([1, 3])))
    seen = images[[1, 3]].reshape(-1, colours).astype(float)
    np.testing.assert_allclose(encoder.colour_means, seen.mean(0))
    np.testing.assert_allclose(encoder.colour_scales, seen.std(0))
    scaled = (images[2].astype(float) - seen.mean(0)) / seen.std(0)
    encoded = encoder.encode(packed)
    assert encoded.values.dtype == np.uint8
    np.testing.assert_allclose(encoded[2], scaled.reshape(4, -1), rtol=1e-5, atol=1e-6)
    # Numbers instead of bytes, as they are given in Python, come to the same.
    numbers = Packed.from_list([image.reshape(4, -1).astype(np.float32) for image in images])
    np.testing.assert_allclose(encoder.encode(numbers)[2], encoded[2], rtol=1e-5, atol=1e-6)


def test_batches_are_scaled_and_their_padding_is_zero():
    form = ImageForm(steps="frames", height=2, width=2, colours=1)
    values = np.arange(20, dtype=np.uint8).reshape(5, 4)
    clips = Pixels(values, np.array([0, 2]), np.array([2, 3]), form)
    encoded = PixelEncoder.fit(clips).encode(clips)
    batch = next(Batches(encoded, np.array([0, 1])).evaluation())
    x, lengths = batch.inputs
    assert x.dtype.is_floating_point and lengths.tolist() == [3, 2]
    np.testing.assert_allclose(x[0], encoded[1])
    np.testing.assert_allclose(x[1, :2], encoded[0])
    assert not x[1, 2].any()
    np.testing.assert_allclose(encoded.flat()[0].mean(), 0, atol=1e-6)


def test_a_colour_with_one_value_has_scale_one():
    _, packed = made("rows")
    flat = Pixels(np.full_like(packed.values, 9), packed.starts, packed.lengths, packed.form)
    assert PixelEncoder.fit(flat).colour_scales.tolist() == [1.0]
    assert not PixelEncoder.fit(flat).encode(flat)[0].any()


def test_much_lies_on_disk_and_is_the_same(monkeypatch):
    form = ImageForm(steps="rows", height=4, width=6, colours=1)
    monkeypatch.setattr(pixels, "IN_MEMORY", 10)
    room = room_for(3, form)
    assert isinstance(room, np.memmap) and room.shape == (12, 6)
    room[:] = 7
    images = Pixels(room, np.arange(3) * 4, np.full(3, 4), form)
    assert images.narrowed() is images
    np.testing.assert_array_equal(images[2], np.full((4, 6), 7))


def test_scaling_survives_json_and_a_broken_one_is_refused():
    encoder = PixelEncoder.fit(made("rows", 3)[1])
    stored = encoder.to_json()
    again = PixelEncoder.from_json(stored)
    np.testing.assert_array_equal(again.means, encoder.means)
    for change in (
        {"colour_means": [1.0]},
        {"colour_scales": [0.0, 1.0, 1.0]},
        {"features": 7},
        {"features": True},
        {"colour_means": "x"},
        {"more": 1},
    ):
        with pytest.raises(RunError, match="scaling of pixels"):
            PixelEncoder.from_json(stored | change)


def test_other_numbers_of_features_and_holes_are_refused():
    encoder = PixelEncoder.fit(made("rows")[1])
    with pytest.raises(DataError, match="expected 6 numbers in a step"):
        encoder.encode(Packed.from_list([np.zeros((2, 5))]))
    with pytest.raises(DataError, match=r"row 8: expected numbers from 0 to 255"):
        encoder.encode(Packed.from_list([np.zeros((2, 6)), np.full((1, 6), np.nan)]), np.array([7, 8]))


def test_a_form_larger_than_any_image_is_refused():
    with pytest.raises(ValueError, match="more than 100,000,000 pixels"):
        ImageForm(steps="pixels", height=10**6, width=10**6, colours=1)
