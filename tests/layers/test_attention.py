from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.errors import InputError
from recurra.layers.attention import KINDS, Attention
from tests.tolerances import assert_close


def look_row(attention, query, memory):
    """The definition, of one query (Q,) and one memory (S, M) without padding."""
    if not len(memory):
        return memory.new_zeros(attention.memory_size), memory.new_zeros(0)
    scores = []
    for place in memory:
        if attention.kind == "multiplicative":
            scores.append(query @ (attention.key.weight @ place))
        else:
            sums = attention.query.weight @ query + attention.key.weight @ place + attention.key.bias
            scores.append(attention.score.weight[0] @ torch.tanh(sums))
    weights = torch.softmax(torch.stack(scores), 0)
    return weights @ memory, weights


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_attention_equals_its_definition_row_by_row(kind, dtype):
    @settings(derandomize=True, deadline=None, database=None, max_examples=10)
    @given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(1, 3))
    def check(lengths, steps):
        torch.manual_seed(len(lengths))
        attention = Attention(kind, 3, 4, size=5).to(dtype)
        values = torch.randn(len(lengths), 5, 4, dtype=dtype)
        for b, length in enumerate(lengths):
            values[b, length:] = torch.nan
        values.requires_grad_()
        query = torch.randn(len(lengths), steps, 3, dtype=dtype, requires_grad=True)
        context, weights = attention(query, attention.remember(values, torch.tensor(lengths)))
        looks = [
            [look_row(attention, query[b, t], values[b, :n]) for t in range(steps)]
            for b, n in enumerate(lengths)
        ]
        expected = torch.stack([torch.stack([c for c, _ in row]) for row in looks])
        assert_close(context, expected)
        for b, n in enumerate(lengths):
            assert_close(weights[b, :, :n], torch.stack([w for _, w in looks[b]]))
            assert not weights[b, :, n:].any()
        wanted = [query, values, *attention.parameters()]
        anchor = 0 * sum(each.nansum() for each in wanted)
        for a, b in zip(
            torch.autograd.grad(context.sin().sum(), wanted),
            torch.autograd.grad(expected.sin().sum() + anchor, wanted),
            strict=True,
        ):
            assert_close(a, b, "gradient")

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_differences(kind):
    torch.manual_seed(0)
    attention = Attention(kind, 2, 3).double()
    lengths = torch.tensor([3, 1])
    values, query = torch.randn(2, 3, 3).double(), torch.randn(2, 2, 2).double()
    weights = [each.detach().requires_grad_() for each in (query, values, *attention.parameters())]

    class Look(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = attention

        def forward(self, query, values):
            return self.attention(query, self.attention.remember(values, lengths))[0]

    look, names = Look(), [f"attention.{name}" for name, _ in attention.named_parameters()]

    def context(query, values, *own):
        return torch.func.functional_call(look, dict(zip(names, own, strict=True)), (query, values))

    assert torch.autograd.gradcheck(context, weights)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_taken_from_a_memory_are_looked_at_alike(kind):
    torch.manual_seed(0)
    attention = Attention(kind, 3, 4)
    memory = attention.remember(torch.randn(3, 5, 4), torch.tensor([5, 2, 0]))
    query, rows = torch.randn(3, 2, 3), torch.tensor([1, 1, 2, 0])
    whole, taken = attention(query, memory), attention(query[rows], memory.take(rows))
    for a, b in zip(whole, taken, strict=True):
        assert_close(b, a[rows])
    without = attention(query, attention.remember(memory.values))
    assert_close(without[0][0], whole[0][0])


def test_attention_in_half_precision_is_finite():
    for kind in KINDS:
        attention = Attention(kind, 3, 4).half()
        memory = attention.remember(torch.randn(2, 5, 4).half(), torch.tensor([0, 2]))
        assert torch.isfinite(attention(torch.randn(2, 1, 3).half(), memory)[0]).all()


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match=r"^kind: .*multiplicative, additive"):
        Attention("cosine", 3, 4)
