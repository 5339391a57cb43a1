"""A training step of one layer on a CPU, ours beside torch.nn's: forward and backward, batch 64, 200 steps.

    python benchmarks/layers.py [--threads N] [--repeats K] [--lengths] [--bfloat16 | --keras] [64 128 256 512]

Shown are medians, and in "/ ours" the medians of the ratios of neighbours in the same turn, all in float32, but:

- `--bfloat16`: in bfloat16, beside the faster (by its median) of torch's two ways: `torch.nn` under autocast (oneDNN),
  and `torch.nn` with weights, input and output of bfloat16. Without a bfloat16 kernel of ours only torch's are shown.
- `--lengths`: sequences of 20 to 200 steps, uniformly: torch's as a PackedSequence, packed and padded within the step,
  ours by `lengths`.
- `--keras`: Keras on JAX and on TensorFlow take their turns as well, each in a process of its own, with as many
  threads; `pip install keras jax tensorflow`, or name another Python that has them: `--keras-python PYTHON`.

Results are compared before anything is timed. Close everything else first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import torch
from trials import table

from recurra.bench.keras_peer import KerasPeer, keras_backends
from recurra.bench.layers import CONVERTED, GATES, has_bfloat16, measure_training
from recurra.bench.machine import machine
from recurra.bench.measurement import OURS, Measurement, in_bfloat16

Row = tuple[list[str], list[str]]  # header, cells


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--lengths", action="store_true")
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--keras", action="store_true")
    parser.add_argument("--keras-python", default=sys.executable)
    parser.add_argument("units", type=int, nargs="*", default=[64, 128, 256, 512])
    given = parser.parse_args()
    if given.bfloat16 and not has_bfloat16():
        sys.exit("This processor does not multiply in bfloat16.")
    torch.set_num_threads(given.threads)
    backends = keras_backends(given.keras_python) if given.keras else {}
    versions = "; ".join([f"torch {torch.__version__}", *backends.values()])
    precision = "bfloat16" if given.bfloat16 else "float32"
    print(f"{machine()}; {versions}; {given.threads} threads; {precision}\n")
    row: Callable[[Measurement], Row] = bfloat16_row if given.bfloat16 else row_of
    rows: list[Row] = []
    with ExitStack() as stack:
        keras: Sequence[KerasPeer] = [
            stack.enter_context(KerasPeer(name, threads=given.threads, python=given.keras_python))
            for name in backends
        ]
        for units in given.units:
            for cell in GATES:
                measured = measure_training(
                    cell,
                    units,
                    repeats=given.repeats,
                    unequal=given.lengths,
                    keras=keras,
                    converted=given.bfloat16,
                )
                rows.append(row(measured))
    print(table(rows[0][0], [cells for _, cells in rows]))


def row_of(m: Measurement) -> Row:
    """In float32."""
    peers = [peer for peer in m.seconds if "bfloat16" not in peer and peer not in (OURS, "torch")]
    header = ["layer", "units", "torch.nn", "recurra", "torch / ours"]
    cells = [m.cell, str(m.units), _ms(m, "torch"), _ms(m, OURS), f"{m.ratios['torch']:.2f}"]
    for peer in peers:
        header += [peer, f"{peer} / ours"]
        cells += [_ms(m, peer), f"{m.ratios[peer]:.2f}"]
    return header, cells


def bfloat16_row(m: Measurement) -> Row:
    """In bfloat16."""
    ours, peers = in_bfloat16(OURS), [in_bfloat16("torch"), CONVERTED]
    header = ["layer", "units", "torch.nn, autocast", "torch.nn, bfloat16 weights"]
    cells = [m.cell, str(m.units), *(_ms(m, peer) for peer in peers)]
    if ours in m.seconds:
        best = min(peers, key=lambda peer: m.seconds[peer])
        header += ["recurra", "best of torch / ours", "largest difference from float32: torch", "ours"]
        cells += [_ms(m, ours), f"{m.ratios[best]:.2f}", f"{m.off[best]:.4f}", f"{m.off[ours]:.4f}"]
    return header, cells


def _ms(m: Measurement, peer: str) -> str:
    return f"{1e3 * m.seconds[peer]:.1f} ms"


if __name__ == "__main__":
    main()
