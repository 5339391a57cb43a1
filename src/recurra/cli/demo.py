"""`recurra demo`."""

from __future__ import annotations

from pathlib import Path

from recurra.cli.console import Watcher, print_json, score_table
from recurra.demo.digits import CELLS, compare_on_digits
from recurra.demo.picture import draw
from recurra.runs.places import clear_folder_of_runs

PICTURE = "curves.png"


def run_demo(out: Path, *, seed: int, as_json: bool) -> None:
    """Train the three networks, print the table, leave runs, summary and picture in `out`."""
    clear_folder_of_runs(out, CELLS, others=(PICTURE,))
    with Watcher(as_json=as_json, every=5) as watcher:
        summary, runs = compare_on_digits(out, seed=seed, observer=watcher)
        picture = draw(summary, runs, out / PICTURE)
        if as_json:
            print_json(summary | {"out": str(out), "picture": str(picture)})
            return
        rows = [
            (
                f"{n['cell'].upper()}, {n['hidden_size']} units, {n['weights']:,} weights",
                n["accuracy"],
                n["training_s"],
            )
            for n in summary["networks"]
        ]
        rows += [(b["name"], b["scores"][0], b["seconds"]) for b in summary["baselines"]]
        n = summary["networks"][0]["accuracy"]["n"]
        tell = watcher.console.print
        tell()
        tell(score_table(f"accuracy on {n} test digits, same split, same number of weights", rows))
        tell("\nOne split and one seed: differences inside the intervals mean nothing.")
        tell(f"\nThe picture: {picture}")
        tell("The runs:    " + "  ".join(str(out / cell) for cell in runs))
        tell("\nTry next:")
        tell(f"  recurra info {out / 'lstm'}")
        tell("  recurra fit YOUR_DATA.csv --budget 5m")
        tell("  recurra fit --help")
