"""What is written of a run once it is trained: scores, baselines beside them, one plain sentence, and music of its own
beside that of the data.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recurra.data.packed import Packed
from recurra.runs.events import Observer, ignore
from recurra.runs.pieces.run import PieceRun
from recurra.tasks.baselines import BaselineResult, beside_baselines
from recurra.tasks.music.likeness import side_by_side
from recurra.tasks.music.scores import MEASURES, piece_scores

OPENING = 8  # frames of a piece that are read before it is gone on with
_PIECES = 16  # that are gone on with
_FRAMES = 256  # of each, at most


def score_run(
    run: PieceRun,
    parts: dict[str, Packed],
    baselines: list[tuple[BaselineResult, np.ndarray]],
    observer: Observer = ignore,
) -> tuple[dict[str, Any], np.ndarray | None]:
    """Score on validation and test part, each opened once.

    Args:
        parts: the rolls of each part that there is.
        baselines: each with what its answers add to the sums of `recurra.tasks.music.scores`.

    Returns:
        The content of `metrics.json`, and (N, C) what the test pieces add to these sums, where there are some.
    """
    content: dict[str, Any] = {"task": "generate"}
    sums: np.ndarray | None = None
    for name in ("validation", "test"):
        if name not in parts:
            continue
        sums = run.sums(parts[name], observer)
        scores = piece_scores(sums)
        content[name] = {
            "n": len(parts[name]),
            "frames": int(sums[:, 0].sum()),
            "scores": [score.to_json() for score in scores],
        }
    held = next(name for name in ("test", "validation", "train") if name in parts)
    content["music"] = {"part": held} | beside_the_data(run, parts[held])
    if "test" not in content or sums is None:
        return content, None
    name = run.config.settings.network.cell_name
    content |= beside_baselines(MEASURES[0], sums, scores, baselines, name)
    return content, sums


def beside_the_data(run: PieceRun, rolls: Packed, *, temperature: float = 1.0) -> dict[str, Any]:
    """Some pieces gone on with from their first frames, and what they and their true endings are like.

    Temperature 1: what is drawn is then what the network believes, and differences are its own.

    Args:
        rolls: pieces of the data; of each the opening is read, and as many frames made as it has, up to 256.

    Returns:
        See `recurra.tasks.music.likeness.side_by_side`.
    """
    seed = run.config.options.seed
    # Half of a short piece is its opening.
    lengths = np.minimum(rolls.lengths, OPENING + _FRAMES)
    openings = np.minimum(OPENING, lengths // 2)
    count = min(_PIECES, len(rolls))
    chosen = np.sort(np.random.default_rng(seed).choice(len(rolls), count, replace=False))
    made, true = [], []
    for n in chosen.tolist():
        opening = rolls[n][: openings[n]]
        true.append(rolls[n][openings[n] : lengths[n]])
        made.append(run.generate(opening, frames=len(true[-1]), temperature=temperature, seed=seed + n))
    read = [rolls[n][: openings[n]] for n in chosen.tolist()]
    return side_by_side(read, made, true, frame=run.config.data_schema.frame, temperature=temperature)
