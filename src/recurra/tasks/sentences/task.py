"""The loss of a tagger, and the tags that it answers with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from torch import Tensor
from torch.nn import functional

from recurra.data.sentences.schemes import spans
from recurra.layers.crf import best_paths, log_likelihood
from recurra.networks.sentence_network import TagScores
from recurra.tasks.chance import chance_of_ids

NO_TAG = -100  # in a target


class SentenceTask:
    """The tags of a sentence.

        loss = - sum over sentences of log p(y | x) / words       with a chain, see `recurra.layers.crf`
               - mean over words of log softmax(z_t)[y_t]         without

    Words without a tag say nothing about theirs. Which weights are best is decided by what people read, the F1 of spans
    or accuracy, and by the loss only between equal ones.

    Args:
        names: K tags as the network learns them.
        marks_spans: whether they mark spans, which are then counted in validation.
    """

    def __init__(self, names: Sequence[str], *, marks_spans: bool):
        self.names, self.marks_spans = tuple(names), marks_spans
        self.best_by = "entity F1" if marks_spans else "accuracy"

    def loss(self, output: TagScores, target: Tensor) -> Tensor:
        """Target (B, T), NO_TAG at words without one and past the lengths."""
        nats, words = self._nats(output, target)
        return nats / max(1, words)

    def validate(self, pairs: Iterable[tuple[TagScores, Tensor]]) -> dict[str, float]:
        """`loss`, and accuracy or the F1 of spans, over all sentences."""
        nats = words = known = right = found = there = said = 0.0
        for output, target in pairs:
            more, count = self._nats(output, target)
            nats, words = nats + float(more), words + count
            answers = self.answers(output)
            for row, answer in zip(target.cpu().numpy(), answers, strict=True):
                truth = row[: len(answer)]
                known += int((truth >= 0).sum())
                right += int((truth == answer).sum())
                if self.marks_spans:
                    known_ones = np.where(truth >= 0, answer, NO_TAG)
                    true, ours = ({*spans(self._tags(tags))} for tags in (truth, known_ones))
                    found, there, said = found + len(true & ours), there + len(true), said + len(ours)
        measured = {"loss": nats / max(1, words)}
        headline = 2 * found / max(1, there + said) if self.marks_spans else right / max(1, known)
        return measured | {self.best_by: headline}

    def chance(self, targets: Iterable[Tensor]) -> float:
        """Nats per word where each tag is foretold as often as it comes."""
        return chance_of_ids(targets)

    def answers(self, output: TagScores) -> list[np.ndarray]:
        """(T,) places in `names` for each sentence: the best path of the chain, or each word's best tag."""
        scores, lengths, chain = output
        best = scores.argmax(2) if chain is None else best_paths(scores, lengths, chain)
        rows = best.cpu().numpy()
        return [row[:length] for row, length in zip(rows, lengths.tolist(), strict=True)]

    def _nats(self, output: TagScores, target: Tensor) -> tuple[Tensor, int]:
        """Minus the log likelihood of all tags in a batch, and how many words they are of."""
        if output.chain is not None:
            likelihood = log_likelihood(output.scores, target, output.lengths, output.chain)
            return -likelihood.sum(), int(output.lengths.sum())
        flat = output.scores.flatten(0, 1), target.flatten()
        return functional.cross_entropy(*flat, ignore_index=NO_TAG, reduction="sum"), int((target >= 0).sum())

    def _tags(self, places: np.ndarray) -> list[str | None]:
        return [None if place < 0 else self.names[place] for place in places.tolist()]
