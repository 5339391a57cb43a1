"""What the scores say: a mean with its interval for everybody, paired differences, ties called ties."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from recurra.statistics.intervals import Interval
from recurra.statistics.repeated import LEAST_SEEDS, Measure, RepeatedScores, holm

LEVEL = 0.95


@dataclass(frozen=True)
class Entry:
    """One that is judged.

    Args:
        name: of a cell in small letters, or of a baseline.
        network: whether it is one; baselines have no seeds.
        contributions: (S, N, C) what each test example adds to the sums of the score, for each seed.
        train_s: seconds of a training.
    """

    name: str
    network: bool
    contributions: np.ndarray
    train_s: float


@dataclass(frozen=True)
class Row:
    """One that was judged.

    Args:
        value: the mean of the score over seeds.
        interval: of it, over seeds and test examples.
        by_seed: the score of each seed.
    """

    name: str
    network: bool
    value: float
    interval: Interval
    by_seed: tuple[float, ...]
    train_s: float

    def to_json(self) -> dict[str, Any]:
        """Plain types only."""
        return asdict(self) | {"interval": self.interval.to_json(), "by_seed": list(self.by_seed)}


@dataclass(frozen=True)
class Pair:
    """One less another, on the same test examples.

    Args:
        a, b: their names.
        difference: of the means of the score.
        interval: of this difference alone.
        p_value: of this comparison alone.
        corrected: the p-value corrected for all comparisons (Holm).
        differs: whether they do, by more than chance; else it is a tie.
        seeds_needed: seeds with which a difference of this size would be found in four of five comparisons; None: with
            no number of them on so few test examples.
    """

    a: str
    b: str
    difference: float
    interval: Interval
    p_value: float
    corrected: float
    differs: bool
    seeds_needed: int | None

    def to_json(self) -> dict[str, Any]:
        """Plain types only."""
        return asdict(self) | {"interval": self.interval.to_json()}


@dataclass(frozen=True)
class Judgement:
    """Rows, the best first, and pairs: every two networks, and every network with the best baseline.

    Args:
        seeds: of each network.
        examples: of the test part.
        groups: that these are of, where those of one depend on each other; None: each is by itself.
    """

    measure: str
    higher_is_better: bool
    share: bool
    seeds: int
    examples: int
    groups: int | None
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]

    def pair(self, a: str, b: str) -> Pair | None:
        """The comparison of a with b, turned round where it was made of b with a; None where there is none."""
        for each in self.pairs:
            if (each.a, each.b) == (a, b):
                return each
            if (each.a, each.b) == (b, a):
                turned = Interval(
                    -each.interval.high, -each.interval.low, each.interval.level, each.interval.method
                )
                return Pair(
                    a,
                    b,
                    -each.difference,
                    turned,
                    each.p_value,
                    each.corrected,
                    each.differs,
                    each.seeds_needed,
                )
        return None

    @property
    def tested(self) -> str:
        """What the scores are over, as in: 400 test examples of 10 groups."""
        groups = "" if self.groups is None else f" of {self.groups:,} groups"
        return f"{self.examples:,} test examples{groups}"

    @property
    def enough_seeds(self) -> bool:
        """Whether differences between networks can be told at all."""
        return self.seeds >= LEAST_SEEDS


def judge(measure: Measure, entries: list[Entry], *, seed: int = 0) -> Judgement:
    """Compare everybody on the same test examples; see `recurra.statistics.repeated` for what is computed."""
    scores = RepeatedScores(
        measure,
        [each.contributions for each in entries],
        [each.network for each in entries],
        seed=seed,
        level=LEVEL,
    )
    sign = 1 if measure.higher_is_better else -1
    rows = [
        Row(
            each.name,
            each.network,
            scores.mean(k),
            scores.interval(k),
            tuple(float(value) for value in scores.values(k)),
            each.train_s,
        )
        for k, each in enumerate(entries)
    ]
    networks = [k for k, each in enumerate(entries) if each.network]
    baselines = [k for k, each in enumerate(entries) if not each.network]
    chosen = [(a, b) for n, a in enumerate(networks) for b in networks[n + 1 :]]
    if baselines:
        best = max(baselines, key=lambda k: sign * rows[k].value)
        chosen += [(a, best) for a in networks]
    found = [scores.difference(a, b, comparisons=len(chosen)) for a, b in chosen]
    corrected = holm([each.p_value for each in found])
    pairs = [
        Pair(
            entries[a].name,
            entries[b].name,
            each.difference,
            each.interval,
            each.p_value,
            p,
            p < 1 - LEVEL,
            each.seeds_needed,
        )
        for (a, b), each, p in zip(chosen, found, corrected, strict=True)
    ]
    return Judgement(
        measure=measure.name,
        higher_is_better=measure.higher_is_better,
        share=measure.share,
        seeds=min((len(entries[k].contributions) for k in networks), default=0),
        examples=entries[0].contributions.shape[1],
        groups=measure.blocks.units if measure.blocks is not None and measure.blocks.length == 1 else None,
        rows=tuple(sorted(rows, key=lambda row: -sign * row.value)),
        pairs=tuple(pairs),
    )
