"""Killed with SIGKILL at a random moment and resumed: are weights and metrics those of an uninterrupted run?

    python benchmarks/kill_resume.py [RUNS]

Ten runs (or RUNS) of `recurra fit` on a small table of made texts, every second one killed in the first
epoch, two of them killed twice. Everything but times must be equal to the bit.
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
from pathlib import Path
from typing import Any

from trials import Trials, table

TIMES = ("seconds", "created")


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
    for setting in ("checkpoint_every_s=0.5", "epochs=6", "patience=6"):
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


def main(runs: int) -> None:
    """Kill, resume, compare; a line per run."""
    trials = Trials("kill_resume")
    place = Path(tempfile.mkdtemp())
    data = place / "sentences.csv"
    make_data(data)
    began = time.monotonic()
    whole = start(data, place / "whole", resume=False)
    _, errors = whole.communicate()
    if whole.returncode:
        sys.exit(errors.decode())
    took = time.monotonic() - began
    expected = content(place / "whole")
    records = json.loads((place / "whole" / "metrics.json").read_text())["seconds"]
    before = took - records["training"] - records["scoring"]
    first_epoch = json.loads((place / "whole" / "history.jsonl").read_text().split("\n")[0])["seconds"]
    draw = random.Random(time.time_ns())

    def trial(n: int) -> dict[str, Any]:
        out = place / f"run{n}"
        killed = []
        for _ in range(2 if n % 5 == 4 else 1):
            low, high = (0.2, first_epoch) if n % 2 == 0 else (first_epoch, records["training"])
            process = start(data, out, resume=out.exists())
            moment = before + draw.uniform(low, high)
            try:
                process.wait(timeout=moment)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed.append(round(moment, 2))
        process = start(data, out, resume=out.exists())
        _, errors = process.communicate()
        if process.returncode:
            sys.exit(errors.decode())
        equal = content(out) == expected
        shutil.rmtree(out)
        return {"killed_after_s": killed, "whole_s": round(took, 1), "equal": equal}

    done = [trials.run(f"run {n}", lambda n=n: trial(n)) for n in range(runs)]
    shutil.rmtree(place)
    rows = [
        [d["trial"], " and ".join(f"{s} s" for s in d["killed_after_s"]), "yes" if d["equal"] else "NO"]
        for d in done
    ]
    print(table(["run", f"killed after (whole: {done[0]['whole_s']} s)", "equal to the bit"], rows))
    sys.exit(not all(d["equal"] for d in done))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
