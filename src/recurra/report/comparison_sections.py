"""The sections of a comparison's page: each reads what it shows from the summary."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.comparison.recommendation import RULES
from recurra.comparison.summary import marks
from recurra.networks.config import cell_name
from recurra.report import drawing, wording
from recurra.report.page import Section, render
from recurra.report.score_table import Row, score_table
from recurra.report.sections import reproduction
from recurra.report.tables import Cell, Table

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

Summary = dict[str, Any]

_ABOUT_INTERVALS = (
    "A network's interval is over its seeds and the test examples together, by Student's t; that of a baseline, which "
    "has no seeds, is over the examples alone, by resampling them. The page of a single run has intervals over its "
    "test examples alone (Wilson's for a share), so that even the same baseline has a slightly different one there."
)
_ABOUT_GROUPS = (
    " Examples of one group depend on each other, and are drawn again together (there: left out together)."
)
_COLOURS = (drawing.BLUE, drawing.ORANGE, drawing.GREEN, drawing.PINK, drawing.INK)
_SHOWN_LOSSES = 0.9  # share of the validation losses that are drawn, the lowest ones
_OVER = 1.02  # times a budget, from which on it is said that it was not kept
_STYLES = ("-", "--", ":")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def _scores(summary: Summary) -> Section:
    measure, told = summary["measure"], summary["recommendation"]
    found = marks(summary)
    near = {told["take"], *told["tied"]}  # what the axis shows; where nothing is, all but the trivial answers
    if len(near) == 1:
        near = {row["name"] for row in summary["rows"] if row["network"]} | {_best_baseline(summary)}
    unfinished = {row["name"] for row in summary["rows"] if row["network"] and row["still_improving"]}
    shown_marks = {name: " (to take)" if mark == "<" else f" ({mark})" for name, mark in found.items()}

    def shown(row: dict[str, Any]) -> Row:
        seeds = [wording.score({"name": measure["name"], "value": value}) for value in row["by_seed"]]
        improving = " (+)" if row["name"] in unfinished else ""
        return Row(
            name_of(row) + shown_marks.get(row["name"], "") + improving,
            f"{row['weights']:,} weights; {_epochs(row)}" if row["network"] else row["description"],
            {"name": measure["name"], "value": row["value"], "interval": row["interval"]},
            row["train_s"],
            marked=row["name"] == told["take"],
            by_seed=", ".join(seeds) if row["network"] else "",
            compared=row["name"] in near,
        )

    caption = f"{measure['name']} on {measure['tested']}, the best first, with 95 % intervals"
    return Section(
        "scores",
        "How good each is",
        render(
            "comparison_scores.html",
            measure=measure,
            marks=set(found.values()) | ({"+"} if unfinished else set()),
            others=len(found) > 1
            and any(row["network"] and row["name"] not in found for row in summary["rows"]),
            meaning=wording.meaning(measure["name"]),
            table=score_table(caption, map(shown, summary["rows"])),
            intervals=_ABOUT_INTERVALS + (_ABOUT_GROUPS if measure["groups"] else ""),
        ),
    )


def _pairs(summary: Summary) -> Section | None:
    if not summary["pairs"]:
        return None
    measure, names = summary["measure"], {row["name"]: name_of(row) for row in summary["rows"]}
    sign = 1 if measure["higher_is_better"] else -1

    def said(pair: dict[str, Any]) -> str:
        if pair["differs"]:
            return f"{names[pair['a'] if sign * pair['difference'] > 0 else pair['b']]} is better"
        low, high = pair["interval"]["low"], pair["interval"]["high"]
        unsteady = [name for name in (pair["a"], pair["b"]) if name in summary["recommendation"]["unsteady"]]
        if low is None:
            return "not tested: too little data"
        if low > 0 or high < 0:
            better = names[pair["a"] if sign * pair["difference"] > 0 else pair["b"]]
            return f"{better} seems better; not surely, as one of {len(summary['pairs'])} comparisons"
        if unsteady:
            return (
                f"not told: the seeds of {' and '.join(names[name] for name in unsteady)} are too far apart"
            )
        return "a tie: not told apart from chance"

    def row(pair: dict[str, Any]) -> list[Cell]:
        tied = not pair["differs"] and pair["interval"]["low"] is not None and summary["enough_seeds"]
        seeds = pair["seeds_needed"]
        more = "more seeds alone would not tell"
        if seeds is not None:
            several = f"about {seeds}" if seeds > summary["options"]["seeds"] else "a few more"
            more = f"{several} seeds would show it, if it is there"
        return [
            f"{names[pair['a']]} minus {names[pair['b']]}",
            (_gap(measure, pair["difference"]), _interval(measure, pair["interval"])),
            (f"{pair['corrected']:.2g}", f"{pair['p_value']:.2g} by itself"),
            (said(pair), more if tied else ""),
        ]

    def drawn(pairs: list[dict[str, Any]], of: str) -> Markup | None:
        if not pairs:
            return None
        surest = sorted(pairs, key=lambda pair: (pair["corrected"], pair["p_value"]))
        return Table(
            f"Differences in {measure['name']} {of}, the surest first. The 95 % intervals are each difference's own; "
            f"the p-values allow for all {len(summary['pairs'])}; below each the one of this comparison by itself",
            ["first minus second", "difference", "p, corrected", "what it says"],
            [row(pair) for pair in surest],
            words={3},
            stacked=True,
        ).html()

    take = summary["recommendation"]["take"]
    ours = [_seen_from(take, pair) for pair in summary["pairs"] if take in (pair["a"], pair["b"])]
    others = [pair for pair in summary["pairs"] if take not in (pair["a"], pair["b"])]
    content = {
        "table": drawn(ours, f"from {names[take]}"),
        "others": drawn(others, "between the others"),
        "measure": measure,
        "enough": summary["enough_seeds"],
        "least": summary["least_seeds"],
        "rules": RULES,
        "decided": RULES[summary["recommendation"]["rule"] - 1],
    }
    return Section("differences", "How sure the differences are", render("comparison_pairs.html", **content))


def _costs(summary: Summary) -> Section:
    networks = [row for row in summary["rows"] if row["network"]]
    figure, panel = drawing.new_figure()
    for k, row in enumerate(networks):
        steps = [each["steps"] for each in row["over_length"]]
        _line(panel, k, steps, [each["ms"] for each in row["over_length"]], name_of(row))
    panel.set(xscale="log", yscale="log", xlabel="steps of the sequence", ylabel="milliseconds")
    lengths = [each["steps"] for each in networks[0]["over_length"]]
    panel.set_xticks(lengths, [f"{steps:,}" for steps in lengths])
    drawing.plain_logarithms(panel)
    drawing.legend(figure, panel)
    longest = networks[0]["over_length"][-1]["steps"] if networks[0]["over_length"] else 0
    said = "; ".join(f"{name_of(row)} {wording.number(row['over_length'][-1]['ms'])} ms" for row in networks)
    drawn = drawing.inline(figure, "length", f"Forward and backward over {longest} steps: {said}.")
    caption = "Forward and backward through the layers alone, as in training, 16 random sequences at once"
    given = (
        "; all were given the same time, whether they could use more or not"
        if summary["options"]["match"] == "time"
        else ""
    )
    streams = any(row["stream_us"] is not None for row in networks)
    columns = ["network", "units", "weights", "training", "a step", "memory", "an example", "a stream's step"]
    shown = [row for row in summary["rows"] if row["network"] or row["name"] == _best_baseline(summary)]
    costs = [_cost(row, summary["measure"]["test_examples"]) for row in shown]
    table = Table(
        f"Size, time and memory on this machine. Training: the quickest of its trainings, the least disturbed{given}; "
        "below it the shortest and the longest. A step and memory are of training. An example: the time of its "
        f"answer, many answered at a time{'' if streams else '. None of them can run as a stream'}",
        columns if streams else columns[:-1],
        [each if streams else each[:-1] for each in costs],
        stacked=True,
    )
    return Section(
        "costs",
        "What each costs",
        render("comparison_costs.html", table=table.html(), figure=drawn, caption=caption),
    )


def _best_baseline(summary: Summary) -> str | None:
    """Its name; None where there is none."""
    return next((row["name"] for row in summary["rows"] if not row["network"]), None)


def _cost(row: dict[str, Any], examples: int) -> list[Cell]:
    if not row["network"]:
        weights = "–" if row["weights"] is None else wording.count(row["weights"])
        took = (wording.seconds(row["train_s"]), "answers to the test part included")
        answer = "not measured"
        if row["answering_s"] is not None:
            answer = f"{wording.number(1000 * row['answering_s'] / examples)} ms"
        return [name_of(row), "–", weights, took, "–", "not measured", answer, "–"]
    stream = row["stream_us"]
    return [
        name_of(row),
        wording.count(row["hidden_size"]),
        wording.count(row["weights"]),
        (
            wording.seconds(row["train_s"]),
            " to ".join(wording.seconds(each) for each in row["train_range_s"]),
        ),
        f"{wording.number(1000 * row['step_s'])} ms",
        f"{row['memory_bytes'] / 2**20:.1f} MiB",
        "–" if row["forward_ms"] is None else f"{wording.number(row['forward_ms'])} ms",
        ("–", "cannot stream") if stream is None else f"{wording.number(stream)} µs",
    ]


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
                _line(panel, k, places, values, "" if n else name_of(row), thin=n > 0)
        panel.set(xlabel=label, ylabel="validation loss")
        losses = [e["validation"]["loss"] for row in networks for c in row["curves"] for e in c["epochs"]]
        lowest_of = [
            min(e["validation"]["loss"] for c in row["curves"] for e in c["epochs"]) for row in networks
        ]
        low, high = min(losses), max(float(np.quantile(losses, _SHOWN_LOSSES)), *lowest_of)
        panel.set_ylim(low - 0.05 * (high - low or 1), high + 0.05 * (high - low or 1))
        if axis == "epoch":
            panel.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        drawing.legend(figure, panel)
        lowest = "; ".join(
            f"{name_of(row)} {wording.number(min(e['validation']['loss'] for c in row['curves'] for e in c['epochs']))}"
            for row in networks
        )
        drawn = drawing.inline(figure, f"learning {axis}", f"Lowest validation loss of any seed: {lowest}.")
        figures.append(
            (
                drawn,
                f"Validation loss against {label}, the highest tenth cut off; a line for each seed, the first thick",
            )
        )
    return Section(
        "learning",
        "How they learned",
        render("comparison_learning.html", figures=figures, tried=_tried(summary)),
    )


def _tried(summary: Summary) -> Markup | None:
    """The learning rates of the tuning; None where there was none."""
    records = summary["tuning"]
    if not records:
        return None
    taken = [k for k, record in enumerate(records) if _chosen(summary, record)]
    rows = [
        [
            f"{cell_name(record['cell'])}{' (taken)' if k in taken else ''}",
            wording.number(record["learning_rate"]),
            record["failed"] or wording.number(record["validation_loss"]),
            "–" if record["seconds"] is None else wording.seconds(record["seconds"]),
        ]
        for k, record in enumerate(records)
    ]
    return Table(
        "Validation loss with each learning rate; the lowest of each network was taken",
        ["network", "learning rate", "validation loss", "time"],
        rows,
        marked=taken,
    ).html()


def _equal(summary: Summary) -> Section:
    left_out = {cell_name(cell): why for cell, why in summary["left_out"].items()}
    content = {"held_equal": summary["held_equal"], "left_out": left_out, "notes": summary["notes"]}
    return Section("equal", "What was held equal", render("comparison_equal.html", **content))


def _reproduction(summary: Summary) -> Section:
    command, budget = summary["command"], summary["options"]["budget_s"]
    took = f"It took {wording.seconds(summary['seconds'])}"
    if budget is not None and summary["seconds"] > _OVER * budget:
        took += (
            f", more than its budget of {wording.seconds(budget)}: trainings are planned by a pace that was measured "
            "before, and are not made shorter than half of what their learning rates were chosen for"
        )
    return reproduction.again(
        shlex.split(command) if command else None,
        "This comparison was begun from Python, not by a command; there an option such as --budget 20m is written "
        'budget="20m". What has no words of its own, such as a frame, stands by its name:',
        [f"{took}. Each training is a run in a folder of its own beside the summary."],
        summary["versions"],
        summary["machine"],
        call=summary["call"],
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


def name_of(row: dict[str, Any]) -> str:
    """A row's name as people write it."""
    return cell_name(row["name"]) if row["network"] else row["name"]


def _epochs(row: dict[str, Any]) -> str:
    """How often a network read the training part, the mean of its seeds, as in: 4.2 epochs."""
    epochs = f"{row['epochs']:.3g}"
    return f"{epochs} {'epoch' if epochs == '1' else 'epochs'}"


def _gap(measure: dict[str, Any], value: float) -> str:
    """A difference with its sign: of shares in points."""
    return f"{100 * value:+.1f} points" if measure["share"] else f"{value:+.3g}"


def _interval(measure: dict[str, Any], ends: dict[str, Any]) -> str:
    if ends["low"] is None or ends["high"] is None:
        return "not known"
    return f"{_gap(measure, ends['low'])} to {_gap(measure, ends['high'])}"


def _seen_from(name: str, pair: dict[str, Any]) -> dict[str, Any]:
    """The same pair, with `name` first."""
    if pair["a"] == name:
        return pair
    low, high = (None if pair["interval"][end] is None else -pair["interval"][end] for end in ("high", "low"))
    turned = {"a": pair["b"], "b": pair["a"], "difference": -pair["difference"]}
    return pair | turned | {"interval": pair["interval"] | {"low": low, "high": high}}


def _chosen(summary: Summary, record: dict[str, Any]) -> bool:
    rates = {row["name"]: row["learning_rate"] for row in summary["rows"] if row["network"]}
    return rates.get(record["cell"]) == record["learning_rate"]


def _line(panel: Axes, k: int, x: list[float], y: list[float], label: str, *, thin: bool = False) -> None:
    """The line of network number k: no two have the same colour and the same dashes."""
    colour, style = _COLOURS[k % len(_COLOURS)], _STYLES[k // len(_COLOURS) % len(_STYLES)]
    few = len(x) == 1 if thin else len(x) <= 20
    width, marker = 0.8 if thin else 1.6, _MARKERS[k % len(_MARKERS)] if few else ""
    panel.plot(
        x, y, color=colour, linestyle=style, linewidth=width, marker=marker, markersize=4, label=label or None
    )
