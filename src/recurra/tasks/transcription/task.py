"""Connectionist temporal classification: the text alone is known, not where in the sequence it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recurra.data.transcripts.alphabet import BLANK, Alphabet
from recurra.errors import InputError
from recurra.networks.transcription_network import Written
from recurra.tasks.transcription.decoding import greedy
from recurra.tasks.transcription.scores import transcript_measures, transcript_sums

_BY_CHANCE = 200


class TranscriptionTask:
    """The text of a sequence, by any alignment of it.

        loss = - sum over texts of log p(y | x) / number of tokens
        p(y | x) = sum over a in A(y) of prod_t p(a_t | x)

    A(y) are the paths, a token or blank at every step, that become y when repetitions are taken for one and blanks are
    left out (Graves et al. 2006, doi:10.1145/1143844.1143891). A text that needs more steps than there are
    (`steps_needed`) has no path; it must not come here, for its loss would be infinite.

    Args:
        alphabet: tokens.

    >>> task = TranscriptionTask(Alphabet("character", True, ("a",)))
    >>> written = Written(torch.zeros(1, 2, 2), torch.tensor([2]))
    >>> float(task.loss(written, torch.tensor([[1]])).exp() * 0.75)  # three of four paths are "a"
    1.0
    """

    def __init__(self, alphabet: Alphabet):
        self.alphabet = alphabet
        self.output_size = alphabet.outputs

    def loss(self, output: Written, target: Tensor) -> Tensor:
        """Nats per token of a batch.

        Args:
            output: logits (B, T', V + 1) and lengths.
            target: (B, S) numbers of tokens, below 0 past the end of each text.
        """
        nats, tokens = self._nats(output, target)
        return nats.sum() / tokens.sum().clamp(min=1)

    def validate(self, pairs: Iterable[tuple[Written, Tensor]]) -> dict[str, float]:
        """Nats per token, and the word error rate of the likeliest paths."""
        nats, tokens, sums = 0.0, 0, []
        for output, target in pairs:
            each, count = self._nats(output, target)
            nats += float(each.double().sum())
            tokens += int(count.sum())
            references = [self.alphabet.decode(row[row > 0]) for row in target.cpu().numpy()]
            sums.append(transcript_sums(self.texts(output), references))
        word_errors = transcript_measures()[0]
        return {
            "loss": nats / max(1, tokens),
            word_errors.name: float(word_errors.statistic(np.concatenate(sums).sum(0))),
        }

    def chance(self, steps: np.ndarray, numbers: Sequence[np.ndarray]) -> float:
        """`validate`'s loss where every step says the same: each token as often as it comes, blank for the rest.

        Args:
            steps: (N,) that are written at.
            numbers: of the tokens of N texts; the loss is that of the first 200.
        """
        counts = np.bincount(np.concatenate(numbers), minlength=self.output_size).astype(np.float64)
        counts[BLANK] = max(1.0, float(steps.sum() - counts.sum()))
        log_p = torch.from_numpy(np.log((counts + 1e-3) / (counts + 1e-3).sum())).float()
        pairs = (
            (
                Written(log_p.expand(1, int(count), -1), torch.tensor([int(count)])),
                torch.from_numpy(np.append(each, -1))[None],  # ended as in a batch: a text may be empty
            )
            for count, each in zip(steps[:_BY_CHANCE], numbers[:_BY_CHANCE], strict=True)
        )
        return self.validate(pairs)["loss"]

    def texts(self, output: Written) -> list[str]:
        """What the likeliest path of each sequence says."""
        best = output.logits.argmax(2).cpu().numpy()
        return [
            self.alphabet.decode(greedy(row[: int(length)]))
            for row, length in zip(best, output.lengths.tolist(), strict=True)
        ]

    def _nats(self, output: Written, target: Tensor) -> tuple[Tensor, Tensor]:
        """(B,) -log p of each text, and the number of its tokens."""
        there = target > BLANK
        tokens = there.sum(1)
        log_p = output.logits.log_softmax(2).transpose(0, 1)
        lengths = output.lengths.to(torch.int64)  # the training loop makes floats of all that a network gives
        nats = functional.ctc_loss(
            log_p, target.clamp(min=1), lengths, tokens, blank=BLANK, reduction="none", zero_infinity=False
        )
        return nats, tokens


def check_jiwer() -> None:
    """See that jiwer is there, which counts errors.

    Raises:
        InputError: the extra `audio` is not installed.
    """
    from importlib.util import find_spec

    if find_spec("jiwer") is None:
        raise InputError(
            "texts are scored by jiwer, which is not installed",
            fix="Install it: pip install 'recurra[audio]'.",
        )
