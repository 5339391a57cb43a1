"""What was found in a network, for people: each finding with its number, what it means, what to change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from recurra.diagnosis.result import Diagnosis, Finding
from recurra.report.page import render

if TYPE_CHECKING:
    from markupsafe import Markup

_MARKS = {"problem": "▼", "warning": "◆"}
_OPTION = re.compile(r"(--set [\w.]+=[\w.,+-]*\w|--[\w-]+ \w+)")


def lead_of(diagnosis: Diagnosis) -> Markup:
    """What a diagnosis comes to: a clean bill, or what is gravest; and what was looked at."""
    graver = [finding for finding in diagnosis.findings if finding.severity != "note"]
    looked = "; ".join(diagnosis.notes)
    said = [finding.says for finding in graver[:3]] or [diagnosis.summary]
    if len(graver) > 3:
        said.append(f"And {len(graver) - 3} more, below.")
    if looked:
        said.append(f"Looked at: {looked}.")
    return render(
        "verdict.html",
        mark="▲" if diagnosis.healthy else "▼",
        badge="A clean bill of health" if diagnosis.healthy else diagnosis.summary,
        standing="better" if diagnosis.healthy else "worse",
        sentences=said,
    )


def shown(findings: Sequence[Finding]) -> Markup:
    """All findings, notes in a list after the others."""
    return render(
        "findings.html",
        graver=[
            (finding, _MARKS[finding.severity], options_marked(finding.change))
            for finding in findings
            if finding.severity != "note"
        ],
        notes=[
            (finding, options_marked(finding.change)) for finding in findings if finding.severity == "note"
        ],
    )


def options_marked(text: str) -> list[tuple[str, bool]]:
    """`text` in pieces, and which of them are options of the command.

    >>> options_marked("Train again with --set training.epochs=8, or with --cell gru.")
    [('Train again with ', False), ('--set training.epochs=8', True), (', or with ', False), ('--cell gru', True), \
('.', False)]
    """
    return [(piece, bool(k % 2)) for k, piece in enumerate(_OPTION.split(text)) if piece]
