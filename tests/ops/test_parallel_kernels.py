"""The native kernels of MinGRU and MinLSTM against the loop step by step, on every instruction set of this machine."""

from __future__ import annotations

import pytest
import torch

import recurra
from recurra.cells.base import Weights
from recurra.cells.mingru import MinGRUCell
from recurra.cells.minlstm import MinLSTMCell
from recurra.errors import BackendError
from recurra.ops.native import instruction_sets, native_kernels
from recurra.ops.recurrence import parallel
from recurra.ops.recurrence.parallel import run_native_parallel
from recurra.ops.time_loop import run_reference
from tests.tolerances import assert_close

pytestmark = pytest.mark.skipif(not instruction_sets(), reason="the native kernels were not built")
each_cell = pytest.mark.parametrize("cell", [MinGRUCell(), MinLSTMCell()], ids=lambda c: type(c).__name__)


@pytest.fixture(params=instruction_sets())
def instructions(request, monkeypatch):
    monkeypatch.setenv("RECURRA_ISA", request.param)


def drawn(cell, steps, batch, inputs, units, directions=1):
    torch.manual_seed(steps + units)
    sums = len(cell.gates) * units
    return (
        torch.randn(steps, batch, inputs),
        (torch.randn(directions, batch, units),),
        [
            Weights(torch.randn(sums, inputs), torch.empty(0, units), torch.randn(sums))
            for _ in range(directions)
        ],
    )


def with_gradients(run, cell, x, state, weights, lengths):
    """Output, state, and the gradients of a sum of both that weighs each number differently."""
    given = [x.clone().requires_grad_(), state[0].clone().requires_grad_()]
    own = [Weights(w.w_ih.clone().requires_grad_(), w.w_hh, w.b_ih.clone().requires_grad_()) for w in weights]
    output, (last,), _ = run(cell, given[0], (given[1],), own, lengths)
    draw = torch.Generator().manual_seed(1)
    loss = sum((t * torch.randn(t.shape, generator=draw)).sum() for t in (output, last))
    leaves = given + [t for w in own for t in (w.w_ih, w.b_ih)]
    return [output, last, *torch.autograd.grad(loss, leaves)]


@each_cell
@pytest.mark.parametrize("units", [1, 3, 15, 17, 63, 65, 130])
@pytest.mark.parametrize("unequal", [False, True])
def test_results_and_gradients_are_the_reference_s(cell, units, unequal, instructions):
    for steps, batch, inputs, directions in ((1, 1, 1, 1), (7, 5, 3, 2), (33, 2, 17, 1)):
        x, state, weights = drawn(cell, steps, batch, inputs, units, directions)
        lengths = torch.arange(batch).mul(3).remainder(steps + 1) if unequal else None
        expected = with_gradients(run_reference, cell, x, state, weights, lengths)
        if unequal:
            for row, n in enumerate(lengths.tolist()):
                x[n:, row] = torch.nan
        found = with_gradients(run_native_parallel, cell, x, state, weights, lengths)
        for k, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert_close(one, other, str(k))


@each_cell
def test_no_share_is_lost_or_not_finite(cell, instructions):
    """Logits that no exponential survives, and a state that hardly changes over eight thousand steps."""
    x, state, weights = drawn(cell, 8, 2, 2, 5)
    for scale in (1e4, -1e4):
        w = [Weights(torch.full_like(weights[0].w_ih, scale), weights[0].w_hh, weights[0].b_ih)]
        assert all(t.isfinite().all() for t in with_gradients(run_native_parallel, cell, x, state, w, None))
    x, state, weights = drawn(cell, 8192, 1, 2, 3)
    keeps = slice(0, 3) if isinstance(cell, MinGRUCell) else slice(3, 6)
    weights[0].b_ih[keeps] = -8.0 if isinstance(cell, MinGRUCell) else 8.0
    wide = [Weights(*(None if t is None else t.double() for t in w)) for w in weights]
    expected = run_reference(cell, x.double(), (state[0].double(),), wide)
    found = run_native_parallel(cell, x, state, weights)
    assert_close(found.output, expected.output.float())


def test_both_gates_of_a_minlstm_may_be_next_to_nothing(instructions):
    """The shares are told by the difference of logits whose own exponentials are no numbers any more."""
    logits = [(-100, -101), (-300, -100), (-100, -300), (-5000, -5000.5), (-200, 3), (3, -200), (40, -1)]
    of_steps = torch.tensor([(i, f, step - 3) for step, (i, f) in enumerate(logits)], dtype=torch.float32)
    x, weights = torch.eye(len(logits)).unsqueeze(1), [Weights(of_steps.T, torch.empty(0, 1), torch.zeros(3))]
    expected, found = (
        with_gradients(run, MinLSTMCell(), x, (torch.ones(1, 1, 1),), weights, None)
        for run in (run_reference, run_native_parallel)
    )
    for k, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert_close(one, other, str(k))


@each_cell
def test_forward_does_not_depend_on_threads_nor_a_row_on_the_others(cell, instructions):
    x, state, weights = drawn(cell, 200, 6, 3, 70)
    before = torch.get_num_threads()
    try:
        outputs = []
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            outputs.append(run_native_parallel(cell, x, state, weights).output)
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(each, outputs[0]) for each in outputs)


@each_cell
def test_gradients_of_gradients_and_torch_func_go_another_way(cell, monkeypatch):
    x, state, weights = drawn(cell, 4, 2, 3, 2)

    def loss(run):
        def of(x):
            return run(cell, x, state, weights).output.sin().sum()

        return of

    x.requires_grad_()
    found, expected = (
        torch.autograd.grad(torch.autograd.grad(of(x), x, create_graph=True)[0].square().sum(), x)[0]
        for of in (loss(run_native_parallel), loss(run_reference))
    )
    assert_close(found, expected)

    def refuse():
        raise AssertionError("the kernel ran")

    monkeypatch.setattr(parallel, "_kernels", refuse)
    x = x.detach()
    assert_close(torch.func.grad(loss(run_native_parallel))(x), torch.func.grad(loss(run_reference))(x))
    _, tangent = torch.func.jvp(loss(run_native_parallel), (x,), (torch.ones_like(x),))
    assert_close(tangent, torch.func.jvp(loss(run_reference), (x,), (torch.ones_like(x),))[1])


def test_the_layer_says_what_runs_it():
    layer = recurra.MinGRU(3, 5)
    assert (layer.backend, layer.backend_reason) == ("native", "our kernels know every option set")
    assert layer.double().backend == "scan"
    assert recurra.MinLSTM(3, 5, backend="native").backend_reason == "asked for"
    with pytest.raises(BackendError, match=r"our kernels do not know return_gates=True"):
        recurra.MinLSTM(3, 5, backend="native")(torch.randn(4, 2, 3), return_gates=True)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"cell": "gru"}, "cell: expected mingru or minlstm, found gru"),
        ({"projected": torch.zeros(4, 2, 7)}, r"projected: expected shape \(4, 2, 6\), found \(4, 2, 7\)"),
        ({"h_before": torch.zeros(2, 3).double()}, "h_before: expected 32-bit floats"),
        ({"lengths": torch.tensor([5, 1])}, "lengths: expected 0 to 4 steps, found 5"),
        ({"output": torch.zeros(4, 3, 2).transpose(1, 2)}, "output: expected a dense array"),
        ({"threads": 0}, "threads: expected 1 or more, found 0"),
    ],
)
def test_a_wrong_call_names_the_argument(changed, told):
    given = {
        "cell": "mingru",
        "reverse": False,
        "threads": 1,
        "lengths": None,
        "projected": torch.zeros(4, 2, 6),
        "h_before": torch.zeros(2, 3),
        "output": torch.zeros(4, 2, 3),
        "h_after": torch.zeros(2, 3),
    }
    with pytest.raises(ValueError, match=told):
        native_kernels().parallel_forward(**(given | changed))
