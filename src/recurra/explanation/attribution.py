"""Which inputs mattered, by taking them away and by gradients on the way from nothing; and whether the two agree."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recurra.explanation.result import Agreement, Attribution
from recurra.runs.events import Measured, Observer, ignore

BATCH = 1 << 15  # steps that go through the network at once
_PATHS = (32, 128, 512)  # points of the way; more where fewer leave a gap
_WORK = 1 << 18  # steps of all points together: a long input gets fewer
_GAP = 0.01  # of what was attributed; below it no more points are taken
_ALL, _NONE = -1, -2  # parts or columns that are taken away
_STRONGEST = 5
_FEWEST = 5  # cells that can be compared
_NOTHING = 1e-6  # of the largest: what rounding leaves where there is nothing
_ALIKE, _SIMILAR = 0.7, 0.4  # rank correlations


@dataclass(frozen=True, kw_only=True)
class Question:
    """One number that a network says of one input, and what of the input can be taken away.

    Args:
        of: what the number is, in the form "log-odds of pos".
        value: the inputs of B sequences, a tensor each -> (B,) the number. Differentiable.
        without: (B, P, C) bool, the cells that are taken away -> the inputs that are left, B of each.
        cells: of values shaped as one sequence's inputs -> (P, C) the sum over each cell.
        there: (P, C) bool, the cells that there are.
        steps: T, of the input.
        baseline: in words, what stands where something was taken away.
    """

    of: str
    value: Callable[..., Tensor]
    without: Callable[[Tensor], tuple[Tensor, ...]]
    cells: Callable[[tuple[Tensor, ...]], Tensor]
    there: Tensor
    steps: int
    baseline: str


def attribute(question: Question, observer: Observer = ignore) -> Attribution:
    """What each cell adds to the number, by two ways that know nothing of each other.

    Occlusion (Zeiler & Fergus 2014, arXiv:1311.2901) takes each cell away and sees what becomes of the number.
    Integrated gradients (Sundararajan, Taly & Yan 2017, arXiv:1703.01365; by captum, Gauss-Legendre) take everything
    away and follow the gradient on the straight way back; they add up to the whole difference, and what is lacking is
    `gap`. Where the gap is large more points of the way are taken, as far as that takes no more than about a
    quarter of a million steps.
    """
    p, c = question.there.shape
    places = torch.nonzero(question.there)
    rows = torch.nonzero(question.there.any(1))[:, 0]
    taken = [torch.tensor([[_NONE, _NONE], [_ALL, _ALL]]), places]
    if c > 1:
        taken += [torch.stack([torch.full((c,), _ALL), torch.arange(c)], 1)]
        taken += [torch.stack([rows, torch.full((len(rows),), _ALL)], 1)]
    values = _values(question, torch.cat(taken), observer)
    value, empty = float(values[0]), float(values[1])
    change = value - values[2:]
    occlusion = torch.full((p, c), torch.nan, dtype=torch.float64)
    occlusion[places[:, 0], places[:, 1]] = change[: len(places)]
    if c > 1:
        columns = change[len(places) : len(places) + c]
        of_parts = torch.full((p,), torch.nan, dtype=torch.float64)
        of_parts[rows] = change[len(places) + c :]
    else:
        columns, of_parts = torch.tensor([value - empty]), occlusion[:, 0]
    integrated, points = _integrated(question, value - empty)
    integrated = torch.where(question.there, integrated, torch.nan)
    gap = float(integrated.nansum()) - (value - empty)
    total = float(integrated.abs().nansum())
    return Attribution(
        of=question.of,
        value=_rounded(value),
        baseline_value=_rounded(empty),
        baseline=question.baseline,
        occlusion=[_row(row) for row in occlusion],
        integrated=[_row(row) for row in integrated],
        columns=[_rounded(float(each)) for each in columns],
        parts=_row(of_parts),
        path_steps=points,
        gap=_rounded(gap),
        gap_share=_rounded(gap / total) if total > 0 else 0.0,
        agreement=agreement(occlusion[question.there].numpy(), integrated[question.there].numpy()),
    )


def _values(question: Question, taken: Tensor, observer: Observer) -> Tensor:
    """(N,) float64, the number without each of (N, 2) a part and a column."""
    found: list[Tensor] = []
    with torch.no_grad():
        for some in taken.split(max(1, BATCH // question.steps)):
            found.append(question.value(*question.without(_mask(question, some))).double().cpu())
            observer(Measured(sum(map(len, found)), len(taken), "inputs taken away"))
    return torch.cat(found)


def _mask(question: Question, taken: Tensor) -> Tensor:
    """(B, P, C) bool for (B, 2) a part and a column, each `_ALL` for all of them or `_NONE` for none."""
    axes = [
        (places[:, None] == _ALL) | (places[:, None] == torch.arange(count))
        for places, count in zip(taken.T, question.there.shape, strict=True)
    ]
    return axes[0][:, :, None] & axes[1][:, None, :] & question.there


def _integrated(question: Question, wanted: float) -> tuple[Tensor, int]:
    """(P, C) float64, and the points of the way that it took."""
    from captum.attr import IntegratedGradients

    with torch.no_grad():
        inputs, baselines = (
            question.without(_mask(question, torch.tensor([[which, which]]))) for which in (_NONE, _ALL)
        )
    method = IntegratedGradients(question.value)
    found, points = torch.zeros(question.there.shape, dtype=torch.float64), 0
    for points in _PATHS:
        attributions = method.attribute(
            inputs,
            baselines=baselines,
            n_steps=points,
            internal_batch_size=max(1, BATCH // (4 * question.steps)),
        )
        found = question.cells(tuple(each[0].detach().double().cpu() for each in attributions))
        gap, total = abs(float(found.sum()) - wanted), float(found.abs().sum())
        if gap <= _GAP * total or 4 * points * question.steps > _WORK:
            break
    return found, points


def agreement(one: np.ndarray, other: np.ndarray) -> Agreement:
    """Compare what two ways say of the same cells; those that are nothing to both are left out.

    They *agree* where the ranks correlate by 0.7 or more, or by 0.4 with three of the five strongest in common; in
    *part* where one of both holds; else they *do not agree*.

    >>> agreement(np.array([5.0, 1, 0, -1, -3]), np.array([4.0, 1, 0.1, -2, -2.5])).verdict
    'agree'
    >>> agreement(np.arange(20.0), -np.arange(20.0)).verdict
    'do not agree'
    """
    from scipy.stats import spearmanr

    one, other = (
        np.where(np.abs(way) > _NOTHING * np.abs(way).max(initial=0), way, 0) for way in (one, other)
    )
    told = (one != 0) | (other != 0)
    one, other = one[told], other[told]
    if len(one) < _FEWEST or np.ptp(one) == 0 or np.ptp(other) == 0:
        why = (
            "too few parts make a difference"
            if len(one) < _FEWEST
            else "one of the ways finds no difference at all"
        )
        return Agreement(None, 0, 0, "not compared", f"The two ways were not compared: {why}.")
    correlation, _ = map(float, spearmanr(one, other))
    strongest = min(_STRONGEST, len(one) // 2)
    named = [set(np.argsort(-np.abs(each), kind="stable")[:strongest].tolist()) for each in (one, other)]
    shared = len(named[0] & named[1])
    numbers = f"rank correlation {correlation:.2f}, {shared} of the {strongest} strongest the same"
    similar, common = correlation >= _SIMILAR, 5 * shared >= 3 * strongest
    if correlation >= _ALIKE or (similar and common):
        return Agreement(correlation, shared, strongest, "agree", f"The two ways agree ({numbers}).")
    if correlation > 0 and (similar or common):
        says = f"The two ways agree in part ({numbers}): trust what both name, and the rest less."
        return Agreement(correlation, shared, strongest, "agree in part", says)
    says = (
        f"The two ways do not agree ({numbers}): trust both less. Inputs that stand for one another, or act only "
        "together, are often behind it."
    )
    return Agreement(correlation, shared, strongest, "do not agree", says)


def _row(values: Tensor) -> list[float | None]:
    return [None if math.isnan(value) else _rounded(value) for value in values.tolist()]


def _rounded(value: float) -> float:
    """Six digits that count."""
    return float(f"{value:.6g}")
