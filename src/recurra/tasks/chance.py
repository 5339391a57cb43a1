"""The loss that can be had without a look at the input; every training has to do better."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from torch import Tensor


def chance_of_ids(targets: Iterable[Tensor]) -> float:
    """Nats per id where each is foretold as often as it comes; those below 0 do not count.

    >>> import torch
    >>> math.exp(chance_of_ids([torch.tensor([[0, 1, -100]]), torch.tensor([0, 1])]))
    2.0
    """
    counts = np.zeros(0, dtype=np.int64)
    for target in targets:
        found = np.bincount(target[target >= 0].cpu().numpy())
        counts, found = (found, counts) if len(found) > len(counts) else (counts, found)
        counts[: len(found)] += found
    counts = counts[counts > 0]
    if len(counts) < 2:
        return math.log(2)  # as of two ids that come equally often: a single one is known for certain
    shares = counts / counts.sum()
    return -float((shares * np.log(shares)).sum())
