"""The picture of a piano roll: time to the right, keys upwards, an opening told apart from what was made after it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recurra.data.music.pieces import LOWEST
from recurra.data.music.reading import name_of
from recurra.data.music.writing import held
from recurra.report.drawing import BLUE, LINE, ORANGE, SOFT
from recurra.storage import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST = 24  # keys that are shown: two octaves


def draw(roll: np.ndarray, path: Path, *, opening: int = 0) -> Path:
    """Write a roll (T, 88) to `path` as PNG.

    Args:
        opening: frames at its beginning that were given, not made.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(float(np.clip(len(roll) / 16, 6, 24)), 4), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.subplots()
    draw_roll(panel, roll, opening=opening, keys=keys_of([roll]))
    if opening and len(roll) > opening:
        figure.legend(*panel.get_legend_handles_labels(), loc="outside upper left", ncols=2, frameon=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=130)
    write_bytes(path, stream.getvalue())
    return path


def draw_roll(
    panel: Axes, roll: np.ndarray, *, opening: int, keys: tuple[int, int], made: str = "made"
) -> None:
    """A roll into `panel`: a bar for each note, held as long as its key is down.

    Args:
        opening: frames at its beginning that were given.
        keys: the lowest and the highest that are shown.
        made: what the frames after them are called.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    parts = ((roll[:opening], 0, SOFT, "opening"), (roll[opening:], opening, BLUE, made))
    for part, begin, colour, label in parts:
        notes = held(part)
        if notes:
            starts, ends, rows = np.array(notes).T
            panel.barh(
                rows, ends - starts - 0.1, 0.8, left=begin + starts, color=colour, label=label, linewidth=0
            )
    if 0 < opening < len(roll):
        panel.axvline(opening - 0.05, color=ORANGE, linestyle="--", linewidth=1)
    low, high = keys
    panel.set(xlim=(-0.5, len(roll) + 0.5), ylim=(low - 1, high + 1), xlabel="frame")
    panel.yaxis.set_major_locator(
        FixedLocator([key for key in range(low, high + 1) if (key + LOWEST) % 12 == 0])
    )
    panel.yaxis.set_major_formatter(FuncFormatter(lambda key, _: name_of(int(key) + LOWEST)))
    panel.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    panel.grid(color=LINE, alpha=0.4)


def keys_of(rolls: list[np.ndarray]) -> tuple[int, int]:
    """The lowest and the highest key to be shown of some rolls: those that are used, and two octaves at least.

    >>> keys_of([np.eye(88)[[40, 41]]])
    (29, 52)
    """
    used = np.flatnonzero(np.concatenate(rolls).any(axis=0))
    low, high = (int(used[0]), int(used[-1])) if len(used) else (27, 50)
    lacking = max(0, _LEAST - (high - low + 1))
    low = max(0, low - lacking // 2)
    high = min(87, max(high, low + _LEAST - 1))
    return min(low, high - _LEAST + 1), high
