"""How good captions are: the share exactly right, and BLEU against all captions of an image, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recurra.errors import InputError
from recurra.statistics.bootstrap import bootstrap_sums
from recurra.statistics.repeated import Measure
from recurra.tasks.captioning.settings import MeasureName
from recurra.tasks.metrics import Score
from recurra.tasks.tagging.scores import interval_over_sequences

_EXACT = "exactly right"


class CaptionMeasures:
    """The share of captions that are one of the references word for word, and BLEU of sacrebleu (arXiv:1804.08771).

    Capitals and blanks do not matter. BLEU is that of the whole set against all references of each image. Each is a
    function of sums over images, so that images can be drawn again.

    Args:
        first: the headline.

    Raises:
        InputError: sacrebleu is not installed.

    >>> measures = CaptionMeasures("exact")
    >>> sums = measures.sums(["a one", "a two"], [("a one", "one digit"), ("a three",)])
    >>> [score.value for score in measures.scores(sums)][0]
    0.5
    """

    def __init__(self, first: MeasureName):
        try:
            from sacrebleu.metrics.bleu import BLEU
        except ImportError as error:
            raise InputError(
                "BLEU is computed by sacrebleu, which is not installed",
                fix="Install it: pip install 'recurra[translate]'.",
            ) from error
        self._bleu = BLEU(tokenize="13a", lowercase=True, force=True)
        exact = Measure(_EXACT, lambda sums: sums[..., 0] / sums[..., 1], higher_is_better=True, share=True)
        bleu = Measure("BLEU", self._bleu_of, higher_is_better=True)
        self.measures = (exact, bleu) if first == "exact" else (bleu, exact)

    @property
    def headline(self) -> Measure:
        """The first of them."""
        return self.measures[0]

    @property
    def signature(self) -> str:
        """How BLEU was computed, in the words of its library; after `sums` was called."""
        return str(self._bleu.get_signature())

    def sums(self, answers: Sequence[str], references: Sequence[tuple[str, ...]]) -> np.ndarray:
        """(N, C) what each image adds: whether its caption is right, one, and what BLEU counts.

        Raises:
            InputError: not one answer for each image, or none at all.
        """
        if len(answers) != len(references) or not len(answers):
            raise InputError(
                f"expected an answer for each of {len(references)} images, found {len(answers)}",
                where="answers",
            )
        right = [alike(answer) in map(alike, said) for answer, said in zip(answers, references, strict=True)]
        most = max(map(len, references))
        # sacrebleu takes a list for the first reference of each, one for the second, and None where there is none.
        streams: Any = [[said[k] if k < len(said) else None for said in references] for k in range(most)]
        counted = np.array(self._bleu._extract_corpus_statistics(list(answers), streams), dtype=np.float64)
        return np.column_stack([np.array(right, dtype=np.float64), np.ones(len(answers)), counted])

    def scores(self, sums: np.ndarray, *, seed: int = 0) -> list[Score]:
        """Every measure of `sums` (N, C) with its interval, the headline first."""
        drawn, total, found = bootstrap_sums(sums, seed=seed), sums.sum(0), []
        for each in self.measures:
            value = float(each.statistic(total))
            interval = interval_over_sequences(each.statistic(drawn), value, len(sums), each.share)
            found.append(Score(each.name, value, interval, True, len(sums)))
        return found

    def _bleu_of(self, sums: np.ndarray) -> np.ndarray:
        flat = sums[..., 2:].reshape(-1, sums.shape[-1] - 2)
        values = [self._bleu._compute_score_from_stats(row.tolist()).score for row in flat]
        return np.array(values).reshape(sums.shape[:-1])


def alike(caption: str) -> str:
    """A caption as it is compared: small letters, single blanks."""
    return " ".join(caption.lower().split())
