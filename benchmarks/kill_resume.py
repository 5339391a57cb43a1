"""Killed with SIGKILL at a random moment and resumed: are weights and metrics those of an uninterrupted run?

    python benchmarks/kill_resume.py [RUNS]

Ten runs (or RUNS) of `recurra fit` on a small table of made texts, every second one killed in the first
epoch, the others later, two of them twice. Everything but times must be equal to the bit.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from trials import Trials, table

TIMES = ("seconds", "created")
DATA = "sentences.csv"
EPOCHS = 6


def make_data(path: Path) -> None:
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


def start(data: Path, out: Path, resume: bool) -> subprocess.Popen:
    """`recurra fit` in the background, with a checkpoint every half second."""
    command = [
        str(Path(sys.executable).with_name("recurra")),
        "fit",
        str(data),
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


def trial(place: Path, n: int, expected: dict[str, Any], epoch_s: float) -> dict[str, Any]:
    """Kill once, or twice for two runs in ten, every second run first in its first epoch; resume; compare."""
    out = place / f"run{n}"
    wanted, killed = (2 if n % 5 == 4 else 1), []
    while len(killed) < wanted:
        process = start(place / DATA, out, resume=out.exists())
        epochs = kill_at_random(process, out, epoch_s, in_first=n % 2 == 0 and not killed)
        if epochs is None:  # it was done before the moment came
            shutil.rmtree(out)
            killed = []
        else:
            killed.append(epochs)
    process = start(place / DATA, out, resume=True)
    _, errors = process.communicate()
    if process.returncode:
        sys.exit(errors.decode())
    equal = content(out) == expected
    shutil.rmtree(out)
    return {"killed_in_epoch": [epochs + 1 for epochs in killed], "equal": equal}


def main(runs: int) -> None:
    """An uninterrupted run, then the others; a line per run."""
    trials = Trials("kill_resume")
    place = Path(tempfile.mkdtemp())
    make_data(place / DATA)
    whole = start(place / DATA, place / "whole", resume=False)
    _, errors = whole.communicate()
    if whole.returncode:
        sys.exit(errors.decode())
    expected = content(place / "whole")
    last = json.loads((place / "whole" / "history.jsonl").read_text().split("\n")[EPOCHS - 1])
    done = [
        trials.run(f"run {n}", partial(trial, place, n, expected, last["seconds"] / EPOCHS))
        for n in range(runs)
    ]
    shutil.rmtree(place)
    rows = [
        [d["trial"], " and ".join(map(str, d["killed_in_epoch"])), "yes" if d["equal"] else "NO"]
        for d in done
    ]
    print(table(["run", "killed in epoch", "equal to the bit"], rows))
    sys.exit(not all(d["equal"] for d in done))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
