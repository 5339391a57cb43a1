"""One plain sentence: is the network worth its time?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from recurra.statistics.blocks import blocks_of
from recurra.statistics.paired import PairedResult, compare_correct, compare_errors, compare_sums
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines.result import BaselineResult, best_baseline
from recurra.tasks.metrics import Score, label_sums, micro_f1
from recurra.tasks.metrics.headline import headline_measure, headline_sums

_SHARES = ("accuracy", "micro F1", "entity F1", "word error rate")


def compare_with_baseline(
    prediction: np.ndarray,
    baseline: BaselineResult,
    targets: np.ndarray,
    groups: np.ndarray | None = None,
) -> PairedResult:
    """The network less the baseline in the headline score, example by example on the same test part.

    Accuracy by McNemar's exact test; micro F1 (several labels) and RMSE (numbers) by swapping answers; any of them by
    swapping the answers to whole groups, where examples of one group depend on each other.

    Args:
        prediction: the network's: (N,) class names, (N, K) bool, or (N,) numbers.
        baseline: whose prediction has the same form.
        targets: the truth, in the same form.
        groups: (N,) of the examples; None: each is by itself.
    """
    other = baseline.prediction
    if (blocks := blocks_of(groups)) is not None:
        statistic = headline_measure(targets).statistic
        ours, theirs = headline_sums(prediction, targets), headline_sums(other, targets)
        return compare_sums(statistic, ours, theirs, blocks=blocks)
    if targets.ndim == 2:
        targets = targets.astype(bool)
        return compare_sums(
            micro_f1, label_sums(targets, prediction.astype(bool)), label_sums(targets, other)
        )
    if np.issubdtype(targets.dtype, np.number):
        return compare_errors(prediction - targets, other - targets)
    return compare_correct(prediction == targets, other == targets)


def beside_baselines(
    measure: Measure,
    sums: np.ndarray,
    scores: Sequence[Score],
    baselines: Sequence[tuple[BaselineResult, np.ndarray]],
    name: str,
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """What `metrics.json` says of a network beside its baselines: `baselines` and, where there are some, the sentence
    and how it stands beside the best of them, on the same examples (`verdict`, `standing`).

    Args:
        measure: the headline, as a function of sums over examples.
        sums: (N, C) what each example adds of the network's answers.
        scores: the network's, the headline first.
        baselines: each with what its answers add, (N, C).
        name: the network's, as people write it.
        groups: (N,) of the examples, where those of one depend on each other.
        seed: of the paired test.
    """
    results = [result for result, _ in baselines]
    content: dict[str, Any] = {"baselines": [result.to_json() for result in results]}
    if not baselines:
        return content
    best = best_baseline(results)
    theirs = next(own for result, own in baselines if result is best)
    paired = compare_sums(measure.statistic, sums, theirs, seed=seed, blocks=blocks_of(groups))
    return content | {
        "verdict": verdict(scores, results, paired, name),
        "standing": standing(scores[0].higher_is_better, paired, best.name),
    }


def standing(higher_is_better: bool, paired: PairedResult, baseline: str) -> dict[str, str]:
    """The verdict for programs: the network is "better", "worse" or a "tie", and beside which baseline."""
    return {"is": _stands(higher_is_better, paired), "baseline": baseline}


def verdict(
    scores: Sequence[Score], results: Sequence[BaselineResult], paired: PairedResult, name: str = "network"
) -> str:
    """Which is better, by how much, how sure; a tie is called a tie.

    Args:
        scores: the network's, the headline first.
        results: all baselines.
        paired: `compare_with_baseline` of the network with `best_baseline(results)`.
        name: what to call the network: "LSTM".
    """
    ours, baseline = scores[0], best_baseline(results)
    theirs = baseline.scores[0]
    share = ours.name in _SHARES

    def shown(value: float) -> str:
        return f"{100 * value:.1f} %" if share else f"{value:.4g}"

    def gap(value: float) -> str:
        return f"{100 * value:+.1f}" if share else f"{value:+.3g}"

    unit = " points" if share else ""
    low, high = gap(paired.interval.low), gap(paired.interval.high)
    sure = f"{100 * paired.interval.level:.0f} % interval {low} to {high}, {_p_value(paired.p_value)}"
    width = paired.interval.high - paired.interval.low
    if not math.isfinite(width) or (share and width > 2):  # shares are at most 1 apart
        few = "from so few" if math.isfinite(paired.difference) else "of a score that is not finite"
        sure = f"how sure that is cannot be told {few}"
    numbers = (
        f"{ours.name} {shown(ours.value)} against {shown(theirs.value)}, a difference of "
        f"{gap(paired.difference)}{unit} ({sure})"
    )
    rival = f"the best baseline ({baseline.name})"
    stands = _stands(ours.higher_is_better, paired)
    if stands == "tie":
        return f"A tie: the {name} and {rival} do not differ by more than chance: {numbers}."
    return f"The {name} is {stands} than {rival}: {numbers}."


def _stands(higher_is_better: bool, paired: PairedResult) -> Literal["better", "tie", "worse"]:
    if math.isnan(paired.difference):
        return "worse"  # a score that overflowed is no tie
    if math.isfinite(paired.difference) and not paired.differs:
        return "tie"
    return "better" if (paired.difference > 0) == higher_is_better else "worse"


def _p_value(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
