"""The state that a network carries from batch to batch: tensors in nested tuples, whatever the cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

State = Any  # None, a tensor, or a tuple of states


def map_tensors(function: Callable[[Tensor], Tensor], nested: Any) -> Any:
    """`function` of every tensor in nested tuples, named ones too; anything else stays.

    >>> import torch
    >>> map_tensors(torch.neg, (torch.tensor(1), (None, torch.tensor(2))))
    (tensor(-1), (None, tensor(-2)))
    """
    if isinstance(nested, Tensor):
        return function(nested)
    if isinstance(nested, tuple):
        mapped = [map_tensors(function, each) for each in nested]
        return type(nested)(*mapped) if hasattr(nested, "_fields") else tuple(mapped)
    return nested


def flattened(state: State) -> tuple[list[Tensor], Any]:
    """The tensors of a state in order, and its form without them, JSON-safe; see `unflattened`.

    >>> import torch
    >>> flattened((torch.tensor(1), (None, torch.tensor(2))))
    ([tensor(1), tensor(2)], [0, [None, 1]])
    """
    tensors: list[Tensor] = []

    def form(nested: State) -> Any:
        if isinstance(nested, Tensor):
            tensors.append(nested)
            return len(tensors) - 1
        return None if nested is None else [form(each) for each in nested]

    return tensors, form(state)


def unflattened(form: Any, tensors: list[Tensor]) -> State:
    """The inverse of `flattened`.

    Raises:
        ValueError: a form that does not fit the tensors.
    """
    if form is None:
        return None
    if isinstance(form, list):
        return tuple(unflattened(each, tensors) for each in form)
    if not isinstance(form, int) or form not in range(len(tensors)):
        raise ValueError(f"state is {form!r}, expected one of {len(tensors)} tensors")
    return tensors[form]
