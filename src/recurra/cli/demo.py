"""`recurra demo`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recurra.cli.console import Watcher, plain, print_json, score_table
from recurra.demo.cells import CELLS
from recurra.demo.digits import compare_on_digits
from recurra.demo.documentation import PROMPT, compare_on_documentation
from recurra.demo.page import write_demo_page
from recurra.demo.picture import draw_forecasts, draw_learning
from recurra.demo.sunspots import compare_on_sunspots
from recurra.report.writing import write_page
from recurra.runs.places import check_folder_of_runs, clear_folder_of_runs
from recurra.runs.run import REPORT
from recurra.runs.texts.run import TextRun
from recurra.storage import write_json

SAMPLE_SHOWN = 240  # characters


@dataclass(frozen=True)
class Part:
    """One of the things that recurrent networks are for.

    Args:
        name: of its folder.
        heading: what is done.
        compare: trains the three networks in a folder.
        test: what the scores are of.
        draw: from summary, runs and a path to the picture there.
        picture: the name of its file.
        every: so many epochs are told as one line.
    """

    name: str
    heading: str
    compare: Callable[..., tuple[dict[str, Any], dict[str, Any]]]
    test: str
    draw: Callable[[dict[str, Any], dict[str, Any], Path], Path]
    picture: str
    every: int


PARTS = (
    Part(
        "digits",
        "Sequences into classes: handwritten digits, row by row",
        compare_on_digits,
        "test digits",
        lambda summary, runs, path: draw_learning(summary, runs, "accuracy", path),
        "learning.png",
        5,
    ),
    Part(
        "sunspots",
        "Series into forecasts: sunspots, eleven years ahead",
        compare_on_sunspots,
        "forecasts of the last years",
        lambda summary, runs, path: draw_forecasts(runs, path),
        "forecasts.png",
        10,
    ),
    Part(
        "documentation",
        "Text into more text: Python's documentation, by character",
        compare_on_documentation,
        "test characters",
        lambda summary, runs, path: draw_learning(summary, runs, "bits per character", path),
        "learning.png",
        1,
    ),
)


def run_demo(out: Path, *, seed: int, as_json: bool) -> None:
    """Train three networks on each part, print the tables, leave runs, summaries, pictures and pages in `out`."""
    check_folder_of_runs(out, (), others=(*(part.name for part in PARTS), REPORT))
    for part in PARTS:
        check_folder_of_runs(out / part.name, CELLS, others=(part.picture,))
    for part in PARTS:
        clear_folder_of_runs(out / part.name, CELLS, others=(part.picture,))
    summaries, pictures = {}, {}
    for number, part in enumerate(PARTS, start=1):
        with Watcher(as_json=as_json, every=part.every) as watcher:
            tell = watcher.console.print
            tell(f"\n[bold]{number} of {len(PARTS)}  {plain(part.heading)}[/bold]")
            summary, runs = part.compare(out / part.name, seed=seed, observer=watcher)
            summaries[part.name] = summary
            pictures[part.name] = part.draw(summary, runs, out / part.name / part.picture)
            tell()
            tell(_table(summary, part.test))
            for cell, run in runs.items():
                if isinstance(run, TextRun):
                    text = PROMPT + run.generate(PROMPT, max_tokens=SAMPLE_SHOWN, temperature=0.6, seed=seed)
                    tell(f"\nThe {cell.upper()} goes on from {PROMPT!r}:")
                    tell("  " + plain(text).replace("\n", "\n  ").rstrip())
                    summary["samples"] = summary.get("samples", {}) | {cell: text}
                write_page(out / part.name / cell)
    write_json(out / "summary.json", summaries)
    page = write_demo_page(
        out, {part.name: (part.heading, summaries[part.name], pictures[part.name]) for part in PARTS}
    )
    if as_json:
        print_json(
            {
                "out": str(out),
                "report": str(page),
                "pictures": {name: str(path) for name, path in pictures.items()},
            }
            | summaries
        )
        return
    console = Watcher().console
    console.print("\nOne split and one seed: differences inside the intervals mean nothing.")
    console.print(f"\nThe page:     {page}")
    console.print("The pictures: " + "  ".join(str(path) for path in pictures.values()))
    console.print(f"The runs:     {out}/{{{','.join(pictures)}}}/{{{','.join(CELLS)}}}")
    console.print("\nTry next:")
    console.print(f"  recurra info {out / 'digits' / 'lstm'}")
    console.print(f"  recurra forecast {out / 'sunspots' / 'gru'} --picture sunspots.png")
    console.print(f'  recurra generate {out / "documentation" / "lstm"} --prompt "The for statement"')
    console.print("  recurra fit YOUR_DATA.csv --budget 5m")
    console.print("  recurra fit --help")


def _table(summary: dict[str, Any], test: str) -> Any:
    """Scores of the networks and the baselines of a part."""
    networks = summary["networks"]
    rows = [
        (
            f"{n['cell'].upper()}, {n['hidden_size']} units, {n['weights']:,} weights",
            n["score"],
            n["training_s"],
        )
        for n in networks
    ]
    rows += [(b["name"], b["scores"][0], b["seconds"]) for b in summary["baselines"]]
    score = networks[0]["score"]
    return score_table(f"{score['name']} on {score['n']:,} {test}, same split, same number of weights", rows)
