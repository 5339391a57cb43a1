"""What was found in the network: by a diagnosis where there is one, else in the history of its training alone."""

from __future__ import annotations

from recurra.diagnosis.advice import Advice
from recurra.diagnosis.measures.training import course_of
from recurra.diagnosis.subject import FORECAST_REFERENCE, REFERENCE
from recurra.diagnosis.training_findings import training_findings
from recurra.report.findings import shown
from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles
from recurra.runs.run import DIAGNOSIS_PAGE

_NOT_RECURRENT = (
    "tcn",
    "transformer",
    "feedforward",
)  # cells that `recurra diagnose` has nothing to look at in


def section(run: RunFiles) -> Section | None:
    """The findings, and the page that has the rest of a diagnosis, or how to come by one."""
    diagnosis, cell = run.diagnosis, run.config.settings.network.cell
    if diagnosis is not None:
        content = {
            "summary": diagnosis.summary,
            "page": DIAGNOSIS_PAGE,
            "findings": shown(diagnosis.findings),
        }
        return Section("diagnosis", "What diagnosis found", render("diagnosis.html", **content))
    if not run.history:
        return None
    settings = run.config.settings.flat() | {"network.cell": cell}
    training = run.metrics["training"]
    course = course_of(
        run.history,
        stopped=training["stopped"],
        chances=training.get("chance"),
        reference=FORECAST_REFERENCE if run.config.kind == "forecast" else REFERENCE,
    )
    found = list(training_findings(course, Advice(settings)))
    content = {
        "findings": shown(found) if found else None,
        "can_be_diagnosed": cell not in _NOT_RECURRENT,
    }
    return Section("diagnosis", "What its training tells", render("training_findings.html", **content))
