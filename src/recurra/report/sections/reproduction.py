"""How to make the run again."""

from __future__ import annotations

import shlex

from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles


def section(run: RunFiles) -> Section:
    """The command, the versions, the machine, and whether the same numbers would come out."""
    config = run.config
    return Section(
        "reproduction",
        "How to make it again",
        render(
            "reproduction.html",
            command=[shlex.quote(word) for word in config.command or ()],
            reproducible=run.metrics["training"]["reproducible"],
            seed=config.options.seed,
            versions=config.versions,
            machine=config.machine,
            fingerprint=config.fingerprint,
        ),
    )
