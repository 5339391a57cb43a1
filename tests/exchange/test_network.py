"""An imported network in use: it streams, trains, is kept and read back, and says what it cannot do."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import recurra
from recurra.errors import InputError, RunError
from recurra.exchange.description import Description
from recurra.exchange.network import ImportedNetwork
from recurra.exchange.specs import (
    ActivationSpec,
    BidirectionalSpec,
    DropoutSpec,
    EmbeddingSpec,
    FlattenSpec,
    LinearSpec,
    MaskingSpec,
    PoolingSpec,
    RecurrentSpec,
)
from recurra.ops.native import native_kernels
from recurra.report.writing import write_page
from tests.tolerances import assert_close

WORDS = EmbeddingSpec(name="words", ids=9, size=4, zero_masks=True)
GRU = RecurrentSpec(name="gru", cell="gru_before", inputs=4, units=5, every_step=True, biases=1)
LSTM = RecurrentSpec(name="lstm", cell="lstm", inputs=5, units=6, every_step=True)
OUT = LinearSpec(name="out", inputs=6, units=3)
SOFTMAX = ActivationSpec(name="out", function="softmax")


def network(*layers, features=None, steps=None) -> ImportedNetwork:
    torch.manual_seed(0)
    return ImportedNetwork(Description(features=features, steps=steps, layers=layers)).eval()


def last(spec):
    return spec.model_copy(update={"every_step": False})


@pytest.mark.parametrize(
    "layers",
    [
        (WORDS, GRU, DropoutSpec(name="drop", rate=0.5), last(LSTM), OUT, SOFTMAX),
        (WORDS, GRU, LSTM, OUT, SOFTMAX),
        (WORDS, GRU, LSTM, PoolingSpec(name="mean", how="mean", features=6), OUT),
        (WORDS, GRU, LSTM, PoolingSpec(name="max", how="max", features=6)),
        (WORDS, GRU, ActivationSpec(name="between", function="elu"), last(LSTM), OUT),
        (
            WORDS,
            GRU,
            last(LSTM),
            OUT,
            ActivationSpec(name="r", function="relu"),
            LinearSpec(name="o", inputs=3, units=1),
        ),
    ],
    ids=["last", "every", "mean", "max", "elu", "relu"],
)
def test_steps_equal_the_whole(layers):
    net, ids = network(*layers), np.random.default_rng(0).integers(1, 9, (3, 6))
    stream = net.stream(3)
    if any(getattr(layer, "function", "") == "elu" for layer in layers):
        assert stream.backend == "reference"
        assert "elu" in stream.backend_reason or native_kernels() is None
    for step in range(6):
        whole = net(torch.from_numpy(ids[:, : step + 1])).detach()
        whole = whole[:, -1] if whole.dim() == 3 else whole
        assert_close(torch.from_numpy(stream.step(ids[:, step])), whole)
    assert net.why_no_stream() is None


def test_a_step_that_is_skipped_has_no_place_in_a_stream():
    stream = network(WORDS, last(GRU)).stream(2)
    before = stream.state
    for given in (np.array([3, 0]), torch.tensor([3, 0]), [3, 0]):
        with pytest.raises(InputError, match="the network skips id 0"):
            stream.step(given)
    assert all(np.array_equal(stream.state[name], before[name]) for name in before)
    masked = network(MaskingSpec(name="skip", value=-1.0), last(GRU), features=4).stream()
    masked.step(np.array([-1, -1, -1, 0], np.float32))
    with pytest.raises(InputError, match="a step of -1 in every feature"):
        masked.step(np.full(4, -1, np.float32))


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            (WORDS, BidirectionalSpec(name="both", forward=last(GRU), backward=last(GRU))),
            "both: a layer that reads",
        ),
        ((WORDS, last(GRU).model_copy(update={"backwards": True})), "gru: a layer that reads from the end"),
        ((WORDS, GRU, FlattenSpec(name="flat")), "flat: Flatten reads all steps at once"),
        (
            (WORDS, GRU, MaskingSpec(name="skip", value=0.0), last(LSTM)),
            "skip: steps masked behind another layer",
        ),
    ],
)
def test_what_cannot_stream_says_so(layers, message):
    net = network(*layers, steps=6)
    assert message in str(net.why_no_stream())
    with pytest.raises(InputError, match=message):
        net.stream()


def test_it_trains():
    net = network(WORDS, GRU, last(LSTM), OUT, SOFTMAX).train()
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, 9, (32, 5)))
    labels, before = ids[:, 0] % 3, net(ids)[0]
    assert_close(torch.softmax(net.logits(ids), -1), net(ids))
    adam = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(40):
        loss = torch.nn.functional.cross_entropy(net.logits(ids), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())
    assert loss < 0.3
    assert not torch.allclose(net(ids)[0], before)


def test_nothing_of_padding_comes_back():
    net = network(GRU, LSTM, OUT, features=4)
    x = torch.randn(2, 5, 4)
    x[1, 2:] = torch.nan
    x.requires_grad_(True)
    y = net(x, [5, 2])
    y.sum().backward()
    assert not y[1, 2:].any() and not y.isnan().any()
    assert x.grad is not None and not x.grad.isnan().any() and not x.grad[1, 2:].any()


def test_what_is_kept_is_read_back(tmp_path):
    net = network(WORDS, GRU, last(LSTM), OUT, SOFTMAX)
    net.notes.append("something")
    net.save(tmp_path / "kept")
    again = recurra.load_network(tmp_path / "kept")
    ids = torch.tensor([[0, 3, 4, 1]])
    assert torch.equal(again(ids), net(ids))
    assert again.description == net.description and again.notes == ["something"] and not again.training
    assert all(p.requires_grad for p in again.parameters())
    with pytest.raises(InputError, match="this place is taken"):
        net.save(tmp_path / "kept")
    net.save(tmp_path / "kept", overwrite=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "novel.txt").write_text("words")
    with pytest.raises(InputError, match="not an imported network, so it is not overwritten"):
        net.save(tmp_path / "other", overwrite=True)
    for read in (recurra.load, write_page):
        with pytest.raises(RunError, match=r"kept: this folder holds .* network, .*recurra\.load_network"):
            read(tmp_path / "kept")


def test_a_folder_that_was_altered_is_refused(tmp_path):
    net, folder = network(WORDS, last(GRU)), tmp_path / "kept"
    net.save(folder)
    whole = json.loads((folder / "config.json").read_text())
    for change, message in (
        ({"format": 9}, "format"),
        ({"surprise": 1}, "surprise"),
        ({"description": {**whole["description"], "features": -1}}, "features"),
        ({"files": {}}, "SHA-256"),
    ):
        (folder / "config.json").write_text(json.dumps(whole | change))
        with pytest.raises(RunError, match=message):
            recurra.load_network(folder)
    whole["description"]["layers"][1]["units"] = 2**23
    (folder / "config.json").write_text(json.dumps(whole))
    with pytest.raises(RunError, match="the weights do not fit"):
        recurra.load_network(folder)


@pytest.mark.parametrize(
    ("given", "lengths", "message"),
    [
        (torch.zeros(2, 5), None, "expected whole numbers of shape"),
        (torch.zeros(5, dtype=torch.int64), None, "expected whole numbers of shape"),
        (torch.full((2, 5), 9), None, "expected ids from 0 to 8, found 9"),
        (torch.full((2, 5), -1), None, "expected ids from 0 to 8, found -1"),
        (torch.zeros(2, 0, dtype=torch.int64), None, "expected one step or more"),
        (torch.zeros(2, 5, dtype=torch.int64), [6, 1], "expected 2 whole numbers from 0 to 5"),
        (torch.zeros(2, 5, dtype=torch.int64), [5], "expected 2 whole numbers from 0 to 5"),
    ],
)
def test_input_that_does_not_fit_is_refused(given, lengths, message):
    with pytest.raises(InputError, match=message):
        network(WORDS, last(GRU))(given, lengths)


def test_flatten_reads_a_fixed_number_of_steps():
    net = network(GRU, FlattenSpec(name="flat"), features=4, steps=3)
    assert net(torch.zeros(2, 3, 4)).shape == (2, 15)
    with pytest.raises(InputError, match=r"floats of shape \(B, 3, 4\)"):
        net(torch.zeros(2, 4, 4))
    with pytest.raises(InputError, match="Leave lengths away"):
        net(torch.zeros(2, 3, 4), [3, 2])


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="lstm: LSTM reads 5 numbers, and the layer before gives 4"):
        network(WORDS, LSTM)
    with pytest.raises(InputError, match="lstm: LSTM reads a sequence, and here it is given one vector"):
        network(WORDS, last(GRU), LSTM)
