"""`recurra generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recurra.cli.faces import face_of_run
from recurra.errors import InputError
from recurra.runs.loading import load_for


def run_generate(run_folder: Path, prompt: str, *, as_json: bool, **options: Any) -> None:
    """How a text or a piece of music goes on.

    Args:
        options: by name; None or empty where nothing was said, which leaves them to the kind of run.

    Raises:
        InputError: an option that runs of this kind do not have.
    """
    run = load_for(run_folder, "generate")
    face = face_of_run(run)
    # A 0 was said, unlike False, which it is equal to.
    given = {
        name: value for name, value in options.items() if not (value is None or value is False or value == [])
    }
    for name in given:
        if name not in face.GENERATE:
            raise InputError(
                f"this has no effect on a run {run.purpose}",
                where=f"--{name.replace('_', '-')}",
                fix="Leave it out.",
            )
    face.generate(run, run_folder, prompt, as_json=as_json, **given)
