"""What a network that goes on with music makes: a piano roll beside the data's, and what its notes are like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.data.music.pieces import roll_of
from recurra.data.music.reading import name_of
from recurra.report import drawing, wording
from recurra.report.page import Section, render
from recurra.report.rolls import draw_roll, keys_of
from recurra.report.run_files import RunFiles
from recurra.report.tables import Table
from recurra.tasks.music.likeness import overlap

if TYPE_CHECKING:
    from markupsafe import Markup

_NOTES = "C C♯ D E♭ E F F♯ G A♭ A B♭ B".split()
_INTERVALS = (
    "octaves",
    "semitones",
    "tones",
    "minor thirds",
    "major thirds",
    "fifths",
    "tritones",
)


def section(run: RunFiles) -> Section | None:
    """Two rolls with the same opening, and a table of what the notes of many are like."""
    music = run.metrics.get("music")
    if music is None:
        return None
    opening = roll_of(music["opening"])
    rolls = {name: np.concatenate([opening, roll_of(music[name])]) for name in ("made", "true")}
    keys = keys_of([*rolls.values()])
    figures = [
        (
            _figure(rolls["made"], len(opening), keys, "made"),
            "An opening of the data, gone on with by the network",
        ),
        (_figure(rolls["true"], len(opening), keys, "what follows in the data"), "The piece that it is from"),
    ]
    caption = f"{music['pieces']} pieces of the {music['part']} part, {music['frames']:,} frames after their openings"
    table = Table(caption, ["", "data", "generated"], compared(music)).html()
    frame = f"{'an' if music['frame'].startswith('e') else 'a'} {music['frame']}"
    return Section(
        "music",
        "The music that it makes",
        render(
            "music.html",
            figures=figures,
            table=table,
            music=music,
            frame=frame,
            events=run.config.kind == "performance",
        ),
    )


def compared(music: dict[str, Any]) -> list[list[str]]:
    """Rows of a table: what is measured, of the data, of what was generated.

    Args:
        music: as `recurra.runs.pieces.scoring.beside_the_data` leaves it.
    """
    data, made = music["data"], music["generated"]

    def row(name: str, key: str, shown: Any = wording.number) -> list[str]:
        return [name, *("–" if side[key] is None else shown(side[key]) for side in (data, made))]

    def note(number: float) -> str:
        return name_of(round(number))

    return [
        row("keys down at a time", "keys_down"),
        row("silent frames", "silent", wording.share),
        row("frames like the last", "repeated", wording.share),
        row("frames a note lasts", "held_for"),
        row("lowest note", "lowest", note),
        row("highest note", "highest", note),
        ["commonest notes", *(_commonest(side["pitch_classes"], _NOTES, 4) for side in (data, made))],
        ["commonest intervals", *(_commonest(side["intervals"], _INTERVALS, 2) for side in (data, made))],
        ["notes shared", "", _common(data, made, "pitch_classes")],
        ["intervals shared", "", _common(data, made, "intervals")],
    ]


def _common(data: dict[str, Any], made: dict[str, Any], key: str) -> str:
    return wording.share(overlap(data[key], made[key]))


def _commonest(shares: list[float], names: Any, count: int) -> str:
    order = np.argsort(-np.asarray(shares), kind="stable")[:count]
    return ", ".join(names[k] for k in order if shares[k] > 0) or "–"


def _figure(roll: np.ndarray, opening: int, keys: tuple[int, int], label: str) -> Markup:
    figure, panel = drawing.new_figure(height=3)
    draw_roll(panel, roll, opening=opening, keys=keys, made=label)
    drawing.legend(figure, panel)
    after = roll[opening:]
    alt = (
        f"Piano roll of {len(roll)} frames, {opening} of them the opening; after it {after.sum(axis=1).mean():.1f} "
        f"keys are down at a time."
    )
    return drawing.inline(figure, f"roll {label}", alt)
