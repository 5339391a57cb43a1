"""Dropout made for sequences and words."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .arguments import checked_share


class VariationalDropout(nn.Module):
    """Dropout that hides the same features at every step of a sequence (Gal & Ghahramani, arXiv:1512.05287).

    Args:
        p: share of features hidden, in training; the others grow by 1 / (1 - p).
        batch_first: input is (B, T, F); else (T, B, F). One of two axes is (T, F).

    >>> x = VariationalDropout(0.5)(torch.ones(2, 3, 4))
    >>> bool((x[:, :1] == x).all())
    True
    """

    def __init__(self, p: float, *, batch_first: bool = True):
        super().__init__()
        self.p, self.batch_first = checked_share("p", p), batch_first

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F), (T, B, F) or (T, F) -> the same shape."""
        if not self.training or not self.p:
            return x
        one_step = x[:, :1] if self.batch_first and x.dim() > 2 else x[:1]
        return x * F.dropout(torch.ones_like(one_step), self.p)

    def extra_repr(self) -> str:
        """The rate."""
        return f"p={self.p:g}"


class WordDropout(nn.Module):
    """Replace whole words by the unknown word (Iyyer et al. 2015, doi:10.3115/v1/P15-1162), in training.

    Args:
        p: share of words replaced.
        unknown: id of the unknown word.

    >>> WordDropout(0.5, unknown=1).eval()(torch.tensor([[5, 6]]))
    tensor([[5, 6]])
    """

    def __init__(self, p: float, unknown: int):
        super().__init__()
        self.p, self.unknown = checked_share("p", p), unknown

    def forward(self, ids: Tensor) -> Tensor:
        """Ids of any shape -> the same shape."""
        if not self.training or not self.p:
            return ids
        dropped = torch.rand(ids.shape, device=ids.device) < self.p
        return torch.where(dropped, torch.as_tensor(self.unknown, dtype=ids.dtype, device=ids.device), ids)

    def extra_repr(self) -> str:
        """Rate and id."""
        return f"p={self.p:g}, unknown={self.unknown}"


class EmbeddingDropout(nn.Module):
    """Drop whole rows of an embedding, so a word is gone from every place in the batch (arXiv:1708.02182).

    Args:
        p: share of the vocabulary dropped, in training; the other rows grow by 1 / (1 - p).

    >>> words = EmbeddingDropout(0.5)(nn.Embedding(10, 3), torch.tensor([[4, 4]]))
    >>> bool((words[0, 0] == words[0, 1]).all())
    True
    """

    def __init__(self, p: float):
        super().__init__()
        self.p = checked_share("p", p)

    def forward(self, embedding: nn.Embedding, ids: Tensor) -> Tensor:
        """Look up `ids` (B, T) in what is left of `embedding` (V, F) -> (B, T, F)."""
        vectors = embedding(ids)
        if not self.training or not self.p:
            return vectors
        rows = F.dropout(vectors.new_ones(embedding.num_embeddings), self.p)
        return vectors * rows[ids].unsqueeze(-1)

    def extra_repr(self) -> str:
        """The rate."""
        return f"p={self.p:g}"
