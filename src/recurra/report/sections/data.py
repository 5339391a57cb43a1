"""What the network learned from: the parts, and what was said of the data when they were read."""

from __future__ import annotations

from typing import Any

from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles

_PURPOSES = {
    "train": ("training", "what the weights are fitted on"),
    "validation": ("validation", "what decides which weights are kept"),
    "test": ("test", "what the scores are of, looked at once"),
}


def section(run: RunFiles) -> Section:
    """Sources, parts, warnings first, then every note under what was going on."""
    config = run.config
    parts = [(*_PURPOSES[name], config.parts.get(name, 0)) for name in _PURPOSES]
    return Section(
        "data",
        "The data",
        render(
            "data.html",
            sources=run.sources,
            parts=parts,
            units=run.units,
            warnings=[told.text.strip() for told in config.told if told.kind == "warning"],
            phases=_phases(config.told),
        ),
    )


def _phases(told: list[Any]) -> list[dict[str, Any]]:
    """Notes by phase; a line that is set in belongs to the one before it."""
    phases: list[dict[str, Any]] = []
    for each in told:
        if each.kind == "warning":
            continue
        if not phases or phases[-1]["name"] != each.phase:
            phases.append({"name": each.phase, "notes": []})
        notes = phases[-1]["notes"]
        if each.text.startswith(" ") and notes:
            notes[-1]["more"].append(each.text.strip())
        else:
            notes.append({"text": each.text.strip(), "more": []})
    return phases
