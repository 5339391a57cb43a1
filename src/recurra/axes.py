"""Axes of padded batches: which steps are valid, each row reversed or read at its own end.

Everything here is plain arithmetic on whole tensors, without a look at the numbers, so that it works under
`torch.func.vmap` and `torch.compile`. A length of zero is allowed everywhere.
"""

from __future__ import annotations

import torch
from torch import Tensor


def valid_steps(lengths: Tensor, steps: int) -> Tensor:
    """Mark the steps that belong to a sequence.

    Args:
        lengths: (B,) valid steps of each sequence, any integer dtype.
        steps: T, the padded length.

    Returns:
        (B, T) bool, true where t < lengths[b].

    >>> valid_steps(torch.tensor([2, 0]), 3)
    tensor([[ True,  True, False],
            [False, False, False]])
    """
    return torch.arange(steps, device=lengths.device) < lengths.unsqueeze(-1)


def zero_padding(x: Tensor, lengths: Tensor, *, batch_first: bool = True) -> Tensor:
    """Set every padded step of `x` to zero, whatever stood there (NaN too); gradients there are zero.

    Args:
        x: (B, T, ...), or (T, B, ...) with `batch_first=False`.
        lengths: (B,) valid steps.

    >>> zero_padding(torch.tensor([[1.0, float("nan")]]), torch.tensor([1]))
    tensor([[1., 0.]])
    """
    valid = valid_steps(lengths, x.size(1 if batch_first else 0))
    if not batch_first:
        valid = valid.transpose(0, 1)
    return torch.where(_spread(valid, x), x, torch.zeros((), dtype=x.dtype, device=x.device))


def reverse_valid(x: Tensor, lengths: Tensor, *, batch_first: bool = True) -> Tensor:
    """Reverse each sequence within its own length; the padding stays behind it, as it was.

    Args:
        x: (B, T, ...), or (T, B, ...) with `batch_first=False`.
        lengths: (B,) valid steps.

    >>> reverse_valid(torch.tensor([[1, 2, 3], [4, 5, 0]]), torch.tensor([3, 2]))
    tensor([[3, 2, 1],
            [5, 4, 0]])
    """
    time = 1 if batch_first else 0
    t = torch.arange(x.size(time), device=x.device)
    ends = lengths.unsqueeze(-1)
    source = torch.where(t < ends, ends - 1 - t, t)
    if not batch_first:
        source = source.transpose(0, 1)
    return torch.take_along_dim(x, _spread(source, x), dim=time)


def last_valid(x: Tensor, lengths: Tensor, *, batch_first: bool = True) -> Tensor:
    """The last valid step of each sequence; zeros where the length is zero.

    Args:
        x: (B, T, ...), or (T, B, ...) with `batch_first=False`.
        lengths: (B,) valid steps.

    Returns:
        (B, ...).

    >>> last_valid(torch.tensor([[1, 2, 3], [4, 5, 0], [6, 7, 8]]), torch.tensor([3, 2, 0]))
    tensor([3, 5, 0])
    """
    time = 1 if batch_first else 0
    last = (lengths - 1).clamp(min=0).to(torch.int64).unsqueeze(time)
    found = torch.take_along_dim(x, _spread(last, x), dim=time).squeeze(time)
    return torch.where(_spread(lengths > 0, found), found, torch.zeros((), dtype=x.dtype, device=x.device))


def _spread(per_step: Tensor, x: Tensor) -> Tensor:
    """Give `per_step` as many axes as `x`, the missing ones of size 1."""
    return per_step.reshape(*per_step.shape, *(1,) * (x.dim() - per_step.dim()))
