"""What the command line shows of music, and writes of it, whatever it is foretold by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table

from recurra.cli.console import NOTHING_HELD_OUT, Watcher, plain, print_scores
from recurra.errors import InputError
from recurra.report.sections.music import compared
from recurra.runs.run import Run


def show_run(run: Run[Any, Any], of: str, watcher: Watcher) -> None:
    """Scores with intervals and baselines, what its music is like, the verdict.

    Args:
        of: what the test part is, in words.
    """
    metrics, print_ = run.metrics, watcher.console.print
    if "test" in metrics:
        print_scores(run, metrics["test"], of, watcher.console)
    else:
        print_(NOTHING_HELD_OUT)
    music = metrics["music"]
    table = Table(
        title=f"Its own music, after {music['pieces']} openings, beside what follows in the data",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    for column in ("", "data", "generated"):
        table.add_column(column, no_wrap=True)
    for row in compared(music):
        table.add_row(*map(plain, row))
    print_()
    print_(table)
    if "verdict" in metrics:
        print_(f"\n{metrics['verdict']}")


def check_files(out: Path | None, picture: Path | None, overwrite: bool) -> None:
    """See that what is to be written can be.

    Raises:
        InputError: a name with another ending, or a file that is there already.
    """
    for path, ending, option in ((out, ".mid", "--out"), (picture, ".png", "--picture")):
        if path is None:
            continue
        if path.suffix.lower() != ending:
            raise InputError(f"expected a name that ends in {ending}, found {path.name!r}", where=option)
        if path.exists() and not overwrite:
            raise InputError(
                "this file is there already",
                where=str(path),
                fix=f"Choose another {option}, or add --overwrite.",
            )


def check_prompt(prompt: str) -> None:
    """See that there is such a file.

    Raises:
        InputError: there is none.
    """
    if not Path(prompt).exists():
        raise InputError(
            f"expected a file of music, and there is no {prompt!r}", where="--prompt", fix="Give a MIDI file."
        )


def one_piece(found: int, prompt: str) -> None:
    """See that a file holds one piece.

    Raises:
        InputError: it holds another number.
    """
    if found != 1:
        raise InputError(
            f"expected one piece to go on with, found {found}", where=prompt, fix="Give a MIDI file."
        )
