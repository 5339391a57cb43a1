"""What is measured, and how: everybody in turns, so that a slower minute of the machine is one for all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

OURS = "recurra"


@dataclass(frozen=True)
class Measurement:
    """One piece of work by everybody who can do it.

    Args:
        work: "training step" or "streaming step".
        cell, units, batch: of the layer.
        seconds: peer -> median seconds.
        ratios: peer -> median of its seconds over ours of the same turn, in the same precision where there is one.
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
    steps: Mapping[str, Callable[[], object]],
    *,
    repeats: int,
    count: int = 1,
    elsewhere: Mapping[str, Callable[[int], float]] | None = None,
) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of each step, and medians of the ratios to ours.

    Args:
        steps: peer -> one piece of work; ours is `OURS`. Each has run before.
        repeats: turns.
        count: pieces of work in a turn, where one is too short to be timed.
        elsewhere: peers in processes of their own: peer -> seconds of that many pieces, as it timed them itself.

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
        for peer, seconds_of in (elsewhere or {}).items():
            turn[peer] = seconds_of(count) / count
        turns.append(turn)
    peers = list(turns[0])
    seconds = {peer: statistics.median(turn[peer] for turn in turns) for peer in peers}
    ratios = {
        peer: statistics.median(turn[peer] / turn[_beside(peer, peers)] for turn in turns)
        for peer in peers
        if peer != OURS
    }
    return seconds, ratios


def in_bfloat16(peer: str) -> str:
    """What a peer is called where it computes in bfloat16.

    >>> in_bfloat16(OURS)
    'recurra, bfloat16'
    """
    return f"{peer}, bfloat16"


def _beside(peer: str, peers: Sequence[str]) -> str:
    """Which of ours a peer is compared with: that of its precision where it is measured."""
    ours = in_bfloat16(OURS)
    return ours if "bfloat16" in peer and peer != ours and ours in peers else OURS
