"""Each cell against its equations, written out once more in numpy, gate by gate."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from recurra.cells.base import Weights
from recurra.cells.gru import GRUCell
from recurra.cells.lstm import LSTMCell
from recurra.cells.mingru import MinGRUCell
from recurra.cells.minlstm import MinLSTMCell
from recurra.cells.rnn import RNNCell

UNITS, INPUTS, BATCH = 3, 2, 4


def make_weights(
    gates: int, *, lstm: bool = False, norm: bool = False, peephole: bool = False, proj: int = 0
) -> Weights:
    torch.manual_seed(gates)
    rows = gates * UNITS

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64)

    return Weights(
        w_ih=draw(rows, INPUTS),
        w_hh=draw(rows, proj or UNITS),
        b_ih=draw(rows),
        b_hh=draw(rows),
        w_hr=draw(proj, UNITS) if proj else None,
        peephole=draw(3, UNITS) if peephole else None,
        norm_ih=draw(rows) if norm else None,
        norm_hh=draw(rows) if norm else None,
        norm_c=draw(UNITS) if norm and lstm else None,
    )


def step(cell, w: Weights, mask=None):
    torch.manual_seed(9)
    x = torch.randn(BATCH, INPUTS, dtype=torch.float64)
    units = [w.w_hh.size(1), UNITS][: len(cell.states)]
    state = tuple(torch.randn(BATCH, u, dtype=torch.float64) for u in units)
    after, gates = cell.step(cell.project(x, w), state, w, mask=mask, gates=True)
    arrays = Weights(*(None if t is None else t.numpy() for t in w))  # pyright: ignore
    return x.numpy(), [s.numpy() for s in state], arrays, [a.numpy() for a in after], gates


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def norm(a, gain):
    if gain is None:
        return a
    spread = np.sqrt(((a - a.mean(-1, keepdims=True)) ** 2).mean(-1, keepdims=True) + 1e-5)
    return gain * (a - a.mean(-1, keepdims=True)) / spread


@pytest.mark.parametrize("with_norm", [False, True])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_rnn_equation(nonlinearity, with_norm):
    x, (h,), w, (after,), gates = step(RNNCell(nonlinearity), make_weights(1, norm=with_norm))
    a = norm(x @ w.w_ih.T, w.norm_ih) + w.b_ih + norm(h @ w.w_hh.T, w.norm_hh) + w.b_hh
    expected = np.tanh(a) if nonlinearity == "tanh" else np.maximum(a, 0)
    np.testing.assert_allclose(after, expected, atol=1e-12)
    np.testing.assert_array_equal(gates["h"], after)


@pytest.mark.parametrize("proj", [0, 2])
@pytest.mark.parametrize("peephole", [False, True])
@pytest.mark.parametrize("with_norm", [False, True])
def test_lstm_equation(with_norm, peephole, proj):
    weights = make_weights(4, lstm=True, norm=with_norm, peephole=peephole, proj=proj)
    x, (h, c), w, (h_next, c_next), gates = step(LSTMCell(peephole), weights)
    a = norm(x @ w.w_ih.T, w.norm_ih) + w.b_ih + norm(h @ w.w_hh.T, w.norm_hh) + w.b_hh
    a_i, a_f, a_g, a_o = np.split(a, 4, 1)
    p_i, p_f, p_o = np.zeros((3, UNITS)) if w.peephole is None else w.peephole
    i, f, g = sigmoid(a_i + p_i * c), sigmoid(a_f + p_f * c), np.tanh(a_g)
    c_expected = f * c + i * g
    o = sigmoid(a_o + p_o * c_expected)
    h_expected = o * np.tanh(norm(c_expected, w.norm_c))
    if w.w_hr is not None:
        h_expected = h_expected @ w.w_hr.T
    np.testing.assert_allclose(c_next, c_expected, atol=1e-12)
    np.testing.assert_allclose(h_next, h_expected, atol=1e-12)
    for name, expected in {"i": i, "f": f, "g": g, "o": o, "c": c_expected, "h": h_expected}.items():
        np.testing.assert_allclose(gates[name], expected, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("reset", ["after", "before"])
@pytest.mark.parametrize("with_norm", [False, True])
def test_gru_equation(with_norm, reset):
    x, (h,), w, (after,), gates = step(GRUCell(reset), make_weights(3, norm=with_norm))
    rz, n_ = slice(0, 2 * UNITS), slice(2 * UNITS, None)

    def part(v, weight, gain, bias, rows):
        return norm(v @ weight[rows].T, None if gain is None else gain[rows]) + bias[rows]

    both = part(x, w.w_ih, w.norm_ih, w.b_ih, rz) + part(h, w.w_hh, w.norm_hh, w.b_hh, rz)
    r, z = np.split(sigmoid(both), 2, 1)
    if reset == "after":
        inner = r * part(h, w.w_hh, w.norm_hh, w.b_hh, n_)
    else:
        inner = part(r * h, w.w_hh, w.norm_hh, w.b_hh, n_)
    n = np.tanh(part(x, w.w_ih, w.norm_ih, w.b_ih, n_) + inner)
    np.testing.assert_allclose(after, (1 - z) * n + z * h, atol=1e-12)
    for name, expected in {"r": r, "z": z, "n": n}.items():
        np.testing.assert_allclose(gates[name], expected, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("cell", "torch_cell", "gates"),
    [
        (RNNCell(), torch.nn.RNNCell, 1),
        (LSTMCell(), torch.nn.LSTMCell, 4),
        (GRUCell(), torch.nn.GRUCell, 3),
    ],
    ids=["RNN", "LSTM", "GRU"],
)
def test_cell_equals_torchs(cell, torch_cell, gates):
    w = make_weights(gates, lstm=gates == 4)
    x, state, _, after, _ = step(cell, w)
    twin = torch_cell(INPUTS, UNITS, dtype=torch.float64)
    twin.load_state_dict({"weight_ih": w.w_ih, "weight_hh": w.w_hh, "bias_ih": w.b_ih, "bias_hh": w.b_hh})
    hx = tuple(torch.from_numpy(s) for s in state)
    found = twin(torch.from_numpy(x), hx if len(hx) > 1 else hx[0])
    for ours, theirs in zip(after, found if isinstance(found, tuple) else (found,), strict=True):
        np.testing.assert_allclose(ours, theirs.detach(), atol=1e-12)


@pytest.mark.parametrize(
    ("cell", "gates"), [(RNNCell(), 1), (LSTMCell(), 4), (GRUCell(), 3), (GRUCell("before"), 3)]
)
def test_mask_acts_inside_the_recurrent_product_only(cell, gates):
    """Masking h is the same as masking the columns of W_hh: the carried state itself is not touched."""
    w = make_weights(gates, lstm=gates == 4)
    mask = torch.tensor([0.0, 2.0, 2.0], dtype=torch.float64)
    *_, masked, _ = step(cell, w, mask=mask.expand(BATCH, UNITS))
    *_, thinned, _ = step(cell, w._replace(w_hh=w.w_hh * mask))
    for a, b in zip(masked, thinned, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_gates_are_only_made_when_asked_for():
    w = make_weights(3)
    h = torch.zeros(BATCH, UNITS, dtype=torch.float64)
    cell = GRUCell()
    _, gates = cell.step(cell.project(torch.ones(BATCH, INPUTS, dtype=torch.float64), w), (h,), w)
    assert gates == {}


def test_mingru_equation():
    w = make_weights(2)
    x, (h,), w, (after,), gates = step(MinGRUCell(), w._replace(w_hh=w.w_hh[:0], b_hh=None))
    a_z, n = np.split(x @ w.w_ih.T + w.b_ih, 2, 1)
    z = sigmoid(a_z)
    np.testing.assert_allclose(after, (1 - z) * h + z * n, atol=1e-12)
    for name, expected in {"z": z, "n": n, "h": after}.items():
        np.testing.assert_allclose(gates[name], expected, atol=1e-12, err_msg=name)


def test_minlstm_equation():
    w = make_weights(3)
    x, (h,), w, (after,), gates = step(MinLSTMCell(), w._replace(w_hh=w.w_hh[:0], b_hh=None))
    a_i, a_f, g = np.split(x @ w.w_ih.T + w.b_ih, 3, 1)
    i, f = sigmoid(a_i) / (sigmoid(a_i) + sigmoid(a_f)), sigmoid(a_f) / (sigmoid(a_i) + sigmoid(a_f))
    np.testing.assert_allclose(after, f * h + i * g, atol=1e-12)
    for name, expected in {"i": i, "f": f, "g": g, "h": after}.items():
        np.testing.assert_allclose(gates[name], expected, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(("cell", "gates"), [(MinGRUCell(), 2), (MinLSTMCell(), 3)])
def test_layer_norm_of_gates_and_of_the_candidate(cell, gates):
    w = make_weights(gates, norm=True)
    found = cell.project(torch.ones(BATCH, INPUTS, dtype=torch.float64), w).numpy()
    raw, edge = np.ones((BATCH, INPUTS)) @ w.w_ih.numpy().T, (gates - 1) * UNITS
    for rows in (slice(0, edge), slice(edge, None)):
        expected = norm(raw[:, rows], w.norm_ih.numpy()[rows]) + w.b_ih.numpy()[rows]
        np.testing.assert_allclose(found[:, rows], expected, atol=1e-12)
