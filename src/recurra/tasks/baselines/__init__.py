"""What one would take instead of a network: the trivial answer and the quick classical ones."""

from __future__ import annotations

from recurra.tasks.baselines.result import BaselineResult, best_baseline
from recurra.tasks.baselines.run import run_baselines
from recurra.tasks.baselines.verdict import beside_baselines, compare_with_baseline, standing, verdict

__all__ = [
    "BaselineResult",
    "beside_baselines",
    "best_baseline",
    "compare_with_baseline",
    "run_baselines",
    "standing",
    "verdict",
]
