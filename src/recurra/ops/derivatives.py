"""Derivatives by way of another function that computes the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


def gradients_through(
    function: Callable[..., tuple[Tensor, ...]],
    tensors: Sequence[Any],
    wanted: Sequence[bool],
    grads: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """The gradients of the wanted ones among `tensors`, themselves differentiable; None for the others.

    Args:
        function: of all the tensors.
        grads: of its outputs, None for 0; more than it has outputs are not looked at.

    >>> x, y, one = torch.tensor(3.0), torch.tensor(2.0), torch.tensor(1.0)
    >>> of_x, of_y = gradients_through(lambda x, y: (x * x * y,), [x, y], [True, False], [one])
    >>> float(of_x), of_y
    (12.0, None)
    """
    places = [k for k, want in enumerate(wanted) if want]

    def of_chosen(*chosen: Tensor) -> tuple[Tensor, ...]:
        given = list(tensors)
        for k, t in zip(places, chosen, strict=True):
            given[k] = t
        return function(*given)

    outputs, pull, *_ = torch.func.vjp(of_chosen, *(tensors[k] for k in places))
    given = (torch.zeros_like(o) if g is None else g for o, g in zip(outputs, grads, strict=False))
    found: list[Tensor | None] = [None] * len(tensors)
    for k, g in zip(places, pull(tuple(given)), strict=True):
        found[k] = g
    return found
