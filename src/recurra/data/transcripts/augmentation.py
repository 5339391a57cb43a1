"""Training sequences changed a little at every look at them, so that what is learned does not hang on one voice."""

from __future__ import annotations

import math

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from recurra.data.audio.config import Centred
from recurra.data.audio.filterbank import loudness

_DB = math.log(10) / 10  # of a logarithm of energy
_SOFTER_DB = (10.0, 50.0)
_UNEVEN = 0.3  # of a logarithm of energy, by which silence differs from step to step
_WAVES = 3  # that the curve of a microphone is made of


class AugmentConfig(BaseModel):
    """How far a training sequence is changed. Validation and test sequences never are."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    time_masks: int = Field(default=2, ge=0, description="stretches of steps that are hidden")
    time_width: int = Field(default=10, ge=0, description="steps in each at most")
    time_share: float = Field(
        default=0.1, ge=0, le=1, description="share of a sequence that each hides at most"
    )
    band_masks: int = Field(default=2, ge=0, description="ranges of features that are hidden")
    band_width: int = Field(default=8, ge=0, description="features in each, at most a quarter of them")
    followed: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="share of the looks at which another sound follows, with its text, if a batch has room; none "
        "where the mean of each band, or that up to each step, is taken off",
    )
    silence: int = Field(
        default=12,
        ge=0,
        description="steps as soft as the softest that sound is given before and after it, at most; none where the "
        "mean of each band, or that up to each step, is taken off",
    )
    stretch: float = Field(
        default=0.1, ge=0, lt=1, description="sequences last longer or shorter by up to this"
    )
    warp: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="bands of sound move up or down by up to this share of their place",
    )
    gain_db: float = Field(
        default=6.0,
        ge=0,
        description="sound is louder or softer by up to this, where no mean is taken off",
    )
    channel_db: float = Field(
        default=6.0,
        ge=0,
        description="wide ranges of bands likewise, as of microphones, where no mean of each is taken off",
    )
    noise: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="share of the looks at which noise is added; none where the mean of each band, or that up to each "
        "step, is taken off",
    )


class Augmentation:
    """Changes of single sequences, drawn from the generator that each call is given.

    - `shaped`: silence before and after, as of recordings that were cut elsewhere; time drawn out or pressed together
      (speed perturbation, Ko et al. 2015, on the features), the bands of sound moved (as the length of the vocal tract
      moves them; Jaitly & Hinton 2013), all of them raised alike (gain), and wide ranges of them unlike (microphones);
      noise added, 10 to 50 dB softer than the loudest of them:

          f = log(exp(f) + exp(n) g),    g ~ Gamma(3, 1/3) at each place, n a level with wide ranges raised unlike

    - `followed`: another of them after one, whoever speaks, so that a word is not told by what the whole recording
      sounds like (utterances joined at random: Lin et al., arXiv:2210.15876, there for recordings longer than those
      that are learned from).
    - `masked`: stretches of steps, and ranges of features, set to 0, their mean: SpecAugment without time warping
      (Park et al., arXiv:1904.08779).

    Args:
        config: how far.
        sound: whether the features are logarithms of mel bands in their order; bands are moved, and raised, only then.
        centred: what was taken off, see `recurra.data.audio.config.AudioConfig.centred`: bands are raised unless it is
            the mean of each, and their level is taken off again. Silence and noise are added, and others follow,
            where it is "all" or "none": there it is known how loud the loudest step is, and the softest.

    >>> change = Augmentation(AugmentConfig(silence=0, stretch=0.5), sound=True)
    >>> change.shaped(np.ones((10, 40), dtype=np.float32), np.random.default_rng(0)).shape
    (11, 40)
    """

    def __init__(self, config: AugmentConfig, *, sound: bool, centred: Centred = "none"):
        self.config, self.sound, self.centred = config, sound, centred

    def shaped(self, steps: np.ndarray, rng: np.random.Generator, least: int = 1) -> np.ndarray:
        """(T, I) -> (T', I), before scaling.

        Args:
            least: steps that must be left, as long as there were so many.
        """
        if not len(steps):
            return steps
        if self._whole and self.config.silence:
            steps = self._in_silence(steps, rng)
        by, warp, gain, *waves = rng.uniform(-1, 1, 3 + 2 * _WAVES)
        channel, colour = waves[:_WAVES], waves[_WAVES:]
        count = len(steps)
        after = max(round(count * (1 + self.config.stretch * by)), min(least, count), 1)
        if after != count:
            steps = _between(steps, np.linspace(0, count - 1, after))
        if self.sound and self.config.warp:
            bands = steps.shape[1]
            at = np.minimum(np.arange(bands) * (1 + self.config.warp * warp), bands - 1)
            steps = np.ascontiguousarray(_between(steps.T, at).T)
        if self.sound and self.centred != "bands" and (self.config.gain_db or self.config.channel_db):
            curve = self.config.gain_db * gain + self.config.channel_db * _waves(steps.shape[1], channel)
            curve = curve if self.centred == "none" else curve - curve.mean()
            steps = steps + (curve * _DB).astype(np.float32)
        if self._whole and rng.random() < self.config.noise:
            softer = rng.uniform(*_SOFTER_DB) + self.config.channel_db * _waves(steps.shape[1], colour)
            level = steps.max() - softer * _DB + np.log(rng.gamma(3.0, 1 / 3, steps.shape))
            steps = np.logaddexp(steps, level).astype(np.float32)
        return self._levelled(steps)

    def follows(self, rng: np.random.Generator) -> bool:
        """Whether another one is to follow."""
        return self._whole and self.config.followed > 0 and bool(rng.random() < self.config.followed)

    def followed(self, steps: np.ndarray, others: np.ndarray) -> np.ndarray:
        """(T, I), (T', I) -> (T + T', I), both `shaped`."""
        return self._levelled(np.concatenate([steps, others]))

    @property
    def _whole(self) -> bool:
        """Whether steps can be put around those that were read: what was taken off stays the same."""
        return self.sound and self.centred in ("all", "none")

    def _levelled(self, steps: np.ndarray) -> np.ndarray:
        return (
            steps - np.float32(loudness(steps))
            if self.sound and self.centred == "all" and len(steps)
            else steps
        )

    def _in_silence(self, steps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Steps at the softest of each band, a little louder or softer, before and after."""
        before, after = rng.integers(0, self.config.silence + 1, 2)
        softest, shape = steps.min(0), (before + after, steps.shape[1])
        silence = (softest + _UNEVEN * rng.standard_normal(shape)).astype(np.float32)
        return np.concatenate([silence[:before], steps, silence[before:]])

    def masked(self, steps: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(T, I) -> (T, I), scaled steps of which some are 0; changed in place."""
        config, (count, width) = self.config, steps.shape
        longest = min(config.time_width, int(config.time_share * count))
        for _ in range(config.time_masks if longest else 0):
            size = int(rng.integers(0, longest + 1))
            begin = int(rng.integers(0, count - size + 1))
            steps[begin : begin + size] = 0
        widest = min(config.band_width, width // 4)
        for _ in range(config.band_masks if widest > 0 else 0):
            size = int(rng.integers(0, widest + 1))
            begin = int(rng.integers(0, width - size + 1))
            steps[:, begin : begin + size] = 0
        return steps


def _waves(bands: int, heights: list[float]) -> np.ndarray:
    """(bands,) the sum of cosines of half a wave, a whole one, ... over all bands."""
    at = np.pi * (np.arange(bands) + 0.5) / bands
    return np.sum([height * np.cos(k * at) for k, height in enumerate(heights, 1)], axis=0)


def _between(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The rows at places between rows, each the mean of its two neighbours, the nearer weighing more."""
    below = np.minimum(np.floor(at).astype(np.int64), len(rows) - 1)
    share = (at - below).astype(rows.dtype)[:, None]
    return rows[below] * (1 - share) + rows[np.minimum(below + 1, len(rows) - 1)] * share
