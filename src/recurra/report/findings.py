"""What was found in a network, for people: each finding with its number, what it means, what to change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from recurra.diagnosis.result import Diagnosis, Finding
from recurra.report.page import render

if TYPE_CHECKING:
    from markupsafe import Markup

_MARKS = {"problem": "▼", "warning": "◆"}
_FIRST = 3  # of them stand at the top of a page
_OPTION = re.compile(r"(--set [\w.]+=[\w.,+-]*\w|--[\w-]+ \w+)")


def lead_of(diagnosis: Diagnosis) -> Markup:
    """What a diagnosis comes to: a clean bill, or what is gravest; and what was looked at."""
    graver = _alike(finding for finding in diagnosis.findings if finding.severity != "note")
    said = [group[0].says for group in graver[:_FIRST]] or [diagnosis.summary]
    if len(graver) > _FIRST or any(group[1:] for group in graver):
        said.append("All that was found stands below.")
    if diagnosis.notes:
        said.append(f"Looked at: {'; '.join(diagnosis.notes)}.")
    return render(
        "verdict.html",
        mark="▲" if diagnosis.healthy else "▼",
        badge="A clean bill of health" if diagnosis.healthy else diagnosis.summary,
        standing="better" if diagnosis.healthy else "worse",
        sentences=said,
    )


def shown(findings: Sequence[Finding], summary: str = "") -> Markup:
    """All findings, those alike (of several layers) together, notes in a list after the others.

    Args:
        summary: what they come to, before them.
    """
    groups = [(group, options_marked(group[0].change)) for group in _alike(findings)]
    return render(
        "findings.html",
        summary=summary,
        marks=_MARKS,
        graver=[(group, change) for group, change in groups if group[0].severity != "note"],
        notes=[(group, change) for group, change in groups if group[0].severity == "note"],
    )


def _alike(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings that mean the same and ask for the same, in the order of the first of each kind."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.means, finding.change), []).append(finding)
    return list(groups.values())


def options_marked(text: str) -> list[tuple[str, bool]]:
    """`text` in pieces, and which of them are options of the command.

    >>> options_marked("Train again with --set training.epochs=8, or with --cell gru.")
    [('Train again with ', False), ('--set training.epochs=8', True), (', or with ', False), ('--cell gru', True), \
('.', False)]
    """
    return [(piece, bool(k % 2)) for k, piece in enumerate(_OPTION.split(text)) if piece]
