"""Every kind of run is whole: what other rooms look for under its name is there."""

import importlib

import pytest

from recurra.cli.faces import face_of
from recurra.errors import RunError
from recurra.runs.asking import TASKS, asked_kind
from recurra.runs.config import FitOptions, RunConfig
from recurra.runs.kinds import KINDS, stored_kind
from recurra.runs.run import Run
from recurra.tasks.settings import RoomsOfSettings

FACE = ("fit", "show_result", "evaluate", "facts", "default_choices", "next_commands")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_kind_has_what_every_room_looks_for(kind):
    assert issubclass(kind.options, FitOptions) and issubclass(kind.config, RunConfig)
    assert issubclass(kind.settings, RoomsOfSettings) and issubclass(kind.run, Run)
    assert callable(kind.load) and callable(kind.opened)
    assert kind.config.model_fields["kind"].default == kind.stored
    assert set(kind.own_options) <= set(kind.options.model_fields)
    face = face_of(kind.name)
    assert all(callable(getattr(face, name)) for name in FACE)
    assert all(isinstance(choice, kind.settings) for choice in face.default_choices())
    if kind.run.verb == "predict":
        assert callable(face.predict) and all(ending.startswith(".") for ending in face.FORMS)
    assert callable(importlib.import_module(f"recurra.diagnosis.subjects.{kind.name}").subject)


def test_every_task_has_a_kind_and_every_stored_name_is_found():
    assert all(task in asked_kind(None, task, {"horizon": 1})[0].tasks for task in TASKS)
    assert all(stored_kind(kind.stored, "config.json") is kind for kind in KINDS.values())
    with pytest.raises(RunError, match=r"config\.json: a run of kind 'dream' is not known here"):
        stored_kind("dream", "config.json")
