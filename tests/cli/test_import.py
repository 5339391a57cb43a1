"""`recurra import` as a person meets it."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch
from torch import nn

import recurra
from recurra.exchange.checking import check_keras
from tests.cli.test_commands import recurra as command
from tests.exchange.keras_files import (
    drawn,
    drawn_cell,
    input_layer,
    layer,
    recurrent,
    sequential,
    write_keras,
)
from tests.tolerances import assert_close


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a file of Keras, and one of torch."""
    folder, rng = tmp_path_factory.mktemp("import"), np.random.default_rng(0)
    config = sequential(
        input_layer(None),
        layer("Embedding", "words", input_dim=9, output_dim=4, mask_zero=True),
        recurrent("GRU", "gru", 5, reset_after=True),
        layer("Dense", "out", units=3, activation="softmax", use_bias=True),
    )
    arrays = {
        "layers/embedding": [drawn(rng, 9, 4)],
        "layers/gru/cell": drawn_cell(rng, "GRU", 4, 5),
        "layers/dense": [drawn(rng, 5, 3), drawn(rng, 3)],
    }
    write_keras(folder / "model.keras", config, arrays)
    torch.save(nn.GRU(3, 4).state_dict(), folder / "gru.pt")
    return folder


def test_layers_are_shown_and_the_network_is_kept(place, tmp_path):
    done = command("import", place / "model.keras", "--out", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.split())
    for part in (
        "words Embedding of 9 ids, 0 is skipped steps x 4 36",
        "gru GRU 5 165",
        "219 weights. It reads ids and gives 3 numbers.",
        "It can run step by step.",
        "recurra.load_network",
    ):
        assert part in shown, done.stdout
    network = recurra.load_network(tmp_path / "kept")
    assert network.origin["format"] == "Keras 3.15.1"
    original = recurra.read_keras(place / "model.keras")
    assert_close(network(torch.tensor([[0, 3]])), original(torch.tensor([[3]])))


def test_json_says_the_same(place):
    done = command("import", place / "gru.pt", "--every-step", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["weights"] == 108 and told["streams"] and told["out"] is None
    assert told["layers"][0]["gives"] == "steps x 4"
    assert told["largest_difference"] < 1e-6 and "torch.nn" in told["compared_with"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.keras"], "there is no such file"),
        (["model.keras", "--every-step"], "a Keras file says this itself"),
        (["gru.pt", "--nonlinearity", "relu"], "there is no nn.RNN"),
        (["gru.pt", "--out", "."], "this place is taken"),
        (["gru.pt", "--out", ".", "--overwrite"], "not an imported network"),
        (["model.keras", "--keras-python", "no-such-python"], "expected a Python"),
    ],
)
def test_a_mistake_is_told_without_a_traceback(place, monkeypatch, arguments, message):
    monkeypatch.chdir(place)
    done = command("import", *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_keras_is_asked_where_it_is_installed_and_else_it_is_said(place):
    checked = check_keras(
        recurra.read_keras(place / "model.keras"), place / "model.keras", python=sys.executable
    )
    if checked.difference is None:
        assert "pip install keras" in checked.beside
    else:
        assert checked.difference < 1e-5 and checked.beside.startswith("Keras 3")
