"""One step of a stream, called from Python, beside ONNX Runtime and torch: one sequence, and a thousand at once.

    pip install onnx onnxruntime
    python benchmarks/streaming.py [--repeats K] [64 128 256 512]

One thread each. Twenty steps are compared before anything is timed; weights of fewer bits by how far they are off.
Shown are medians, and medians of the ratios of neighbours (ONNX Runtime / ours). Close everything else first.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version

import torch
from trials import table

from recurra.bench.machine import machine
from recurra.bench.measurement import OURS, Measurement
from recurra.bench.streams import PRECISIONS, measure_streaming

NAMES = [OURS if precision == "float32" else f"{OURS}, {precision}" for precision in PRECISIONS]


def row(m: Measurement) -> list[str]:
    """Times, ours with how many times faster than ONNX Runtime; then what differs between one and a thousand."""
    onnx = m.seconds["ONNX Runtime"]
    cells = [m.cell, str(m.units), f"{1e6 * m.seconds['torch']:.1f}", f"{1e6 * onnx:.1f}"]
    ratios = m.ratios | {OURS: 1.0}
    cells += [f"{1e6 * m.seconds[n]:.1f} ({m.ratios['ONNX Runtime'] / ratios[n]:.1f}x)" for n in NAMES]
    if m.batch > 1:
        return [*cells, *(f"{m.batch / seconds:,.0f}" for seconds in (onnx, m.seconds[OURS]))]
    return [*cells, *(f"{m.off[name]:.4f}" for name in NAMES[1:])]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("units", type=int, nargs="*", default=[64, 128, 256, 512])
    given = parser.parse_args()
    print(f"{machine()}; torch {torch.__version__}; ONNX Runtime {version('onnxruntime')}; 1 thread\n")
    columns = ["layer", "units", "torch cell", "ONNX Runtime", *(f"ours, {p}" for p in PRECISIONS)]
    for batch, more in (
        (1, ["largest difference, bfloat16", "int8"]),
        (1000, ["steps a second, ONNX Runtime", "ours, float32"]),
    ):
        print(f"{batch:,} at once, microseconds a step\n")
        repeats = given.repeats if batch == 1 else max(3, given.repeats // 5)
        rows = [
            row(measure_streaming(cell, units, batch=batch, repeats=repeats))
            for units in given.units
            for cell in ("GRU", "LSTM")
        ]
        print(table([*columns, *more], rows), "\n", flush=True)


if __name__ == "__main__":
    main()
