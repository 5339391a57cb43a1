"""What the command line asks of, and shows of, runs that go on with pieces of music."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from recurra.cli.console import Watcher, print_json
from recurra.cli.music import check_files, check_prompt, one_piece, show_run
from recurra.data.music import keys_down, read_pieces, write_midi
from recurra.data.music.reading import name_of
from recurra.errors import InputError
from recurra.report.rolls import draw
from recurra.runs.events import PhaseStarted
from recurra.runs.parts import scored_part
from recurra.runs.pieces.files import fit_pieces, read_music
from recurra.runs.pieces.run import PieceRun
from recurra.tasks.music.settings import PieceSettings, default_piece_settings

GENERATE = (
    *("max_tokens", "temperature", "top_k", "threshold", "opening"),
    *("out", "picture", "overwrite", "seed"),
)
fit = fit_pieces


def show_result(run: PieceRun, watcher: Watcher) -> None:
    """Scores with intervals and baselines, what its music is like, the verdict."""
    part = run.metrics.get("test", {"n": 0, "frames": 0})
    show_run(run, f"{part['n']:,} test pieces, {part['frames']:,} frames foretold", watcher)


def evaluate(run: PieceRun, data: str, *, encoding: str | None, watcher: Watcher) -> dict[str, Any]:
    """Negative log likelihood per frame of `data`; of data with parts of their own, of the test part."""
    if encoding is not None:
        raise InputError("there is no text in music", where="--encoding", fix="Leave it out.")
    rolls = scored_part(read_music(data, run.config.data_schema.frame, watcher), watcher).rolls
    watcher(PhaseStarted("Scoring"))
    return {"n": len(rolls), "scores": [score.to_json() for score in run.evaluate(rolls, watcher)]}


def generate(run: PieceRun, place: Path, prompt: str, *, as_json: bool, **options: Any) -> None:
    """How a piece goes on after an opening: written as MIDI, drawn, or printed, a line for each frame.

    Args:
        place: the run folder.
        prompt: a file with one piece; empty: the first frame of a training piece.
    """
    out, picture = options.pop("out", None), options.pop("picture", None)
    check_files(out, picture, options.pop("overwrite", False))
    schema, asked = run.config.data_schema, options.pop("opening", None)
    opening = run.opening(seed=options.get("seed", 0)) if not prompt else _opening(prompt, schema.frame)
    opening = opening[:asked]
    renamed = {"max_tokens": "frames", "top_k": "most"}
    made = run.generate(opening, **{renamed.get(name, name): value for name, value in options.items()})
    whole = np.concatenate([opening, made])
    if out is not None:
        write_midi(out, whole, frame=schema.frame, tempo=schema.tempo)
    if picture is not None:
        draw(whole, picture, opening=len(opening))
    written = [str(path) for path in (out, picture) if path is not None]
    if as_json:
        print_json(
            {
                "run": str(place),
                "prompt": prompt,
                "opening": len(opening),
                "frame": schema.frame,
                "frames": keys_down(whole),
                "files": written,
            }
            | options
        )
    elif written:
        a_note = f"{'an' if schema.frame == 'eighth' else 'a'} {schema.frame} note"
        print(
            f"{len(opening):,} frames read, {len(made):,} made, each {a_note} long: {', '.join(written)}. "
            "A key that is down in neighbouring frames is written as one long note."
        )
    else:
        for frame in keys_down(made):
            sys.stdout.write((" ".join(map(name_of, frame)) or "–") + "\n")


def _opening(prompt: str, frame: str) -> np.ndarray:
    """The frames of the one piece in a file."""
    check_prompt(prompt)
    pieces = read_pieces(prompt, frame=frame, fewest=1)
    one_piece(len(pieces), prompt)
    return pieces.roll(0)


def facts(run: PieceRun) -> dict[str, str]:
    """What `recurra info` tells of the run alone."""
    schema = run.config.data_schema
    known = "" if schema.known else ", taken for granted"
    return {
        "task": f"generate, frames of music ({schema.frame} notes{known})",
        "tempo": f"{schema.tempo:.4g} quarter notes a minute",
    }


def default_choices() -> list[PieceSettings]:
    """The defaults for a few short pieces and for many long ones."""
    return [default_piece_settings(np.full(count, frames)) for count, frames in ((20, 50), (500, 500))]


def next_commands(place: Path) -> list[str]:
    """What to try with the run."""
    return [
        f"recurra generate {place} --out piece.mid --picture piece.png",
        f"recurra generate {place} --prompt OPENING.mid --opening 16 --out piece.mid",
        f"recurra evaluate {place} OTHER_PIECES",
    ]
