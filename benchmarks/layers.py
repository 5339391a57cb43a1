"""A training step of one layer on a CPU, ours beside torch.nn's: forward and backward, batch 64, 200 steps.

    python benchmarks/layers.py [--threads N] [--repeats K] [--lengths] [64 128 256 512]

With `--lengths`, sequences of 20 to 200 steps, uniformly: torch's as a PackedSequence, packed and padded within the
step, ours by `lengths`. Results are compared before anything is timed. Shown are medians, and the median of the
ratios of neighbours (torch / ours). Close everything else first.
"""

from __future__ import annotations

import argparse

import torch
from trials import table

from recurra.bench.layers import GATES, measure_training
from recurra.bench.machine import machine
from recurra.bench.measurement import OURS


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--lengths", action="store_true")
    parser.add_argument("units", type=int, nargs="*", default=[64, 128, 256, 512])
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"{machine()}; torch {torch.__version__}; {given.threads} threads; float32\n")
    rows = []
    for units in given.units:
        for cell in GATES:
            m = measure_training(cell, units, repeats=given.repeats, unequal=given.lengths)
            times = [f"{1e3 * m.seconds[peer]:.1f} ms" for peer in ("torch", OURS)]
            rows.append([cell, str(units), *times, f"{m.ratios['torch']:.2f}"])
    print(table(["layer", "units", "torch.nn", "recurra", "torch / ours"], rows))


if __name__ == "__main__":
    main()
