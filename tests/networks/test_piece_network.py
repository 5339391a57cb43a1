"""A network that foretells frames: what it may see, and what padding does."""

import pytest
import torch

from recurra.networks.config import NetworkShape
from recurra.networks.piece_network import Chords, PieceNetwork, PieceNetworkConfig
from recurra.ops.streaming.stream import Stream
from tests.tolerances import assert_close

SHAPE = NetworkShape(input="features", input_size=88, output_size=88)


def network(output, **options):
    torch.manual_seed(0)
    return PieceNetwork(
        PieceNetworkConfig(hidden_size=6, chord_size=5, output=output, **options), SHAPE
    ).eval()


def raw(found):
    return found.raw if isinstance(found, Chords) else found


@pytest.mark.parametrize("output", ["keys", "chords"])
def test_no_frame_knows_what_comes_after_it(output):
    made, frames = network(output), (torch.rand(2, 9, 88) < 0.1).float()
    lengths = torch.tensor([9, 9])
    changed = frames.clone()
    changed[:, 5:] = 1 - changed[:, 5:]
    before, after = (raw(made(each, lengths)) for each in (frames, changed))
    assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:])


@pytest.mark.parametrize("output", ["keys", "chords"])
def test_steps_of_a_stream_are_the_whole_piece(output):
    made, frames = network(output, num_layers=2), (torch.rand(1, 7, 88) < 0.1).float()
    stream = Stream(made.stages())
    steps = torch.stack([stream.step(frame) for frame in frames[0]])
    assert_close(steps, raw(made(frames, torch.tensor([7])))[0].detach(), slack=3)


@pytest.mark.parametrize("output", ["keys", "chords"])
def test_keys_are_rare_before_training(output):
    made, frames = network(output), torch.zeros(1, 4, 88)
    found = made(frames, torch.tensor([4]))
    logits = found.logits(frames) if isinstance(found, Chords) else found
    assert torch.sigmoid(logits).mean() < 0.1


def test_reading_from_the_end_is_refused():
    with pytest.raises(ValueError, match="must not read from the end"):
        PieceNetworkConfig(bidirectional=True)
