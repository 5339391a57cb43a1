"""Measures and baselines reach what was published; runs where RECURRA_DATA names the folder of data sets."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from recurra.tasks.forecasting.baselines import run_forecast_baselines, with_references
from recurra.tasks.forecasting.classical import has_statsmodels
from recurra.tasks.forecasting.scores import Windows

DATA = os.environ.get("RECURRA_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="RECURRA_DATA is not set")


def rows_of(*path: str) -> list[list[str]]:
    with Path(DATA or "", *path).open(newline="") as file:
        return list(csv.reader(file))[1:]


def scores_of(result) -> dict[str, float]:
    return {score.name: score.value for score in result.scores}


def test_naive2_of_m4_weekly():
    # Makridakis et al. 2020: sMAPE 9.161 and MASE 2.777 for Naive2, of which weekly series have no season.
    histories = [
        np.array([y for y in row[1:] if y], dtype=float) for row in rows_of("m4_weekly", "Weekly-train.csv")
    ]
    truth = np.array([row[1:] for row in rows_of("m4_weekly", "Weekly-test.csv")], dtype=float)
    windows = Windows(truth, series=np.arange(len(truth)), levels=(0.1, 0.5, 0.9))
    windows = with_references(windows, histories, season=1)
    found = {each.name: scores_of(each) for each in run_forecast_baselines(windows, histories)}
    assert found["last value"]["sMAPE"] == pytest.approx(9.161, abs=0.0006)
    assert found["last value"]["MASE"] == pytest.approx(2.777, abs=0.0006)
    assert found["last value"]["OWA"] == 1
    if has_statsmodels():
        assert found["exponential smoothing"]["OWA"] < 0.92
        assert 0.75 < found["exponential smoothing"]["coverage of the 80 % interval"] < 0.9


def test_airline_passengers_repeat_the_season_before():
    series = np.array([row[1] for row in rows_of("classic_series", "airline-passengers.csv")], dtype=float)
    windows = with_references(Windows(series[None, 132:]), [series[:132]], season=12)
    found = {each.name: each for each in run_forecast_baselines(windows, [series[:132]], season=12)}
    assert (found["last season"].prediction[0] == series[120:132]).all()
    assert scores_of(found["last season"])["MAE"] == pytest.approx(
        np.abs(series[132:] - series[120:132]).mean()
    )
    assert scores_of(found["Naive2"])["MAE"] < scores_of(found["last value"])["MAE"]
    if has_statsmodels():
        assert scores_of(found["exponential smoothing"])["MASE"] < 1
