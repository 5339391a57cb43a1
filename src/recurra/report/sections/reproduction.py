"""How to make something again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles
from recurra.report.tables import of_facts


def section(run: RunFiles) -> Section:
    """The command, the versions, the machine, and whether the same numbers would come out."""
    config = run.config
    why = (
        "it began on a GPU and went on on the CPU"
        if config.moved
        else "the clock or a person, not the settings, decided when training stopped"
    )
    same = (
        "With the same data, versions, machine and threads the same numbers come out."
        if run.metrics["training"]["reproducible"]
        else f"The same numbers will not come out: {why}."
    )
    return again(
        config.command,
        "This run was begun from Python, not by a command. What was asked for is marked among the settings above; "
        f"the seed is {config.options.seed}.",
        [same],
        config.versions,
        config.machine | {"data": f"fingerprint {config.fingerprint}"},
    )


def again(
    command: list[str] | None,
    without_command: str,
    remarks: Iterable[str],
    versions: Mapping[str, str],
    machine: Mapping[str, Any],
    *,
    call: str | None = None,
) -> Section:
    """The section of any page.

    Args:
        command: word by word. It is shown as one that begins anew, whether or not it went on with something.
        without_command: what is said where there is none.
        remarks: sentences below it.
        versions, machine: what it was made with.
        call: what was called from Python instead, after those words.
    """
    made_with = {name: str(value) for name, value in (*versions.items(), *machine.items())}
    return Section(
        "reproduction",
        "How to make it again",
        render(
            "reproduction.html",
            command=[shlex.quote(word) for word in command or () if word != "--resume"],
            without_command=without_command,
            call=call,
            remarks=list(remarks),
            made_with=of_facts("What it was made with", made_with, ("what", "which")).html(),
        ),
    )
