from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recurra.errors import InputError
from recurra.tasks.generation import choose, probabilities

LOGITS = st.lists(st.floats(-20, 20), min_size=2, max_size=30).map(torch.tensor)


@settings(deadline=None)
@given(
    LOGITS,
    st.floats(0, 5),
    st.none() | st.integers(1, 40),
    st.none() | st.floats(0.01, 1),
    st.integers(0, 1),
)
def test_what_is_left_is_a_distribution_over_the_likeliest(logits, temperature, top_k, top_p, never):
    p = probabilities(logits, temperature=temperature, top_k=top_k, top_p=top_p, never=(never,))
    assert p.sum().item() == pytest.approx(1)
    assert p[never] == 0
    left = (p > 0).nonzero().flatten().tolist()
    assert len(left) <= (1 if temperature == 0 else top_k or len(logits))
    others = [i for i in range(len(logits)) if i != never]
    best = max(others, key=lambda i: (logits[i].item(), -i))
    assert best in left
    if len(left) < len(others):
        # Where softmax comes to exactly 0 a token is out by itself.
        assert min(logits[i].item() for i in left) >= max(logits[i].item() for i in others if i not in left)


@settings(deadline=None)
@given(LOGITS, st.floats(0.1, 5), st.floats(0.01, 0.999))
def test_the_nucleus_is_the_smallest_set_that_holds_top_p(logits, temperature, top_p):
    whole = probabilities(logits, temperature=temperature)
    left = probabilities(logits, temperature=temperature, top_p=top_p) > 0
    share = whole[left].sum().item()
    assert share >= top_p - 1e-9
    assert share - whole[left].min().item() < top_p


def test_temperature_and_rules_by_hand():
    p = torch.tensor([0.4, 0.3, 0.2, 0.1])
    logits = p.log()
    torch.testing.assert_close(probabilities(logits).float(), p)
    torch.testing.assert_close(probabilities(logits, temperature=0.5).float(), p**2 / (p**2).sum())
    expected = torch.tensor([4 / 7, 3 / 7, 0, 0])
    options: dict[str, Any]
    for options in ({"top_k": 2}, {"top_p": 0.7}, {"top_p": 0.69}, {"top_k": 3, "top_p": 0.7}):
        torch.testing.assert_close(probabilities(logits, **options).float(), expected)
    assert probabilities(logits, top_p=0.71).count_nonzero() == 3
    assert probabilities(logits, top_p=1.0).count_nonzero() == 4
    for top_p in (1e-12, 1e-300):
        assert probabilities(logits, top_p=top_p).tolist() == [1, 0, 0, 0]


def test_draws_follow_the_distribution():
    logits, generator = torch.tensor([1.0, 0.0, -1.0, 3.0]), torch.Generator().manual_seed(0)
    drawn = torch.tensor([choose(logits, never=(3,), generator=generator) for _ in range(3000)])
    counts = drawn.bincount(minlength=4)
    assert counts[3] == 0
    expected = torch.softmax(logits[:3].double(), 0) * 3000
    assert stats.chisquare(counts[:3].numpy(), expected.numpy()).pvalue > 1e-3


def test_temperature_0_is_the_argmax_whatever_the_seed():
    logits = torch.randn(50, generator=torch.Generator().manual_seed(1))
    assert {choose(logits, temperature=0) for _ in range(20)} == {int(logits.argmax())}
    assert choose(torch.tensor([2.0, 5.0, 5.0]), temperature=0) == 1
    assert choose(torch.tensor([1.0, 9.0, 5.0]), temperature=0, never=(1,)) == 2


def test_same_state_same_token_and_logits_are_left_alone():
    logits = torch.zeros(1000)
    drawn = [choose(logits, never=(5,), generator=torch.Generator().manual_seed(7)) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert not logits.any()


@settings(deadline=None, max_examples=20)
@given(st.floats(1e-300, 1e-3))
def test_a_small_temperature_does_not_overflow(temperature):
    assert choose(torch.tensor([1e4, -1e4, 1e4 - 1]), temperature=temperature) == 0


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": -1},
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"top_k": 0},
        {"top_p": 0.0},
        {"top_p": 1.1},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InputError, match=next(iter(options))):
        choose(torch.zeros(3), **options)


@pytest.mark.parametrize("logits", [[math.nan, 1.0], [-math.inf, -math.inf], [1.0, math.inf]])
def test_logits_that_leave_no_choice_are_refused(logits):
    with pytest.raises(InputError, match="logits"):
        choose(torch.tensor(logits))
