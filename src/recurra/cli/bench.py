"""`recurra bench`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from recurra.bench.keras_peer import KerasPeer, keras_backends
from recurra.bench.layers import has_bfloat16, measure_training
from recurra.bench.machine import machine, measure_roof
from recurra.bench.measurement import OURS, Measurement
from recurra.bench.streams import has_onnx, measure_streaming
from recurra.cli.console import print_json
from recurra.errors import InputError
from recurra.ops.native import chosen, why_not_native
from recurra.report.roofline import draw_roofline

CELLS = ("RNN", "GRU", "LSTM")
_NAMES = {
    "training step": "Training step, 64 sequences of 200 steps",
    "streaming step": "Streaming step, one sequence",
}


def run_bench(
    units: list[int],
    *,
    repeats: int,
    threads: int | None,
    picture: Path | None,
    overwrite: bool,
    keras_python: str,
    as_json: bool,
) -> None:
    """Measure, print a table of each kind of work, and draw the roofline where asked."""
    if picture is not None and picture.exists() and not overwrite:
        raise InputError(
            "there is a file already", where=str(picture), fix="Choose another name, or say --overwrite."
        )
    if picture is not None and picture.suffix != ".png":
        raise InputError(f"expected a name that ends in .png, found {picture.name}", where="--picture")
    console = Console(stderr=as_json, highlight=False)
    torch.set_num_threads(threads or torch.get_num_threads())
    backends = keras_backends(keras_python)
    for note in (about := _about(backends)).values():
        console.print(note)
    roof = measure_roof()
    found: list[Measurement] = []
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with ExitStack() as stack, Progress(*columns, console=console, transient=True) as progress:
        keras = [
            stack.enter_context(KerasPeer(name, threads=torch.get_num_threads(), python=keras_python))
            for name in backends
        ]
        work = _work(units, repeats, keras)
        task = progress.add_task("measuring", total=sum(weight for _, _, weight in work))
        for name, measure, weight in work:
            progress.update(task, description=name)
            found.append(measure())
            progress.advance(task, weight)
    if picture is not None:
        draw_roofline(found, roof, picture)
    if as_json:
        print_json({**about, "roof": asdict(roof), "measurements": [asdict(m) for m in found]})
        return
    for kind in _NAMES:
        console.print(_table(kind, [m for m in found if m.work == kind]))
    console.print(
        f"Large matrix products reach {roof.products / 1e9:.0f} G multiplications a second here. "
        "All results were compared equal before they were timed; in brackets: how many times faster recurra is, "
        "in bfloat16 where it has kernels for that."
    )
    if picture is not None:
        console.print(f"The roofline is in {picture}.")


def _about(backends: dict[str, str]) -> dict[str, str]:
    versions = [f"torch {torch.__version__}", *backends.values(), f"native kernels: {chosen() or 'none'}"]
    about = {
        "machine": f"{machine()}; {torch.get_num_threads()} threads in training, one in streaming",
        "versions": "; ".join(versions),
        "time": time.strftime("%Y-%m-%d"),
    }
    if missing := why_not_native():
        about["missing kernels"] = f"Not measured: {missing}."
    if not has_onnx():
        about["missing peer"] = "ONNX Runtime is not measured: pip install onnx onnxruntime."
    if not backends:
        about["missing Keras"] = "Keras is not measured: pip install keras jax (or keras tensorflow)."
    if not has_bfloat16():
        about["missing precision"] = (
            "torch's bfloat16 is not measured: this processor does not multiply in it."
        )
    return about


def _work(
    units: list[int], repeats: int, keras: Sequence[KerasPeer]
) -> list[tuple[str, Callable[[], Measurement], float]]:
    """What is measured, as people call it, and about how long it takes."""

    def each() -> Iterator[tuple[str, Callable[[], Measurement], float]]:
        for size in units:
            for cell in CELLS:
                yield (
                    f"{cell}, {size} units, training",
                    lambda cell=cell, size=size: measure_training(cell, size, repeats=repeats, keras=keras),
                    (size + 64) ** 1.5,
                )
                yield (
                    f"{cell}, {size} units, streaming",
                    lambda cell=cell, size=size: measure_streaming(cell, size, repeats=2 * repeats),
                    2.0 * (size + 64),
                )

    return list(each())


def _table(kind: str, measurements: list[Measurement]) -> Table:
    table = Table(title=_NAMES[kind], title_justify="left", box=None, pad_edge=False)
    peers = list(dict.fromkeys(peer for m in measurements for peer in m.seconds))
    table.add_column("layer")
    table.add_column("units", justify="right")
    for peer in peers:
        table.add_column(peer, justify="right")
    for m in measurements:
        table.add_row(m.cell, str(m.units), *(_cell(m, peer) for peer in peers))
    return table


def _cell(m: Measurement, peer: str) -> str:
    if peer not in m.seconds:
        return ""
    shown = _duration(m.seconds[peer])
    return shown if peer.startswith(OURS) else f"{shown} ({m.ratios[peer]:.1f}x)"


def _duration(seconds: float) -> str:
    return f"{1e3 * seconds:.1f} ms" if seconds > 1e-3 else f"{1e6 * seconds:.1f} µs"
