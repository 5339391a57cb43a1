"""What a language model writes."""

from __future__ import annotations

from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles


def section(run: RunFiles) -> Section | None:
    """Samples from the boldest choices to the most varied."""
    if "sample" not in run.metrics:
        return None
    samples = [{"temperature": 0.8, "text": run.metrics["sample"]}, *run.metrics.get("other_samples", [])]
    samples.sort(key=lambda each: each["temperature"])
    return Section("samples", "What it writes", render("samples.html", samples=samples))
