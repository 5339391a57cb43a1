"""The loss, the widths of intervals and the defaults, against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recurra.tasks.forecasting.calibration import (
    independent_horizons,
    recent_factors,
    recent_horizons,
    recent_origins,
    widened,
    width_factors,
)
from recurra.tasks.forecasting.settings import ForecastConfig, default_forecast_settings, default_look_back
from recurra.tasks.forecasting.task import ForecastTask

LEVELS = [0.05, 0.1, 0.5, 0.9]


def drawn(seed, windows, horizon, holes=0.3):
    draw = np.random.default_rng(seed)
    truth = draw.normal(size=(windows, horizon))
    truth[draw.random(truth.shape) < holes] = np.nan
    return truth, np.sort(draw.normal(size=(windows, horizon, len(LEVELS))), axis=-1)


@given(st.integers(0, 99), st.integers(1, 6), st.integers(1, 5))
def test_the_loss_is_its_definition_and_leaves_missing_truths_out(seed, windows, horizon):
    truth, output = drawn(seed, windows, horizon)
    terms = [
        max(q * (y - f), (q - 1) * (y - f))
        for row, answers in zip(truth, output, strict=True)
        for y, quantiles in zip(row, answers, strict=True)
        if not math.isnan(y)
        for q, f in zip(LEVELS, quantiles, strict=True)
    ]
    wanted = 2 * sum(terms) / max(1, len(terms))
    task = ForecastTask(LEVELS)
    given_output = torch.from_numpy(output).requires_grad_()
    loss = task.loss(given_output, torch.from_numpy(truth))
    assert float(loss.detach()) == pytest.approx(wanted)
    loss.backward()
    assert torch.isfinite(given_output.grad).all()
    assert (given_output.grad[torch.from_numpy(np.isnan(truth))] == 0).all()


@given(st.integers(0, 99), st.integers(1, 4))
def test_validation_over_batches_is_that_over_all(seed, parts):
    truth, output = (torch.from_numpy(each) for each in drawn(seed, 9, 4))
    task = ForecastTask(LEVELS)
    found = task.validate(zip(output.chunk(parts), truth.chunk(parts), strict=True))
    assert found["loss"] == pytest.approx(float(task.loss(output, truth)))
    off = (output[..., 2] - truth).numpy()
    assert found["MAE"] == pytest.approx(np.nanmean(np.abs(off)))
    assert found["MSE"] == pytest.approx(np.nanmean(off**2))


def test_the_loss_of_the_median_alone_is_the_mean_absolute_error():
    truth, output = torch.tensor([[1.0, 2.0]]), torch.tensor([[[2.0], [5.0]]])
    assert float(ForecastTask([0.5]).loss(output, truth)) == 2.0


def test_nothing_to_learn_from_is_no_loss():
    output = torch.zeros(2, 3, 1, requires_grad=True)
    loss = ForecastTask([0.5]).loss(output, torch.full((2, 3), torch.nan))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert (output.grad == 0).all()


@given(st.integers(0, 200), st.integers(1, 8), st.integers(1, 5), st.sampled_from([1.0, 40.0, math.inf]))
def test_widened_quantiles_do_not_cross(seed, windows, horizon, horizons):
    truth, quantiles = drawn(seed, windows, horizon)
    factors = width_factors(truth, quantiles, LEVELS, horizons)
    assert factors[2] == 1.0
    assert min(factors) > 0
    assert factors[0] >= factors[1]
    other = drawn(seed + 1, 5, horizon)[1]
    assert (np.diff(widened(other, LEVELS, factors), axis=-1) >= -1e-12).all()


@given(st.integers(0, 99), st.integers(2, 40))
def test_widened_quantiles_have_their_share_of_the_truths_they_were_fitted_on(seed, windows):
    truth, quantiles = drawn(seed, windows, 3)
    n = np.isfinite(truth).sum()
    wide = widened(quantiles, LEVELS, width_factors(truth, quantiles, LEVELS))
    for k, level in ((1, 0.1), (3, 0.9)):
        side = truth >= wide[..., k] - 1e-9 if level < 0.5 else truth <= wide[..., k] + 1e-9
        assert side.sum() >= min(n, math.ceil((n + 1) * 0.9 - 1e-9))


@given(st.integers(0, 99), st.integers(2, 40), st.floats(0.1, 1e6))
def test_factors_of_few_horizons_lie_between_the_network_s_widths_and_the_truths(seed, windows, horizons):
    truth, quantiles = drawn(seed, windows, 3)
    whole = np.array(width_factors(truth, quantiles, LEVELS))
    few, more = (np.array(width_factors(truth, quantiles, LEVELS, n)) for n in (horizons, 2 * horizons))
    assert (np.abs(np.log(few)) <= np.abs(np.log(more)) + 1e-12).all()
    assert (np.abs(np.log(more)) <= np.abs(np.log(whole)) + 1e-12).all()
    assert (np.log(few) * np.log(whole) >= 0).all()
    assert np.allclose(width_factors(truth, quantiles, LEVELS, 1e9), whole, rtol=1e-6)
    assert np.allclose(width_factors(truth, quantiles, LEVELS, 1e-9), 1.0)


@given(st.integers(1, 9), st.integers(1, 12), st.integers(0, 60), st.integers(1, 5))
def test_windows_are_worth_the_horizons_they_span(series, horizon, span, every):
    steps = 20 + np.arange(0, span + 1, every)
    origins = np.array([[n, k] for n in range(series) for k in steps])
    alone = (steps[-1] - 20 + horizon) / horizon
    assert independent_horizons(origins, horizon) == pytest.approx(alone * np.sqrt(series))
    assert alone <= independent_horizons(origins, horizon) <= series * alone + 1e-9


@given(st.integers(1, 20), st.integers(0, 50), st.integers(10, 30), st.integers(31, 400), st.integers(0, 9))
def test_what_is_looked_back_at_is_known_and_the_same_from_wherever_a_series_is_cut(
    horizon, first, earliest, origin, cut
):
    def steps_of(origins, shift=0):
        given = np.array([[0, step - shift] for step in origins])
        bounds = np.array([first + shift]), np.array([earliest - shift])
        return (recent_origins(given, *bounds, horizon)[:, 1] + shift).tolist()

    found = steps_of([origin])
    assert all(max(earliest, origin - 61 * horizon) <= step <= origin - horizon for step in found)
    assert found == steps_of([origin], shift=cut)
    assert set(found) <= set(steps_of([origin, origin + 50])) | set(steps_of([origin - 5, origin]))
    if origin - horizon - earliest > horizon:
        assert len(found) >= min(horizon, 4)


def test_recent_factors_are_those_of_the_last_horizons_of_their_own_series():
    horizon, base = 4, [0.5, 1.0, 2.0]
    steps = np.arange(10, 400)
    recent = np.array([[n, k] for n in range(2) for k in steps])
    scale = np.where(recent[:, 0] == 1, 1.0, np.where(recent[:, 1] < 200, 1.0, 10.0))
    noise = np.random.default_rng(0).normal(size=(len(recent), horizon)) * scale[:, None]
    quantiles = np.tile([-1.28, 0.0, 1.28], (len(recent), horizon, 1))
    origins = np.array([[0, 12], [0, 100], [0, 400], [1, 400]])

    def factors(truth):
        return recent_factors(origins, recent, truth, quantiles, [0.1, 0.5, 0.9], base)

    found = factors(noise)
    assert found[0].tolist() == base  # nothing to look back at: the first truth is whole at step 14
    assert found[1] == pytest.approx(np.array(base) ** (15 / (15 + 87 / 4)), rel=0.1)
    wild = 10 ** (60 / 75) * np.array([0.5, 0.0, 2.0]) ** (15 / 75)
    assert found[2, [0, 2]] == pytest.approx(wild[[0, 2]], rel=0.1)
    assert found[3, [0, 2]] == pytest.approx(np.array([0.5, 2.0]) ** (15 / 75), rel=0.1)
    later = noise.copy()
    later[(recent[:, 0] == 0) & (recent[:, 1] > 96)] = 1e9
    assert np.array_equal(factors(later)[[0, 1, 3]], found[[0, 1, 3]])
    assert np.allclose(factors(np.full_like(noise, np.nan)), base)


@given(st.integers(1, 10_000_000))
def test_of_many_series_less_is_looked_back_at(series):
    assert 0 <= recent_horizons(series) <= 60
    assert 4 * series * recent_horizons(series) <= 50_000


def test_quantiles_without_a_width_keep_their_order():
    truth = np.array([[1.0, 2.0, 3.0]])
    quantiles = np.array([[[0.0, 0.0, 1.0, 1.1], [0.0, 0.0, 1.0, 1.1], [0.0, 0.0, 1.0, 1.1]]])
    quantiles[..., 0] = quantiles[..., 1]
    assert width_factors(np.full((1, 3), np.nan), quantiles, LEVELS) == [1.0] * 4
    flat = np.repeat(quantiles[..., 2:3], 4, axis=-1)
    assert width_factors(truth, flat, LEVELS)[2] == 1.0


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.lists(st.integers(-20, 400), min_size=1, max_size=6),
)
def test_a_default_look_back_leaves_a_window_of_the_longest_series(season, horizon, room):
    look_back = default_look_back(season, horizon, np.array(room))
    assert look_back >= 1
    if min(room) >= min(max(season, horizon), max(2 * season + horizon, 8)):
        assert look_back <= min(room)


def test_short_series_among_long_ones_do_not_halve_the_look_back():
    alone, among = np.array([54]), np.array([54] * 40 + [900] * 60)
    assert default_look_back(1, 13, alone) == 27
    assert default_look_back(1, 13, among) == 52
    assert default_look_back(1, 20, among) == 54  # and none is set aside for the sake of the rest


@pytest.mark.parametrize(("look_back", "segment"), [(1, 1), (23, 1), (24, 6), (96, 24), (1000, 48)])
def test_long_windows_are_read_in_segments(look_back, segment):
    settings = default_forecast_settings(look_back, 12, 1000)
    assert settings.network.segment == segment
    assert settings.windows.batch_size == 50


@pytest.mark.parametrize(("windows", "seasonal"), [(50, True), (8_545, True), (58_000, False)])
def test_few_windows_begin_from_the_last_season(windows, seasonal):
    assert default_forecast_settings(72, 24, windows).network.seasonal == seasonal


@pytest.mark.parametrize("levels", [(0.1, 0.9), (0.9, 0.5, 0.1), (0.5, 0.5), (0.5, 1.0), ()])
def test_levels_that_cannot_be_are_refused(levels):
    with pytest.raises(ValidationError):
        ForecastConfig(levels=levels)
