"""Sound, or steps, piece by piece into a trained network, and the text as it grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from recurra.data.audio.files import resampling
from recurra.data.audio.filterbank import LogMel
from recurra.data.numbers import NumberEncoder
from recurra.data.packed import Packed
from recurra.data.transcripts.alphabet import Alphabet
from recurra.errors import InputError
from recurra.networks.transcription_network import TranscriptionNetwork
from recurra.tasks.transcription.decoding import Fusion, make_decoder


class TranscriptStream:
    """One sequence after another, piece by piece; every piece takes time and memory by its own length alone, but
    for the text itself.

    What is carried: samples of the last windows, steps that convolutions still see, the layers' state, and the texts
    that the decoder follows. All pieces of a recording together give the outputs, and the text, of the whole.

    Args:
        network: in evaluation mode.
        numbers: scales the steps.
        alphabet: what is written.
        beam: texts that are followed, see `DecodingConfig`.
        fusion: a language model beside the network.
        only: tokens of the texts that alone may be written; none: any text may.
        front: from sound to steps; None where steps are fed.

    Raises:
        InputError: the network needs the whole sequence, and why.
    """

    def __init__(
        self,
        network: TranscriptionNetwork,
        numbers: NumberEncoder,
        alphabet: Alphabet,
        *,
        beam: int,
        fusion: Fusion | None = None,
        only: Sequence[np.ndarray] = (),
        front: LogMel | None,
    ):
        self.network, self.numbers, self.alphabet = network.eval(), numbers, alphabet
        self._beam, self._fusion, self._only, self._front = beam, fusion, only, front
        self.reset()

    def reset(self) -> None:
        """Begin a new sequence."""
        self._state = self.network.begin()
        self._sound = None if self._front is None else self._front.begin()
        self._resampler: Any = None
        self._rate: int | None = None
        self._decoder = make_decoder(self._beam, self._fusion, self._only)
        self._ended = False

    def feed(self, piece: Any, *, rate: int | None = None) -> str:
        """The text up to the end of this piece; what was written before may change in the light of it.

        Args:
            piece: (n,) samples, 1 the loudest; of a run that reads numbers (n, I) steps.
            rate: samples per second, where it is not that of the run; the same for all pieces.

        Raises:
            InputError: another form, NaN or infinite samples, a rate that is none, or the sequence has ended.
        """
        self.log_p(piece, rate=rate)
        return self.alphabet.decode(self._decoder.best(ended=False))

    def log_p(self, piece: Any, *, rate: int | None = None, last: bool = False) -> np.ndarray:
        """What the piece adds: (n', V + 1) log probabilities of blank and tokens; decoded on the way."""
        if self._ended:
            raise InputError("this sequence has ended", fix="Call reset to begin another one.")
        found = self._advance(self._steps(piece, rate, last=last), last=last)
        self._ended = last
        return found

    def step(self, x: Any) -> np.ndarray:
        """One step of features, (I,), unscaled and past any sound: (n', V + 1), empty where steps are being joined."""
        steps = np.asarray(x, dtype=np.float64).reshape(1, -1)
        return self._advance(steps, last=False)

    def end(self) -> str:
        """The text of the whole sequence, which ends here; `reset` begins another one."""
        if not self._ended:
            nothing = (0,) if self._front is not None else (0, self.numbers.channels)
            self.log_p(np.zeros(nothing, dtype=np.float32), rate=self._rate, last=True)
        return self.alphabet.decode(self._decoder.best())

    def _steps(self, piece: Any, rate: int | None, *, last: bool) -> np.ndarray:
        """(n, I) raw steps that are complete now."""
        array = np.asarray(piece, dtype=np.float64 if self._front is None else np.float32)
        if self._front is None:
            if array.ndim != 2 or array.shape[1] != self.numbers.channels:
                raise InputError(
                    f"expected steps (n, {self.numbers.channels}), found an array of shape {array.shape}",
                    where="piece",
                )
            return array
        if array.ndim != 1:
            raise InputError(
                f"expected samples (n,) of one channel, found an array of shape {array.shape}", where="piece"
            )
        if not np.isfinite(array).all():
            raise InputError("expected samples, found NaN or infinite numbers", where="piece")
        rate = self._checked_rate(rate)
        if rate != self._front.rate and self._resampler is None:
            self._resampler = resampling(rate, self._front.rate)
        self._rate = rate
        if self._resampler is not None:
            array = self._resampler.resample_chunk(array, last=last)
        steps, self._sound = self._front(torch.from_numpy(np.ascontiguousarray(array)), self._sound)
        return steps.numpy()

    def _checked_rate(self, rate: int | None) -> int:
        assert self._front is not None
        if self._rate is not None and rate is not None and rate != self._rate:
            raise InputError(
                f"the pieces before had {self._rate:,} samples per second, this one {rate:,}", where="rate"
            )
        return next(known for known in (rate, self._rate, self._front.rate) if known is not None)

    def _advance(self, steps: np.ndarray, *, last: bool) -> np.ndarray:
        scaled = self.numbers.encode(Packed.end_to_end(steps, np.array([len(steps)]))).values
        piece = torch.from_numpy(scaled)[None].to(next(self.network.parameters()).device)
        logits, self._state = self.network.forward_piece(piece, self._state, last=last)
        log_p = logits[0].log_softmax(1).cpu().numpy()
        self._decoder.advance(log_p)
        return log_p
