from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recurra.errors import InputError
from recurra.layers import BandConvolution, Convolution
from tests.tolerances import assert_close


def trained(width: int, causal: bool, *, bands: bool = False) -> Convolution:
    """A block whose running statistics are not those of the start; over two channels of seven bands, or 14 features."""
    torch.manual_seed(0)
    block = (
        BandConvolution(7, 2, 3, width, causal=causal) if bands else Convolution(14, 4, width, causal=causal)
    )
    for _ in range(3):
        block(torch.randn(5, 9, 14) * 2 + 1, torch.tensor([9, 1, 3, 7, 2]))
    return block.eval()


@given(st.integers(1, 8), st.booleans(), st.booleans(), st.lists(st.integers(0, 9), min_size=1, max_size=4))
def test_a_sequence_gives_the_same_alone_and_beside_poisoned_padding(width, causal, bands, lengths):
    block = trained(width, causal, bands=bands)
    longest = max(*lengths, 1)
    x = torch.full((len(lengths), longest + 2, 14), float("nan"))
    for row, length in enumerate(lengths):
        x[row, :length] = torch.randn(length, 14)
    together = block(x, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        assert (together[row, length:] == 0).all()
        if length:
            alone = block(x[row : row + 1, :length], torch.tensor([length]))
            assert_close(together[row : row + 1, :length], alone)


@pytest.mark.parametrize("block", [Convolution(2, 3, 4), BandConvolution(2, 1, 3, 4)])
def test_gradients_know_nothing_of_padding(block):
    x = torch.full((2, 6, 2), float("nan"))
    x[0], x[1, :3] = torch.randn(6, 2), torch.randn(3, 2)
    x.requires_grad_()
    block(x, torch.tensor([6, 3])).square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in block.parameters())
    assert (x.grad[1, 3:] == 0).all() and torch.isfinite(x.grad).all()


def test_statistics_are_those_of_the_valid_steps():
    torch.manual_seed(0)
    block = Convolution(1, 1, 1)
    with torch.no_grad():
        block.convolution.weight.fill_(1.0)
    x = torch.randn(3, 5, 1)
    lengths = torch.tensor([5, 2, 1])
    y = block(x, lengths)
    steps = torch.cat([x[0], x[1, :2], x[2, :1]])
    assert_close(y[0], ((x[0] - steps.mean()) / (steps.var(correction=0) + 1e-5).sqrt()).relu())


@pytest.mark.parametrize("bands", [False, True])
def test_a_causal_step_sees_nothing_that_comes_after_it(bands):
    block, x = trained(3, True, bands=bands), torch.randn(1, 8, 14)
    changed = x.clone()
    changed[:, 5:] += 1
    lengths = torch.tensor([8])
    assert_close(block(x, lengths)[:, :5], block(changed, lengths)[:, :5])
    assert not torch.equal(block(x, lengths)[:, 5], block(changed, lengths)[:, 5])


@pytest.mark.parametrize("bands", [1, 2, 7, 8])
def test_bands_are_those_of_the_equation(bands):
    torch.manual_seed(0)
    block, x = BandConvolution(bands, 2, 3, 4).eval(), torch.randn(1, 6, 2 * bands)
    weight = block.convolution.weight.detach()
    there = torch.zeros(
        6 + 3, 2, 2 * bands + 8
    )  # zeros around: one step before, two after, two bands on each side
    there[1:7, :, 2 : bands + 2] = x[0].unflatten(1, (bands, 2)).transpose(1, 2)
    every = torch.zeros(
        6, 3, bands + bands % 2
    )  # never negative: a zero beside the last one changes no maximum
    for t in range(6):
        for m in range(bands):
            seen = there[t : t + 4, :, m : m + 5].transpose(0, 1)
            every[t, :, m] = ((weight * seen).sum((1, 2, 3)) / (1 + 1e-5) ** 0.5).relu()
    assert_close(
        block(x, torch.tensor([6]))[0], every.unflatten(2, (-1, 2)).amax(3).transpose(1, 2).flatten(1)
    )
    assert (block.in_features, block.out_features) == (2 * bands, 3 * block.bands)


def test_a_channel_is_normalised_over_its_bands():
    block, x = BandConvolution(8, 1, 3, 1), torch.randn(4, 5, 8)
    steps = block._convolved(x).detach().unflatten(2, (8, 3))[..., 1]
    wanted = ((steps - steps.mean()) / (steps.var(correction=0) + 1e-5).sqrt()).relu()
    found = block(x, torch.full((4,), 5)).unflatten(2, (4, 3))[..., 1].detach()
    assert_close(found, wanted.unflatten(2, (4, 2)).amax(3))


@pytest.mark.parametrize("block", [Convolution(2, 3, 3), BandConvolution(2, 1, 3, 3)])
def test_a_single_step_and_no_step_at_all_can_be_trained_on(block):
    assert torch.isfinite(block(torch.randn(1, 1, 2), torch.tensor([1]))).all()
    assert block(torch.randn(2, 3, 2), torch.tensor([0, 0])).abs().sum() == 0


def test_a_width_below_one_is_refused():
    with pytest.raises(InputError, match="width: expected at least one step, got 0"):
        Convolution(1, 1, 0)
