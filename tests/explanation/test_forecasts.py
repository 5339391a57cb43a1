"""Forecasts: the one lag of the one column that matters is found, and what is ahead counts where it is known."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from recurra.data.packed import Packed
from recurra.errors import DataError, InputError
from recurra.explanation import explain
from tests.runs.forecasts.made import daily, loaded, trained

PLAIN = {
    "network.segment": 9,
    "network.normalisation": '"none"',
    "network.seasonal": False,
    "network.identity": False,
    "training.epochs": 1,
}


@pytest.fixture(scope="module")
def sole():
    """A run that reads its past in one piece, and of it `price` seven steps back alone."""
    run = trained(
        daily(),
        {"past": ["price"]},
        settings=PLAIN,
    )
    weight = run.network.embed[0].weight  # (units, steps * channels)
    channels = run.config.shape.past_size
    with torch.no_grad():
        kept = torch.zeros_like(weight)
        column = (run.look_back - 7) * channels + 1
        kept[:, column] = 1.0 + torch.rand(len(kept), generator=torch.Generator().manual_seed(0))
        weight.copy_(kept)
        run.network.embed[0].bias.fill_(2.0)
        run.network.head.weight.mul_(20)
    return run


def test_the_one_lag_of_the_one_column_that_matters_is_found_by_both_ways(sole):
    (example,) = explain(sole).examples
    assert example.columns[:2] == ["s0", "price"]
    own = example.attribution
    p = [part.text for part in example.parts].index("lag 7")
    for values in (own.occlusion, own.integrated):
        for row, cells in enumerate(values):
            for column, value in enumerate(cells[:2]):
                assert (abs(value or 0.0) > 1e-3) == ((row, column) == (p, 1)), (row, column, value)
    assert own.columns[0] == pytest.approx(0, abs=1e-5)
    assert own.columns[1] == pytest.approx(own.occlusion[p][1], rel=1e-4)


def test_what_is_told_is_the_forecast_and_a_step_ahead_can_be_chosen():
    run = trained(
        daily(series=2, holes=3),
        {"known": ["price"], "target": ["s0", "s1"]},
        settings={"training.epochs": 2},
    )
    frame = daily(series=2, holes=3)
    series, _ = loaded(frame, known=["price"], target=["s0", "s1"])
    series = series.take([1])
    origin = int(series.lengths[0]) - run.horizon
    cut = Packed(series.targets.values, series.targets.starts, series.targets.lengths - run.horizon)
    series = replace(series, targets=cut)
    forecasts = run.ahead(series)
    assert forecasts.origins.tolist() == [[0, origin]]
    mean, third = (explain(run, data=series, of=of).examples[0] for of in (None, "3"))
    assert list(mean.answers.values()) == pytest.approx(forecasts.point[0].tolist())
    assert mean.attribution.value == pytest.approx(forecasts.point[0].mean(), rel=1e-4)
    assert third.attribution.value == pytest.approx(forecasts.point[0, 2], rel=1e-4)
    assert mean.name == "s1" and mean.columns[:2] == ["s1", "price"] and mean.course is None
    lags = [part.text for part in mean.parts if part.begin < run.look_back]
    ahead = [row for row, part in enumerate(mean.parts) if part.begin >= run.look_back]
    assert lags == [f"lag {k}" for k in range(9, 0, -1)] and len(ahead) == run.horizon
    for row in ahead:
        assert mean.attribution.occlusion[row][0] is None and mean.attribution.occlusion[row][1] is not None
    assert sum(mean.attribution.sums) == pytest.approx(
        mean.attribution.value - mean.attribution.baseline_value, rel=0.02, abs=0.02
    )
    assert len(mean.gates[0].values) == len(mean.parts) and mean.gates[0].values[-1] is None
    json.dumps(explain(run, data=series).to_json(), allow_nan=False)


def test_series_are_chosen_by_name_and_mistakes_are_told(sole):
    with pytest.raises(InputError, match="there is no 's7' among the 1 series"):
        explain(sole, series=["s7"])
    with pytest.raises(InputError, match="a step ahead from 1 to 5, found '9'"):
        explain(sole, of="9")
    with pytest.raises(InputError, match=r"--rows: this has no effect .* --series"):
        explain(sole, rows=[1])
    with pytest.raises(InputError, match="INPUT"):
        explain(sole, [1.0, 2.0])
    with pytest.raises(DataError, match="a forecast is made from 9 steps"):
        explain(sole, data=daily(days=8))
    with pytest.raises(DataError, match="price"):
        explain(sole, data=daily().drop("price"))
