"""The forecaster: frames in, frames out, parameters as scikit-learn has them, runs that others read."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import recurra
from recurra.errors import DataError, InputError, RunError
from tests.runs.forecasts.made import daily

SMALL = {"horizon": 5, "look_back": 9, "hidden_size": 6, "epochs": 2, "random_state": 0}
ROLES = {"time": "day", "target": ["s0", "s1"]}


@pytest.fixture(scope="module")
def model():
    return recurra.Forecaster(**SMALL).fit(daily(series=2), **ROLES)


def test_a_forecast_begins_after_the_last_step(model):
    table = model.predict()
    assert isinstance(table, pl.DataFrame)
    assert table.columns == ["series", "day", "forecast", "q10", "q90"]
    assert table["series"].to_list() == ["s0"] * 5 + ["s1"] * 5
    assert str(table["day"][0]) == "2024-03-31"
    assert (table["q10"] <= table["forecast"]).all()
    assert model.predict(daily(series=2)).equals(table)
    assert str(model.predict(daily(50, series=2))["day"][0]) == "2024-02-20"


def test_frames_of_pandas_come_back_as_such(model):
    frame = daily(series=2).to_dict(as_series=False)
    frame = pd.DataFrame(frame | {"day": pd.to_datetime(frame["day"])})
    mine = recurra.Forecaster(**SMALL).fit(frame, **ROLES)
    for table in (mine.predict(), mine.predict(frame), model.predict(frame)):
        assert isinstance(table, pd.DataFrame)
        assert table["day"].dtype.kind == "M"
        assert table["day"][0] == pd.Timestamp("2024-03-31")
        assert np.array_equal(table["forecast"], model.predict()["forecast"].to_numpy())
    by_index = frame.set_index("day")[["s0", "s1"]]
    again = recurra.Forecaster(**SMALL).fit(by_index)
    assert np.array_equal(again.predict()["forecast"], mine.predict()["forecast"])
    assert isinstance(model.back_test(frame), pd.DataFrame)


@pytest.mark.parametrize("source", [np.sin(np.arange(60.0)), list(np.sin(np.arange(60.0)))])
def test_a_series_of_numbers_alone_is_enough(source):
    table = recurra.Forecaster(**SMALL).fit(source).predict()
    assert table.columns[:2] == ["series", "step"]
    assert table["step"].to_list() == [61, 62, 63, 64, 65]


def test_long_tables_and_covariates_known_ahead():
    wide = daily(95, series=2)
    long = pl.concat(
        [wide.select("day", "price", pl.lit(name).alias("shop"), y=name) for name in ("s0", "s1")]
    )
    last = pl.col("day") >= pl.date(2024, 3, 31)
    frame = long.with_columns(y=pl.when(~last).then("y"))
    roles = {"time": "day", "target": "y", "id": "shop", "known": "price"}
    model = recurra.Forecaster(**SMALL).fit(frame, **roles)
    assert model.predict().columns[0] == "shop"
    dearer = frame.with_columns(price=pl.when(last).then(9.0).otherwise("price"))
    assert not model.predict(dearer)["forecast"].equals(model.predict()["forecast"])
    with pytest.raises(DataError, match="price must be known 5 steps ahead"):
        model.predict(long)


def test_the_same_seed_gives_the_same_forecasts(model):
    again = clone(model).fit(daily(series=2), **ROLES)
    assert again.predict().equals(model.predict())
    other = clone(model).set_params(random_state=1).fit(daily(series=2), **ROLES)
    assert not other.predict().equals(model.predict())


def test_what_is_learned_from_is_all_but_the_validation_part(model):
    assert model.run_.config.parts["test"] == 0
    assert model.run_.last.lengths.tolist() == [90, 90]
    assert model.run_.config.parts["train"] == 2 * (90 - 9 - 9 - 5 + 1)
    assert len(model.history_) == 2
    assert any("90 rows" in note for note in model.notes_)
    assert (
        clone(model).set_params(validation=0).fit(daily(), target="s0").run_.config.parts["validation"] == 0
    )


def test_a_back_test_is_a_frame_of_scores(model):
    table = model.back_test(daily(60, series=2, seed=3))
    assert table.columns == ["measure", "score", "low", "high"]
    assert {"MASE", "MAE", "OWA", "coverage of the 80 % interval"} <= set(table["measure"])
    mae = table.filter(pl.col("measure") == "MAE")
    assert mae["low"][0] < mae["score"][0] < mae["high"][0]
    with pytest.raises(DataError, match=r"a window has 9 \+ 5 steps"):
        model.back_test(daily(12, series=2))


def test_saved_and_loaded_it_forecasts_the_same(model, tmp_path):
    folder = model.save(tmp_path / "run")
    again = recurra.Forecaster.load(folder)
    assert again.predict().equals(model.predict())
    assert again.get_params() == model.get_params() | {"random_state": 0}
    assert np.array_equal(recurra.load(folder).ahead().point.ravel(), model.predict()["forecast"].to_numpy())
    with pytest.raises(InputError, match="this place is taken"):
        model.save(folder)
    (folder / "estimator.json").unlink()
    assert recurra.Forecaster.load(folder).get_params()["look_back"] == 9


def test_out_leaves_a_run_that_can_be_started_from(tmp_path):
    recurra.Forecaster(**SMALL, out=tmp_path / "run").fit(daily(), target="s0")
    first = recurra.Forecaster.load(tmp_path / "run")
    assert first.out is None
    second = clone(first).set_params(init=tmp_path / "run", learning_rate=1e-12).fit(daily(), target="s0")
    np.testing.assert_allclose(second.predict()["forecast"], first.predict()["forecast"], rtol=1e-4)
    with pytest.raises(InputError, match="this place is taken"):
        recurra.Forecaster(**SMALL, out=tmp_path / "run").fit(daily(), target="s0")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"horizon": 0}, "horizon: expected a whole number of steps, 1 or more, found 0"),
        ({"horizon": None}, "horizon: expected"),
        ({"horizon": True}, "horizon: expected"),
        ({"look_back": 2.5}, "look_back: expected"),
        ({"cell": "mlp"}, "parameters of Forecaster: network.cell = 'mlp' does not fit"),
        ({"levels": (0.1, 0.9)}, "parameters of Forecaster: task.levels"),
        ({"validation": 1.5}, "validation: expected a share"),
        ({"budget": "soon"}, "budget: expected a time above zero"),
        ({"settings": {"network.cell": "rnn"}, "cell": "gru"}, "given by a parameter and in settings"),
        ({"settings": {"network.depth": 2}}, "there is no setting 'network.depth'"),
        ({"horizon": 500}, "Say a shorter --horizon"),
    ],
)
def test_parameters_that_cannot_be_are_told(params, message):
    with pytest.raises(InputError, match=message):
        recurra.Forecaster(**SMALL | params).fit(daily(), target="s0")


def test_other_mistakes_are_told(model, tmp_path):
    with pytest.raises(NotFittedError):
        recurra.Forecaster(horizon=2).predict()
    with pytest.raises(DataError, match="there is no column 'when'"):
        recurra.Forecaster(**SMALL).fit(daily(), time="when")
    with pytest.raises(DataError, match="the column 's1' is not there"):
        model.predict(daily())
    with pytest.raises(RunError, match="this is not a run folder"):
        recurra.Forecaster.load(tmp_path)
    folder = model.save(tmp_path / "run")
    record = json.loads((folder / "estimator.json").read_text())
    (folder / "estimator.json").write_text(json.dumps(record | {"params": {"depth": 3}}))
    with pytest.raises(RunError, match="Forecaster has no parameter 'depth'"):
        recurra.Forecaster.load(folder)


def test_any_setting_can_be_given_and_is_kept():
    model = recurra.Forecaster(**SMALL, levels=(0.5,), settings={"network.normalisation": "standard"})
    run = model.fit(daily(), target="s0").run_
    assert run.config.settings.network.normalisation == "standard"
    assert run.config.settings.network.hidden_size == 6
    assert model.predict().columns == ["series", "day", "forecast"]
