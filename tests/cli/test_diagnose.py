"""`recurra diagnose` as a person meets it."""

from __future__ import annotations

import json
import shutil

import pytest

from recurra.diagnosis import Diagnosis
from recurra.runs.loading import load
from tests.cli.test_commands import QUICK, recurra, write_csv
from tests.runs.conftest import sentences


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a table of sentences, and a run trained on it."""
    folder = tmp_path_factory.mktemp("diagnose")
    write_csv(folder / "reviews.csv", sentences(120))
    write_csv(folder / "unlabelled.csv", [{"text": row["text"]} for row in sentences(20, seed=5)])
    write_csv(folder / "one.csv", sentences(1))
    done = recurra("fit", folder / "reviews.csv", "--out", folder / "run", "--no-baselines", *QUICK)
    assert done.returncode == 0, done.stderr
    return folder


def test_what_is_found_is_printed_and_kept_and_the_run_still_loads(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    done = recurra("diagnose", tmp_path / "run", "--picture", tmp_path / "all.png")
    assert done.returncode == 0, done.stderr
    assert "layer 1 backwards" in done.stdout
    assert "gradient reaches" in done.stdout
    kept = json.loads((tmp_path / "run" / "diagnosis.json").read_text())
    found = Diagnosis.from_json(kept, "diagnosis.json")
    assert found.model == load(tmp_path / "run").config.files["model.safetensors"]
    assert found.summary in done.stdout
    assert all(" ".join(f.says.split()) in " ".join(done.stdout.split()) for f in found.findings)
    assert (tmp_path / "all.png").stat().st_size > 20_000


def test_json_is_what_is_kept(place):
    done = recurra("diagnose", place / "run", place / "reviews.csv", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((place / "run" / "diagnosis.json").read_text())


def test_a_run_that_is_replaced_loses_its_diagnosis(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    (tmp_path / "run" / "diagnosis.json").write_text("{}")
    done = recurra(
        "fit", place / "reviews.csv", "--out", tmp_path / "run", "--overwrite", "--no-baselines", *QUICK
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "run" / "diagnosis.json").exists()


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["nowhere"], "there is no such file"),
        (["run", "nowhere.csv"], "there is no such file"),
        (["reviews.csv"], "this is not a run folder"),
        (["run", "unlabelled.csv"], "label"),
        (["run", "one.csv"], "expected two examples"),
        (["run", "--picture", "all.jpg"], "ends in .png"),
        (["run", "--picture", "there.png"], "add --overwrite"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(place, monkeypatch, command, message):
    monkeypatch.chdir(place)
    (place / "there.png").write_bytes(b"")
    done = recurra("diagnose", *command)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_data_that_are_gone_are_asked_for(place, tmp_path):
    write_csv(tmp_path / "gone.csv", sentences(60))
    done = recurra("fit", tmp_path / "gone.csv", "--out", tmp_path / "run", "--no-baselines", *QUICK)
    assert done.returncode == 0, done.stderr
    (tmp_path / "gone.csv").unlink()
    done = recurra("diagnose", tmp_path / "run")
    assert done.returncode == 2
    assert "recurra diagnose RUN DATA" in " ".join(done.stderr.split())
