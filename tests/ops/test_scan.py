"""The scan against the loop step by step, at every cut into chunks; its derivatives against numbers."""

from __future__ import annotations

import pytest
import torch

from recurra.cells.base import Weights
from recurra.cells.mingru import MinGRUCell
from recurra.cells.minlstm import MinLSTMCell
from recurra.ops import scan
from recurra.ops.scan import linear_scan, run_scan
from recurra.ops.time_loop import run_reference
from tests.tolerances import TOLERANCE, assert_close


def by_steps(a, b, h0, reverse=False):
    h, found = h0, []
    order = range(len(a))
    for t in reversed(order) if reverse else order:
        h = a[t] * h + b[t]
        found.append(h)
    return torch.stack(found[::-1] if reverse else found)


def drawn(steps, *shape, dtype=torch.float64):
    torch.manual_seed(steps)
    return (
        torch.rand(steps, *shape, dtype=dtype),
        torch.randn(steps, *shape, dtype=dtype),
        torch.randn(*shape, dtype=dtype),
    )


@pytest.fixture(params=["one loop", "chunks"])
def cut(request, monkeypatch):
    """As a plain loop, and in as many chunks as there may be."""
    monkeypatch.setattr(scan, "_WORTH_IT", 2 if request.param == "chunks" else 10**9)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7, 16, 17, 30, 101])
def test_any_number_of_steps(steps, reverse, cut):
    a, b, h0 = drawn(steps, 2, 3)
    assert_close(linear_scan(a, b, h0, reverse=reverse), by_steps(a, b, h0, reverse))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [1, 5, 9])
def test_derivatives_of_first_and_second_order(steps, reverse, cut):
    given = [t.requires_grad_() for t in drawn(steps, 2)]

    def run(a, b, h0):
        return linear_scan(a, b, h0, reverse=reverse)

    assert torch.autograd.gradcheck(run, given, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(run, given)


def test_what_needs_no_gradient_gets_none():
    a, b, h0 = drawn(5, 2)
    b.requires_grad_()
    linear_scan(a, b, h0).sum().backward()
    assert b.grad is not None and a.grad is None and h0.grad is None


def test_vmap_over_any_axis_of_any_of_the_three(cut):
    a, b, h0 = drawn(9, 4, 2)
    whole = linear_scan(a, b, h0)
    assert_close(torch.vmap(linear_scan, (1, 1, 0), 1)(a, b, h0), whole)
    assert_close(torch.vmap(linear_scan, (2, 2, 1), 2)(a, b, h0), whole)
    assert_close(torch.vmap(lambda b: linear_scan(a[:, 0], b, h0[0]), 1, 1)(b)[:, 0], whole[:, 0])

    def loss(a, b, h0):
        return linear_scan(a, b, h0).sin().sum()

    found = torch.vmap(torch.func.grad(loss, (0, 1, 2)), (1, 1, 0), (1, 1, 0))(a, b, h0)
    for one, other in zip(found, torch.func.grad(loss, (0, 1, 2))(a, b, h0), strict=True):
        assert_close(one, other)


def test_shares_of_0_and_1_are_exact(cut):
    _, b, h0 = drawn(40, 3)
    assert torch.equal(linear_scan(torch.ones_like(b), torch.zeros_like(b), h0)[-1], h0)
    assert torch.equal(linear_scan(torch.zeros_like(b), b, h0), b)


def check_cell(cell, steps):
    """Outputs and every gradient in float32, as near to the step-by-step result as two orders of sums may be."""
    torch.manual_seed(0)
    gates, units = len(cell.gates), 8
    w_ih = torch.randn(gates * units, 4) / 2
    b_ih = torch.zeros(gates * units)
    b_ih[: (gates - 1) * units] = 4 * torch.randn(
        (gates - 1) * units
    )  # some units forget at once, some after thousands
    leaves = [torch.randn(steps, 2, 4), torch.randn(1, 2, units), w_ih, b_ih]
    found = []
    for run in (run_scan, run_reference):
        x, h, w, b = (t.clone().requires_grad_() for t in leaves)
        output, (last,), _ = run(cell, x, (h,), [Weights(w, w.new_empty(0, units), b)])
        loss = (output.sin().sum() + last.square().sum()) / steps
        found.append([output, last, *torch.autograd.grad(loss, (x, h, w, b))])
    for one, other in zip(*found, strict=True):
        assert_close(one.detach(), other.detach())
    assert TOLERANCE[torch.float32] == 1e-5


@pytest.mark.parametrize("steps", [128, 512, 2048])
@pytest.mark.parametrize("cell", [MinGRUCell(), MinLSTMCell()], ids=["minGRU", "minLSTM"])
def test_scan_equals_steps(cell, steps):
    check_cell(cell, steps)


@pytest.mark.full
@pytest.mark.parametrize("cell", [MinGRUCell(), MinLSTMCell()], ids=["minGRU", "minLSTM"])
def test_scan_equals_steps_over_8192(cell):
    check_cell(cell, 8192)
