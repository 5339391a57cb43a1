"""Killed with SIGKILL at a random moment and resumed: are weights and metrics those of an uninterrupted run?

    python benchmarks/kill_resume.py [RUNS]

Ten runs (or RUNS) of `recurra fit` on each of three small made data sets: a table of texts with labels, a series to
forecast, a text to write on, whose network carries its state from batch to batch. Every second run is killed in the
first epoch, the others later, two in ten twice. Everything but times must be equal to the bit.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from trials import Trials, table

TIMES = ("seconds", "created")
EPOCHS = 6


def make_sentences(path: Path) -> None:
    """3,000 made sentences of two classes."""
    draw = random.Random(0)
    good, bad = ["fine", "bright", "warm", "clever"], ["dull", "cold", "grey", "slow"]
    rest = [f"word{k}" for k in range(400)]
    with path.open("w", encoding="utf-8") as stream:
        stream.write("text,label\n")
        for n in range(3000):
            words = draw.choices(rest, k=draw.randint(5, 60)) + draw.choices(good if n % 2 else bad, k=2)
            draw.shuffle(words)
            stream.write(f"{' '.join(words)},{'good' if n % 2 else 'bad'}\n")


def make_hours(path: Path) -> None:
    """1,500 made hours with a day in them."""
    draw = random.Random(0)
    with path.open("w", encoding="utf-8") as stream:
        stream.write("time,load\n")
        for n in range(1500):
            value = 10 + 3 * math.sin(2 * math.pi * n / 24) + draw.gauss(0, 1)
            stream.write(f"{datetime(2024, 1, 1) + timedelta(hours=n)},{value:.3f}\n")


def make_novel(path: Path) -> None:
    """1,500 made lines of words of which some follow each other often."""
    draw = random.Random(0)
    words = [f"w{k}" for k in range(300)]
    with path.open("w", encoding="utf-8") as stream:
        for _ in range(1500):
            k = draw.randrange(300)
            line = [words[k := (k + draw.choice((1, 1, 1, 7, 50))) % 300] for _ in range(draw.randint(3, 12))]
            stream.write(" ".join(line) + "\n")


@dataclass(frozen=True)
class Kind:
    """One kind of run: its file, what makes it, and what `recurra fit` is told of it."""

    data: str
    make: Callable[[Path], None]
    options: tuple[str, ...] = ()


KINDS = {
    "sentences": Kind("sentences.csv", make_sentences),
    "forecasts": Kind("hours.csv", make_hours, ("--horizon", "24", "--time", "time", "--target", "load")),
    "texts": Kind("novel.txt", make_novel, ("--task", "generate")),
}


def start(kind: Kind, place: Path, out: Path, resume: bool) -> subprocess.Popen:
    """`recurra fit` in the background, with a checkpoint every half second."""
    command = [
        str(Path(sys.executable).with_name("recurra")),
        "fit",
        str(place / kind.data),
        *kind.options,
        "--out",
        str(out),
        "--seed",
        "4",
    ]
    for setting in ("checkpoint_every_s=0.5", f"epochs={EPOCHS}", f"patience={EPOCHS}"):
        command += ["--set", f"training.{setting}"]
    return subprocess.Popen(
        command + (["--resume"] if resume else []), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def content(out: Path) -> dict[str, Any]:
    """What must be equal: the hash of the weights, metrics and history without times."""
    history = [json.loads(line) for line in (out / "history.jsonl").read_text().split("\n") if line]
    return {
        "weights": hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest(),
        "metrics": _timeless(json.loads((out / "metrics.json").read_text())),
        "history": _timeless(history),
    }


def _timeless(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _timeless(value) for key, value in content.items() if key not in TIMES}
    return [_timeless(item) for item in content] if isinstance(content, list) else content


def epochs_done(out: Path) -> int:
    """Complete epochs that the run has written down."""
    history = out / "history.jsonl"
    return history.read_bytes().count(b"\n") if history.exists() else 0


def kill_at_random(process: subprocess.Popen, out: Path, epoch_s: float, in_first: bool) -> int | None:
    """SIGKILL at a random moment, in the first epoch or in a later one.

    Returns:
        Complete epochs at that moment; None where the process ended before it.
    """

    def began() -> bool:
        if not in_first:
            return epochs_done(out) >= 1
        config = out / "config.json"
        return config.exists() and json.loads(config.read_text())["total_steps"] is not None

    while process.poll() is None and not began():
        time.sleep(0.05)
    span = 0.9 * epoch_s if in_first else (EPOCHS - 1.5) * epoch_s
    try:
        process.wait(timeout=random.uniform(0, span))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return epochs_done(out)
    return None


def trial(kind: Kind, place: Path, n: int, expected: dict[str, Any], epoch_s: float) -> dict[str, Any]:
    """Kill once, or twice for two runs in ten, every second run first in its first epoch; resume; compare."""
    out = place / f"run{n}"
    wanted, killed = (2 if n % 5 == 4 else 1), []
    while len(killed) < wanted:
        process = start(kind, place, out, resume=out.exists())
        epochs = kill_at_random(process, out, epoch_s, in_first=n % 2 == 0 and not killed)
        if epochs is None:  # it was done before the moment came
            shutil.rmtree(out)
            killed = []
        else:
            killed.append(epochs)
    process = start(kind, place, out, resume=True)
    _, errors = process.communicate()
    if process.returncode:
        sys.exit(errors.decode())
    equal = content(out) == expected
    shutil.rmtree(out)
    return {"killed_in_epoch": [epochs + 1 for epochs in killed], "equal": equal}


def compare(name: str, runs: int, trials: Trials) -> list[dict[str, Any]]:
    """An uninterrupted run of a kind, then the others."""
    names = [f"{name} {n}" for n in range(runs)]
    if all(of in trials.done for of in names):
        return [trials.done[of] for of in names]
    kind, place = KINDS[name], Path(tempfile.mkdtemp())
    kind.make(place / kind.data)
    whole = start(kind, place, place / "whole", resume=False)
    _, errors = whole.communicate()
    if whole.returncode:
        sys.exit(errors.decode())
    expected = content(place / "whole")
    last = json.loads((place / "whole" / "history.jsonl").read_text().split("\n")[EPOCHS - 1])
    done = [
        trials.run(of, partial(trial, kind, place, n, expected, last["seconds"] / EPOCHS))
        for n, of in enumerate(names)
    ]
    shutil.rmtree(place)
    return done


def main(runs: int) -> None:
    """A line per run."""
    trials = Trials("kill_resume")
    done = [found for name in KINDS for found in compare(name, runs, trials)]
    rows = [
        [d["trial"], " and ".join(map(str, d["killed_in_epoch"])), "yes" if d["equal"] else "NO"]
        for d in done
    ]
    print(table(["run", "killed in epoch", "equal to the bit"], rows))
    sys.exit(not all(d["equal"] for d in done))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
