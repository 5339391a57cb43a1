from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

import recurra
from recurra.cells.base import Weights
from recurra.cells.gru import GRUCell
from recurra.cells.lstm import LSTMCell
from recurra.cells.rnn import RNNCell
from recurra.errors import BackendError
from recurra.ops.native import instruction_sets, native_kernels, why_not_native
from recurra.ops.recurrence import layer
from recurra.ops.recurrence.operator import native_name, recurrence, recurrence_backward
from recurra.ops.time_loop import Variant, run_reference
from tests.tolerances import assert_close, assert_near_in_bfloat16

pytestmark = pytest.mark.skipif(not instruction_sets(), reason="the native kernels were not built")

CELLS = [RNNCell(), RNNCell("relu"), GRUCell(), GRUCell("before"), LSTMCell()]
each_cell = pytest.mark.parametrize("cell", CELLS, ids=native_name)
each_set = pytest.mark.parametrize("instructions", instruction_sets())


@pytest.fixture(autouse=True)
def even_a_single_step(monkeypatch):
    monkeypatch.setattr(layer, "_SHORT", 1)


@pytest.fixture
def poisoned_memory(monkeypatch):
    """What torch gives out uninitialised is NaN."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", True)
    yield
    torch.use_deterministic_algorithms(before)


def drawn(cell, *, steps=5, batch=3, inputs=4, units=6, directions=1, bias=True):
    torch.manual_seed(0)
    rows = len(cell.gates) * units

    def numbers(*shape):
        return (torch.randn(*shape) / 2).requires_grad_()

    weights = [
        Weights(
            numbers(rows, inputs), numbers(rows, units), *((numbers(rows), numbers(rows)) if bias else ())
        )
        for _ in range(directions)
    ]
    state = tuple(numbers(directions, batch, units) for _ in cell.states)
    return numbers(steps, batch, inputs), state, weights


def outcome(run, cell, x, state, weights, lengths=None, **options):
    """Outputs, states, and the gradients of everything."""
    torch.manual_seed(2)
    result = run(cell, x, state, weights, lengths, **options)
    torch.manual_seed(1)
    outputs = [result.output, *result.state]
    loss = sum((o.float() * torch.randn(o.shape)).sum() for o in outputs)
    leaves = [x, *state, *(t for w in weights for t in w if t is not None)]
    return [*outputs, *torch.autograd.grad(loss, leaves)]


@each_cell
@each_set
@pytest.mark.parametrize("units", [1, 3, 15, 17, 63, 65])
@pytest.mark.parametrize("batch", [1, 33])
def test_every_instruction_set_gives_the_reference_s_numbers(
    cell, instructions, units, batch, monkeypatch, poisoned_memory
):
    monkeypatch.setenv("RECURRA_ISA", instructions)
    lengths = torch.arange(batch) % 4 if batch > 1 else None
    for steps, inputs in ((1, units), (3, 1), (3, 17)):
        given = drawn(cell, steps=steps, batch=batch, inputs=inputs, units=units, directions=2)
        spans = None if lengths is None else lengths.clamp(max=steps)
        found, expected = (outcome(run, cell, *given, spans) for run in (layer.run_native, run_reference))
        for a, b in zip(found, expected, strict=True):
            assert_close(a, b)


def in_bfloat16(x, state, weights):
    """The same numbers, rounded to bfloat16, as leaves: in bfloat16 and in float32. Small weights do not amplify."""

    def leaves(dtype):
        def rounded(t, share=1.0):
            return None if t is None else (share * t.detach()).bfloat16().to(dtype).requires_grad_()

        small = [Weights(*(rounded(t, 0.25) for t in w)) for w in weights]
        return rounded(x), tuple(map(rounded, state)), small

    return leaves(torch.bfloat16), leaves(torch.float32)


@each_cell
@each_set
@pytest.mark.parametrize("units", [1, 3, 15, 17, 63, 65])
@pytest.mark.parametrize("batch", [1, 33])
def test_bfloat16_is_near_the_reference_in_every_instruction_set(
    cell, instructions, units, batch, monkeypatch, poisoned_memory
):
    monkeypatch.setenv("RECURRA_ISA", instructions)
    lengths = torch.arange(batch) % 4 if batch > 1 else None
    for steps, inputs in ((1, units), (3, 1), (3, 17)):
        given = drawn(cell, steps=steps, batch=batch, inputs=inputs, units=units, directions=2)
        narrow, wide = in_bfloat16(*given)
        spans = None if lengths is None else lengths.clamp(max=steps)
        found, expected = (
            outcome(layer.run_native, cell, *narrow, spans),
            outcome(run_reference, cell, *wide, spans),
        )
        for a, b in zip(found, expected, strict=True):
            assert a.dtype == torch.bfloat16
            assert_near_in_bfloat16(a, b)


@each_cell
@each_set
def test_what_stands_in_the_padding_is_never_read(cell, instructions, monkeypatch):
    monkeypatch.setenv("RECURRA_ISA", instructions)
    lengths = torch.tensor([5, 0, 2])
    x, state, weights = drawn(cell)
    for narrow in (False, True):
        given = in_bfloat16(x, state, weights)[0] if narrow else (x, state, weights)
        clean = outcome(layer.run_native, cell, *given, lengths)
        poisoned = given[0].detach().clone()
        for row, length in enumerate(lengths):
            poisoned[length:, row] = float("nan")
        found = outcome(layer.run_native, cell, poisoned.requires_grad_(), *given[1:], lengths)
        assert all(torch.equal(a, b) for a, b in zip(found, clean, strict=True))


@each_cell
@each_set
@pytest.mark.parametrize("units", [6, 33])
def test_recurrent_dropout_hides_the_same_units_as_in_the_reference(cell, instructions, units, monkeypatch):
    monkeypatch.setenv("RECURRA_ISA", instructions)
    given = drawn(cell, batch=9, units=units, directions=2)
    narrow, wide = in_bfloat16(*given)
    lengths = torch.arange(9) % 6
    by_reference = {"variant": Variant(recurrent_dropout=0.4), "training": True}
    for numbers, truth, near in ((given, given, assert_close), (narrow, wide, assert_near_in_bfloat16)):
        found = outcome(layer.run_native, cell, *numbers, lengths, recurrent_dropout=0.4)
        expected = outcome(run_reference, cell, *truth, lengths, **by_reference)
        for a, b in zip(found, expected, strict=True):
            near(a, b)
    plain = outcome(layer.run_native, cell, *given, lengths)
    assert not torch.allclose(
        plain[0], outcome(layer.run_native, cell, *given, lengths, recurrent_dropout=0.4)[0]
    )


@each_cell
def test_without_biases_and_with_gradients_of_a_few_only(cell):
    x, state, weights = drawn(cell, bias=False)
    for run in (layer.run_native, run_reference):
        result = run(cell, x.detach(), state, weights)
        assert result.output.requires_grad
    found, expected = (outcome(run, cell, x, state, weights) for run in (layer.run_native, run_reference))
    for a, b in zip(found, expected, strict=True):
        assert_close(a, b)
    frozen = [Weights(*(None if t is None else t.detach() for t in w)) for w in weights]
    output = layer.run_native(cell, x, tuple(s.detach() for s in state), frozen).output
    (of_x,) = torch.autograd.grad(output.sum(), [x])
    (expected_of_x,) = torch.autograd.grad(run_reference(cell, x, state, weights).output.sum(), [x])
    assert_close(of_x, expected_of_x)


@each_cell
def test_the_number_of_threads_changes_nothing_forward_and_nearly_nothing_backward(cell):
    given = drawn(cell, steps=9, batch=13, units=19)
    lengths = torch.tensor([9, 1, 0, 4, 9, 9, 3, 2, 8, 7, 5, 6, 9])
    threads, found = torch.get_num_threads(), []
    try:
        for count in (1, 2, 5, 16):
            torch.set_num_threads(count)
            found.append(outcome(layer.run_native, cell, *given, lengths))
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        for place, (a, b) in enumerate(zip(other, found[0], strict=True)):
            if place <= len(cell.states):
                assert torch.equal(a, b)
            assert_close(a, b)


@pytest.mark.parametrize(
    ("cell", "units"),
    [(RNNCell(), 900), (GRUCell(), 520), (GRUCell("before"), 520), (LSTMCell(), 450)],
    ids=["rnn", "gru", "before", "lstm"],
)
def test_weights_larger_than_the_cache(cell, units):
    given = drawn(cell, steps=12, batch=33, inputs=units, units=units)
    given = (given[0], given[1], [Weights(*(t.detach().div(10).requires_grad_() for t in given[2][0][:4]))])
    lengths = (torch.arange(33) * 5) % 13
    found, expected = (outcome(run, cell, *given, lengths) for run in (layer.run_native, run_reference))
    for a, b in zip(found, expected, strict=True):
        assert_close(a, b)
    narrow, wide = in_bfloat16(*given)
    found, expected = (
        outcome(layer.run_native, cell, *narrow, lengths),
        outcome(run_reference, cell, *wide, lengths),
    )
    for a, b in zip(found, expected, strict=True):
        assert_near_in_bfloat16(a, b)


@each_cell
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_torch_accepts_the_operators(cell, dtype):
    x, state, weights = drawn(cell)
    h, c = state[0][0], state[1][0] if len(state) == 2 else None
    lengths, mask = torch.tensor([5, 0, 2]), torch.ones(h.shape)
    given = [None if t is None else t.detach().to(dtype) for t in (x, h, c)]
    given += [t.detach() for t in weights[0][:4]]
    name = native_name(cell)
    torch.library.opcheck(recurrence, (*given, mask, lengths, name, True, True))
    output, _, _, gates, cells = recurrence(*given, mask, lengths, name, True, True)
    saved = (*given[:5], mask, lengths, output, gates, cells, name, True)
    torch.library.opcheck(recurrence_backward, (torch.randn_like(output), None, None, *saved, True, True))


@each_cell
def test_gradients_of_gradients_and_torch_func_are_the_reference_s(cell):
    x, state, weights = drawn(cell, steps=3, batch=2, units=3)
    found = []
    for run in (layer.run_native, run_reference):

        def loss(x, run=run):
            return run(cell, x, state, weights, torch.tensor([3, 1])).output.sin().sum()

        (first,) = torch.autograd.grad(loss(x), [x], create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), [x])
        found.append((second, torch.func.grad(loss)(x), torch.func.jvp(loss, (x,), (torch.ones_like(x),))[1]))
    for a, b in zip(*found, strict=True):
        assert_close(a, b)


def run_once(given, queue=None):
    with torch.no_grad():
        output = layer.run_native(LSTMCell(), *given).output
    if queue is not None:
        queue.put(output.numpy().copy())
    return output


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_kernels_run_in_a_forked_process_and_in_many_threads():
    x, state, weights = drawn(LSTMCell(), steps=9, batch=8)
    given = (
        x.detach(),
        tuple(s.detach() for s in state),
        [Weights(*(t.detach() for t in w if t is not None)) for w in weights],
    )
    expected = run_once(given).numpy()
    queue = multiprocessing.get_context("fork").SimpleQueue()
    process = multiprocessing.get_context("fork").Process(target=run_once, args=(given, queue))
    process.start()
    found = queue.get()
    process.join(60)
    assert process.exitcode == 0
    assert np.array_equal(found, expected)
    results = []
    threads = [threading.Thread(target=lambda: results.append(run_once(given))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(np.array_equal(r.numpy(), expected) for r in results)


FORKED_FIRST = """
import os, torch, recurra.ops.native
torch.set_num_threads(2)
torch.randn(3000, 1000).mul(2).sum()  # starts torch's threads, which a forked process does not have
child = os.fork()
if child == 0:
    recurra.LSTM(8, 8)(torch.zeros(20, 4, 8))[0].sum().backward()
    os._exit(7)
raise SystemExit(0 if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7 else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_kernels_that_a_forked_process_loads_first_do_not_wait_for_threads_that_are_gone():
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED_FIRST], timeout=120, check=False)
    assert done.returncode == 0


def test_an_instruction_set_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv("RECURRA_ISA", "mmx")
    with pytest.raises(BackendError, match=r"RECURRA_ISA: expected one of .*portable.*, found 'mmx'"):
        why_not_native()


def test_an_empty_batch_and_lengths_with_gaps_run():
    cell = LSTMCell()
    x, state, weights = drawn(cell, batch=0)
    assert layer.run_native(cell, x, state, weights).output.shape == (5, 0, 6)
    x, state, weights = drawn(cell, batch=2)
    lengths = torch.tensor([5, 9, 2, 9])[::2]
    found, expected = (run(cell, x, state, weights, lengths) for run in (layer.run_native, run_reference))
    assert_close(found.output, expected.output)


@pytest.mark.parametrize("place", [0, 1])
def test_numbers_of_another_type_are_refused_in_torch_s_words(place):
    ours, theirs = recurra.LSTM(3, 4), torch.nn.LSTM(3, 4)
    state = [torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)]
    state[place] = state[place].double()
    for run in (ours, theirs):
        with pytest.raises(RuntimeError, match=r"dtype|type"):
            run(torch.randn(9, 2, 3), tuple(state))


def arguments(**changed):
    """Of a forward call on one LSTM layer, each array as it must be but for what is changed."""
    arrays = {
        "lengths": torch.tensor([4, 2]),
        "x": torch.zeros(4, 2, 5),
        "w_ih": torch.zeros(12, 5),
        "w_hh": torch.zeros(12, 3),
        "mask": None,
        "b_ih": torch.zeros(12),
        "b_hh": torch.zeros(12),
        "gates": torch.zeros(4, 2, 12),
        "h_before": torch.zeros(2, 3),
        "c_before": torch.zeros(2, 3),
        "output": torch.zeros(4, 2, 3),
        "cells": torch.zeros(4, 2, 3),
        "h_after": torch.zeros(2, 3),
        "c_after": torch.zeros(2, 3),
    }
    return {"cell": "lstm", "reverse": False, "threads": 1} | arrays | changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"w_hh": torch.zeros(12, 4)}, r"w_hh: expected shape \(12, 3\), found \(12, 4\)"),
        ({"gates": torch.zeros(4, 2, 12, dtype=torch.float64)}, "gates: expected 32-bit floats"),
        ({"x": torch.zeros(4, 2, 5, dtype=torch.bfloat16)}, "h_before: expected bfloat16"),
        ({"mask": torch.zeros(2, 4)}, r"mask: expected shape \(2, 3\), found \(2, 4\)"),
        ({"gates": torch.zeros(12, 2, 4).transpose(0, 2)}, "gates: expected a dense array"),
        ({"lengths": torch.tensor([5, 1])}, "lengths: expected 0 to 4 steps, found 5"),
        ({"lengths": torch.tensor([4, 2], dtype=torch.int32)}, "lengths: expected 64-bit integers"),
        ({"c_before": None}, "c_before: expected an array, found nothing"),
        ({"cell": "rnn_tanh"}, "c_before: expected nothing, found an array"),
        ({"cell": "mlp"}, "cell: expected .* found mlp"),
        ({"threads": 0}, "threads: expected 1 or more, found 0"),
        ({"x": torch.zeros(4, 2, 6)}, r"x: expected shape \(4, 2, 5\), found \(4, 2, 6\)"),
        ({"w_ih": torch.zeros(12)}, "w_ih: expected two axes, found 1"),
        ({"output": torch.zeros(4, 2)}, "output: expected three axes, found 2"),
    ],
)
def test_a_wrong_call_is_an_error_that_names_the_argument(changed, message):
    kernels = native_kernels()
    assert kernels is not None
    kernels.forward(**arguments())
    with pytest.raises(ValueError, match=message):
        kernels.forward(**arguments(**changed))
