"""Recordings made here: tones and noise, with a text each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
TONES = {"low": 300.0, "mid": 900.0, "high": 2500.0}


def tone(word: str, seconds: float = 0.12, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """A tone of its own for each word, with a little noise and silence around it."""
    draw = np.random.default_rng([seed, len(word)])
    count = int(seconds * rate)
    time = np.arange(count) / rate
    wave = 0.3 * np.sin(2 * np.pi * TONES[word] * (1 + 0.02 * draw.standard_normal()) * time)
    quiet = 0.003 * draw.standard_normal(int(0.04 * rate))
    return np.concatenate([quiet, wave + 0.003 * draw.standard_normal(count), quiet]).astype(np.float32)


def spoken(text: str, seed: int = 0) -> np.ndarray:
    return np.concatenate([tone(word, seed=100 * seed + k) for k, word in enumerate(text.split())])


def written(path: Path, samples: np.ndarray, rate: int = RATE, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def texts(count: int, seed: int = 0) -> list[str]:
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(list(TONES), draw.integers(1, 4))) for _ in range(count)]
