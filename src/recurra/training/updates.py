"""How far an optimiser step moves the weights, as a share of their size."""

from __future__ import annotations

from statistics import median

import torch
from torch import Tensor, nn

EVERY = 16  # batches; the copy that a measurement needs costs too much for every one


def weight_matrices(network: nn.Module) -> list[Tensor]:
    """Copies of the trainable weights with two axes or more, as they are now."""
    return [p.detach().clone() for p in network.parameters() if p.requires_grad and p.dim() > 1]


def update_ratio(network: nn.Module, before: list[Tensor]) -> float:
    """Median over the matrices of |W - W'| / |W'|, W' as `weight_matrices` gave them before the step.

    A matrix that was zero throughout is left out; 0 where there is no other.

    >>> layer = nn.Linear(2, 2)
    >>> before = weight_matrices(layer)
    >>> with torch.no_grad():
    ...     _ = layer.weight.mul_(1.01)
    >>> round(update_ratio(layer, before), 4)
    0.01
    """
    after = [p.detach() for p in network.parameters() if p.requires_grad and p.dim() > 1]
    if not before:
        return 0.0
    norm = torch.linalg.vector_norm
    pairs = torch.stack(
        [torch.stack([norm(new - old), norm(old)]) for new, old in zip(after, before, strict=True)]
    )
    ratios = [moved / size for moved, size in pairs.tolist() if size > 0]
    return median(ratios) if ratios else 0.0
