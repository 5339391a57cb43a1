"""How near a training step comes to its bare matrix products: the share of their rate that it reaches.

    python benchmarks/matrix_products.py [--threads 1 2] [--repeats K] [64 128 256 512]

Batch B = 64, T = 200 steps, I = H units, G gates (RNN 1, GRU 3, LSTM 4). Beside the step, in the same turns, stand
torch's products of the kernel's own shapes and number, and nothing else: no gates, no biases, no gradient of a gate.

- forward: T products (b, I+H) x (I+H, G*H), of input and state together with all weights;
- backward, of the state: T products (b, G*H) x (G*H, H);
- backward, of the input: one product (T*B, G*H) x (G*H, I);
- backward, of the weights: one product (G*H, T*B) x (T*B, I+H).

b = B / threads: every thread of the kernel has rows of its own. Since nobody waits for the step before, torch may do
the T products of all threads in one call (`bmm`); with one thread, also one after the other (`mm` in a loop). The share
is the time of the faster way over the time of the step, the median of the turns. Of the peak it is the rate of the step
over that of a product of 1536 x 1536 matrices, with as many threads, again in the same turns.

In bfloat16, where the processor multiplies in it, products and step are in bfloat16, the step under autocast; only
where we have a kernel for it. Results of the step are compared with torch's before anything is timed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import torch
from trials import table

from recurra.bench.layers import BATCH, GATES, STEPS, has_bfloat16, measure_training
from recurra.bench.machine import machine
from recurra.bench.measurement import OURS, Measurement, in_bfloat16

LARGE = 1536
ONE_CALL, LOOP, PEAK = "one call", "loop", "large product"

Work = Callable[[], object]


def products(cell: str, units: int, threads: int, dtype: torch.dtype) -> dict[str, Work]:
    """The bare products of a training step, in each way of doing them, and one large product."""
    gates, rows = GATES[cell] * units, BATCH // threads
    torch.manual_seed(0)

    def numbers(*shape: int) -> torch.Tensor:
        return torch.randn(*shape).to(dtype)

    both, w = numbers(STEPS * threads, rows, 2 * units), numbers(2 * units, gates)
    of_gates, w_hh, w_ih = numbers(STEPS * threads, rows, gates), numbers(gates, units), numbers(gates, units)
    sums, of_states = numbers(*both.shape[:2], gates), numbers(*both.shape[:2], units)
    flat, of_x = of_gates.view(-1, gates), numbers(STEPS * BATCH, units)
    of_w = numbers(gates, 2 * units)
    a, b, c = (numbers(LARGE, LARGE) for _ in range(3))

    def of_input_and_weights() -> None:
        torch.mm(flat, w_ih, out=of_x)
        torch.mm(flat.T, both.view(-1, 2 * units), out=of_w)

    def one_call() -> None:
        torch.bmm(both, w.expand(len(both), -1, -1), out=sums)
        torch.bmm(of_gates, w_hh.expand(len(of_gates), -1, -1), out=of_states)
        of_input_and_weights()

    steps = [tuple(t.unbind()) for t in (both, sums, of_gates, of_states)]

    def loop() -> None:
        for before, after in zip(*steps[:2], strict=True):
            torch.mm(before, w, out=after)
        for before, after in zip(*steps[2:], strict=True):
            torch.mm(before, w_hh, out=after)
        of_input_and_weights()

    ways: dict[str, Work] = {ONE_CALL: one_call, PEAK: lambda: torch.mm(a, b, out=c)}
    ways |= {LOOP: loop} if threads == 1 else {}
    for work in ways.values():
        work()
    return ways


def rows_of(m: Measurement, threads: int) -> list[list[str]]:
    """In each precision that the step was measured in."""
    rows = []
    for precision, ours in (("float32", OURS), ("bfloat16", in_bfloat16(OURS))):
        if ours not in m.seconds:
            continue
        named = {way: in_bfloat16(way) if precision == "bfloat16" else way for way in (ONE_CALL, LOOP, PEAK)}
        shares = {way: m.ratios[name] for way, name in named.items() if name in m.seconds}
        bare = min((way for way in shares if way != PEAK), key=lambda way: m.seconds[named[way]])
        of_peak = shares[PEAK] * m.products / LARGE**3
        rows.append(
            [
                m.cell,
                str(m.units),
                precision,
                str(threads),
                f"{1e3 * m.seconds[named[bare]]:.1f} ms ({bare})",
                f"{1e3 * m.seconds[ours]:.1f} ms",
                f"{m.products / m.seconds[ours] / 1e9:.0f}",
                f"{100 * shares[bare]:.0f} %",
                f"{100 * of_peak:.0f} %",
            ]
        )
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("units", type=int, nargs="*", default=[64, 128, 256, 512])
    given = parser.parse_args()
    if any(BATCH % threads for threads in given.threads):
        parser.error(f"expected numbers of threads that divide {BATCH}")
    print(f"{machine()}; torch {torch.__version__}\n")
    rows = []
    for threads in given.threads:
        torch.set_num_threads(threads)
        for units in given.units:
            for cell in GATES:
                print(f"{cell}, {units} units, {threads} threads", file=sys.stderr, flush=True)
                beside = products(cell, units, threads, torch.float32)
                if has_bfloat16():
                    narrow = products(cell, units, threads, torch.bfloat16)
                    beside |= {in_bfloat16(way): work for way, work in narrow.items()}
                measured = measure_training(cell, units, repeats=given.repeats, beside=beside)
                rows += rows_of(measured, threads)
    header = ["layer", "units", "precision", "threads", "bare products", "training step"]
    header += ["1,000 million multiplications a second", "share of bare products", "share of the peak"]
    print(table(header, rows))


if __name__ == "__main__":
    main()
