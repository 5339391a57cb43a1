from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.errors import InputError
from recurra.layers.pooling import KINDS, Pooling
from tests.tolerances import assert_close


@st.composite
def batches(draw):
    steps = draw(st.integers(1, 6))
    return steps, draw(st.lists(st.integers(0, steps), min_size=1, max_size=5))


def pool_row(pool: Pooling, x: torch.Tensor) -> torch.Tensor:
    """The definition, for one sequence (T, F) without padding."""
    if not len(x):
        return x.new_zeros(pool.out_features)
    parts = []
    for kind in pool.kinds:
        if kind == "last":
            half = pool.features // 2 if pool.bidirectional else pool.features
            parts += [x[-1, :half], x[0, half:]]
        elif kind == "mean":
            parts.append(x.mean(0))
        elif kind == "max":
            parts.append(x.max(0).values)
        else:
            parts.append((torch.softmax(pool.attention(x), 0) * x).sum(0))
    return torch.cat(parts)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kinds", [*KINDS, ("attention", "last"), KINDS])
def test_pooling_equals_its_definition_row_by_row(kinds, bidirectional, dtype):
    @settings(derandomize=True, deadline=None, database=None, max_examples=12)
    @given(batches())
    def check(batch):
        steps, lengths = batch
        torch.manual_seed(steps)
        pool = Pooling(kinds, 4, bidirectional=bidirectional).to(dtype)
        x = torch.randn(len(lengths), steps, 4, dtype=dtype) - 3  # mostly below the padding's zeros
        for b, length in enumerate(lengths):
            x[b, length:] = torch.nan
        x.requires_grad_()
        found = pool(x, torch.tensor(lengths))
        assert found.shape == (len(lengths), pool.out_features)
        expected = torch.stack([pool_row(pool, x[b, :n]) for b, n in enumerate(lengths)])
        assert_close(found, expected)
        wanted = [x, *pool.parameters()]
        for a, b in zip(
            torch.autograd.grad(found.sin().sum(), wanted, allow_unused=True),
            torch.autograd.grad(expected.sin().sum() + 0 * sum(w.nansum() for w in wanted), wanted),
            strict=True,
        ):
            assert_close(a, b, "gradient")

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_without_lengths_every_step_is_valid(kind):
    pool, x = Pooling(kind, 4), torch.randn(3, 5, 4)
    assert torch.equal(pool(x), pool(x, torch.tensor([5, 5, 5])))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_batch_without_steps_gives_zeros(kind, bidirectional):
    pool, x = Pooling((kind,), 4, bidirectional=bidirectional), torch.zeros(3, 0, 4, requires_grad=True)
    for lengths in (None, torch.tensor([0, 0, 0])):
        pooled = pool(x, lengths)
        assert torch.equal(pooled, torch.zeros(3, 4)) and pooled.requires_grad


def test_a_mean_in_half_precision_is_over_the_true_length():
    x = torch.ones(1, 400, 1, dtype=torch.bfloat16)
    x[:, :129] = 3.0  # (129 x 3 + 128) / 257: 515 and 257 are none of bfloat16's numbers
    assert Pooling("mean", 1)(x, torch.tensor([257])) == torch.tensor(515 / 257).to(torch.bfloat16)


def test_pooling_in_half_precision_is_finite():
    pool = Pooling(KINDS, 4).half()
    assert torch.isfinite(pool(torch.randn(2, 3, 4).half(), torch.tensor([0, 2]))).all()


@pytest.mark.parametrize("kinds", [(), "median", ("mean", "mean")])
def test_unknown_kinds_are_refused(kinds):
    with pytest.raises(InputError, match=r"^kinds: .*last, mean, max, attention"):
        Pooling(kinds, 4)


def test_odd_features_in_two_directions_are_refused():
    with pytest.raises(InputError, match=r"^features: "):
        Pooling("last", 3, bidirectional=True)
