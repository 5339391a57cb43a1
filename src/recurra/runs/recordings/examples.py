"""Some sequences as people look at them: the steps, the text, what was written and where."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from recurra.data.packed import Packed
from recurra.data.transcripts.alphabet import BLANK
from recurra.runs.recordings.run import RecordingRun

_LONGEST = 400  # steps that are kept of one
_FEATURES = 40


@dataclass(frozen=True)
class Shown:
    """A sequence of the test part, as `metrics.json` keeps it.

    Args:
        name: of the recording.
        reference, text: what it says, and what was written.
        steps: (T, F) the features between 0 (the lowest) and 1, at most 400 steps and 40 features.
        blank: (T',) the probability of blank at each of the joined steps.
        fired: the tokens of the likeliest path: (token, joined step at which it begins, its highest probability).
        seconds: that the steps shown last; None where they are no sound.
        cut: whether the sequence goes on.
    """

    name: str
    reference: str
    text: str
    steps: np.ndarray
    blank: np.ndarray
    fired: list[tuple[str, int, float]]
    seconds: float | None
    cut: bool

    def to_json(self) -> dict[str, Any]:
        """Plain types; arrays as bytes, 255 for 1."""
        return {
            "name": self.name,
            "reference": self.reference,
            "text": self.text,
            "features": int(self.steps.shape[1]),
            "steps": _packed(self.steps),
            "blank": _packed(self.blank),
            "fired": [[token, step, round(p, 3)] for token, step, p in self.fired],
            "seconds": self.seconds,
            "cut": self.cut,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """What `to_json` wrote, to a 255th."""
        return cls(
            name=record["name"],
            reference=record["reference"],
            text=record["text"],
            steps=_unpacked(record["steps"]).reshape(-1, record["features"]),
            blank=_unpacked(record["blank"]),
            fired=[(token, step, p) for token, step, p in record["fired"]],
            seconds=record["seconds"],
            cut=record["cut"],
        )


def shown(
    run: RecordingRun,
    sequences: Packed,
    texts: Sequence[str],
    references: Sequence[str],
    names: Sequence[str],
    count: int,
) -> list[dict[str, Any]]:
    """Some of these sequences: the first that are right and the first that are not, half of each where there are.

    Args:
        texts: what the run gives for each.
    """
    right = [n for n in range(len(texts)) if texts[n] == references[n] and sequences.lengths[n]]
    wrong = [n for n in range(len(texts)) if texts[n] != references[n] and sequences.lengths[n]]
    few = min(len(wrong), max(count // 2, count - len(right)))
    chosen = right[: count - few] + wrong[:few]
    log_p = run.log_p(sequences.take(np.array(chosen, dtype=np.int64)))
    return [
        _one(run, np.asarray(sequences[n]), each, texts[n], references[n], names[n]).to_json()
        for n, each in zip(chosen, log_p, strict=True)
    ]


def _one(
    run: RecordingRun, steps: np.ndarray, log_p: np.ndarray, text: str, reference: str, name: str
) -> Shown:
    kept = min(len(steps), _LONGEST)
    p = np.exp(log_p[: run.network.joined(kept)])
    fired: list[tuple[str, int, float]] = []
    last = BLANK
    for step, token in enumerate(p.argmax(1).tolist()):
        if token not in (BLANK, last):
            fired.append((run.alphabet.tokens[token - 1], step, float(p[step, token])))
        elif token != BLANK:
            written, begin, highest = fired[-1]
            fired[-1] = (written, begin, max(highest, float(p[step, token])))
        last = token
    return Shown(
        name=name,
        reference=reference,
        text=text,
        steps=_between_0_and_1(steps[:kept], sound=run.hears),
        blank=p[:, BLANK],
        fired=fired,
        seconds=kept * run.config.settings.audio.hop_ms / 1000 if run.hears else None,
        cut=len(steps) > kept,
    )


def _between_0_and_1(steps: np.ndarray, *, sound: bool) -> np.ndarray:
    """(T, F): bands of sound on one scale, and neighbours taken together where there are many; else each by itself."""
    steps = np.nan_to_num(np.asarray(steps, dtype=np.float64))
    if steps.shape[1] > _FEATURES:
        groups = np.array_split(np.arange(steps.shape[1]), _FEATURES)
        steps = np.stack([steps[:, group].mean(1) for group in groups], axis=1)
    axis = None if sound else 0
    low, high = np.quantile(steps, [0.02, 1.0], axis=axis)
    return np.clip((steps - low) / np.maximum(high - low, 1e-9), 0, 1)


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(np.round(255 * values).astype(np.uint8).tobytes()).decode()


def _unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=np.uint8) / 255
