"""Linear-chain conditional random field: the tags of a sentence as one answer, not word by word.

    s(x, y)    = b[y_1] + sum_{t=1..T} z[t, y_t] + sum_{t=2..T} A[y_{t-1}, y_t] + e[y_T]
    log p(y|x) = s(x, y) - log sum over all y' of exp s(x, y')

z are the scores that a network gives to each tag of each word; A, b and e are learned: how well a tag follows another,
begins and ends (Lafferty, McCallum & Pereira 2001; over a recurrent network Lample et al., arXiv:1603.01360). The sum
over all K^T paths is the forward algorithm, the best path Viterbi's, both in log space with T steps over (K, K).

Everywhere `scores` are (B, T, K) and `lengths` (B,); what stands past the lengths is never read, NaN neither, and a
sentence without words has one path, of score 0.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..axes import valid_steps, zero_padding
from ..errors import InputError

NEVER = (
    -1e4
)  # added to what cannot be: no path with it is ever worth anything, and every gradient stays finite


class Chain(NamedTuple):
    """How tags follow each other.

    Args:
        between: (K, K) A, from the row's tag to the column's.
        begin: (K,) b, of the first tag.
        end: (K,) e, of the last tag.
    """

    between: Tensor
    begin: Tensor
    end: Tensor


class CRF(nn.Module):
    """The learned scores of a chain; the functions of this module take what `chain` gives.

    Args:
        tags: K.

    >>> crf = CRF(3)
    >>> scores, lengths = torch.zeros(1, 2, 3), torch.tensor([2])
    >>> with torch.no_grad():
    ...     crf.between[0, 1] = 5.0
    >>> best_paths(scores, lengths, crf.chain).tolist()
    [[0, 1]]
    """

    def __init__(self, tags: int):
        super().__init__()
        if tags < 1:
            raise InputError(f"expected one tag or more, got {tags}", where="tags")
        self.between = nn.Parameter(torch.zeros(tags, tags))
        self.begin, self.end = nn.Parameter(torch.zeros(tags)), nn.Parameter(torch.zeros(tags))
        self.forbidden: Tensor
        self.register_buffer("forbidden", torch.zeros(tags + 1, tags + 1, dtype=torch.bool))

    def forbid(self, forbidden: Tensor) -> None:
        """Take transitions out of every path.

        Args:
            forbidden: (K + 1, K + 1) bool, from the row's tag to the column's; the last row is the beginning, the last
                column the end of a sentence.
        """
        self.forbidden.copy_(forbidden)

    @property
    def chain(self) -> Chain:
        """The scores, with NEVER at what is forbidden."""
        never = NEVER * self.forbidden.to(self.between.dtype)
        return Chain(self.between + never[:-1, :-1], self.begin + never[-1, :-1], self.end + never[:-1, -1])

    def extra_repr(self) -> str:
        """K."""
        return f"tags={len(self.begin)}"


def log_partition(scores: Tensor, lengths: Tensor, chain: Chain) -> Tensor:
    """(B,) log sum over all paths y of exp s(x, y), by the forward algorithm.

    a_1[k] = b[k] + z[1, k];   a_t[k] = z[t, k] + log sum_j exp(a_{t-1}[j] + A[j, k])
    """
    if not scores.shape[1]:
        return scores.sum((1, 2))
    scores, valid = zero_padding(scores, lengths), valid_steps(lengths, scores.shape[1])
    forward = chain.begin + scores[:, 0]
    for t in range(1, scores.shape[1]):
        going_on = torch.logsumexp(forward.unsqueeze(2) + chain.between, 1) + scores[:, t]
        forward = torch.where(valid[:, t, None], going_on, forward)
    return torch.where(lengths > 0, torch.logsumexp(forward + chain.end, 1), 0.0)


def path_scores(scores: Tensor, tags: Tensor, lengths: Tensor, chain: Chain) -> Tensor:
    """(B,) s(x, y) of the paths `tags` (B, T)."""
    if not scores.shape[1]:
        return scores.sum((1, 2))
    scores, valid = zero_padding(scores, lengths), valid_steps(lengths, scores.shape[1])
    tags = torch.where(valid, tags, 0)
    of_words = scores.gather(2, tags.unsqueeze(2)).squeeze(2)  # 0 past the lengths
    between = torch.where(valid[:, 1:], chain.between[tags[:, :-1], tags[:, 1:]], 0.0)
    last = tags.gather(1, (lengths - 1).clamp(min=0).unsqueeze(1)).squeeze(1)
    ends = torch.where(lengths > 0, chain.begin[tags[:, 0]] + chain.end[last], 0.0)
    return of_words.sum(1) + between.sum(1) + ends


def log_likelihood(scores: Tensor, tags: Tensor, lengths: Tensor, chain: Chain) -> Tensor:
    """(B,) log p(y | x); where words have no tag, the sum over all tags that they may have (Tsuboi et al. 2008).

    Args:
        tags: (B, T), below 0 where a word has none.
    """
    unknown = (tags < 0) & valid_steps(lengths, tags.shape[1])
    if unknown.any():
        others = tags.unsqueeze(2) != torch.arange(scores.shape[2], device=tags.device)
        excluded = others & ~unknown.unsqueeze(2)
        agreeing = log_partition(torch.where(excluded, NEVER, scores), lengths, chain)
    else:
        agreeing = path_scores(scores, tags, lengths, chain)
    return agreeing - log_partition(scores, lengths, chain)


@torch.no_grad()
def best_paths(scores: Tensor, lengths: Tensor, chain: Chain) -> Tensor:
    """(B, T) int64 the path of the highest score, by Viterbi's algorithm; 0 past the lengths."""
    if not scores.shape[1]:
        return torch.zeros(scores.shape[:2], dtype=torch.int64, device=scores.device)
    scores, valid = zero_padding(scores, lengths), valid_steps(lengths, scores.shape[1])
    best, came_from = chain.begin + scores[:, 0], []
    itself = torch.arange(scores.shape[2], device=scores.device)
    for t in range(1, scores.shape[1]):
        highest, before = (best.unsqueeze(2) + chain.between).max(1)
        best = torch.where(valid[:, t, None], highest + scores[:, t], best)
        came_from.append(
            torch.where(valid[:, t, None], before, itself)
        )  # past the end a path stays where it is
    tag = (best + chain.end).argmax(1)
    path = [tag]
    for before in reversed(came_from):
        tag = before.gather(1, tag.unsqueeze(1)).squeeze(1)
        path.append(tag)
    return torch.where(valid, torch.stack(path[::-1], 1), 0)


def marginals(scores: Tensor, lengths: Tensor, chain: Chain) -> Tensor:
    """(B, T, K) p(y_t = k | x), 0 past the lengths: the gradient of the log partition by the scores."""
    with torch.inference_mode(False), torch.enable_grad():
        # Copies: what was made in inference mode cannot take part in a gradient.
        scores, lengths = scores.detach().clone().requires_grad_(True), lengths.clone()
        total = log_partition(scores, lengths, Chain(*(part.detach().clone() for part in chain))).sum()
        return torch.autograd.grad(total, scores)[0]
