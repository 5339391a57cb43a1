"""The search for what to write: greedy or by a beam, many sources at once, never in an endless loop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recurra.layers.attention import Memory
from recurra.networks.decoder import Decoder, DecoderState


@dataclass(frozen=True)
class Search:
    """How an answer is looked for.

    Args:
        beam: beginnings that are kept beside each other; 1 is greedy: always the likeliest next token.
        length_penalty: alpha of Wu et al. (arXiv:1609.08144): 0 leaves sums of logarithms, which favour short
            answers; 1 takes about their mean.
        no_repeat: no n-gram of so many tokens stands in an answer twice (Paulus et al., arXiv:1705.04304), so
            none goes round in a loop; 0 allows everything.
    """

    beam: int = 5
    length_penalty: float = 0.6
    no_repeat: int = 4

    def score(self, log_probability: float, tokens: int) -> float:
        """What answers are put in order by.

            log p(Y | X) / lp(Y),    lp(Y) = ((5 + |Y|) / 6)^alpha,    |Y| with the end

        >>> Search(length_penalty=1.0).score(-3.0, 7)
        -1.5
        """
        return log_probability / ((5 + tokens) / 6) ** self.length_penalty


@dataclass(frozen=True)
class Hypothesis:
    """An answer that was found.

    Args:
        tokens: its ids, without the end.
        log_probability: of all of them and the end together.
        score: see `Search.score`; the higher the better.
    """

    tokens: tuple[int, ...]
    log_probability: float
    score: float


@torch.no_grad()
def search(
    decoder: Decoder,
    memory: Memory,
    state: DecoderState,
    limits: np.ndarray,
    *,
    boundary: int,
    never: tuple[int, ...] = (),
    settings: Search,
) -> list[list[Hypothesis]]:
    """The best answers to B sources, each list from the best on; one at least, `settings.beam` at most.

    Of every source the `beam` likeliest beginnings go on side by side. One that ends leaves the beam, which is then
    one narrower, until none is left. An answer that reaches its limit must end there; so whatever a network says, the
    search comes to an end.

    Args:
        decoder: in evaluation mode.
        memory, state: what it looks at and begins with, of B rows.
        limits: (B,) tokens of an answer at most, the end not counted.
        boundary: the id that stands before the first token, and that ends an answer.
        never: ids that no answer holds.
    """
    count, beam, device = len(limits), settings.beam, memory.values.device
    found: list[list[Hypothesis]] = [[] for _ in range(count)]
    open_ = torch.arange(count, device=device)  # the sources that still have beginnings
    rows = open_.repeat_interleave(beam)
    memory, state = memory.take(rows), state.take(rows)
    limit = torch.as_tensor(limits, device=device)
    scores = torch.full((count, beam), -torch.inf, device=device)
    scores[:, 0] = 0.0  # all beginnings are empty: one of them is enough
    said = torch.full((count * beam, 1), boundary, device=device)
    while len(open_):
        logits, state, _ = decoder.step(said[:, -1], state, memory)
        gains = torch.log_softmax(logits.float(), -1)
        gains[:, list(never)] = -torch.inf
        block_repeats(gains, said[:, 1:], settings.no_repeat)
        vocabulary, written = gains.size(1), said.size(1) - 1
        over = (limit[open_] <= written).repeat_interleave(beam)
        ending = gains[:, boundary].clone()
        gains[over] = -torch.inf
        gains[over, boundary] = ending[over]
        total = scores.unsqueeze(-1) + gains.view(len(open_), beam, vocabulary)
        best, place = total.flatten(1).topk(beam)
        source, token = place // vocabulary, place % vocabulary
        width = beam - torch.tensor([len(found[b]) for b in open_.tolist()], device=device)
        taken = (torch.arange(beam, device=device) < width[:, None]) & best.isfinite()
        ended = taken & (token == boundary)
        before = said.view(len(open_), beam, -1)
        for b, k in ended.nonzero().tolist():
            tokens = tuple(before[b, int(source[b, k]), 1:].tolist())
            sure = float(best[b, k])
            found[int(open_[b])].append(Hypothesis(tokens, sure, settings.score(sure, len(tokens) + 1)))
        alive = taken & ~ended
        scores = best.masked_fill(~alive, -torch.inf)
        kept = alive.any(1).nonzero().squeeze(1)
        moved = (torch.arange(len(open_), device=device)[:, None] * beam + source)[kept].flatten()
        said = torch.cat([said[moved], token[kept].flatten()[:, None]], 1)
        state, scores = state.take(moved), scores[kept]
        if len(kept) < len(open_):  # the beginnings of one source look at the same
            memory = memory.take((kept[:, None] * beam + torch.arange(beam, device=device)).flatten())
            open_ = open_[kept]
    return [sorted(each, key=lambda one: -one.score) for each in found]


def block_repeats(gains: Tensor, said: Tensor, size: int) -> None:
    """Set to -inf, in place, what would make the last `size` tokens of a row the same as some before them.

    Args:
        gains: (R, V) logarithms of the next token's probabilities.
        said: (R, t) the tokens so far.
        size: n of the n-grams; 0 blocks nothing.

    >>> gains = torch.zeros(1, 4)
    >>> block_repeats(gains, torch.tensor([[3, 1, 2, 3]]), 2)
    >>> gains
    tensor([[0., -inf, 0., 0.]])
    """
    steps = said.size(1)
    if not size or steps < size:
        return
    if size == 1:
        gains.scatter_(1, said, -torch.inf)
        return
    grams = said.unfold(1, size - 1, 1)  # (R, t - n + 2, n - 1), the last of them what stands at the end
    same = (grams[:, :-1] == grams[:, -1:]).all(-1)
    row, place = same.nonzero(as_tuple=True)
    gains[row, said[row, place + size - 1]] = -torch.inf
