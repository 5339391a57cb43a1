"""`recurra fit --horizon` and `recurra forecast` as a person meets them."""

from __future__ import annotations

import io
import json

import numpy as np
import polars as pl
import pytest

from tests.cli.test_commands import place as texts_place  # noqa: F401  (a fixture)
from tests.cli.test_commands import recurra, write_csv
from tests.runs.forecasts.made import daily

QUICK = ["--set", "network.hidden_size=6", "--set", "training.epochs=2"]
ROLES = ["--horizon", "5", "--look-back", "9", "--target", "s0", "--target", "s1"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with tables over time, and a run trained on the first."""
    folder = tmp_path_factory.mktemp("forecasts")
    frame = daily(series=2, holes=3)
    frame.write_csv(folder / "days.csv")
    daily(60, series=2, seed=4).write_csv(folder / "new.csv")
    frame.with_columns(s0=pl.when(pl.int_range(90) == 49).then(pl.lit("oops")).otherwise("s0")).write_csv(
        folder / "text.csv"
    )
    frame.with_columns(s0=pl.lit(5.0), s1=pl.lit(None)).write_csv(folder / "odd.csv")
    frame.head(1).write_csv(folder / "one.csv")
    frame.head(8).write_csv(folder / "short.csv")
    frame.drop("s1").write_csv(folder / "lacking.csv")
    frame.drop("day").write_csv(folder / "no_time.csv")
    done = recurra("fit", folder / "days.csv", *ROLES, "--out", folder / "run", *QUICK)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return folder


def test_fit_says_what_it_found_and_how_good_it_is(place):
    said = (place / "said.txt").read_text()
    for part in (
        "days.csv: 90 rows",
        "target: s0, s1",
        "time: day",
        "season: 7 steps",
        "windows of 9 + 5 steps",
        "last season",
        "MASE on 28 forecasts of 5 steps",
        "coverage of the 80 % interval",
        "step ahead",
        "recurra forecast",
    ):
        assert part in said, part


def test_forecast_prints_a_row_for_each_step(place):
    done = recurra("forecast", place / "run")
    assert done.returncode == 0, done.stderr
    table = pl.read_csv(io.StringIO(done.stdout))
    assert table.columns == ["series", "day", "forecast", "q10", "q90"]
    assert table["series"].to_list() == ["s0"] * 5 + ["s1"] * 5
    assert table["day"][0] == "2024-03-31"
    assert (table["q10"] <= table["forecast"]).all()
    again = recurra("forecast", place / "run", "--json")
    assert json.loads(again.stdout) == table.to_dicts()


def test_forecast_of_new_data_goes_on_from_them(place):
    done = recurra("forecast", place / "run", "--data", place / "new.csv", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["day"] == "2024-03-01"
    same = recurra("forecast", place / "run", "--data", place / "days.csv")
    assert same.stdout == recurra("forecast", place / "run").stdout


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_forecast_writes_files_and_replaces_none_unasked(place, tmp_path, ending):
    out, picture = tmp_path / f"f.{ending}", tmp_path / "f.png"
    command = ["forecast", place / "run", "--out", out, "--picture", picture]
    done = recurra(*command, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"steps": 10, "out": str(out)}
    assert picture.read_bytes().startswith(b"\x89PNG")
    table = pl.read_csv(out) if ending == "csv" else pl.read_ndjson(out)
    assert table.height == 10
    done = recurra(*command)
    assert done.returncode == 2
    assert "this file is there already" in done.stderr
    assert recurra(*command, "--overwrite").returncode == 0


def test_evaluate_rolls_over_all_of_the_data(place):
    done = recurra("evaluate", place / "run", place / "new.csv", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["n"] == 2 * (60 - 9 - 5 + 1)
    assert {"MASE", "MAE", "OWA"} <= {score["name"] for score in found["scores"]}
    assert len(found["per_step"]) == 5
    shown = recurra("evaluate", place / "run", place / "new.csv")
    assert shown.returncode == 0
    assert "MASE" in shown.stdout


def test_info_tells_of_the_run(place):
    done = recurra("info", place / "run", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["task"] == "forecast of 2 series, 5 steps from 9"
    assert "a season is 7" in found["steps"]
    assert "forecast of 2 series" in recurra("info", place / "run").stdout


def test_json_of_fit_is_the_whole_output_and_a_name_is_found(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = recurra("fit", place / "days.csv", *ROLES, *QUICK, "--no-baselines", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["task"] == "forecast"
    assert found["run"] == "runs/days"
    assert np.isfinite(found["test"]["scores"][0]["value"])


def test_numbers_without_times_are_steps(place, tmp_path):
    done = recurra("fit", place / "no_time.csv", *ROLES, *QUICK, "--no-baselines", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    table = pl.read_csv(io.StringIO(recurra("forecast", tmp_path / "run").stdout))
    assert table["step"].to_list() == [*range(91, 96)] * 2  # rows are numbered from 1


def test_a_constant_series_is_forecast_and_one_without_values_set_aside(place, tmp_path):
    done = recurra("fit", place / "odd.csv", *ROLES, *QUICK, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "1 series is set aside" in done.stdout
    assert recurra("forecast", tmp_path / "run").returncode == 0


def test_a_run_can_be_started_from(place, tmp_path):
    command = ["fit", place / "days.csv", *ROLES, "--init", place / "run", "--no-baselines"]
    done = recurra(*command, "--set", "training.epochs=1", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "starting from" in done.stdout


FIT = ["fit", "days.csv", *ROLES, *QUICK, "--out", "new"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["fit", "text.csv", *FIT[2:]], "row 50, column 's0': 'oops' is not a number"),
        (["fit", "one.csv", *FIT[2:]], "no series has two different times"),
        (["fit", "short.csv", *FIT[2:]], "Say a shorter --horizon or --look-back"),
        (["fit", "lacking.csv", *FIT[2:]], "there is no column 's1'"),
        ([*FIT, "--horizon", "70"], "Say a shorter --horizon or --look-back"),
        ([*FIT, "--horizon", "-1"], "--horizon: -1 does not fit: input should be greater"),
        ([*FIT, "--look-back", "0"], "--look-back: 0 does not fit: input should be greater"),
        (["fit", "days.csv", "--task", "forecast", "--out", "new"], "Add --horizon N"),
        ([*FIT, "--time", "when"], "there is no column 'when'"),
        ([*FIT, "--text", "s0"], "--text: this has no effect on forecasts"),
        ([*FIT, "--window", "5"], "--window: this has no effect on forecasts"),
        ([*FIT, "--group", "price"], "--group: this has no effect on forecasts"),
        ([*FIT, "--set", "task.levels=0.1,0.9"], "0.5 is among them"),
        ([*FIT, "--set", "batches.max_batch=3"], "there is no setting 'batches.max_batch'"),
        ([*FIT, "--cell", "mlp"], "--cell: expected one of rnn, lstm, gru"),
        ([*FIT, "--test", "days.csv"], "goes on 90 steps before its own end"),
        ([*FIT, "--test", "nothing.csv"], "there is no such file"),
        ([*FIT, "--init", "run", "--horizon", "4"], "forecasts 5 steps from 9"),
        ([*FIT[:-1], "run"], "this place is taken"),
        (
            ["fit", "days.csv", *ROLES, *QUICK, "--out", "run", "--resume", "--seed", "3"],
            "began with seed = 0, found 3",
        ),
        (["forecast", "nothing"], "there is no such file"),
        (["forecast", "days.csv"], "this is not a run folder"),
        (["forecast", "run", "--data", "short.csv"], "made from 9 steps, and the series 's0' has fewer"),
        (["forecast", "run", "--data", "lacking.csv"], "the column 's1' is not there"),
        (["forecast", "run", "--data", "no_time.csv"], "the column 'day' is not there"),
        (["forecast", "run", "--out", "f.txt"], "expected a name ending in .csv or .jsonl"),
        (["forecast", "run", "--picture", "f.jpg"], "expected a name ending in .png"),
        (["evaluate", "run", "short.csv"], "a window has 9 + 5 steps, and the longest series 8"),
        (["predict", "run", "days.csv"], "this run is for forecasts of series"),
        (["generate", "run"], "Take `recurra forecast` for it"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(place, monkeypatch, command, message):
    monkeypatch.chdir(place)
    done = recurra(*command)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert not (place / "new").exists()


def test_a_training_that_has_not_ended_is_told(place, tmp_path):
    import shutil

    folder = shutil.copytree(place / "run", tmp_path / "run")
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(content | {"status": "training"}))
    for verb in (["forecast", folder], ["info", folder], ["evaluate", folder, place / "new.csv"]):
        done = recurra(*verb)
        assert done.returncode == 2
        assert "this training has not ended. Go on with it: repeat its command with --resume" in done.stderr


def test_a_run_of_texts_forecasts_nothing(texts_place):  # noqa: F811
    done = recurra("forecast", texts_place / "run")
    assert done.returncode == 2
    assert "here one is needed that is for forecasts of series. Take `recurra predict`" in done.stderr


def test_covariates_known_ahead_must_reach_far_enough(place, tmp_path):
    rows = [row | {"s0": row["s0"] if k < 80 else None} for k, row in enumerate(daily().to_dicts())]
    data = write_csv(tmp_path / "ahead.csv", rows)
    roles = ["--target", "s0", "--known", "price", "--horizon", "5", "--look-back", "9", *QUICK]
    done = recurra("fit", data, *roles, "--no-baselines", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert recurra("forecast", tmp_path / "run").returncode == 0
    done = recurra("forecast", tmp_path / "run", "--data", write_csv(tmp_path / "short.csv", rows[:83]))
    assert done.returncode == 2
    assert "price must be known 5 steps ahead, and of the series 's0' the last 2 of them" in done.stderr
