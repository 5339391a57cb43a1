"""The face of each kind of run on the command line: the module of this room that has its name.

A face has

- `fit`, as `recurra.runs.tags.files.fit_tags`;
- `show_result(run, watcher)`, which prints what came of a training;
- `evaluate(run, data, encoding=, watcher=)`: `{"n": examples, "scores": [...]}`;
- where `predict` is the verb of its runs, `predict(run, data, encoding=, watcher=)`: the answers as records, and as a
  text in the form that people take; and `FORMS`, the endings of files that this text may be written into;
- where `generate` is, `generate(run, place, prompt, as_json=, **options)`, and `GENERATE`, the options that it takes;
- `facts(run)`, what `recurra info` tells of the run alone;
- `default_choices()`, the default settings for data of several kinds and sizes;
- `next_commands(place)`, what to try with the run.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from recurra.runs.kinds import stored_kind
from recurra.runs.run import Run


def face_of(kind: str) -> ModuleType:
    """That of a kind; imported when it is needed."""
    return importlib.import_module(f"recurra.cli.{kind}")


def face_of_run(run: Run[Any, Any]) -> ModuleType:
    """That of a run."""
    return face_of(stored_kind(run.config.kind, str(run.path)).name)
