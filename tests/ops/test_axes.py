from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.axes import last_valid, reverse_valid, valid_steps, zero_padding


@st.composite
def batches(draw):
    steps = draw(st.integers(1, 6))
    lengths = draw(st.lists(st.integers(0, steps), min_size=1, max_size=4))
    features = draw(st.sampled_from([(), (2,), (2, 3)]))
    x = torch.randn(len(lengths), steps, *features, generator=torch.Generator().manual_seed(steps))
    return x, lengths


@settings(derandomize=True, deadline=None, database=None, max_examples=60)
@given(batches(), st.sampled_from([torch.int64, torch.int32, torch.uint8]), st.booleans())
def test_axes_equal_a_loop_over_rows(batch, dtype, batch_first):
    x, rows = batch
    lengths = torch.tensor(rows, dtype=dtype)

    def lay(y):
        return y if batch_first else y.transpose(0, 1)

    valid = valid_steps(lengths, x.size(1))
    reversed_ = lay(reverse_valid(lay(x), lengths.long(), batch_first=batch_first))
    last = last_valid(lay(x), lengths.long(), batch_first=batch_first)
    zeroed = lay(zero_padding(lay(x), lengths, batch_first=batch_first))
    for b, n in enumerate(rows):
        assert valid[b].tolist() == [t < n for t in range(x.size(1))]
        assert torch.equal(reversed_[b], torch.cat([x[b, :n].flip(0), x[b, n:]]))
        assert torch.equal(last[b], x[b, n - 1] if n else torch.zeros_like(x[b, 0]))
        assert torch.equal(zeroed[b], torch.cat([x[b, :n], torch.zeros_like(x[b, n:])]))


def test_zero_padding_stops_nan_in_both_directions():
    x = torch.tensor([[1.0, torch.nan]], requires_grad=True)
    y = zero_padding(x, torch.tensor([1]))
    (y * torch.tensor([[2.0, torch.nan]])).nansum().backward()
    assert x.grad is not None and x.grad.tolist() == [[2.0, 0.0]]


@pytest.mark.parametrize("function", [zero_padding, reverse_valid, last_valid])
def test_axes_work_under_vmap_over_lengths(function):
    x, lengths = torch.randn(4, 3, 5, 2), torch.randint(0, 6, (4, 3))
    expected = torch.stack([function(a, b) for a, b in zip(x, lengths, strict=True)])
    assert torch.equal(torch.vmap(function)(x, lengths), expected)
