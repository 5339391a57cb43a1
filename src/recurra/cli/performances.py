"""What the command line asks of, and shows of, runs that go on with music event by event."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from recurra.cli.console import Watcher, print_json
from recurra.cli.music import check_files, check_prompt, one_piece, show_run
from recurra.data.music.performances import read_performances
from recurra.data.music.writing import write_notes
from recurra.data.packed import Packed
from recurra.errors import InputError
from recurra.report.rolls import draw
from recurra.runs.events import PhaseStarted
from recurra.runs.parts import scored_part
from recurra.runs.performances.files import fit_performances, read_music
from recurra.runs.performances.run import PerformanceRun
from recurra.runs.performances.scoring import roll_of_events
from recurra.tasks.music.event_settings import PerformanceSettings, default_performance_settings

GENERATE = (
    *("max_tokens", "temperature", "top_k", "top_p", "opening"),
    *("out", "picture", "overwrite", "seed"),
)
_SIXTEENTHS = 4  # in a quarter note: the frames of a picture
fit = fit_performances


def show_result(run: PerformanceRun, watcher: Watcher) -> None:
    """Scores with intervals and baselines, what its music is like, the verdict."""
    show_run(run, f"{run.metrics['test']['n']:,} test events" if "test" in run.metrics else "", watcher)


def evaluate(run: PerformanceRun, data: str, *, encoding: str | None, watcher: Watcher) -> dict[str, Any]:
    """Perplexity and nats per event of `data`; of data with parts of their own, of the test part."""
    if encoding is not None:
        raise InputError("there is no text in music", where="--encoding", fix="Leave it out.")
    found = scored_part(read_music(data, watcher), watcher)
    events = Packed.from_list([run.codec.encode(each) for each in found.played])
    watcher(PhaseStarted("Scoring"))
    scores = run.evaluate(events, watcher)
    return {"n": scores[0].n, "scores": [score.to_json() for score in scores]}


def generate(run: PerformanceRun, place: Path, prompt: str, *, as_json: bool, **options: Any) -> None:
    """How a piece goes on after an opening: written as MIDI, drawn, or printed, an event in a line.

    Args:
        place: the run folder.
        prompt: a MIDI file; empty: the beginning of a piece.
    """
    out, picture = options.pop("out", None), options.pop("picture", None)
    check_files(out, picture, options.pop("overwrite", False))
    codec, quarters = run.codec, options.pop("opening", None)
    opening = codec.encode(_opening(prompt)) if prompt else np.array([run.begin], dtype=np.int32)
    if quarters is not None:
        opening = codec.first(opening, quarters)
    made = run.generate(opening, **options)
    whole = np.concatenate([opening, made])
    played = codec.decode(whole, tempo=run.config.data_schema.tempo)
    if out is not None:
        write_notes(out, played)
    if picture is not None:
        frames = round(codec.steps_passed(opening) / codec.config.steps * _SIXTEENTHS)
        draw(roll_of_events(codec, whole), picture, opening=frames)
    written = [str(path) for path in (out, picture) if path is not None]
    if as_json:
        print_json(
            {
                "run": str(place),
                "prompt": prompt,
                "opening": len(opening),
                "events": codec.names(whole),
                "files": written,
            }
            | options
        )
    elif written:
        print(
            f"{len(opening):,} events read, {len(made):,} made, {len(played):,} notes: {', '.join(written)}."
        )
    else:
        sys.stdout.write("".join(f"{name}\n" for name in codec.names(made)))


def _opening(prompt: str) -> Any:
    """The notes of the one piece in a file."""
    check_prompt(prompt)
    found = read_performances(prompt)
    one_piece(len(found), prompt)
    return found.played[0]


def facts(run: PerformanceRun) -> dict[str, str]:
    """What `recurra info` tells of the run alone."""
    steps = run.config.settings.events.steps
    return {
        "task": f"generate, events of music (a quarter note has {steps} steps)",
        "vocabulary": f"{run.codec.vocabulary_size:,} events",
        "tempo": f"{run.config.data_schema.tempo:.4g} quarter notes a minute",
    }


def default_choices() -> list[PerformanceSettings]:
    """The defaults for little music and for much."""
    return [default_performance_settings(events) for events in (10_000, 10**7)]


def next_commands(place: Path) -> list[str]:
    """What to try with the run."""
    return [
        f"recurra generate {place} --out piece.mid --picture piece.png",
        f"recurra generate {place} --prompt OPENING.mid --opening 16 --out piece.mid",
        f"recurra evaluate {place} OTHER_PIECES",
    ]
