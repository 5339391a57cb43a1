"""What all recordings of a speaker have in common, voice and microphone, taken off each of them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from recurra.data.audio.filterbank import loudness
from recurra.data.audio.storage import Growing
from recurra.data.packed import Packed

_LOUD = 15 * math.log(10) / 10  # below the loudest step of a recording, a step says nothing of a voice
_WEIGHT = 300.0  # steps that the usual voice counts for: three seconds


def loud_steps(steps: np.ndarray) -> np.ndarray:
    """Those of (steps, bands) logarithms of energies that are at most 15 dB softer than the loudest.

    >>> loud_steps(np.array([[0.0, 0.0], [-9.0, -9.0], [-1.0, 0.0]]))
    array([[ 0.,  0.],
           [-1.,  0.]])
    """
    energies = np.logaddexp.reduce(steps, axis=1)
    return steps[energies >= energies.max(initial=-math.inf) - _LOUD]


class Voices:
    """The mean loud step of every speaker, on the way from features to what a network reads.

        m_s = (sum of the loud steps of s + w u) / (number of them + w)
        h = g - m_s - L(g - m_s)

    g are the features of a recording, its level taken off (`recurra.data.audio.filterbank.LogMel`), L is that level. u
    is the usual voice, the mean over the speakers of what was learned from; it weighs as much as three seconds, so that
    of a speaker who has said a word or two little is taken for the voice that may be the word. Silence would move a
    mean over all steps by how much of it there is. Means of a speaker instead of a recording: cepstral mean
    normalisation as of Kaldi's recipes, here of loud steps and shrunk.

    Args:
        sequences: (T, mels) each.
        speakers: who speaks in each; None where that is not known: then nobody else does.
        usual: (mels,) u; None: that of these speakers.

    >>> one, other = np.zeros((400, 2)), np.tile([2.0, -2.0], (400, 1))
    >>> voices = Voices(Packed.from_list([one, one, other]), ["a", "a", "b"])
    >>> voices.usual
    array([ 1., -1.])
    >>> voices.of("a").round(3), Voices(Packed.from_list([other]), ["b"], voices.usual).of("b").round(3)
    (array([ 0.273, -0.273]), array([ 1.571, -1.571]))
    """

    def __init__(
        self,
        sequences: Packed,
        speakers: Sequence[Hashable | None],
        usual: Sequence[float] | np.ndarray | None = None,
    ):
        self.sequences = sequences
        self._speakers = [(None, n) if who is None else who for n, who in enumerate(speakers)]
        self._sums: dict[Hashable, np.ndarray] = {}
        self._counts: dict[Hashable, int] = {}
        for n, who in enumerate(self._speakers):
            loud = loud_steps(np.asarray(sequences[n], dtype=np.float64))
            self._sums[who] = self._sums.get(who, 0.0) + loud.sum(0)
            self._counts[who] = self._counts.get(who, 0) + len(loud)
        if usual is None:
            own = [total / self._counts[who] for who, total in self._sums.items() if self._counts[who]]
            usual = np.mean(own, axis=0) if own else np.zeros(sequences.channels)
        self.usual = np.asarray(usual, dtype=np.float64)

    def of(self, who: Hashable) -> np.ndarray:
        """(mels,) m_s."""
        return (self._sums[who] + _WEIGHT * self.usual) / (self._counts[who] + _WEIGHT)

    def taken_off(self) -> Packed:
        """The sequences without the voices of their speakers."""
        growing = Growing(self.sequences.channels)
        for n, who in enumerate(self._speakers):
            steps = np.asarray(self.sequences[n], dtype=np.float32) - self.of(who).astype(np.float32)
            growing.add(steps - np.float32(loudness(steps)) if len(steps) else steps)
        return growing.packed()
