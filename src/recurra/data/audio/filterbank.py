"""Logarithms of mel bands: sound in, a step of features every hundredth of a second out, whole or in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from recurra.data.audio.config import AudioConfig
from recurra.errors import InputError

FLOOR = 1e-7  # energy of a band that is no sound at all: about what 16 bits can tell from nothing


@dataclass(frozen=True)
class SoundState:
    """What is left over between two pieces of a recording.

    Args:
        before: (1,) the sample before the first of `rest`; 0 at the beginning.
        rest: (n,) samples that no complete window has been made of, or that the next window shares.
        total: (mels,) float64, the sum of all steps so far; of their energies, where one level is taken off.
        steps: how many they are.
    """

    before: Tensor
    rest: Tensor
    total: Tensor
    steps: int


class LogMel:
    """Features of sound.

        y[n] = x[n] - a x[n-1]
        P_t[k] = |sum_n w[n] y[t h + n] exp(-2 pi i k n / F)|^2,    n = 0 .. W - 1,  w Hann's window
        f_t[m] = log max(sum_k M[k, m] P_t[k], 1e-7)
        g_t[m] = f_t[m] - mean over s of f_s[m],    s up to t (centre is "running"), or the whole recording
                 f_t[m] - log(mean over s and k of exp(f_s[k])),    where centre_bands is false

    W samples are `window_ms`, h are `hop_ms`, a is `pre_emphasis`. The bands M are triangles on the mel scale,
    mel(f) = 1127 ln(1 + f / 700), of equal width from `lowest_hz` to half the rate, each overlapping half of its
    neighbours (Davis & Mermelstein, doi:10.1109/TASSP.1980.1163420, in the form of HTK and Kaldi). F is the power of
    two from W on at which every band holds a frequency. The mean takes away what a microphone does to all of a
    recording (cepstral mean subtraction, Atal 1974, doi:10.1121/1.1914702); the logarithm of the mean energy of all
    bands, how loud it is. Silence around what is spoken hardly moves it: as much again takes off 3 dB, where a mean of
    logarithms would move halfway to silence.

    A step is made of complete windows alone; so a piece of a recording gives the same steps as the whole, with what is
    left over carried in a state. Not so where the mean is over the whole, which `whole` alone can give. Where centre is
    "speaker", the level is taken off here, and what a speaker's recordings have in common thereafter
    (`recurra.data.audio.speakers`).

    Args:
        config: with rate and mels.

    >>> mel = LogMel(AudioConfig(rate=8000, mels=40, centre="running"))
    >>> whole, _ = mel(torch.zeros(8000))
    >>> whole.shape
    torch.Size([98, 40])
    >>> first, state = mel(torch.zeros(3000))
    >>> second, _ = mel(torch.zeros(5000), state)
    >>> len(first) + len(second)
    98
    """

    def __init__(self, config: AudioConfig):
        assert config.rate is not None and config.mels is not None, "settled beforehand"
        self.config, self.rate, self.mels = config, config.rate, config.mels
        self.window = max(2, round(config.window_ms * self.rate / 1000))
        self.hop = max(1, round(config.hop_ms * self.rate / 1000))
        if self.hop > self.window:
            raise InputError(
                f"windows of {config.window_ms:g} ms every {config.hop_ms:g} ms leave gaps between them",
                where="audio.hop_ms",
                fix="Make it no longer than audio.window_ms.",
            )
        self.size, bands = _bands(self.window, self.rate, self.mels, config.lowest_hz)
        self._bands = torch.from_numpy(bands.astype(np.float32))
        self._window = torch.hann_window(self.window, periodic=True)

    def begin(self) -> SoundState:
        """The state before the first sample."""
        if self.config.centre in ("recording", "speaker"):
            raise InputError(
                "the mean over a whole recording is not known before its end",
                where="audio.centre",
                fix="Train with --set audio.centre=running.",
            )
        return self._begin()

    def whole(self, pieces: Iterable[np.ndarray]) -> np.ndarray:
        """(steps, mels) float32 of a recording that comes in pieces of samples."""
        state, found = self._begin(), []
        for piece in pieces:
            steps, state = self._advance(torch.from_numpy(piece), state)
            found.append(steps.numpy())
        whole = np.concatenate(found) if found else np.zeros((0, self.mels), dtype=np.float32)
        if self.config.centre in ("recording", "speaker") and len(whole):
            whole = whole - self._centre(state.total / state.steps).float().numpy()
        return whole

    def __call__(self, samples: Tensor, state: SoundState | None = None) -> tuple[Tensor, SoundState]:
        """The steps that are complete with these samples.

        Args:
            samples: (n,) float32, 1 the loudest.
            state: of the samples before; None: these are the first.

        Returns:
            (steps, mels) float32, and the state to go on with.
        """
        return self._advance(samples, self.begin() if state is None else state)

    def _begin(self) -> SoundState:
        return SoundState(torch.zeros(1), torch.zeros(0), torch.zeros(self.mels, dtype=torch.float64), 0)

    def _advance(self, samples: Tensor, state: SoundState) -> tuple[Tensor, SoundState]:
        x = torch.cat([state.rest, samples])
        steps = max(0, 1 + (len(x) - self.window) // self.hop) if len(x) >= self.window else 0
        if not steps:
            return torch.zeros(0, self.mels), replace(state, rest=x)
        shifted = torch.cat([state.before, x[:-1]])
        emphasised = x - self.config.pre_emphasis * shifted
        frames = emphasised.unfold(0, self.window, self.hop)[:steps] * self._window
        power = torch.fft.rfft(frames, n=self.size).abs().square()
        used, found = steps * self.hop, (power @ self._bands).clamp(min=FLOOR).log()
        each = found.double()
        totals = state.total + (each if self._of_bands else each.exp()).cumsum(0)
        if self.config.centre == "running":
            counted = state.steps + torch.arange(1, steps + 1, dtype=torch.float64)
            found = (found - self._centre(totals / counted[:, None])).float()
        after = SoundState(x[used - 1 : used].clone(), x[used:].clone(), totals[-1], state.steps + steps)
        return found, after

    @property
    def _of_bands(self) -> bool:
        return self.config.centre_bands is not False and self.config.centre != "speaker"

    def _centre(self, means: Tensor) -> Tensor:
        """What is taken off the bands, of (..., mels) their means or those of their energies."""
        return means if self._of_bands else means.mean(-1, keepdim=True).log()

    def steps(self, samples: int) -> int:
        """How many steps so many samples give."""
        return 1 + (samples - self.window) // self.hop if samples >= self.window else 0


def loudness(steps: np.ndarray) -> float:
    """The logarithm of the mean energy of (steps, bands) logarithms of energies.

    >>> round(np.exp(loudness(np.log([[1.0, 2.0], [3.0, 6.0]]))), 6)
    np.float64(3.0)
    """
    loudest = float(steps.max())
    return loudest + float(np.log(np.exp(steps - loudest).mean()))


def mel_of(hz: np.ndarray | float) -> np.ndarray:
    """The mel scale, 1127 ln(1 + f / 700).

    >>> mel_of(1000.0).round()
    np.float64(1000.0)
    """
    return 1127.0 * np.log1p(np.asarray(hz, dtype=np.float64) / 700.0)


def _bands(window: int, rate: int, mels: int, lowest: float) -> tuple[int, np.ndarray]:
    """F, and (F / 2 + 1, mels) the weight of each frequency in each band.

    Raises:
        InputError: so many bands are too narrow for any window.
    """
    size = 1 << (window - 1).bit_length()
    edges = np.linspace(mel_of(lowest), mel_of(rate / 2), mels + 2)
    for _ in range(4):
        at = mel_of(np.arange(size // 2 + 1) * rate / size)[:, None]
        rising = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
        falling = (edges[2:] - at) / (edges[2:] - edges[1:-1])
        bands = np.maximum(0.0, np.minimum(rising, falling))
        if bands.any(axis=0).all():
            return size, bands
        size *= 2
    raise InputError(
        f"{mels} bands are too many for windows of {window} samples at {rate} per second",
        where="audio.mels",
        fix="Take fewer, or longer windows (audio.window_ms).",
    )
