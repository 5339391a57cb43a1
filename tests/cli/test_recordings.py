"""The command line with recordings to be written down."""

import json

import polars as pl
from typer.testing import CliRunner

from recurra.cli.main import app
from tests.data.audio.made import spoken, written
from tests.runs.recordings.made import SMALL, sound_folder, strokes

QUICK = [
    word for name, value in (SMALL | {"training.epochs": 40}).items() for word in ("--set", f"{name}={value}")
]


def run(*arguments):
    found = CliRunner().invoke(app, [str(each) for each in arguments])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_fit_predict_evaluate_diagnose_and_report(tmp_path):
    folder, place = sound_folder(tmp_path / "tones", 60), tmp_path / "run"
    (folder / "broken.wav").write_bytes(b"no sound")
    table = (folder / "texts.csv").read_text() + "broken.wav,low,train\n"
    (folder / "texts.csv").write_text(table)
    shown = run("fit", folder, "--split", "part", "--out", place, *QUICK)
    assert "holds recordings" in shown and "word error rate on 20 test sequences" in shown
    assert "1 of 61 not used, recording broken, or no recording: broken.wav" in shown
    page = (place / "report.html").read_text()
    assert "What it writes down" in page and "text from file" in page and "<image" in page
    said = run("predict", place, folder)
    assert (
        said.startswith("file,text,problem\n0.wav,")
        and 'broken.wav,,"recording broken, or no recording"' in said
    )
    records = json.loads(run("predict", place, written(tmp_path / "new.flac", spoken("low")), "--json"))
    assert [sorted(record) for record in records] == [["file", "text"]]
    told = json.loads(run("evaluate", place, folder, "--json"))
    assert told["n"] == 20 and told["scores"][0]["name"] == "word error rate"
    assert "transcribe, by word" in run("info", place)
    assert "gradient" in run("diagnose", place, folder)
    run("report", place, "--out", tmp_path / "page.html")


def test_strokes_from_a_file_of_lines(tmp_path):
    strokes(40).write_ndjson(tmp_path / "strokes.jsonl")
    place = tmp_path / "run"
    run("fit", tmp_path / "strokes.jsonl", "--task", "transcribe", "--out", place, *QUICK)
    run("predict", place, tmp_path / "strokes.jsonl", "--out", tmp_path / "texts.csv")
    found = pl.read_csv(tmp_path / "texts.csv")
    assert found.columns == ["row", "text"] and found.height == 40
    explained = CliRunner().invoke(app, ["explain", str(place), "--data", str(tmp_path / "strokes.jsonl")])
    assert "this run is for writing down recordings" in str(explained.exception)
