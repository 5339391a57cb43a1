"""The page of an explanation: what a network said of some inputs while it read them, and which of them mattered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from recurra.explanation.result import Attribution, Explained, Explanation
from recurra.report import drawing, wording
from recurra.report.page import Section, render, render_page
from recurra.report.tables import Cell, Table

if TYPE_CHECKING:
    from markupsafe import Markup

_INTERVALS = (
    "What is said here is of these inputs and this network alone: it tells what the network goes by, "
    "not what is true of the world."
)
_NOTABLE = 0.25  # of the strongest: below it a word has no number beside it
_DRAWN = 3  # parts that a course needs to be drawn
_STANDINGS = {"agree": "better", "do not agree": "worse"}  # of the two ways; how the lead looks


def explanation_page(found: Explanation) -> str:
    """The page as HTML, complete in itself; the same explanation gives the same bytes."""
    sections = [_section(found, example, k) for k, example in enumerate(found.examples)]
    sections.append(Section("reading", "How to read this", render("explanation_reading.html", found=found)))
    return render_page(
        f"Why the {found.cell} says so", found.purpose, _lead(found), sections, intervals=_INTERVALS
    )


def _lead(found: Explanation) -> Markup:
    (first, *others) = found.examples
    standing = _STANDINGS.get(first.attribution.agreement.verdict, "none")
    sentences = [_strongest(first), first.attribution.agreement.says, *(f"{note}." for note in found.notes)]
    if others:
        sentences.insert(0, f"The first of {len(found.examples)}:")
    return render(
        "verdict.html",
        mark="●",
        badge=f"{first.name}: {first.answer}",
        standing=standing,
        sentences=sentences,
    )


def _strongest(example: Explained) -> str:
    """A sentence on what mattered most."""
    attribution = example.attribution
    several = len(example.columns) > 1
    names = example.columns if several else [part.text for part in example.parts]
    values = attribution.columns if several else [value or 0.0 for value in attribution.parts]
    order = sorted(range(len(names)), key=lambda k: -abs(values[k]))[:3]
    told = ", ".join(f"‘{names[k]}’ ({values[k]:+.3g})" for k in order if values[k])
    what = "columns" if several else "parts"
    if not told:
        return f"None of its {what} makes a difference to {attribution.of} by itself."
    return f"The {what} that matter most to {attribution.of}, taken away one at a time: {told}."


def _section(found: Explanation, example: Explained, k: int) -> Section:
    attribution, several = example.attribution, len(example.columns) > 1
    content = {
        "kind": found.kind,
        "example": example,
        "attribution": attribution,
        "words": None if several or found.kind == "forecast" else _words(example),
        "figure": _course(example, k),
        "strengths": None if example.columns == ["text"] else _strengths(found, example, k),
        "rows": _rows(found, example).html(),
        "maps": _maps(example) if several else [],
        "columns": _columns(attribution, example.columns).html() if several else None,
    }
    return Section(
        f"input-{k + 1}", f"{example.name}: {example.answer}", render("explanation.html", **content)
    )


def _words(example: Explained) -> list[dict[str, Any]]:
    """The text as it stands: every part with its side, its strength from 0 to 1, and a number where it is strong."""
    values = example.attribution.parts
    largest = _largest(values)
    return [
        {
            "text": part.text,
            "side": _side(value),
            "strength": round(abs(value or 0.0) / largest, 3) if largest else 0.0,
            "number": wording.signed(value, largest)
            if largest and abs(value or 0.0) >= _NOTABLE * largest
            else "",
        }
        for part, value in zip(example.parts, values, strict=True)
    ]


def _rows(found: Explanation, example: Explained) -> Table:
    """Every part in order: what is said after it, what it adds by both ways, the gates."""
    course, attribution = example.course, example.attribution
    sums = [attribution.of_part(p) for p in range(len(attribution.parts))]
    largest = _largest([*attribution.parts, *sums])
    heads: list[Cell] = ["lag" if found.kind == "forecast" else "part"]
    if course is not None:
        heads += [course.of, "says"] if found.kind != "text" else ["probability", "likeliest"]
    heads += ["taken away", "integrated", *((f"gate {gate.gate}", gate.layer) for gate in example.gates)]
    rows = []
    for p, part in enumerate(example.parts):
        text = _seen(part.text)
        row: list[Cell] = [text if part.known else (text, "unknown to the network")]
        if course is not None:
            value = course.values[p]
            row += [wording.share(value) if course.share else wording.number(value), _seen(course.says[p])]
        row += [wording.signed(attribution.parts[p], largest), wording.signed(sums[p], largest)]
        values = (gate.values[p] for gate in example.gates)
        rows.append([*row, *("–" if value is None else f"{value:.2f}" for value in values)])
    caption = "In order"
    if example.gates:
        caption += f"; a gate's mean over its units, near 1 it {example.gates[0].does}"
    return Table(caption, heads, rows, words={2} if course is not None else ())


def _seen(text: str) -> str:
    return text if text.strip() else "(blank)"


def _columns(attribution: Attribution, names: list[str]) -> Table:
    values, sums = attribution.columns, attribution.sums
    largest = _largest([*values, *sums])
    order = sorted(range(len(names)), key=lambda c: -abs(values[c]))
    rows = [[names[c], wording.signed(values[c], largest), wording.signed(sums[c], largest)] for c in order]
    return Table(
        "Columns by what their removal changes, the strongest first; plus is for what is explained, minus against it",
        ["column", "taken away", "integrated gradients"],
        rows,
    )


def _maps(example: Explained) -> list[dict[str, Any]]:
    """Both ways, part by column: a number with its sign in each cell, and a colour as strong as it is large."""
    found = []
    for name, values in (
        ("Taken away (occlusion)", example.attribution.occlusion),
        ("Integrated gradients", example.attribution.integrated),
    ):
        largest = _largest([v for row in values for v in row])
        cells = [
            [
                {
                    "number": wording.signed(v, largest),
                    "side": _side(v),
                    "strength": round(abs(v or 0.0) / largest, 3) if largest else 0.0,
                }
                for v in row
            ]
            for row in values
        ]
        found.append({"name": name, "rows": list(zip(example.parts, cells, strict=True))})
    return found


def _course(example: Explained, k: int) -> dict[str, Any] | None:
    """What it says after each part, as a line."""
    course = example.course
    if course is None or len(course.values) < _DRAWN:
        return None
    from matplotlib.ticker import MaxNLocator

    figure, panel = drawing.new_figure()
    begun = course.before is not None
    values = [*([course.before] if begun else []), *course.values]
    places = range(0 if begun else 1, len(course.values) + 1)
    marker = "o" if len(values) <= 40 else ""
    panel.plot(
        places, values, color=drawing.BLUE, marker=marker, markersize=3, linewidth=1.4, drawstyle="steps-post"
    )
    if course.share:
        panel.set_ylim(-0.02, 1.02)
    panel.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    panel.set(xlabel="parts read", ylabel="probability" if course.share else course.of)
    alt = (
        f"{course.of} over {len(course.values)} parts: {values[0]:.3g} at first, {values[-1]:.3g} at last, "
        f"between {min(values):.3g} and {max(values):.3g}."
    )
    return {"figure": drawing.inline(figure, f"course {k}", alt), "caption": f"{course.of}, after each part"}


def _strengths(found: Explanation, example: Explained, k: int) -> dict[str, Any] | None:
    """What each part adds, all its columns together, by both ways."""
    values = example.attribution.parts
    if len(values) < _DRAWN:
        return None
    from matplotlib.ticker import MaxNLocator

    figure, panel = drawing.new_figure()
    word = "lag" if found.kind == "forecast" else "step"
    forecast, end = (
        found.kind == "forecast",
        max(part.end for part in example.parts if "ahead" not in part.text),
    )
    # Lags count backwards from the end, and what is ahead goes on from there.
    places = [(part.begin + part.end - 1) / 2 + 1 - (end + 1 if forecast else 0) for part in example.parts]
    sums = [example.attribution.of_part(p) for p in range(len(values))]
    for line, colour, style, label in (
        (values, drawing.BLUE, "-", "taken away"),
        (sums, drawing.ORANGE, "--", "integrated gradients"),
    ):
        panel.plot(
            places, [v or 0.0 for v in line], color=colour, linestyle=style, linewidth=1.4, label=label
        )
    panel.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    panel.axhline(0, color=drawing.INK, linewidth=0.6)
    panel.set(xlabel="steps from the origin" if forecast else word, ylabel="adds")
    drawing.legend(figure, panel)
    order = sorted(range(len(values)), key=lambda p: -abs(values[p] or 0.0))[:3]
    told = ", ".join(f"{example.parts[p].text} {values[p] or 0.0:+.3g}" for p in order)
    alt = (
        f"What each {word} adds to {example.attribution.of}, all columns together; the strongest are {told}."
    )
    return {
        "figure": drawing.inline(figure, f"strengths {k}", alt),
        "caption": f"What each {word} adds to {example.attribution.of}, all columns together",
    }


def _side(value: float | None) -> str:
    return "" if not value else "for" if value > 0 else "against"


def _largest(values: Sequence[float | None]) -> float:
    return max((abs(value) for value in values if value is not None), default=0.0)
