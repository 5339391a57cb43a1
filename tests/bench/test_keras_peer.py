"""Keras as a peer: asked turn by turn in a process of its own, its numbers those of torch before it is timed."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from recurra.bench import layers
from recurra.bench.keras_peer import NAMES, KerasPeer, keras_backends
from recurra.bench.keras_worker import _to_keras, _to_torch
from recurra.bench.layers import measure_training
from recurra.bench.measurement import OURS
from recurra.errors import InputError, RecurraError

CELLS = ["RNN", "GRU", "LSTM"]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(layers, "BATCH", 3)
    monkeypatch.setattr(layers, "STEPS", 9)


@pytest.fixture(scope="module", params=list(NAMES))
def peer(request):
    if request.param not in keras_backends():
        pytest.skip(f"{NAMES[request.param]} is not installed")
    with KerasPeer(request.param, threads=1) as peer:
        yield peer


@pytest.mark.parametrize("cell", CELLS)
def test_keras_takes_its_turn(peer, cell):
    measured = measure_training(cell, 5, repeats=2, keras=[peer])
    assert measured.seconds[peer.name] > 0 and measured.ratios[peer.name] > 0
    assert measured.off[peer.name] < 1e-4


def test_what_keras_computes_otherwise_is_not_timed(peer, monkeypatch):
    results = layers._results
    monkeypatch.setattr(layers, "_results", lambda *given: [t + 1 for t in results(*given)])
    with pytest.raises(RecurraError, match=f"the results of {peer.name} and torch differ"):
        measure_training("GRU", 5, repeats=1, keras=[peer])


def test_unequal_lengths_are_without_keras(monkeypatch):
    monkeypatch.setattr(layers, "SHORTEST", 2)

    class Never:
        name = "Keras on JAX"

    measured = measure_training("GRU", 5, repeats=1, unequal=True, keras=[Never()])
    assert OURS in measured.seconds and Never.name not in measured.seconds


@pytest.mark.parametrize("cell", CELLS)
def test_weights_go_to_keras_and_their_gradients_back(cell):
    rng, gates = np.random.default_rng(0), layers.GATES[cell]
    shapes = {"weight_ih_l0": (gates * 4, 3), "weight_hh_l0": (gates * 4, 4)}
    shapes |= {"bias_ih_l0": (gates * 4,), "bias_hh_l0": (gates * 4,)}
    given = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    kernel, recurrent, bias = there = _to_keras(cell, given)
    assert kernel.shape == (3, gates * 4) and recurrent.shape == (4, gates * 4)
    w_ih, w_hh, b_ih, b_hh = _to_torch(cell, there)
    assert np.array_equal(w_ih, given["weight_ih_l0"]) and np.array_equal(w_hh, given["weight_hh_l0"])
    if cell == "GRU":
        assert bias.shape == (2, 12)
        assert np.array_equal(b_ih, given["bias_ih_l0"]) and np.array_equal(b_hh, given["bias_hh_l0"])
        assert np.array_equal(kernel[:, :4], given["weight_ih_l0"][4:8].T)  # Keras has z first
    else:
        assert np.array_equal(b_ih, given["bias_ih_l0"] + given["bias_hh_l0"])
        assert np.array_equal(b_ih, b_hh)


def test_a_process_that_fails_says_why():
    with (
        KerasPeer("jax", threads=1) as peer,
        pytest.raises(RecurraError, match=r"(?s)on JAX.*status 1.*Error"),
    ):
        peer.results("no such cell", {"x": np.zeros((1, 1, 1)), "of_output": np.zeros((1, 1, 1))})
    with pytest.raises(InputError, match="expected a Python"):
        keras_backends(f"{sys.executable}-that-is-not-there")
