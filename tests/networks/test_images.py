"""Images as steps of a sequence network."""

import pytest
import torch
from pydantic import ValidationError

from recurra.networks.config import NetworkConfig, NetworkShape
from recurra.networks.sequence_network import SequenceNetwork
from recurra.ops.streaming.stream import Stream
from tests.tolerances import assert_close

SHAPE = NetworkShape(input="images", input_size=7 * 6 * 3, image=(7, 6, 3), output_size=2, steps=5)
CHANNELS = {"none": (), "two": (4, 8)}


def made(channels, **options):
    torch.manual_seed(0)
    config = NetworkConfig(cell="gru", hidden_size=5, image_channels=channels, image_features=9, **options)
    return SequenceNetwork(config, SHAPE).eval(), torch.randn(4, 5, SHAPE.input_size)


@pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS)
def test_padding_never_leaks(channels):
    network, x = made(channels)
    lengths = torch.tensor([5, 0, 2, 1])
    poisoned = x.clone()
    for row, length in enumerate(lengths):
        poisoned[row, length:] = torch.nan
    together = network(poisoned, lengths)
    assert torch.isfinite(together).all()
    for row, length in enumerate(lengths.tolist()):
        if length:
            alone = network(x[row : row + 1, :length], lengths[row : row + 1])
            assert_close(together[row : row + 1], alone, f"row {row}")
    together.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS)
def test_a_stream_of_frames_gives_what_the_whole_gives(channels):
    network, x = made(channels, bidirectional=False)
    stream = Stream(network.stages())
    for t in range(5):
        expected = network(x[:1, : t + 1], torch.tensor([t + 1])).detach()[0]
        assert_close(stream.step(x[0, t]), expected, f"step {t}")
    before = stream.step(x[0, 0])
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
    stream.reset()
    assert stream.step(x[0, 0]).abs().sum() > 0 and before.abs().sum() > 0


def test_an_image_is_read_row_after_row_with_its_colours_side_by_side():
    network, _ = made((4,))
    seen = []
    network.input.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    image = torch.arange(7 * 6 * 3.0).view(7, 6, 3)
    network.input.vectors(image.view(1, -1))
    assert torch.equal(seen[0][0], image.permute(2, 0, 1))


@pytest.mark.parametrize(
    "change",
    [{"image": None}, {"input": "features"}, {"input_size": 5}, {"image": (7, 6, 2)}, {"image": (0, 6, 3)}],
)
def test_shapes_that_contradict_themselves_are_refused(change):
    with pytest.raises(ValidationError):
        NetworkShape(**(SHAPE.model_dump() | change))
