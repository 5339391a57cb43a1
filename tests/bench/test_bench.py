"""`recurra bench` and what it measures: equal work, everybody in turns, and nothing timed that is not equal."""

from __future__ import annotations

import json

import pytest
import torch
from typer.testing import CliRunner

import recurra
from recurra.bench import layers, streams
from recurra.bench.layers import CONVERTED, measure_training
from recurra.bench.machine import Roof, machine, measure_roof
from recurra.bench.measurement import OURS, in_bfloat16, in_turns
from recurra.bench.streams import has_onnx, measure_streaming
from recurra.cli.main import app
from recurra.errors import InputError, RecurraError
from recurra.report.roofline import draw_roofline, roofline_figure

CELLS = ["RNN", "GRU", "LSTM"]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(layers, "BATCH", 3)
    monkeypatch.setattr(layers, "STEPS", 9)
    monkeypatch.setattr(layers, "SHORTEST", 2)


def test_everybody_takes_turns():
    calls = []
    steps = {name: lambda name=name: calls.append(name) for name in (OURS, "torch")}
    seconds, ratios = in_turns(steps, repeats=3, count=2)
    assert calls == [OURS, OURS, "torch", "torch"] * 3
    assert set(seconds) == {OURS, "torch"} and set(ratios) == {"torch"}


def test_a_peer_is_compared_with_ours_of_its_precision():
    def of(seconds):
        return lambda count: seconds * count

    elsewhere = {"torch, bfloat16": of(6.0), "torch, bfloat16 weights": of(8.0), "torch": of(1.0)}
    _, beside_float = in_turns({OURS: lambda: None}, repeats=2, elsewhere=elsewhere)
    elsewhere |= {in_bfloat16(OURS): of(2.0)}
    seconds, ratios = in_turns({OURS: lambda: None}, repeats=2, count=3, elsewhere=elsewhere)
    assert ratios["torch, bfloat16"] == 3 and ratios["torch, bfloat16 weights"] == 4
    assert seconds["torch, bfloat16"] == 6 and ratios["torch"] > 100
    assert ratios[in_bfloat16(OURS)] > 100 and beside_float["torch, bfloat16"] > 100


@pytest.mark.parametrize("cell", CELLS)
def test_bfloat16_is_measured_where_there_is_a_kernel(cell, monkeypatch):
    monkeypatch.setattr(layers, "has_bfloat16", lambda: True)
    layer = type(getattr(recurra, cell)(5, 5))
    monkeypatch.setattr(layer, "backend", property(lambda self: "fused"))
    without = measure_training(cell, 5, repeats=1, converted=True)
    assert {in_bfloat16("torch"), CONVERTED} <= without.seconds.keys()
    assert in_bfloat16(OURS) not in without.seconds
    monkeypatch.setattr(layer, "backend", property(lambda self: "native"))
    measured = measure_training(cell, 5, repeats=1)
    assert measured.off[in_bfloat16(OURS)] < 0.1 and CONVERTED not in measured.seconds


@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_a_training_step_is_compared_and_counted(cell, unequal):
    measured = measure_training(cell, 5, repeats=1, unequal=unequal)
    assert {OURS, "torch"} <= measured.seconds.keys() and measured.off[OURS] < 1e-4
    if not unequal:
        assert measured.products == 3 * 9 * 3 * layers.GATES[cell] * 5 * 10


def test_other_work_takes_its_turn_in_a_training_step_of_any_size():
    calls = []
    measured = measure_training(
        "LSTM", 4, repeats=3, steps=8, batch=2, beside={"products": lambda: calls.append(1)}
    )
    assert len(calls) == 3 and measured.ratios["products"] < 1 and "products" not in measured.off
    assert measured.batch == 2 and measured.products == 3 * 8 * 2 * 4 * 4 * 8


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("cell", CELLS)
def test_a_streaming_step_is_compared(cell, batch):
    threads = torch.get_num_threads()
    measured = measure_streaming(cell, 8, batch=batch, repeats=1)
    assert torch.get_num_threads() == threads
    assert measured.off[OURS] < 1e-4 and measured.off[f"{OURS}, int8"] < 0.1
    assert ("ONNX Runtime" in measured.seconds) == has_onnx()


def test_what_differs_is_not_timed(monkeypatch):
    training_step = layers.training_step

    def wrong(layer, *rest, **options):
        step = training_step(layer, *rest, **options)
        return step if isinstance(layer, torch.nn.RNNBase) else lambda: [t + 1 for t in step()]

    monkeypatch.setattr(layers, "training_step", wrong)
    with pytest.raises(RecurraError, match="GRU, 5 units: the results of recurra and torch differ"):
        measure_training("GRU", 5, repeats=1)
    ours = streams._ours
    monkeypatch.setattr(streams, "_ours", lambda *given: lambda: ours(*given)() + 1)
    with pytest.raises(RecurraError, match="the results of recurra and torch differ"):
        measure_streaming("GRU", 5, repeats=1)


def test_the_roof_and_its_picture(tmp_path):
    assert "cores of" in machine()
    roof = measure_roof(tries=1)
    assert roof.products > 0 and roof.bytes > 0
    measured = [measure_training(cell, 5, repeats=1) for cell in CELLS]
    axes = roofline_figure(measured, Roof(1e11, 1e10)).axes[0]
    assert {text.get_text() for text in axes.figure.legends[0].get_texts()} >= {"GRU, recurra", "GRU, torch"}
    path = draw_roofline(measured, roof, tmp_path / "roof.png")
    assert path.read_bytes().startswith(b"\x89PNG")


def test_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr("recurra.cli.bench.measure_roof", lambda: Roof(1e11, 1e10))
    monkeypatch.setattr("recurra.cli.bench.keras_backends", lambda python: {})  # slow to start
    arguments = ["bench", "5", "--repeats", "1", "--picture", str(tmp_path / "roof.png")]
    shown = CliRunner().invoke(app, arguments, env={"COLUMNS": "160"})
    assert shown.exit_code == 0, shown.output
    assert "Streaming step, one sequence" in shown.output and "µs" in shown.output
    with pytest.raises(InputError, match="there is a file already"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    with pytest.raises(InputError, match=r"ends in \.png"):
        CliRunner().invoke(app, ["bench", "5", "--picture", str(tmp_path / "a.gif")], catch_exceptions=False)
    found = CliRunner().invoke(app, ["bench", "5", "--repeats", "1", "--json"])
    content = json.loads(found.stdout)
    assert len(content["measurements"]) == 6 and content["roof"]["products"] == 1e11
