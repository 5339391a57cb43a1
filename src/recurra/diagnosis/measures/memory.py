"""How far back the answer depends on the input: change an input k steps back, and see what becomes of the answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recurra.diagnosis.subject import FEWEST, Subject, copy_of

_NEAR, _FAR = 16, 16  # lags
_DRAWS = 4  # values that each input is replaced by


@dataclass(frozen=True)
class Memory:
    """How the answers change with an input k steps back.

        change_k = mean |y' - y| / mean |y_i - y_j|,   y' with the input k steps back replaced by another example's

    so 1 is as much as another example altogether would change.

    Args:
        lags: k, from 0; in steps of the input.
        change: of each.
        spread: mean |y_i - y_j| over all pairs of examples, in the answers' own unit.
        size: mean |y_i|.
        not_finite: examples whose answer is no finite number; there is no curve where there are some.
    """

    lags: list[int]
    change: list[float]
    spread: float
    size: float
    not_finite: int = 0

    def reach(self, share: float) -> int | None:
        """The first lag from which on the change stays below `share` of its largest; None if it never does.

        >>> Memory([0, 1, 2, 4], [1.0, 0.02, 0.2, 0.01], spread=1.0, size=1.0).reach(0.05)
        4
        """
        bound = share * max(self.change, default=0.0)
        above = [place for place, value in enumerate(self.change) if value > bound]
        place = above[-1] + 1 if above else 0
        return self.lags[place] if place < len(self.lags) else None


def memory(subject: Subject) -> Memory:
    """Measure it over the examples; at least two are needed.

    Of every example the input at a lag takes, one after the other, the values at random steps of others. Lags that
    few examples reach are left out.
    """
    network = copy_of(subject.network)
    sequences = subject.sequences
    before, behind = subject.inputs[: subject.place], subject.inputs[subject.place + 1 :]
    valid = subject.valid
    generator = np.random.default_rng(subject.seed)

    def answers(changed: Tensor) -> Tensor:
        with torch.no_grad():
            return subject.answer(network(*before, changed, *behind)).double()

    y = answers(sequences)
    broken = int((~y.isfinite()).any(1).sum())
    if broken:
        return Memory([], [], spread=0.0, size=0.0, not_finite=broken)
    spread = float(torch.pdist(y).mean().nan_to_num())
    reached = (valid[:, None] > torch.arange(int(valid.max()))).float().mean(0)
    lags = _spaced(int((reached >= FEWEST).sum()))
    change = []
    for lag in lags:
        rows = torch.nonzero(valid > lag)[:, 0]
        found = []
        for _ in range(_DRAWS):
            donors = (rows + torch.from_numpy(generator.integers(1, len(valid), len(rows)))) % len(valid)
            steps = torch.from_numpy(generator.random(len(rows))) * valid[donors]
            changed = sequences.clone()
            changed[rows, valid[rows] - 1 - lag] = sequences[donors, steps.long()]
            found.append((answers(changed) - y)[rows].norm(dim=1))
        change.append(float(torch.cat(found).mean().nan_to_num()) / spread if spread > 0 else 0.0)
    return Memory(lags, [float(f"{each:.5g}") for each in change], spread, float(y.norm(dim=1).mean()))


def _spaced(steps: int) -> list[int]:
    """Lags from 0 to the one before `steps`, all near ones and ever fewer of those farther back.

    >>> _spaced(4), _spaced(1000)[14:18], _spaced(1000)[-1]
    ([0, 1, 2, 3], [14, 15, 20, 27], 999)
    """
    far = np.geomspace(min(_NEAR, steps), steps, _FAR).round().astype(int) - 1
    return np.unique([*range(min(_NEAR, steps)), *far]).tolist()
