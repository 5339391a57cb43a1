"""How good the network is, beside its baselines, each with its interval and its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recurra.report import wording
from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles
from recurra.report.score_table import Row, score_table
from recurra.report.tables import Cell, Table

if TYPE_CHECKING:
    from markupsafe import Markup

_METHODS = {"wilson": "Wilson's, for a share", "t": "Student's t", "bca": "BCa bootstrap"}


def section(run: RunFiles) -> Section | None:
    """The headline of network and baselines, then every other measure."""
    if run.scored is None:
        return None
    name, part = run.scored
    headline, best = part["scores"][0], run.best_baseline
    network = Row(
        f"{run.cell} (this network)",
        f"{run.metrics['training']['weights']:,} weights",
        headline,
        run.metrics["seconds"]["training"],
        marked=True,
    )
    rivals = [
        Row(each["name"], each["description"], each["scores"][0], each["seconds"], compared=each is best)
        for each in run.metrics.get("baselines") or []
    ]
    return Section(
        "scores",
        "How good it is",
        render(
            "scores.html",
            headline=headline,
            meaning=wording.meaning(headline["name"]),
            table=score_table(
                f"{headline['name']} on {part['n']:,} {name} {run.units}, with 95 % intervals",
                [network, *rivals],
            ),
            intervals=_about_intervals(headline, name, run.units),
            every=_measures(part["scores"], best, f"{name} {run.units}") if len(part["scores"]) > 1 else None,
        ),
    )


def _about_intervals(score: dict[str, Any], part: str, units: str) -> str:
    method = score["interval"].get("method", "")
    how = f" ({_METHODS[method]})" if method in _METHODS else ""
    over = f"the {part} {units} alone{how}"
    if method == "groups":
        over = f"the groups that the {part} {units} are of (a jackknife), which may each be different"
    return (
        f"Each interval is over {over}, of one training. recurra compare, which trains with "
        "several seeds, gives intervals over seeds and examples together (Student's t), so that even the same "
        "baseline has a slightly different one there."
    )


def _measures(scores: list[dict[str, Any]], best: dict[str, Any] | None, of: str) -> Markup:
    """All measures, those of the best baseline beside them."""
    theirs = {} if best is None else {score["name"]: score for score in best["scores"]}

    def cell(score: dict[str, Any] | None) -> Cell:
        return "–" if score is None else (wording.score(score), wording.interval(score))

    columns: list[Cell] = [
        "measure",
        "this network",
        *([] if best is None else [("best baseline", best["name"])]),
    ]
    rows: list[list[Cell]] = [
        [
            (score["name"], wording.meaning(score["name"])),
            cell(score),
            *([] if best is None else [cell(theirs.get(score["name"]))]),
        ]
        for score in scores
    ]
    return Table(f"All measures on the {of}, with 95 % intervals", columns, rows, words={1, 2}).html()
