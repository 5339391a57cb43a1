"""Which classes are taken for which, and how well each is found."""

from __future__ import annotations

from typing import Any

from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles

_MATRIX, _ROWS, _CONFUSIONS = 16, 100, 10  # classes in the matrix, rows of the table, pairs in the list


def section(run: RunFiles) -> Section | None:
    """The confusion matrix, of many classes the commonest confusions instead, and the table by class."""
    if run.scored is None or "per_class" not in run.scored[1]:
        return None
    name, part = run.scored
    rows, confusion = part["per_class"], part.get("confusion")
    names = [row["name"] for row in rows]
    word, counted = _words(run, classes=confusion is not None)
    shown = sorted(rows, key=lambda row: -row["support"])[:_ROWS]
    return Section(
        "classes",
        f"{word[:1].upper()}{word[1:]} by {word}",
        render(
            "classes.html",
            part=name,
            word=word,
            counted=counted,
            names=names,
            matrix=_matrix(names, confusion) if confusion and len(names) <= _MATRIX else None,
            confusions=_confusions(names, confusion) if confusion and len(names) > 2 else [],
            rows=shown,
            left_out=len(rows) - len(shown),
        ),
    )


def _words(run: RunFiles, *, classes: bool) -> tuple[str, str]:
    """What a row of the table is, and what it counts."""
    kind = run.config.kind
    if kind == "sentence":
        return ("type", "span") if run.metrics["target_kind"] == "spans" else ("tag", "word")
    return "class" if classes else "label", "step" if kind == "tag" else "example"


def _matrix(names: list[str], confusion: list[list[int]]) -> list[tuple[str, list[tuple[int, float, bool]]]]:
    """A row for each true class: count, how dark it is, whether it is right.

    The square root of a count's share of the row is as dark as can be told: a mistake in twenty is still seen.
    """
    return [
        (name, [(n, round((n / max(sum(counts), 1)) ** 0.5, 3), i == j) for j, n in enumerate(counts)])
        for i, (name, counts) in enumerate(zip(names, confusion, strict=True))
    ]


def _confusions(names: list[str], confusion: list[list[int]]) -> list[dict[str, Any]]:
    """The commonest mistakes: of which class, taken for which, how often."""
    found = [
        {"true": names[i], "said": names[j], "count": count, "share": count / max(sum(counts), 1)}
        for i, counts in enumerate(confusion)
        for j, count in enumerate(counts)
        if i != j and count
    ]
    return sorted(found, key=lambda each: -each["count"])[:_CONFUSIONS]
