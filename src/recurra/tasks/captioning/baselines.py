"""What one would take instead of a network: the commonest caption, and that of the most alike image or vector."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from recurra.data.images.pixels import Pixels
from recurra.data.packed import Packed
from recurra.tasks.baselines import BaselineResult
from recurra.tasks.baselines.images import small_copies
from recurra.tasks.baselines.numbers import affordable_neighbours, nearest_neighbour
from recurra.tasks.baselines.targets import Targets
from recurra.tasks.captioning.scores import CaptionMeasures


def run_caption_baselines(
    inputs: Packed,
    captions: Sequence[tuple[str, ...]],
    asked: Packed,
    references: Sequence[tuple[str, ...]],
    measures: CaptionMeasures,
    *,
    time_limit_s: float = 60.0,
    seed: int = 0,
) -> list[tuple[BaselineResult, np.ndarray]]:
    """Each baseline, and (N, C) what its captions add to the sums of `measures`.

    Args:
        inputs, captions: of the training part.
        asked, references: of the test part.
        time_limit_s: of the nearest neighbour, turned into a number of examples by a fixed rate, never by a clock.
        seed: of the sub-sample that this may take.
    """
    found = []

    def take(name: str, description: str, answer: Callable[[], list[str]]) -> None:
        begin = time.perf_counter()
        answers = answer()
        seconds = time.perf_counter() - begin
        sums = measures.sums(answers, references)
        scores = measures.scores(sums)
        found.append(
            (BaselineResult(name, description, scores, seconds, np.array(answers, dtype=object)), sums)
        )

    commonest = Counter(caption for said in captions for caption in said).most_common(1)[0][0]
    take(
        "always the commonest caption",
        f"Says “{commonest}”, the commonest of the training captions, whatever it sees.",
        lambda: [commonest] * len(references),
    )
    kind = "vector"
    if isinstance(inputs, Pixels) and isinstance(asked, Pixels):
        inputs, asked, kind = (
            small_copies(inputs),
            small_copies(asked),
            "image, compared by pixels of small copies",
        )
    most, note = affordable_neighbours(inputs, len(references), time_limit_s), ""
    places = np.arange(len(inputs))
    if most < len(inputs):
        note = f"; of {most:,} of {len(inputs):,}, to save time"
        places = np.sort(np.random.default_rng(seed).choice(places, most, replace=False))
    numbers = Targets("real", places.astype(np.float64), ())

    def nearest() -> list[str]:
        chosen = nearest_neighbour(inputs.take(places), numbers, asked)
        return [captions[int(n)][0] for n in chosen]

    take("nearest neighbour", f"Says the first caption of the nearest training {kind}{note}.", nearest)
    return found
