"""Weights in fewer bits: what they become, and what they stand for."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ...errors import InputError

PRECISIONS = ("float64", "float32", "bfloat16", "int8")


class Rounded(NamedTuple):
    """A matrix in fewer bits.

    Args:
        values: (N, K) in the number type of the precision.
        scales: (N,) what each row of 8-bit integers is multiplied by; None for the others.
    """

    values: Tensor
    scales: Tensor | None

    @property
    def dense(self) -> Tensor:
        """The numbers that it stands for, (N, K) in 32-bit floats; 64-bit ones stay as they are."""
        if self.scales is not None:
            return self.values.float() * self.scales[:, None]
        return self.values if self.values.dtype == torch.float64 else self.values.float()


def rounded(weight: Tensor, precision: str) -> Rounded:
    """`weight` (N, K) in the number type of `precision`.

    8-bit integers are symmetric, with a scale for each row, that is for each unit of each gate:

        q = round(w / s),  s = max_k |w_k| / 127

    >>> rounded(torch.tensor([[1.0, -0.5], [0.0, 0.0]]), "int8")
    Rounded(values=tensor([[127, -64],
            [  0,   0]], dtype=torch.int8), scales=tensor([0.0079, 1.0000]))
    """
    weight = weight.detach()
    if precision != "int8":
        return Rounded(weight.to(getattr(torch, precision)), None)
    largest = weight.float().abs().amax(1)
    scales = torch.where(largest > 0, largest / 127, 1.0)
    return Rounded((weight.float() / scales[:, None]).round().to(torch.int8), scales)


def checked_precision(asked: str | None, dtype: torch.dtype) -> str:
    """The one asked for, or that of the weights.

    Raises:
        InputError: there is none of that name.
    """
    own = str(dtype).removeprefix("torch.")
    if asked is None:
        return own if own in PRECISIONS else "float32"
    if asked not in PRECISIONS:
        raise InputError(
            f"expected one of {', '.join(PRECISIONS)}, found {asked!r}",
            where="precision",
            fix="Take one of these.",
        )
    return asked
