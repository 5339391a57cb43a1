"""The network of forecasts: sizes that fit no segment, quantiles in order, its naive part by brute force."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.nn import functional

from recurra.networks.config import CELL_NAMES
from recurra.networks.forecast_network import (
    ForecastNetwork,
    ForecastNetworkConfig,
    ForecastShape,
    last_season,
    season_share,
)

LEVELS = (0.05, 0.1, 0.5, 0.9)


def made(cell="gru", batch=3, seed=0, **sizes):
    """A small network and a batch for it."""
    shape = ForecastShape(
        **{"look_back": 10, "horizon": 5, "past_size": 3, "known_size": 2, "static_size": 1, "series": 4}
        | {"levels": LEVELS}
        | {name: sizes.pop(name) for name in list(sizes) if name in ForecastShape.model_fields}
    )
    torch.manual_seed(seed)
    network = ForecastNetwork(ForecastNetworkConfig(**{"cell": cell, "hidden_size": 8} | sizes), shape).eval()
    inputs = (
        torch.randn(batch, shape.look_back, shape.past_size),
        torch.randn(batch, shape.horizon, shape.known_size),
        torch.randint(0, shape.series + 1, (batch,)),
        torch.randn(batch, shape.static_size),
    )
    return network, inputs


@pytest.mark.parametrize("cell", list(CELL_NAMES))
@pytest.mark.parametrize("normalisation", ["last", "standard", "none"])
@pytest.mark.parametrize(
    ("look_back", "horizon", "segment", "season"), [(10, 5, 4, 7), (7, 3, 8, 1), (1, 1, 1, 1), (9, 6, 3, 9)]
)
def test_any_size_gives_finite_ordered_quantiles_and_gradients(
    cell, normalisation, look_back, horizon, segment, season
):
    network, inputs = made(
        cell,
        look_back=look_back,
        horizon=horizon,
        segment=segment,
        season=season,
        normalisation=normalisation,
        num_layers=2,
    )
    network.train()
    y = network(*inputs)
    assert y.shape == (3, horizon, len(LEVELS))
    assert (y.diff(dim=-1) >= 0).all()
    y.square().sum().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name


@pytest.mark.parametrize("cell", list(CELL_NAMES))
def test_a_window_alone_gives_what_it_gives_among_others(cell):
    network, inputs = made(cell, batch=6, segment=4, season=4)
    together = network(*inputs)
    for k in range(6):
        alone = network(*(each[k : k + 1] for each in inputs))
        torch.testing.assert_close(alone, together[k : k + 1], rtol=1e-5, atol=1e-6)


def test_segments_filled_up_are_zeros_before_the_past_and_after_the_future():
    network, inputs = made(look_back=10, horizon=5, segment=4, season=1, normalisation="none")
    wide, _ = made(look_back=12, horizon=8, segment=4, season=1, normalisation="none")
    weights = network.state_dict()
    wide.load_state_dict(weights)
    past, future, identity, static = inputs
    longer = wide(functional.pad(past, (0, 0, 2, 0)), functional.pad(future, (0, 0, 0, 3)), identity, static)
    torch.testing.assert_close(longer[:, :5], network(*inputs))


@pytest.mark.parametrize("cell", ["gru", "tcn", "transformer", "feedforward"])
def test_every_input_counts(cell):
    network, (past, future, identity, static) = made(cell, batch=1, segment=4, season=4)
    y = network(past, future, identity, static)
    for step in range(past.shape[1]):
        for channel in range(past.shape[2]):
            other = past.clone()
            other[0, step, channel] += 1
            assert not torch.equal(network(other, future, identity, static), y), (step, channel)
    assert not torch.equal(network(past, future + 1, identity, static), y)
    assert not torch.equal(network(past, future, (identity + 1) % 4, static), y)
    assert not torch.equal(network(past, future, identity, static + 1), y)


@pytest.mark.parametrize("normalisation", ["last", "standard"])
def test_a_window_that_lies_higher_is_forecast_as_much_higher(normalisation):
    network, (past, *rest) = made(season=4, normalisation=normalisation)
    higher = past.clone()
    higher[..., 0] += 2.5
    torch.testing.assert_close(network(higher, *rest), network(past, *rest) + 2.5, rtol=1e-4, atol=1e-4)


def test_a_flat_window_is_no_trouble():
    network, (past, *rest) = made(normalisation="standard")
    past[..., 0] = 1.25
    y = network(past, *rest)
    y.sum().backward()
    assert torch.isfinite(y).all()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 40))
def test_the_last_season_goes_on_and_on(length, season, horizon):
    season = min(season, length)
    x = np.random.default_rng(0).normal(size=(2, length)).astype(np.float32)
    found = last_season(torch.from_numpy(x), season, horizon).numpy()
    for k in range(horizon):
        back = k
        while back >= 0:
            back -= season
        assert np.array_equal(found[:, k], x[:, length + back])


@settings(max_examples=25)
@given(st.integers(0, 200), st.integers(1, 12), st.integers(1, 3))
def test_the_share_of_the_season_is_the_best_of_a_fine_grid(seed, windows, horizon):
    draw = np.random.default_rng(seed)
    last = draw.normal(size=(windows, 1))
    seasonal, truth = draw.normal(size=(2, windows, horizon))
    truth[draw.random(truth.shape) < 0.3] = np.nan
    found = season_share(*(torch.from_numpy(each.astype(np.float32)) for each in (last, seasonal, truth)))
    grid = np.linspace(0, 1, 101)

    def errors(g, k):
        forecast = last[:, 0] + g * (seasonal[:, k] - last[:, 0])
        return np.nansum((truth[:, k] - forecast) ** 2)

    for k in range(horizon):
        assert 0 <= float(found[k]) <= 1
        assert errors(float(found[k]), k) <= min(errors(g, k) for g in grid) + 1e-5


def test_a_share_without_a_season_or_a_truth_is_0():
    last, flat = torch.ones(3, 1), torch.ones(3, 2)
    assert season_share(last, flat, flat + 1).tolist() == [0, 0]
    assert season_share(last, flat + 1, torch.full((3, 2), torch.nan)).tolist() == [0, 0]


def test_what_a_network_adds_is_added_to_the_naive_forecast():
    network, inputs = made(season=4, horizon=5)
    x = inputs[0][..., 0]
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.zero_()
        network.share.copy_(torch.tensor([0.0, 1.0, 0.5, 0.0, 1.0]))
    seasonal, last = last_season(x, 4, 5), x[:, -1:]
    wanted = last + network.share * (seasonal - last)
    torch.testing.assert_close(network(*inputs)[..., LEVELS.index(0.5)], wanted)


def test_a_season_longer_than_the_window_is_refused():
    with pytest.raises(ValidationError, match="no longer than what is looked back on"):
        ForecastShape(look_back=5, horizon=2, past_size=1, season=6)


def test_identity_can_be_left_out():
    network, (past, future, identity, static) = made(identity=False)
    y = network(past, future, identity, static)
    assert torch.equal(network(past, future, identity * 0, static), y)
