"""Streams: native code against the stages' own steps, the state, and everything that can be given wrongly."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

import recurra
from recurra.errors import BackendError, InputError
from recurra.ops.native import instruction_sets, why_not_native
from recurra.ops.streaming.precision import PRECISIONS, rounded
from recurra.ops.streaming.stages import Affine, Numbers, Pool, Probabilities, Scaling, Tokens
from recurra.ops.streaming.stream import Stream
from tests.tolerances import FIXED_SLACK, assert_close

needs_native = pytest.mark.skipif(not instruction_sets(), reason="the native kernels were not built")
LAYERS = [
    (recurra.RNN, {}),
    (recurra.RNN, {"nonlinearity": "relu"}),
    (recurra.GRU, {}),
    (recurra.GRU, {"reset": "before"}),
    (recurra.LSTM, {}),
]
each_layer = pytest.mark.parametrize(
    ("layer", "options"), LAYERS, ids=["tanh", "relu", "gru", "before", "lstm"]
)


def drawn(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def agree(one: Stream, other: Stream, inputs) -> None:
    slack = FIXED_SLACK if one.precision == "int8" else 1.0
    for x in inputs:
        assert_close(*(torch.from_numpy(np.asarray(stream.step(x))) for stream in (one, other)), slack=slack)
    assert list(one.state) == list(other.state)
    for name, value in one.state.items():
        if value.dtype.kind == "f":
            assert value.dtype == other.state[name].dtype
            assert_close(
                torch.from_numpy(value).float(), torch.from_numpy(other.state[name]).float(), name, slack
            )
        else:
            assert np.array_equal(value, other.state[name])


@needs_native
@each_layer
@pytest.mark.parametrize("instructions", instruction_sets())
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("units", [1, 3, 15, 17, 63, 65])
def test_native_steps_are_the_reference_s(layer, options, instructions, precision, units, monkeypatch):
    monkeypatch.setenv("RECURRA_ISA", instructions)
    for batch, inputs, bias in ((1, units, True), (7, 3, False), (50, 1, True)):
        network = layer(inputs, units, num_layers=2, bias=bias, **options)
        native, reference = (
            network.stream(batch, precision=precision, backend=backend) for backend in ("native", "reference")
        )
        agree(native, reference, drawn(4, batch, inputs))


@needs_native
@each_layer
@pytest.mark.parametrize("instructions", instruction_sets())
def test_8_bit_weights_with_inputs_of_any_size(layer, options, instructions, monkeypatch):
    monkeypatch.setenv("RECURRA_ISA", instructions)
    torch.manual_seed(0)  # one network in some hundreds has a sum of millions that is nearly 0: all rounding
    network = layer(17, 19, **options)
    native, reference = (network.stream(4, precision="int8", backend=b) for b in ("native", "reference"))
    x = drawn(5, 4, 17)
    x[:, 0] *= 1e6
    x[:, 1] *= 1e-36
    x[:, 2] = 0
    x[:, 3, 1:] *= 1e-3  # one number that is much larger than the others
    if options.get("nonlinearity") == "relu":
        x[:, 0] *= 1e-5
    agree(native, reference, x)


@needs_native
@each_layer
@pytest.mark.parametrize("instructions", instruction_sets())
def test_a_nan_spoils_its_own_row_alone_with_8_bit_weights(layer, options, instructions, monkeypatch):
    monkeypatch.setenv("RECURRA_ISA", instructions)
    network = layer(5, 7, **options)
    stream, clean = (network.stream(3, precision="int8", backend="native") for _ in range(2))
    x = drawn(3, 5)
    expected = clean.step(x)
    x[1, 2] = np.nan
    found = stream.step(x)
    assert np.isnan(found[1]).all()
    assert np.array_equal(found[[0, 2]], expected[[0, 2]])


def some_stages(first, batch_of_layers=1):
    lstm = recurra.LSTM(first.width, 5, num_layers=batch_of_layers)
    return [
        first,
        *lstm.stages(),
        Pool(("mean", "last", "max"), 5),
        Affine(torch.randn(7, 15), torch.randn(7), relu=True),
        Affine(torch.randn(3, 7)),
        Probabilities(3),
    ]


FIRST = {
    "numbers": Numbers(4),
    "scaling": Scaling(np.array([1.0, -2e9]), np.array([0.5, 3.0]), np.array([True, False]), 1e6),
    "tokens": Tokens(torch.randn(9, 4)),
    "pairs": Tokens(torch.randn(9, 4), torch.tensor([4, 13, 44]), torch.randn(3, 4)),
}


def inputs_of(kind, steps, batch):
    draw = np.random.default_rng(1)
    if kind in {"tokens", "pairs"}:
        return draw.integers(0, 9, (steps, batch))
    if kind == "numbers":
        return drawn(steps, batch, 4)
    x = draw.standard_normal((steps, batch, 2)) + np.array([1, -2e9])
    x[draw.random(x.shape) < 0.3] = np.nan
    return x


@needs_native
@pytest.mark.parametrize("kind", FIRST)
@pytest.mark.parametrize("batch", [1, 3, 100])
def test_every_stage_is_the_reference_s(kind, batch):
    torch.manual_seed(0)
    stages = some_stages(FIRST[kind])
    pair = (Stream(stages, batch=batch, backend=backend) for backend in ("native", "reference"))
    agree(*pair, inputs_of(kind, 6, batch))


@needs_native
def test_labels_that_may_be_there_at_once():
    stages = [Numbers(4), Affine(torch.randn(3, 4)), Probabilities(3, several=True)]
    pair = (Stream(stages, batch=2, backend=backend) for backend in ("native", "reference"))
    agree(*pair, drawn(3, 2, 4) * 50)


@needs_native
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_thousands_of_streams_are_each_as_if_alone(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        gru, x = recurra.GRU(40, 64), drawn(3, 2000, 40)
        many, alone = gru.stream(2000), gru.stream()
        for step in x:
            together = many.step(step)
            assert np.array_equal(together[1777:1778], alone.step(step[1777:1778]))
    finally:
        torch.set_num_threads(before)


@given(st.data())
def test_a_state_can_be_taken_anywhere_and_put_back(data):
    steps = data.draw(st.integers(1, 6))
    cut = data.draw(st.integers(0, steps))
    layer, options = data.draw(st.sampled_from(LAYERS))
    network, x = layer(2, 3, **options), drawn(steps, 2, 2)
    stream = network.stream(2)
    whole = [stream.step(step) for step in x]
    stream.reset()
    for step in x[:cut]:
        stream.step(step)
    kept = stream.state
    other = network.stream(2)
    other.state = kept
    for step, expected in zip(x[cut:], whole[cut:], strict=True):
        assert np.array_equal(other.step(step), expected)


def test_saved_restored_and_reset(tmp_path):
    stream, x = recurra.LSTM(2, 3, num_layers=2).stream(3), drawn(4, 3, 2)
    first = stream.step(x[0])
    stream.save(tmp_path / "state.safetensors")
    second = stream.step(x[1])
    stream.restore(tmp_path / "state.safetensors")
    assert np.array_equal(stream.step(x[1]), second)
    stream.reset([1])
    again = stream.step(x[0])
    assert np.array_equal(again[1], first[1]) and not np.allclose(again[0], first[0])
    with pytest.raises(InputError, match=r"rows: expected rows from 0 to 2"):
        stream.reset([3])


@pytest.mark.parametrize("rows", [[True, False, True], torch.tensor([True, False, True]), [2, 0]])
def test_rows_that_begin_anew_are_numbered_or_marked(rows):
    stream = recurra.GRU(2, 3).stream(3)
    stream.step(drawn(3, 2))
    stream.reset(rows)
    assert stream.state["h_l0"].any(1).tolist() == [False, True, False]
    for wrong in ([True, False], [0.5], True, "all"):
        with pytest.raises(InputError, match="rows: expected rows from 0 to 2"):
            stream.reset(wrong)


def test_64_bit_floats_are_put_back_as_they_were():
    stages = [Numbers(2), *recurra.GRU(2, 3).double().stages(), Pool(("mean", "max"), 3)]
    one, other = Stream(stages, precision="float64"), Stream(stages, precision="float64")
    x = drawn(6, 2).astype(np.float64)
    for step in x[:3]:
        one.step(step)
    other.state = one.state
    assert all(np.array_equal(one.step(step), other.step(step)) for step in x[3:])


@pytest.mark.parametrize("kind", ["tokens", "pairs", "scaling"])
def test_a_saved_state_is_of_every_stream_of_its_network(kind, tmp_path):
    torch.manual_seed(0)
    stages, x = some_stages(FIRST[kind], 2), inputs_of(kind, 3, 2)
    stream = Stream(stages, batch=2)
    for step in x:
        stream.step(step)
    stream.save(tmp_path / "state")
    for precision in PRECISIONS:
        for backend in ("auto", "reference"):
            other = Stream(stages, batch=2, precision=precision, backend=backend)
            other.restore(tmp_path / "state")
            assert all(np.array_equal(value, other.state[name]) for name, value in stream.state.items())
    with pytest.raises(InputError, match="same network and batch"):
        Stream(stages).restore(tmp_path / "state")


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_mean_still_moves_after_a_hundred_million_steps(backend):
    if backend == "native" and why_not_native():
        pytest.skip(why_not_native())
    stream = Stream([Numbers(1), Pool(("mean",), 1)], backend=backend)
    stream.step(np.zeros(1, np.float32))
    steps, mean = 10**8, np.float64(np.float32(0.7))
    stream.state = stream.state | {"steps": np.array([[steps]]), "mean": np.array([[mean]])}
    for _ in range(100):
        stream.step(np.array([-0.3], np.float32))
    expected = (steps * mean + 100 * np.float64(np.float32(-0.3))) / (steps + 100)
    assert stream.state["mean"][0, 0] == pytest.approx(expected, abs=1e-12)


def test_a_state_that_does_not_fit_is_refused(tmp_path):
    gru, x = recurra.GRU(2, 3), drawn(1, 2)
    stream = gru.stream()
    before = stream.step(x)
    kept = stream.state
    with pytest.raises(InputError, match=r"state: expected h_l0, found nothing"):
        stream.state = {}
    with pytest.raises(
        InputError, match=r"state\['h_l0'\]: expected float32 of shape \(1, 3\), found .*\(1, 4\)"
    ):
        stream.state = {"h_l0": np.zeros((1, 4), np.float32)}
    recurra.GRU(2, 4).stream().save(tmp_path / "other")
    with pytest.raises(InputError, match="same network and batch"):
        stream.restore(tmp_path / "other")
    for other in (recurra.RNN(2, 3), recurra.GRU(2, 3), recurra.GRU(2, 3, reset="before")):
        other.stream().save(tmp_path / "other")
        with pytest.raises(InputError, match="state of another network"):
            stream.restore(tmp_path / "other")
    save_file({"h_l0": np.zeros((1, 3), np.float32)}, tmp_path / "arrays")
    with pytest.raises(InputError, match="expected a file of `save`, found other arrays"):
        stream.restore(tmp_path / "arrays")
    (tmp_path / "junk").write_bytes(b"junk")
    with pytest.raises(InputError, match="expected a file of `save`"):
        stream.restore(tmp_path / "junk")
    with pytest.raises(InputError, match="missing"):
        stream.restore(tmp_path / "missing")
    assert np.array_equal(stream.state["h_l0"], kept["h_l0"]) and before.shape == (1, 3)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_what_a_step_takes_and_gives(backend):
    if backend == "native" and why_not_native():
        pytest.skip(why_not_native())
    gru, x = recurra.GRU(2, 3), drawn(2)
    expected = gru.stream(backend=backend).step(x)
    assert expected.shape == (3,) and expected.dtype == np.float32
    out = np.full((1, 3), np.nan, np.float32)
    assert gru.stream(backend=backend).step(x[None], out) is out and np.array_equal(out[0], expected)
    place = np.zeros((3, 2), np.float32)[:, 1]
    gru.stream(backend=backend).step(x, place)
    assert np.array_equal(place, expected)
    of_torch = gru.stream(backend=backend).step(torch.from_numpy(x).requires_grad_())
    assert isinstance(of_torch, torch.Tensor) and np.array_equal(of_torch, expected)
    assert np.array_equal(gru.stream(backend=backend).step(x.tolist()), expected)
    gaps = np.stack([x, x], 1)[:, 0]
    assert np.array_equal(gru.stream(backend=backend).step(gaps), expected)
    half = torch.from_numpy(x).bfloat16()
    assert torch.equal(gru.stream(backend=backend).step(half), gru.stream(backend=backend).step(half.float()))
    tokens = Stream([Tokens(torch.randn(9, 2)), *gru.stages()], backend=backend)
    one = tokens.step(5)
    tokens.reset()
    assert np.array_equal(tokens.step(np.array([5], np.int32)), one[None])


@pytest.mark.parametrize("kind", ["i4", "u1", "?", "f2", ">f8", "O"])
def test_a_stream_that_scales_takes_any_numbers(kind):
    stages = some_stages(FIRST["scaling"])
    expected = Stream(stages).step(np.array([1.0, 0.0]))
    assert np.array_equal(Stream(stages).step(np.array([1, 0]).astype(kind)), expected)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_wrong_arguments_change_nothing_and_are_told(backend):
    if backend == "native" and why_not_native():
        pytest.skip(why_not_native())
    stream, x = recurra.GRU(2, 3).stream(2, backend=backend), drawn(2, 2)
    stream.step(x)
    before = stream.state["h_l0"]
    for wrong, message in [
        (x[0], r"x: expected shape \(2, 2\).*found \(2,?\)"),
        (x[:, :1], r"x: expected shape \(2, 2\)"),
        (x.astype(np.float64), r"x: expected 32-bit floats, found .*astype\('float32'\)"),
        (x.astype(np.int64), "x: expected 32-bit floats"),
        (["a", "b"], "x: expected numbers"),
    ]:
        with pytest.raises(InputError, match=message):
            stream.step(wrong)
    with pytest.raises(InputError, match=r"out: expected shape \(2, 3\)"):
        stream.step(x, np.zeros((2, 4), np.float32))
    tokens = Stream([Tokens(torch.randn(9, 2)), *recurra.GRU(2, 3).stages()], batch=2, backend=backend)
    for wrong, message in [
        (np.array([1, 9]), "expected ids from 0 to 8"),
        (np.array([-1, 0]), "expected ids from 0 to 8"),
        (np.array([1, 2, 3]), r"x: expected shape \(2,?\)"),
        (drawn(2), "x: expected 64-bit integers"),
    ]:
        with pytest.raises(InputError, match=message):
            tokens.step(wrong)
    for wrong in ([1.0, 2.7], ["1", "2"], [True, False], [2**70, 0]):
        with pytest.raises(InputError, match="expected ids of tokens, whole numbers"):
            tokens.step(wrong)
    scaled = Stream(some_stages(FIRST["scaling"]), backend=backend)
    with pytest.raises(InputError, match="expected numbers"):
        scaled.step([10**400, 0])
    with pytest.raises(InputError, match="expected finite numbers"):
        scaled.step(np.array([np.inf, 0.0]))
    for found, start in (
        (stream.state["h_l0"], before),
        (tokens.state["h_l0"], 0),
        (scaled.state["h_l0"], 0),
    ):
        assert np.array_equal(found, np.broadcast_to(start, found.shape))


def test_what_cannot_be_asked_for():
    gru = recurra.GRU(2, 3)
    for wrong in (0, 2.5, "2"):
        with pytest.raises(InputError, match="batch: expected 1 or more"):
            gru.stream(wrong)
    with pytest.raises(InputError, match="inputs: expected a step or more"):
        gru.stream().deviation([])
    with pytest.raises(InputError, match="precision: expected one of float64, float32, bfloat16, int8"):
        gru.stream(precision="int4")
    with pytest.raises(InputError, match="backend: expected one of auto, native, reference"):
        gru.stream(backend="fused")
    peephole = recurra.LSTM(2, 3, peepholes=True)
    assert peephole.stream().backend == "reference"
    if not why_not_native():
        assert "peepholes=True" in peephole.stream().backend_reason
    with pytest.raises(BackendError):
        peephole.stream(backend="native")
    with pytest.raises(BackendError):
        gru.stream(precision="float64", backend="native")


@pytest.mark.parametrize("backend", ["auto", "reference"])
def test_training_on_does_not_change_a_stream(backend):
    gru, x = recurra.GRU(2, 3, learned_state=True), drawn(2)
    stream = gru.stream(backend=backend)
    expected = gru.stream(backend=backend).step(x)
    with torch.no_grad():
        for p in gru.parameters():
            p.add_(1)
    assert np.array_equal(stream.step(x), expected)
    assert stream.deviation().largest < 1e-6
    stream.reset()
    assert np.array_equal(stream.step(x), expected)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_stream_belongs_to_one_thread_at_a_time_and_many_to_many(backend):
    if backend == "native" and why_not_native():
        pytest.skip(why_not_native())
    gru, x = recurra.GRU(8, 16), drawn(50, 600, 8)
    expected = gru.stream(600).step(x[0])
    found = {}

    def work(k):
        stream = gru.stream(600, backend=backend)
        first = stream.step(x[0])
        for step in x[1:]:
            stream.step(step)
        found[k] = first

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for first in found.values():
        assert_close(torch.from_numpy(first), torch.from_numpy(expected))
    assert len(found) == 4


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_two_threads_in_one_stream_are_told(backend):
    if backend == "native" and why_not_native():
        pytest.skip(why_not_native())
    stream, x, told = recurra.GRU(128, 256).stream(200, backend=backend), drawn(200, 128), []

    def work():
        for _ in range(20):
            try:
                stream.step(x)
            except RuntimeError as error:
                told.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(told) == {"this stream is being stepped by another thread"}


@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 99))
def test_rounding_is_as_near_as_its_bits_allow(rows, columns, seed):
    weight = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * 3
    largest = weight.abs().amax(1, keepdim=True)
    for precision, bits in (("float32", 24), ("bfloat16", 8)):
        assert ((rounded(weight, precision).dense - weight).abs() <= weight.abs() * 2.0**-bits).all()
    eight = rounded(weight, "int8")
    assert eight.values.dtype == torch.int8
    assert ((eight.dense - weight).abs() <= largest / 254 * 1.001).all()
    assert torch.equal(rounded(torch.zeros(2, 3), "int8").dense, torch.zeros(2, 3))


def test_deviation_grows_as_bits_go():
    gru = recurra.GRU(16, 32)
    exact, half, eight = (gru.stream(precision=p).deviation() for p in PRECISIONS[1:])
    assert exact == (0.0, 0.0)
    assert 0 < half.relative < 0.02 and 0 < eight.relative < 0.02
    assert half.largest > half.relative / 10
    stream = gru.stream(precision="int8")
    stream.deviation(drawn(3, 1, 16))
    assert not stream.state["h_l0"].any()
