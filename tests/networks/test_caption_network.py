"""The network that writes captions."""

import pytest
import torch
from pydantic import ValidationError

from recurra.errors import InputError
from recurra.networks.caption_network import CaptionNetwork, CaptionNetworkConfig, CaptionShape
from tests.tolerances import assert_close

SHAPE = CaptionShape(input_size=6 * 9 * 3, image=(6, 9, 3), output_size=11)
VECTORS = CaptionShape(input_size=7, output_size=11)


def made(shape, **options):
    torch.manual_seed(0)
    small = {"hidden_size": 5, "embedding_size": 4, "image_channels": (3, 4), "vector_size": 6}
    network = CaptionNetwork(CaptionNetworkConfig(**small | options), shape).eval()
    return network, torch.randn(3, shape.input_size), torch.randint(0, 11, (3, 5))


@pytest.mark.parametrize("shape", [SHAPE, VECTORS], ids=["image", "vector"])
@pytest.mark.parametrize(
    "options",
    [{}, {"cell": "gru", "attention": "multiplicative", "input_feeding": True}, {"attention": "none"}],
)
def test_an_input_alone_gives_what_it_gives_among_others_and_steps_equal_the_whole(shape, options):
    network, inputs, ids = made(shape, **options)
    whole = network(inputs, ids).written
    assert_close(network(inputs[1:2], ids[1:2]).written.logits, whole.logits[1:2])
    memory, state = network.read(inputs)
    for t in range(ids.size(1)):
        logits, state, weights = network.decoder.step(ids[:, t], state, memory)
        assert_close(logits, whole.logits[:, t], f"step {t}")
        if weights is not None:
            assert weights.shape == (3, network.grid[0] * network.grid[1])
    assert (whole.alignment is None) == (options.get("attention") == "none")


def test_regions_carry_their_features_and_their_place():
    network, inputs, _ = made(SHAPE)
    memory, _ = network.read(inputs)
    assert network.grid == (2, 3) and memory.values.shape == (3, 6, 4 + 2)
    grid = network.reader(inputs.view(3, 6, 9, 3).permute(0, 3, 1, 2))
    assert_close(memory.values[:, 4, :4], network.norm(grid[:, :, 1, 1]))  # second row, second column
    assert memory.values[0, :, 4:].tolist() == [[-1, -1], [-1, 0], [-1, 1], [1, -1], [1, 0], [1, 1]]


def test_gradients_reach_every_weight():
    network, inputs, ids = made(SHAPE)
    output = network.train()(inputs, ids)
    (output.written.logits.square().sum() + output.words.square().sum()).backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_what_cannot_be_is_refused():
    with pytest.raises(ValidationError, match="written by a recurrent cell, and TCN is none"):
        CaptionNetworkConfig(cell="tcn")
    with pytest.raises(ValidationError):
        CaptionNetworkConfig(image_channels=())
    with pytest.raises(ValidationError, match="has not 5 numbers"):
        CaptionShape(input_size=5, image=(2, 2, 1), output_size=3)
    with pytest.raises(InputError, match="no steps to be fed"):
        made(SHAPE)[0].stages()
