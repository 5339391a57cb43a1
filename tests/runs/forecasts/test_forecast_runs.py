"""From series to a run that forecasts, and back from its folder: the same numbers whatever happened on the way."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch

from recurra.errors import DataError, InputError, RunError
from recurra.runs import fitting
from recurra.runs.config import read_config, write_config
from recurra.runs.events import Said
from recurra.runs.forecasts.config import ForecastRunConfig
from recurra.runs.forecasts.files import back_test, fit_series, read_series
from recurra.runs.forecasts.fit import fit
from recurra.runs.loading import load
from recurra.tasks.forecasting.metrics import seasonal_scale
from recurra.training.checkpoint import read_checkpoint, write_checkpoint
from recurra.training.loop import StepDone
from tests.runs.forecasts.made import daily, loaded, options, trained

COVARIATES = {"known": ["price"], "target": ["s0", "s1"]}


@pytest.fixture(scope="module")
def run():
    return trained(daily(series=2, holes=4), baselines=True)


def same_weights(a, b):
    one, two = a.network.state_dict(), b.network.state_dict()
    return all(torch.equal(one[name], two[name]) for name in one)


def forecasts_of(run, *given):
    return run.ahead(*given).quantiles


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_run_that_was_saved_and_loaded_forecasts_the_same_to_the_bit(tmp_path, cell):
    frame = daily(series=2, holes=20)
    run = trained(frame, settings={"network.cell": cell})
    again = load(run.save(tmp_path / "run"))
    moved = load(shutil.move(tmp_path / "run", tmp_path / "elsewhere"))
    series, _ = loaded(frame)
    origins = run.every_origin(series)
    for other in (again, moved):
        assert np.array_equal(forecasts_of(run), forecasts_of(other))
        assert np.array_equal(forecasts_of(run, series), forecasts_of(other))
        assert np.array_equal(run.at(series, origins).quantiles, other.at(series, origins).quantiles)
        assert other.metrics == run.metrics
        assert other.history == run.history


def test_covariates_known_ahead_are_kept_with_the_run(tmp_path):
    frame = daily(95, series=2)
    ends = [None if day >= 90 else float(day) for day in range(95)]
    frame = frame.with_columns(s0=pl.Series(ends), s1=pl.Series(ends[::-1]).reverse())
    run = trained(frame, COVARIATES)
    again = load(run.save(tmp_path / "run"))
    assert np.array_equal(forecasts_of(run), forecasts_of(again))
    dearer = frame.with_columns(price=pl.when(pl.int_range(95) >= 90).then(7.0).otherwise(pl.col("price")))
    assert not np.array_equal(forecasts_of(run), forecasts_of(run, loaded(dearer, **COVARIATES)[0]))


def test_the_same_call_gives_the_same_numbers_and_another_seed_others(run):
    again = trained(daily(series=2, holes=4), baselines=True)
    assert same_weights(run, again)
    assert again.metrics["test"] == run.metrics["test"]
    assert again.metrics["verdict"] == run.metrics["verdict"]
    assert not same_weights(run, trained(daily(series=2, holes=4), seed=1))


@pytest.mark.parametrize("poison", [np.nan, 1e12, -1e12])
@pytest.mark.parametrize("logarithm", [False, True])
def test_forecasts_know_nothing_of_what_comes_after_their_origin(poison, logarithm):
    frame = daily(series=2)
    roles = {"target": ["s0", "s1"], "past": ["price"]}
    run = trained(frame, roles, settings={"task.logarithm": logarithm})
    series, _ = loaded(frame, **roles)
    series = replace(series, names=["s0", "a new one"])
    origins = np.array([[0, 40], [1, 40]])

    def spoilt(packed):
        values = packed.values.copy()
        for n in range(2):
            values[packed.starts[n] + 40 : packed.starts[n] + packed.lengths[n]] = poison
        return replace(packed, values=values)

    later = replace(series, targets=spoilt(series.targets), past=spoilt(series.past))
    clean = run.at(series, origins).quantiles
    assert np.isfinite(clean).all()
    assert np.array_equal(clean, run.at(later, origins).quantiles)


@pytest.mark.parametrize("poison", [1e6, -40.0])
def test_the_test_part_changes_no_weight_and_no_width(poison):
    series, schema = loaded(daily(series=2))
    values = series.targets.values.copy()
    for start, length in zip(series.targets.starts, series.targets.lengths, strict=True):
        values[start + 72 : start + length - 1] = poison  # a fifth of 90 steps is tested on
    other = replace(series, targets=replace(series.targets, values=values))
    first, second = (fit(each, schema, options()) for each in (series, other))
    assert same_weights(first, second)
    assert first.config.scaling == second.config.scaling
    assert first.config.width_factors == second.config.width_factors
    assert first.config.fingerprint != second.config.fingerprint


def test_quantiles_never_cross_and_the_table_names_them(run):
    series, _ = loaded(daily(series=2, holes=4))
    forecasts = run.at(series, run.every_origin(series))
    assert (np.diff(forecasts.quantiles, axis=2) >= 0).all()
    table = run.table(run.last, run.ahead())
    assert table.columns == ["series", "day", "forecast", "q10", "q90"]
    assert table["series"].to_list() == ["s0"] * 5 + ["s1"] * 5
    # The 90 days of the data end with the 30th of March.
    assert [str(day) for day in table["day"][5:]] == ["2024-03-31"] + [f"2024-04-0{k}" for k in (1, 2, 3, 4)]
    assert np.array_equal(table["forecast"].to_numpy(), run.ahead().point.ravel())


def test_scores_are_those_of_a_loop(run):
    series, _ = loaded(daily(series=2, holes=4))
    until = run.config.parts
    origins = np.array([[n, k] for n in range(2) for k in range(72, 86)])
    assert until["test"] == len(origins) == run.metrics["test"]["n"]
    point = run.at(series, origins).point
    errors, scaled = [], []
    for (n, k), forecast in zip(origins, point, strict=True):
        y = series.targets[n][:, 0]
        scale = seasonal_scale(y[:72], 7)  # all before the test part, the tenth that was validated on too
        for step in range(5):
            if not np.isnan(y[k + step]):
                errors.append(abs(y[k + step] - forecast[step]))
                scaled.append(errors[-1] / scale)
    scores = {score["name"]: score["value"] for score in run.metrics["test"]["scores"]}
    assert scores["MAE"] == pytest.approx(np.mean(errors))
    assert scores["MASE"] == pytest.approx(np.mean(scaled))
    assert [row["step"] for row in run.metrics["test"]["per_step"]] == [1, 2, 3, 4, 5]
    assert {b["name"] for b in run.metrics["baselines"]} >= {"last value", "last season"}


def interrupted_after(steps):
    """An observer that ends a training as a kill would: the checkpoint of some earlier step is all that is left."""

    def observe(event):
        if isinstance(event, StepDone) and event.step == steps:
            raise KeyboardInterrupt

    return observe


@pytest.mark.parametrize("steps", [1, 4, 7])
def test_killed_and_resumed_gives_the_numbers_of_one_that_was_not(tmp_path, steps):
    frame, sets = daily(series=2, holes=4), {"training.checkpoint_every_s": 1e-9, "windows.batch_size": 32}
    whole = trained(frame, settings=sets, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(frame, settings=sets, out=tmp_path / "cut", observer=interrupted_after(steps))
    with pytest.raises(RunError, match="has not ended"):
        load(tmp_path / "cut")
    series, schema = loaded(frame)
    resumed = fit(series, schema, options(settings=sets), out=tmp_path / "cut", resume=True)
    assert same_weights(whole, resumed)
    assert resumed.metrics["test"] == whole.metrics["test"]
    assert resumed.metrics["examples"] == whole.metrics["examples"]
    assert resumed.config.told == whole.config.told
    assert resumed.config.width_factors == whole.config.width_factors
    for name in ("model.safetensors", "last.safetensors"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_resuming_on_other_data_is_refused(tmp_path):
    trained(daily(), out=tmp_path / "run")
    series, schema = loaded(daily(seed=1))
    with pytest.raises(RunError, match="the data is not the data"):
        fit(series, schema, options(), out=tmp_path / "run", resume=True)
    series, schema = loaded(daily())
    with pytest.raises(InputError, match="horizon = 5, found 4"):
        fit(series, schema, options(horizon=4), out=tmp_path / "run", resume=True)


def test_a_budget_becomes_steps_once_and_resuming_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "steps_within", lambda *_, **__: 2)
    first = trained(daily(), budget_s=60.0, out=tmp_path / "run")
    assert first.metrics["training"]["steps"] == 2
    monkeypatch.setattr(fitting, "steps_within", lambda *_, **__: pytest.fail("measured again"))
    series, schema = loaded(daily())
    again = fit(series, schema, options(budget_s=60.0), out=tmp_path / "run", resume=True)
    assert same_weights(first, again)


def test_starting_from_another_run_takes_weights_scaling_windows_and_settings(run, tmp_path):
    folder = run.save(tmp_path / "first")
    said = []
    second = trained(
        daily(series=2, holes=4),
        init=str(folder),
        look_back=None,
        settings={"training.learning_rate": 1e-12},
        observer=lambda e: said.append(e.text) if isinstance(e, Said) else None,
    )
    assert second.look_back == run.look_back
    assert second.config.settings.network == run.config.settings.network
    assert second.config.scaling == run.config.scaling
    assert any(re.match(r"starting from (\d+) of \1 weights", text) for text in said)
    np.testing.assert_allclose(second.ahead().point, run.ahead().point, rtol=1e-4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"horizon": 4}, "forecasts 5 steps from 9, asked for are 4 from 9"),
        ({"look_back": 8}, "forecasts 5 steps from 9, asked for are 5 from 8"),
        ({"settings": {"task.logarithm": True}}, "task.logarithm cannot be set"),
    ],
)
def test_a_run_of_other_windows_cannot_be_started_from(run, tmp_path, given, message):
    folder = run.save(tmp_path / "first")
    with pytest.raises(InputError, match=message):
        trained(daily(series=2), init=str(folder), **given)


def test_the_logarithm_of_values_that_have_none_is_refused():
    frame = daily().with_columns(s0=pl.when(pl.int_range(90) % 30 == 3).then(-1.0).otherwise(pl.col("s0")))
    # Of the 90 days 18 are tested on and 8 validated on.
    with pytest.raises(InputError, match="above 0, and 3 of the 64 to train on are not"):
        trained(frame, {"target": "s0"}, settings={"task.logarithm": True})


@pytest.mark.parametrize(
    "logarithm, why", [(True, "as asked"), (None, "they vary in proportion to their level")]
)
def test_why_the_logarithm_is_forecast_is_told(logarithm, why):
    wave = np.exp(0.02 * np.arange(90)) * (3 + np.sin(2 * np.pi * np.arange(90) / 7))
    settings, said = {"task.logarithm": logarithm, "training.epochs": 1}, []
    trained(daily().with_columns(s0=wave), {"target": "s0"}, settings=settings, observer=said.append)
    texts = [event.text for event in said if isinstance(event, Said)]
    assert f"the logarithms of the series are forecast: {why}" in texts


def test_other_series_than_the_learned_ones_can_be_trained_on_further(run, tmp_path):
    folder = run.save(tmp_path / "first")
    frame = daily(series=2, seed=5).rename({"s1": "s9"})
    second = trained(frame, init=str(folder))
    assert np.isfinite(second.ahead().quantiles).all()
    again = load(second.save(tmp_path / "second"))
    assert np.isfinite(again.ahead().quantiles).all()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "metrics.json", "last.safetensors"])
@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_folder_that_is_not_whole_is_told(run, tmp_path, name, damage):
    path = run.save(tmp_path / "run") / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-3] + b"xyz")
    with pytest.raises(RunError):
        load(tmp_path / "run")


def altered_config(folder, change):
    content = json.loads((folder / "config.json").read_text())
    change(content)
    (folder / "config.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(format=99),
        lambda c: c.update(kind="oracle"),
        lambda c: c.update(surprise=1),
        lambda c: c.update(width_factors=[1.0, 1.0]),
        lambda c: c.update(width_factors=[1.0, 1.0, -2.0]),
        lambda c: c["shape"].update(horizon=6),
        lambda c: c["shape"].update(season=70),
        lambda c: c["shape"].update(levels=[0.5, 0.2, 0.9]),
        lambda c: c["shape"].update(series=3),
        lambda c: c["shape"].update(past_size=10**9),
        lambda c: c["scaling"].pop("means"),
        lambda c: c["scaling"]["scales"].update(s0=0.0),
        lambda c: c["files"].pop("last.safetensors"),
    ],
)
def test_a_configuration_of_another_version_or_altered_is_told(run, tmp_path, change):
    folder = run.save(tmp_path / "run")
    altered_config(folder, change)
    with pytest.raises(RunError):
        load(folder)


def test_the_last_steps_of_a_stranger_are_checked(run, tmp_path):
    from safetensors.numpy import save

    from recurra.storage import sha256

    folder = run.save(tmp_path / "run")
    config = read_config(folder, ForecastRunConfig)
    for arrays in ({}, {"first": np.zeros(2)}, {"targets.values": np.zeros((2, 1))}):
        (folder / "last.safetensors").write_bytes(
            save(arrays or {"x": np.zeros(1)}, metadata={"names": '["s0"]'})
        )
        files = config.files | {"last.safetensors": sha256(folder / "last.safetensors")}
        write_config(folder, config.model_copy(update={"files": files}))
        with pytest.raises(RunError, match="the last steps of the series cannot be read"):
            load(folder)


def test_a_kill_before_the_first_checkpoint_changes_nothing(tmp_path):
    whole = trained(daily(), out=tmp_path / "whole")
    begun = tmp_path / "begun"
    shutil.copytree(tmp_path / "whole", begun)
    for name in ("model.safetensors", "metrics.json", "last.safetensors", "checkpoint/state.safetensors"):
        (begun / name).unlink()
    config = read_config(begun, ForecastRunConfig)
    write_config(begun, config.model_copy(update={"status": "training", "files": {}, "width_factors": None}))
    series, schema = loaded(daily())
    resumed = fit(series, schema, options(), out=begun, resume=True)
    assert same_weights(whole, resumed)
    assert resumed.config.width_factors == whole.config.width_factors


def test_a_checkpoint_of_another_network_is_told(tmp_path):
    trained(daily(), out=tmp_path / "run")
    checkpoint = read_checkpoint(tmp_path / "run" / "checkpoint")
    checkpoint.tensors["network.head.bias"] = torch.zeros(2)
    write_checkpoint(tmp_path / "run" / "checkpoint", checkpoint)
    series, schema = loaded(daily())
    with pytest.raises(RunError, match="the checkpoint does not fit"):
        fit(series, schema, options(), out=tmp_path / "run", resume=True)


def test_what_came_after_goes_on_from_the_training_data():
    whole = daily(110)
    first, later = whole.head(80), whole.slice(85)
    given = options(data={"target": "s0", "ignore": ["price"]})
    run = fit_series(first, given, test=later)
    assert run.last.lengths.tolist() == [110]
    assert np.isnan(run.last.targets[0][80:85, 0]).all()
    # Origins from the end of the first data on; a horizon must fit before the end of the second.
    assert run.config.parts["test"] == 110 - 5 - 80 + 1 - 1  # and one holds nothing but the gap
    alone = fit_series(first, given.model_copy(update={"test_share": 0.01}))
    assert alone.config.parts["test"] == 1


def test_test_data_that_cannot_be_scored_on_are_refused():
    whole = daily(110)
    given = options(data={"target": "s0"})
    with pytest.raises(
        DataError, match="--test: 5 steps are to be forecast, and the longest series goes on for 3"
    ):
        fit_series(whole.head(80), given, test=whole.slice(80, 3))
    with pytest.raises(DataError, match="goes on 20 steps before its own end"):
        fit_series(whole.head(80), given, test=whole.slice(60))
    split = options(data={"target": "s0", "split": "part"})
    with pytest.raises(InputError, match="--split: the test data are those of --test"):
        fit_series(whole, split, test=whole)
    shared = options(data={"target": "s0"}, test_share=0.2)
    with pytest.raises(InputError, match="--test-share: the test data are those of --test"):
        fit_series(whole.head(80), shared, test=whole.slice(80))


@pytest.mark.parametrize("share", ["validation", "test_share"])
def test_a_share_beside_a_column_of_parts_is_refused(share):
    parts = ["train"] * 60 + ["validation"] * 15 + ["test"] * 15
    given = options(data={"target": "s0", "split": "part"}, **{share: 0.2})
    with pytest.raises(
        InputError, match=f"--{share.replace('_', '-')}: the parts are those of the column 'part'"
    ):
        fit_series(daily().with_columns(part=pl.Series(parts)), given)


@pytest.mark.parametrize("layout", ["wide", "rows"])
def test_without_times_later_data_follow_right_behind(layout):
    values = daily(100, series=2).select("s0", "s1")

    def part(begin, end):
        piece = values.slice(begin, end - begin)
        if layout == "wide":
            return piece
        return pl.DataFrame({"name": ["s0", "s1"], "y": [piece["s0"].to_list(), piece["s1"].to_list()]})

    data = {"target": ["s0", "s1"]} if layout == "wide" else {"target": "y", "id": "name"}
    run = fit_series(part(0, 75), options(data=data), test=part(75, 100))
    assert np.allclose(run.last.targets[1][:, 0], values["s1"].to_numpy())
    assert run.config.parts["test"] == 2 * (25 - 5 + 1)


def test_a_back_test_over_new_data_scales_by_them():
    run = trained(daily(series=2))
    other = daily(60, series=2, seed=9)
    series = read_series(other, run.config.data_schema)
    test, forecasts = back_test(run, series)
    assert len(test.origins) == 2 * (60 - 9 - 5 + 1)
    assert test.windows.scale[0] == pytest.approx(seasonal_scale(other["s0"].to_numpy(), 7))
    assert forecasts.quantiles.shape == (len(test.origins), 5, 3)
    with pytest.raises(DataError, match=r"a window has 9 \+ 5 steps, and the longest series 12"):
        back_test(run, read_series(other.head(12), run.config.data_schema))


def test_series_too_short_are_set_aside_by_name_and_too_long_a_horizon_is_refused():
    frame = daily(series=2)
    frame = frame.with_columns(s1=pl.when(pl.int_range(90) < 20).then("s1"))
    said = []
    run = trained(frame, observer=lambda e: said.append(e.text) if isinstance(e, Said) else None)
    assert run.last.names == ["s0"]
    assert any("1 series are set aside, too short" in text and "s1" in text for text in said)
    with pytest.raises(DataError, match="Say a shorter --horizon"):
        trained(frame, horizon=200)


def test_too_short_a_series_to_forecast_from_is_told(run):
    series, _ = loaded(daily(8, series=2))
    with pytest.raises(
        DataError, match=r"made from 9 steps, and the series 's0' has fewer, as 1 others have"
    ):
        run.ahead(series)


def test_what_is_known_ahead_must_reach_as_far_as_the_forecast():
    run = trained(daily(series=2), COVARIATES)
    with pytest.raises(DataError, match="price must be known 5 steps ahead"):
        run.ahead()


def test_what_is_known_ahead_must_be_there_at_every_step():
    frame = daily(95, series=2)
    day = pl.int_range(95)
    frame = frame.with_columns(pl.when(day < 90).then(name).alias(name) for name in ("s0", "s1"))
    run = trained(frame, COVARIATES, settings={"training.epochs": 1})
    assert np.isfinite(forecasts_of(run)).all()
    blank = frame.with_columns(price=pl.when((day < 90) | (day == 94)).then("price"))
    with pytest.raises(
        DataError, match="price must be known 5 steps ahead, and of the series 's0' 4 of them"
    ):
        run.ahead(loaded(blank, **COVARIATES)[0])
    # A back-test takes what was missing as it was.
    earlier = frame.with_columns(price=pl.when(day != 50).then("price"))
    series = loaded(earlier, **COVARIATES)[0]
    assert np.isfinite(run.at(series, np.array([[0, 48]])).quantiles).all()


@pytest.mark.parametrize("validation", [0, None, 0.3])
def test_a_constant_series_is_forecast(validation):
    frame = daily().with_columns(s0=pl.lit(5.0))
    run = trained(frame, validation=validation, baselines=True)
    assert np.isfinite(run.ahead().quantiles).all()
    assert (run.config.width_factors is None) == (validation == 0)
    assert {score["name"] for score in run.metrics["test"]["scores"]} >= {"MAE"}
    assert run.metrics["verdict"].startswith("There is nothing to learn: the best baseline (last value)")


def test_the_median_alone_is_a_forecast():
    run = trained(daily(), settings={"task.levels": [0.5]})
    assert run.ahead().quantiles.shape == (1, 5, 1)
    assert run.config.width_factors is None
    assert run.table(run.last, run.ahead()).columns == ["series", "day", "forecast"]


def test_intervals_follow_the_validation_part_as_far_as_it_is_long():
    frame = daily(120, series=2)
    held, steps = np.arange(120) >= 80, np.zeros(120)
    steps[held] = np.random.default_rng(3).normal(scale=50, size=held.sum())
    parts = pl.Series("part", np.where(held, "validation", "train"))
    calm, wild = (f.with_columns(parts) for f in (frame, frame.with_columns(s0=pl.col("s0") + steps)))
    given = {"target": ["s0", "s1"], "split": "part"}
    narrow, wide = (np.array(trained(each, given).config.width_factors) for each in (calm, wild))
    assert (wide >= narrow).all() and wide[[0, 2]].min() > 1
    assert wide[[0, 2]].max() < 10  # eleven horizons of forty steps, and 15 of the network's own widths


def test_intervals_of_an_origin_are_those_of_a_series_that_ends_there(tmp_path):
    frame = daily(300, series=2)
    roles = {"target": ["s0", "s1"]}
    run = trained(frame, roles)
    again = load(run.save(tmp_path / "run"))
    series, _ = loaded(frame, **roles)
    whole = run.at(series, np.array([[0, k] for k in range(250, 296)])).quantiles
    for step in (250, 271, 295):
        cut = loaded(frame[:step], **roles)[0]
        for each in (run, again):
            assert np.allclose(each.ahead(cut).quantiles[0], whole[step - 250], rtol=1e-5)


def test_intervals_follow_the_latest_errors():
    frame = daily(400)
    wild = np.where(np.arange(400) >= 320, np.random.default_rng(3).normal(scale=40, size=400), 0.0)
    run = trained(frame, {"target": "s0"}, validation=0.2, test_share=0.2)
    calm, after = (loaded(f, target="s0")[0] for f in (frame, frame.with_columns(s0=pl.col("s0") + wild)))

    def width(series):
        return np.ptp(run.ahead(series).quantiles, axis=-1).mean()

    assert width(after) > 3 * width(calm)


@pytest.mark.parametrize("days, single", [(36, True), (60, False)])
def test_a_validation_part_of_one_window_is_told(days, single):
    said = []
    run = trained(daily(days), {"target": "s0"}, observer=said.append, validation=5 / 28)
    assert (run.config.parts["validation"] == 1) == single
    assert any(isinstance(e, Said) and "a single window" in e.text for e in said) == single


def test_parts_told_by_a_column_are_kept():
    frame = daily().with_columns(
        part=pl.when(pl.int_range(90) < 60)
        .then(pl.lit("train"))
        .when(pl.int_range(90) < 75)
        .then(pl.lit("validation"))
        .otherwise(pl.lit("test"))
    )
    run = trained(frame, {"target": "s0", "split": "part"})
    assert run.config.parts == {"train": 60 - 9 - 5 + 1, "validation": 15 - 5 + 1, "test": 15 - 5 + 1}
    with pytest.raises(DataError, match="a training step follows one of a later part"):
        trained(frame.with_columns(part=pl.col("part").reverse()), {"target": "s0", "split": "part"})


def test_a_forecast_cannot_run_step_by_step(run):
    with pytest.raises(InputError, match="cannot run step by step"):
        run.stream()
