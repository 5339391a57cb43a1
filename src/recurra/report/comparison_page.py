"""The page of a comparison: which network to take, how sure that is, what it costs, how it was found out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recurra.comparison.place import SUMMARY
from recurra.comparison.recommendation import TOO_FEW
from recurra.comparison.summary import FORMAT
from recurra.errors import RunError
from recurra.networks.config import cell_name
from recurra.report.comparison_sections import SECTIONS, Summary, name_of
from recurra.report.page import render, render_page
from recurra.storage import read_json

if TYPE_CHECKING:
    from markupsafe import Markup

_KIND = "comparison"
_INTERVALS = (
    "Intervals are 95 % intervals over seeds and test examples together: how far another seed and other examples of "
    "the same kind would let a number wander, not what other training data would do to it."
)
_FOR = {"train": "to learn from", "validation": "to choose on", "test": "to test on"}
_NAMED = 2  # equals at the top
_WARNED = 3  # warnings at the top; all stand below
_PARTS = {
    "measure",
    "recommendation",
    "rows",
    "pairs",
    "enough_seeds",
    "least_seeds",
    "held_equal",
    "left_out",
    "tuning",
}
_PARTS |= {
    "notes",
    "warnings",
    "parts",
    "task",
    "command",
    "call",
    "versions",
    "machine",
    "seconds",
    "sources",
    "options",
}


def read_summary(folder: Path) -> Summary:
    """What the comparison in `folder` says of itself.

    Raises:
        RunError: it is no comparison, a broken one, or one of another version.
    """
    place = folder / SUMMARY
    summary = read_json(place)
    if summary.get("kind") != _KIND or summary.get("format") != FORMAT:
        raise RunError(
            f"expected a {_KIND} of format {FORMAT}, found {summary.get('kind')!r} of {summary.get('format')!r}",
            where=str(place),
            fix="Name the folder that `recurra compare` has left, or that of a run.",
        )
    if missing := sorted(_PARTS - summary.keys()):
        raise RunError(
            f"there is no {missing[0]!r} in it",
            where=str(place),
            fix="Restore the file, or compare again with --resume.",
        )
    return summary


def comparison_page(summary: Summary) -> str:
    """The page as HTML, complete in itself; the same summary gives the same bytes."""
    found = [section(summary) for section in SECTIONS]
    names = [name_of(row) for row in summary["rows"] if row["network"]]
    title = f"Which network? {', '.join(names[:-1])}{' or ' if names[1:] else ''}{names[-1]}"
    about = ", ".join(Path(source).name for source in summary["sources"]) or "data given in Python"
    parts = ", ".join(f"{count:,} {_FOR[part]}" for part, count in summary["parts"].items() if count)
    about = f"{about} (task {summary['task']}): {parts}"
    return render_page(
        title, about, _lead(summary), [s for s in found if s is not None], intervals=_INTERVALS
    )


def _lead(summary: Summary) -> Markup:
    told, rows = summary["recommendation"], {row["name"]: row for row in summary["rows"]}
    name = name_of(rows[told["take"]])
    if told["rule"] == TOO_FEW:
        mark, badge, standing = "○", f"Too little to tell; the best so far is {name}", "none"
    elif not rows[told["take"]]["network"] and (told["tied"] or told["doubtful"] or told["unsteady"]):
        mark, badge, standing = "=", f"Take: {name}; no network is surely better", "tie"
    elif told["tied"]:
        equal = [name_of(rows[each]) for each in told["tied"]]
        named = " and ".join(equal) if len(equal) <= _NAMED else f"{len(equal)} networks"
        mark, badge, standing = "=", f"Take: {name}; {named} cannot be told apart from it", "tie"
    elif told["doubtful"] or told["unsteady"]:
        mark, badge, standing = "=", f"Take: {name}; not all others are surely worse", "tie"
    else:
        mark, badge, standing = "▲", f"Take: {name}", "better"
    sentences = [told["reason"], told["doubt"]]
    if summary["left_out"]:
        out = ", ".join(cell_name(cell) for cell in summary["left_out"])
        sentences.append(f"Not compared: {out}; why stands below, under what was held equal.")
    sentences += [f"Mind: {each.removesuffix('.')}." for each in summary["warnings"][:_WARNED]]
    return render("verdict.html", mark=mark, badge=badge, standing=standing, sentences=sentences)
