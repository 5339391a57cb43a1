"""Where runs are written: what is there and belongs to no run is not touched."""

import json

import pytest

from recurra.errors import InputError, RunError
from recurra.runs.places import check_place


def test_a_folder_that_is_no_run_is_not_resumed(tmp_path):
    (tmp_path / "history.jsonl").write_text("mine")
    with pytest.raises(RunError, match="not a run folder"):
        check_place(tmp_path, overwrite=False, resume=True)
    (tmp_path / "config.json").write_text('{"mine": 1}')
    with pytest.raises(RunError, match="expected a run of format"):
        check_place(tmp_path, overwrite=False, resume=True)
    with pytest.raises(RunError, match="not a run folder"):
        check_place(tmp_path / "history.jsonl", overwrite=False, resume=True)


def test_a_run_without_a_checkpoint_yet_is_resumed(tmp_path):
    content = {"format": 1, "kind": "sequence", "data_schema": {}, "fingerprint": ""}
    (tmp_path / "config.json").write_text(json.dumps(content))
    check_place(tmp_path, overwrite=False, resume=True)


def test_an_empty_folder_holds_nothing_to_resume(tmp_path):
    for place in (tmp_path, tmp_path / "new"):
        with pytest.raises(InputError, match="nothing to resume"):
            check_place(place, overwrite=False, resume=True)
