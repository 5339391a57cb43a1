from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recurra.errors import InputError
from recurra.layers import Convolution
from tests.tolerances import assert_close


def trained(width: int, causal: bool) -> Convolution:
    """A block whose running statistics are not those of the start."""
    torch.manual_seed(0)
    block = Convolution(3, 4, width, causal=causal)
    for _ in range(3):
        block(torch.randn(5, 9, 3) * 2 + 1, torch.tensor([9, 1, 3, 7, 2]))
    return block.eval()


@given(st.integers(1, 8), st.booleans(), st.lists(st.integers(0, 9), min_size=1, max_size=4))
def test_a_sequence_gives_the_same_alone_and_beside_poisoned_padding(width, causal, lengths):
    block = trained(width, causal)
    longest = max(*lengths, 1)
    x = torch.full((len(lengths), longest + 2, 3), float("nan"))
    for row, length in enumerate(lengths):
        x[row, :length] = torch.randn(length, 3)
    together = block(x, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        assert (together[row, length:] == 0).all()
        if length:
            alone = block(x[row : row + 1, :length], torch.tensor([length]))
            assert_close(together[row : row + 1, :length], alone)


def test_gradients_know_nothing_of_padding():
    block = Convolution(2, 3, 4)
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


def test_a_causal_step_sees_nothing_that_comes_after_it():
    block, x = trained(3, True), torch.randn(1, 8, 3)
    changed = x.clone()
    changed[:, 5:] += 1
    lengths = torch.tensor([8])
    assert_close(block(x, lengths)[:, :5], block(changed, lengths)[:, :5])
    assert not torch.equal(block(x, lengths)[:, 5], block(changed, lengths)[:, 5])


def test_a_single_step_and_no_step_at_all_can_be_trained_on():
    block = Convolution(2, 3, 3)
    assert torch.isfinite(block(torch.randn(1, 1, 2), torch.tensor([1]))).all()
    assert block(torch.randn(2, 3, 2), torch.tensor([0, 0])).abs().sum() == 0


def test_a_width_below_one_is_refused():
    with pytest.raises(InputError, match="width: expected at least one step, got 0"):
        Convolution(1, 1, 0)
