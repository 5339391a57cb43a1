"""The small convolutional encoder of images."""

import pytest
import torch
from torch.nn import functional

from recurra.errors import InputError
from recurra.layers.images import ImageEncoder
from tests.tolerances import assert_close


@pytest.mark.parametrize(
    ("height", "width", "channels"), [(28, 28, (4, 8)), (5, 1, (3, 3, 3)), (7, 9, (16,))]
)
def test_sides_are_halved_and_rounded_up(height, width, channels):
    encoder = ImageEncoder(3, channels)
    grid = encoder(torch.randn(2, 3, height, width))
    assert grid.shape == (2, channels[-1], encoder.grid(height), encoder.grid(width))
    assert (grid >= 0).all()


def test_a_block_follows_its_formula_and_an_image_does_not_see_its_neighbours():
    torch.manual_seed(0)
    encoder = ImageEncoder(1, (8,)).double().train()
    images = torch.randn(5, 1, 6, 6, dtype=torch.float64)

    def normed(x, weight):
        filtered = functional.conv2d(x, weight, padding=1)
        flat = filtered.flatten(2)  # eight groups of one channel
        flat = (flat - flat.mean(2, keepdim=True)) / (flat.var(2, keepdim=True, correction=0) + 1e-5).sqrt()
        return flat.relu().view_as(filtered)

    pooled = (
        normed(images, encoder.convolutions[0].weight).unflatten(3, (3, 2)).unflatten(2, (3, 2)).amax((3, 5))
    )
    assert_close(encoder(images), normed(pooled, encoder.around.weight))
    assert_close(encoder(images[2:3]), encoder(images)[2:3])


@pytest.mark.parametrize("channels", [(), (4, 0)])
def test_no_blocks_are_refused(channels):
    with pytest.raises(InputError, match="one block or more"):
        ImageEncoder(1, channels)
