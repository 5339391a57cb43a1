import numpy as np
import pytest
import torch

from recurra.errors import InputError
from recurra.networks.config import NetworkShape
from recurra.networks.transcription_network import (
    TranscriptionNetwork,
    TranscriptionNetworkConfig,
    joined_steps,
)
from tests.tolerances import assert_close

SHAPE = NetworkShape(input="features", input_size=3, output_size=5, steps=30)


def network(**chosen):
    torch.manual_seed(0)
    config = TranscriptionNetworkConfig(hidden_size=6, num_layers=2, convolution_size=4, **chosen)
    made = TranscriptionNetwork(config, SHAPE)
    for module in made.modules():  # running means that are not those of the first day
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return made.eval()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "mingru", "tcn"])
@pytest.mark.parametrize(("convolutions", "segment"), [((), 1), ((), 3), ((4,), 1), ((5, 3), 4), ((3,), 2)])
@pytest.mark.parametrize("bands", [(), (2,), (2, 3, 4)])
def test_pieces_give_what_the_whole_gives(cell, convolutions, segment, bands):
    chosen = {"convolutions": convolutions, "segment": segment, "band_channels": bands}
    made = network(cell=cell, bidirectional=False, **chosen)
    x = torch.randn(1, 29, 3)
    whole = made(x, torch.tensor([29]))
    for sizes in ([29], [1] * 29, [0, 7, 2, 20], [13, 0, 16]):
        state, found = made.begin(), []
        for k, piece in enumerate(x.split(sizes, dim=1)):
            logits, state = made.forward_piece(piece, state, last=k == len(sizes) - 1)
            found.append(logits)
        assert_close(torch.cat(found, dim=1), whole.logits.detach(), f"pieces {sizes}")


def test_networks_that_need_the_whole_say_why():
    with pytest.raises(InputError, match="from both ends"):
        network(bidirectional=True).begin()
    with pytest.raises(InputError, match="carries no state"):
        network(cell="transformer", heads=2, bidirectional=False).begin()


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("bands", [(), (3, 2)])
def test_padding_never_leaks(bidirectional, bands):
    made = network(convolutions=(5, 3), segment=4, bidirectional=bidirectional, band_channels=bands)
    x = torch.randn(2, 20, 3)
    alone = made(x[1:, :9], torch.tensor([9]))
    x[1, 9:] = torch.nan
    both = made(x, torch.tensor([20, 9]))
    assert both.lengths.tolist() == [5, 3]
    assert_close(both.logits[1:, :3], alone.logits, "padded")


@pytest.mark.parametrize("convolutions", [(), (5,), (5, 5), (3, 3, 3)])
@pytest.mark.parametrize("segment", range(1, 17))
def test_as_many_steps_as_are_joined_leave_one(segment, convolutions):
    config = TranscriptionNetworkConfig(segment=segment, convolutions=convolutions)
    wanted = np.arange(1, 60)
    assert (joined_steps(config.joined * wanted, config) == wanted).all()


def test_joined_steps_are_those_of_the_network():
    made = network(convolutions=(5, 3), segment=4)
    lengths = torch.arange(1, 21)
    written = made(torch.randn(20, 20, 3), lengths)
    assert written.lengths.tolist() == joined_steps(lengths.numpy(), made.config).tolist()
    assert [made.joined(n) for n in range(1, 21)] == written.lengths.tolist()
