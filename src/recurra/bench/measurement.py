"""What is measured, and how: everybody in turns, so that a slower minute of the machine is one for all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

OURS = "recurra"


@dataclass(frozen=True)
class Measurement:
    """One piece of work by everybody who can do it.

    Args:
        work: "training step" or "streaming step".
        cell, units, batch: of the layer.
        seconds: peer -> median seconds.
        ratios: peer -> median of its seconds over ours of the same turn.
        products: multiplications of the work.
        traffic: bytes that the work reads and writes at the least, each array once.
        off: peer -> the largest difference from the reference's numbers.
    """

    work: str
    cell: str
    units: int
    batch: int
    seconds: dict[str, float]
    ratios: dict[str, float]
    products: int
    traffic: int
    off: dict[str, float] = field(default_factory=dict)


def in_turns(
    steps: Mapping[str, Callable[[], object]], *, repeats: int, count: int = 1
) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of each step, and medians of the ratios to ours.

    Args:
        steps: peer -> one piece of work; ours is `OURS`. Each has run before.
        repeats: turns.
        count: pieces of work in a turn, where one is too short to be timed.

    >>> seconds, ratios = in_turns({OURS: lambda: None, "slow": lambda: sum(range(20_000))}, repeats=3)
    >>> ratios["slow"] > 1
    True
    """
    turns: list[dict[str, float]] = []
    for _ in range(repeats):
        turn = {}
        for peer, step in steps.items():
            begin = time.perf_counter()
            for _ in range(count):
                step()
            turn[peer] = (time.perf_counter() - begin) / count
        turns.append(turn)
    seconds = {peer: statistics.median(turn[peer] for turn in turns) for peer in steps}
    ratios = {
        peer: statistics.median(turn[peer] / turn[OURS] for turn in turns) for peer in steps if peer != OURS
    }
    return seconds, ratios
