"""The command line with a target at every step."""

import json

import polars as pl
from typer.testing import CliRunner

from recurra.cli.main import app
from tests.runs.tags.test_tags import table

SMALL = ["--set", "network.hidden_size=4", "--set", "training.epochs=2"]


def run(*arguments):
    found = CliRunner().invoke(app, [str(each) for each in arguments])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_fit_predict_evaluate_and_report(tmp_path):
    data, place = tmp_path / "walks.csv", tmp_path / "run"
    frame = table().sample(fraction=1.0, shuffle=True, seed=0)
    frame.write_csv(data)
    asked = ["--task", "tag", "--id", "piece", "--time", "t", "--features", "x", "--out", place]
    shown = run("fit", data, "--target", "state", *asked, *SMALL)
    assert "accuracy on 12 test sequences" in shown and "reads forwards alone" in shown
    assert "Class by class" in (place / "report.html").read_text()
    run("predict", place, data, "--out", tmp_path / "answers.csv")
    answers = pl.read_csv(tmp_path / "answers.csv")
    assert answers.columns == [*frame.columns, "prediction", "p(down)", "p(up)"]
    assert answers.select(frame.columns).rows() == frame.rows()
    told = json.loads(run("evaluate", place, data, "--json"))["scores"][0]
    assert told["name"] == "accuracy"
    assert abs(told["value"] - (answers["prediction"] == answers["state"]).mean()) < 1e-9
    again = CliRunner().invoke(app, ["predict", str(place), str(tmp_path / "answers.csv")])
    assert isinstance(again.exception, Exception) and "already" in str(again.exception)
