"""The page of a comparison: which network to take, how sure that is, what it costs, how it was found out."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recurra.comparison.compare import SUMMARY
from recurra.comparison.recommendation import TOO_FEW
from recurra.comparison.summary import FORMAT
from recurra.errors import RunError
from recurra.networks.config import CELL_NAMES
from recurra.report import drawing, wording
from recurra.report.page import Section, render, render_page
from recurra.report.sections.scores import ranged
from recurra.storage import read_json

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

Summary = dict[str, Any]

_KIND = "comparison"
_INTERVALS = (
    "Intervals are 95 % intervals over seeds and test examples together: how far another seed and other examples of "
    "the same kind would let a number wander, not what other training data would do to it."
)
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
_PARTS |= {"notes", "command", "versions", "machine", "seconds", "sources"}
_COLOURS = (drawing.BLUE, drawing.ORANGE, drawing.GREEN)
_STYLES = ("-", "--", ":")


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
    names = [_name(row) for row in summary["rows"] if row["network"]]
    title = f"Which network? {', '.join(names[:-1])}{' or ' if names[1:] else ''}{names[-1]}"
    about = ", ".join(Path(source).name for source in summary["sources"]) or "data given in Python"
    return render_page(
        title, about, _lead(summary), [s for s in found if s is not None], intervals=_INTERVALS
    )


def _lead(summary: Summary) -> Markup:
    told, rows = summary["recommendation"], {row["name"]: row for row in summary["rows"]}
    name = _name(rows[told["take"]])
    if told["rule"] == TOO_FEW:
        mark, badge, standing = "○", f"Too little to tell; the best so far is {name}", "none"
    elif told["tied"]:
        mark, badge, standing = "=", f"Take: {name}; others are not told apart from it", "tie"
    else:
        mark, badge, standing = "▲", f"Take: {name}", "better"
    sentences = [told["reason"], told["doubt"]]
    if summary["left_out"]:
        out = ", ".join(str(CELL_NAMES.get(cell, cell)) for cell in summary["left_out"])
        sentences.append(f"Not compared: {out}; why stands below, under what was held equal.")
    return render("verdict.html", mark=mark, badge=badge, standing=standing, sentences=sentences)


def _scores(summary: Summary) -> Section:
    measure, told = summary["measure"], summary["recommendation"]
    best = next((row["name"] for row in summary["rows"] if not row["network"]), None)

    def shown(row: dict[str, Any]) -> dict[str, Any]:
        headline = {"name": measure["name"], "value": row["value"], "interval": row["interval"]}
        marks = {told["take"]: "to take"} | dict.fromkeys(told["tied"], "not told apart from it")
        seeds = [wording.score({"name": measure["name"], "value": value}) for value in row["by_seed"]]
        return {
            "name": _name(row),
            "mark": marks.get(row["name"], ""),
            "description": f"{row['weights']:,} weights" if row["network"] else row["description"],
            "scores": [headline],
            "by_seed": ", ".join(seeds) if row["network"] else "–",
            "seconds": row["train_s"],
            "compared": row["network"] or row["name"] == best,
        }

    rows = [shown(row) for row in summary["rows"]]
    return Section(
        "scores",
        "How good each is",
        render(
            "comparison_scores.html",
            measure=measure,
            meaning=wording.meaning(measure["name"]),
            rows=ranged(rows, [row for row in rows if row["compared"]]),
        ),
    )


def _pairs(summary: Summary) -> Section | None:
    if not summary["pairs"]:
        return None
    measure, names = summary["measure"], {row["name"]: _name(row) for row in summary["rows"]}
    sign = 1 if measure["higher_is_better"] else -1

    def said(pair: dict[str, Any]) -> str:
        if pair["differs"]:
            return f"{names[pair['a'] if sign * pair['difference'] > 0 else pair['b']]} is better"
        if pair["interval"]["low"] is None:
            return "not tested: too little data"
        return "a tie: not told apart from chance"

    rows = [
        {
            "a": names[pair["a"]],
            "b": names[pair["b"]],
            "difference": _gap(measure, pair["difference"]),
            "interval": _interval(measure, pair["interval"]),
            "corrected": pair["corrected"],
            "said": said(pair),
            "seeds": pair["seeds_needed"],
        }
        for pair in summary["pairs"]
    ]
    content = {
        "rows": rows,
        "measure": measure,
        "enough": summary["enough_seeds"],
        "least": summary["least_seeds"],
    }
    return Section("differences", "How sure the differences are", render("comparison_pairs.html", **content))


def _costs(summary: Summary) -> Section:
    networks = [row | {"shown": _name(row)} for row in summary["rows"] if row["network"]]
    figure, panel = drawing.new_figure()
    for k, row in enumerate(networks):
        steps = [each["steps"] for each in row["over_length"]]
        _line(panel, k, steps, [each["ms"] for each in row["over_length"]], row["shown"])
    panel.set(xscale="log", yscale="log", xlabel="steps of the sequence", ylabel="milliseconds")
    lengths = [each["steps"] for each in networks[0]["over_length"]]
    panel.set_xticks(lengths, [f"{steps:,}" for steps in lengths])
    panel.minorticks_off()
    drawing.legend(figure, panel)
    longest = networks[0]["over_length"][-1]["steps"] if networks[0]["over_length"] else 0
    said = "; ".join(f"{row['shown']} {wording.number(row['over_length'][-1]['ms'])} ms" for row in networks)
    drawn = drawing.inline(figure, "length", f"Forward and backward over {longest} steps: {said}.")
    caption = "Forward and backward through the layers, 16 sequences at once"
    return Section(
        "costs",
        "What each costs",
        render("comparison_costs.html", rows=networks, figure=drawn, caption=caption),
    )


def _learning(summary: Summary) -> Section | None:
    from matplotlib.ticker import MaxNLocator

    networks = [row for row in summary["rows"] if row["network"]]
    if not all(
        "loss" in each["validation"] for row in networks for c in row["curves"] for each in c["epochs"]
    ):
        return None
    figures = []
    for axis, label in (("epoch", "epoch"), ("seconds", "seconds of training")):
        figure, panel = drawing.new_figure()
        for k, row in enumerate(networks):
            for n, curve in enumerate(row["curves"]):
                values = [each["validation"]["loss"] for each in curve["epochs"]]
                places = [each[axis] for each in curve["epochs"]]
                _line(panel, k, places, values, "" if n else _name(row), thin=n > 0)
        panel.set(xlabel=label, ylabel="validation loss")
        if axis == "epoch":
            panel.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        drawing.legend(figure, panel)
        lowest = "; ".join(
            f"{_name(row)} {wording.number(min(e['validation']['loss'] for c in row['curves'] for e in c['epochs']))}"
            for row in networks
        )
        drawn = drawing.inline(figure, f"learning {axis}", f"Lowest validation loss of any seed: {lowest}.")
        figures.append((drawn, f"Validation loss against {label}; a line for each seed"))
    tried = [
        record | {"shown": CELL_NAMES[record["cell"]], "taken": _chosen(summary, record)}
        for record in summary["tuning"]
    ]
    return Section(
        "learning", "How they learned", render("comparison_learning.html", figures=figures, tried=tried)
    )


def _equal(summary: Summary) -> Section:
    left_out = {CELL_NAMES.get(cell, cell): why for cell, why in summary["left_out"].items()}
    content = {"held_equal": summary["held_equal"], "left_out": left_out, "notes": summary["notes"]}
    return Section("equal", "What was held equal", render("comparison_equal.html", **content))


def _reproduction(summary: Summary) -> Section:
    command = summary["command"]
    return Section(
        "reproduction",
        "How to make it again",
        render(
            "comparison_reproduction.html",
            command=[shlex.quote(word) for word in shlex.split(command)] if command else [],
            versions=summary["versions"],
            machine=summary["machine"],
            seconds=summary["seconds"],
        ),
    )


# In the order of the page.
SECTIONS: tuple[Callable[[Summary], Section | None], ...] = (
    _scores,
    _pairs,
    _costs,
    _learning,
    _equal,
    _reproduction,
)


def _name(row: dict[str, Any]) -> str:
    return CELL_NAMES[row["name"]] if row["network"] else row["name"]


def _gap(measure: dict[str, Any], value: float) -> str:
    """A difference with its sign: of shares in points."""
    return f"{100 * value:+.1f} points" if measure["share"] else f"{value:+.3g}"


def _interval(measure: dict[str, Any], ends: dict[str, Any]) -> str:
    if ends["low"] is None or ends["high"] is None:
        return "not known"
    return f"{_gap(measure, ends['low'])} to {_gap(measure, ends['high'])}"


def _chosen(summary: Summary, record: dict[str, Any]) -> bool:
    rates = {row["name"]: row["learning_rate"] for row in summary["rows"] if row["network"]}
    return rates.get(record["cell"]) == record["learning_rate"]


def _line(panel: Axes, k: int, x: list[float], y: list[float], label: str, *, thin: bool = False) -> None:
    """The line of network number k: no two have the same colour and the same dashes."""
    colour, style = _COLOURS[k % len(_COLOURS)], _STYLES[k // len(_COLOURS) % len(_STYLES)]
    width, marker = (0.8, "") if thin else (1.6, "o" if len(x) <= 20 else "")
    panel.plot(
        x, y, color=colour, linestyle=style, linewidth=width, marker=marker, markersize=3, label=label or None
    )
