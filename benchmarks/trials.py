"""Trials that survive being killed: each result is a line in a JSON-lines file, and is not computed again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from recurra.bench.machine import machine
from recurra.runs.run import Run
from recurra.training.loop import EpochRecord

R = TypeVar("R", bound=Run[Any, Any])
RESULTS = Path(__file__).parent / "results"
# Importing what stands as None in sys.modules fails as if it were not installed.
_WITHOUT_NATIVE = "import sys; sys.modules['_recurra_native'] = None; from recurra.cli.main import run; run()"


def data_folder() -> Path:
    """The folder of real data, from the environment variable RECURRA_DATA."""
    folder = os.environ.get("RECURRA_DATA")
    if not folder:
        sys.exit("Set RECURRA_DATA to the folder that holds the data sets.")
    return Path(folder)


class Trials:
    """Results by name, kept in `benchmarks/results/NAME.jsonl`."""

    def __init__(self, name: str):
        self.path = RESULTS / f"{name}.jsonl"
        self.done: dict[str, dict[str, Any]] = {}
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").split("\n"):
                if line:
                    record = json.loads(line)
                    self.done[record["trial"]] = record

    def run(self, trial: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The result of `trial`: the kept one, or that of `work`, which is then kept."""
        if trial not in self.done:
            print(f"{time.strftime('%H:%M:%S')}  {trial}", flush=True)
            record = {"trial": trial, "date": date.today().isoformat(), "machine": machine(), **work()}
            self.path.parent.mkdir(exist_ok=True)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(record) + "\n")
            self.done[trial] = record
        return self.done[trial]


def trained(fit: Callable[..., R], *data: Any, place: str, **parts: Any) -> R:
    """The run that `fit` makes of `data` in `runs/PLACE`; a killed one goes on from its checkpoint.

    One that is interrupted by hand ends the script: it is no result.
    """

    def tell(event: object) -> None:
        if isinstance(event, EpochRecord):
            print(f"  epoch {event.epoch}: {event.validation} {event.seconds:.0f} s", flush=True)

    out = Path("runs") / place
    run = fit(*data, out=out, resume=out.exists(), observer=tell, **parts)
    if run.metrics["training"]["stopped"] == "interrupted":
        sys.exit("interrupted: this trial is not kept")
    return run


def run_command(arguments: list[str], *, native: bool = True) -> dict[str, Any]:
    """Run `recurra ARGUMENTS --json` as a user would; its JSON, seconds from the prompt, and peak memory.

    Args:
        native: False hides the native kernels from the process: it is then what an installation without a compiler is.
    """
    started = time.monotonic()
    begin = (
        [str(Path(sys.executable).with_name("recurra"))]
        if native
        else [sys.executable, "-c", _WITHOUT_NATIVE]
    )
    command = [*begin, *arguments, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with status {process.returncode}")
    return {
        "result": json.loads(output),
        "seconds": round(time.monotonic() - started, 1),
        "peak_memory_mb": round(usage.ru_maxrss / 1024),
    }


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
