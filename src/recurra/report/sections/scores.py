"""How good the network is, beside its baselines, each with its interval and its time."""

from __future__ import annotations

from typing import Any

from recurra.report import wording
from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles


def section(run: RunFiles) -> Section | None:
    """The headline of network and baselines, then every other measure."""
    if run.scored is None:
        return None
    name, part = run.scored
    headline = part["scores"][0]
    network = {
        "name": f"{run.cell} (this network)",
        "description": f"{run.metrics['training']['weights']:,} weights",
        "scores": part["scores"],
        "seconds": run.metrics["seconds"]["training"],
    }
    rivals = run.metrics.get("baselines") or []
    best = run.best_baseline
    return Section(
        "scores",
        "How good it is",
        render(
            "scores.html",
            headline=headline,
            meaning=wording.meaning(headline["name"]),
            part=name,
            units=run.units,
            n=part["n"],
            rows=ranged([network, *rivals], [network, *([] if best is None else [best])]),
            measures=_measures(part["scores"], best),
            best=best,
        ),
    )


def ranged(rows: list[dict[str, Any]], compared: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the places of value and interval from 0 to 100, and on which side a row lies that does not fit.

    Args:
        rows: each with "scores", the headline first.
        compared: those that the scale is of, with room on both sides: the trivial answer is often so far off that
            nothing else could be told apart.
    """
    ends = [end for row in compared for end in _ends(row) if end is not None]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    margin = (high - low) or abs(high) or 1.0
    low, high = low - margin, high + margin

    def placed(row: dict[str, Any]) -> dict[str, Any]:
        value, *_ = ends = _ends(row)
        beyond = None
        if value is not None and not low <= value <= high:
            beyond = "left" if value < low else "right"
        places = [
            None if end is None else round(100 * (min(max(end, low), high) - low) / (high - low), 1)
            for end in ends
        ]
        return row | dict(zip(("at", "low", "high"), places, strict=True)) | {"beyond": beyond}

    return [placed(row) for row in rows]


def _ends(row: dict[str, Any]) -> list[float | None]:
    """The value of the headline and both ends of its interval."""
    headline = row["scores"][0]
    return [headline["value"], headline["interval"]["low"], headline["interval"]["high"]]


def _measures(scores: list[dict[str, Any]], best: dict[str, Any] | None) -> list[dict[str, Any]]:
    theirs = {} if best is None else {score["name"]: score for score in best["scores"]}
    return [
        {"score": score, "meaning": wording.meaning(score["name"]), "theirs": theirs.get(score["name"])}
        for score in scores
    ]
