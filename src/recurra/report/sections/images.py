"""A few images of the test part, with the network's answers."""

from __future__ import annotations

from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles


def section(run: RunFiles) -> Section | None:
    """Each image with what is true of it and what the network says."""
    if run.scored is None or not run.scored[1].get("images"):
        return None
    shown = run.scored[1]["images"]
    wrong = sum(each["right"] is False for each in shown)
    body = render(
        "images.html",
        images=shown,
        wrong=wrong,
        numbers=all(each["right"] is None for each in shown),
        wide=run.config.data_schema.pixels.steps == "frames",
    )
    return Section("images", "Image by image", body)
