"""Attention: at every step, a look at a memory, and a mean of what stands there weighed by how well it fits."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..axes import valid_steps, zero_padding
from ..errors import InputError

KINDS = ("multiplicative", "additive")


class Memory(NamedTuple):
    """What is looked at, B memories of up to S places: the steps of a source, the regions of an image.

    Args:
        values: (B, S, M), zero past `lengths`.
        lengths: (B,) places of each; None where all have S.
        keys: (B, S, K), by which a place is found; computed once for all steps.
    """

    values: Tensor
    lengths: Tensor | None
    keys: Tensor

    def take(self, rows: Tensor) -> Memory:
        """Those of the memories at `rows` (R,), in that order; one may come several times."""
        lengths = None if self.lengths is None else self.lengths.index_select(0, rows)
        return Memory(self.values.index_select(0, rows), lengths, self.keys.index_select(0, rows))


class Attention(nn.Module):
    """Look at a memory m_1 .. m_S with queries q_t.

        a_ts = softmax_s(score(q_t, m_s)),    c_t = sum_s a_ts m_s
        multiplicative   score = q_t . W m_s                     ("general" of Luong et al., arXiv:1508.04025)
        additive         score = v . tanh(W q_t + U m_s + b)     (Bahdanau et al., arXiv:1409.0473)

    What stands past the lengths of a memory is never read. An empty memory gives weights and contexts of zero.
    The additive kind holds K numbers for every pair of a step and a place.

    Args:
        kind: "multiplicative" or "additive".
        query_size: Q.
        memory_size: M.
        size: K of the additive kind; None: Q. The multiplicative kind has K = Q.
    Shapes:
        query (B, T, Q), memory of B, S, M -> context (B, T, M), weights (B, T, S), zero past its lengths.
    Raises:
        InputError: an unknown kind.

    >>> attention = Attention("multiplicative", query_size=3, memory_size=2)
    >>> memory = attention.remember(torch.ones(1, 4, 2), torch.tensor([2]))
    >>> context, weights = attention(torch.zeros(1, 1, 3), memory)
    >>> context.tolist(), weights.tolist()
    ([[[1.0, 1.0]]], [[[0.5, 0.5, 0.0, 0.0]]])
    """

    def __init__(self, kind: str, query_size: int, memory_size: int, size: int | None = None):
        super().__init__()
        if kind not in KINDS:
            raise InputError(f"expected one of {', '.join(KINDS)}, got {kind!r}", where="kind")
        self.kind, self.query_size, self.memory_size = kind, query_size, memory_size
        size = query_size if size is None or kind == "multiplicative" else size
        self.key = nn.Linear(memory_size, size, bias=kind == "additive")
        if kind == "additive":
            self.query = nn.Linear(query_size, size, bias=False)
            self.score = nn.Linear(size, 1, bias=False)

    def remember(self, values: Tensor, lengths: Tensor | None = None) -> Memory:
        """A memory to look at, its keys computed.

        Args:
            values: (B, S, M); what stands past the lengths may be anything, NaN too.
            lengths: (B,) places of each; None: all.
        """
        if lengths is not None:
            lengths = lengths.to(values.device)
            values = zero_padding(values, lengths)
        return Memory(values, lengths, self.key(values))

    def forward(self, query: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Contexts and weights of queries (B, T, Q)."""
        if self.kind == "multiplicative":
            scores = query @ memory.keys.transpose(1, 2)
        else:
            sums = self.query(query).unsqueeze(2) + memory.keys.unsqueeze(1)
            scores = self.score(torch.tanh(sums)).squeeze(-1)
        if memory.lengths is None:
            weights = torch.softmax(scores, -1)
        else:
            absent = ~valid_steps(memory.lengths, scores.size(-1)).unsqueeze(1)
            # The lowest finite number, not -inf: an empty memory would give 0 / 0.
            scores = scores.masked_fill(absent, torch.finfo(scores.dtype).min)
            weights = torch.softmax(scores, -1).masked_fill(absent, 0.0)
        weights = weights.to(memory.values.dtype)
        return weights @ memory.values, weights

    def extra_repr(self) -> str:
        """Kind and sizes."""
        return f"{self.kind}, {self.query_size}, {self.memory_size}"
