"""How good answers are, by sacrebleu and rouge-score, with intervals over pairs.

Every score is a function of sums over pairs (Koehn 2004, "Statistical significance tests for machine translation
evaluation"): n-grams that are there, said and right; so pairs can be drawn again, also for several seeds at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from recurra.data.vocabulary import writes_without_spaces
from recurra.errors import InputError
from recurra.statistics.bootstrap import bootstrap_sums, interval_of_draws
from recurra.statistics.intervals import Interval
from recurra.statistics.repeated import Measure
from recurra.tasks.baselines.text import WORD
from recurra.tasks.metrics import Score
from recurra.tasks.translation.settings import MeasureName

_ROUGE = {"rougeL": "ROUGE-L", "rouge1": "ROUGE-1", "rouge2": "ROUGE-2"}
_HAN = range(0x4E00, 0x9FFF + 1)
_ENGLISH = 0.98  # of the letters are of that alphabet


class TextMeasures:
    """The scores of one kind of answer, all of them from 0 to 100, the more the better.

    - "bleu": BLEU and chrF2 of sacrebleu (Post, arXiv:1804.08771; Popović 2015, doi:10.18653/v1/W15-3049), against
      one reference;
    - "rouge": ROUGE-L, ROUGE-1 and ROUGE-2 of rouge-score (Lin 2004), the F-measure, a mean over pairs; texts in
      English letters are stemmed, as papers do.

    Args:
        name: which.
        tokenize: what words are, see `words_of`.

    Raises:
        InputError: the library is not installed.

    >>> measures = TextMeasures("bleu", "13a")
    >>> sums = measures.sums(["the dog runs fast today"], ["the dog runs fast today"])
    >>> [(score.name, round(score.value, 1)) for score in measures.scores(sums)]
    [('BLEU', 100.0), ('chrF', 100.0)]
    """

    def __init__(self, name: MeasureName, tokenize: str):
        self.name = name
        self._parts = _rouge(tokenize) if name == "rouge" else _bleu(tokenize)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All of them, the headline first."""
        found, start = [], 0
        for part in self._parts:
            columns = slice(start, start + part.size)
            found.append(Measure(part.name, _over(part.value, columns), higher_is_better=True))
            start += part.size
        return tuple(found)

    @property
    def headline(self) -> Measure:
        """The first of them."""
        return self.measures[0]

    @property
    def signatures(self) -> dict[str, str]:
        """How each score was computed, in the words of its library; after `sums` was called."""
        return {part.name: part.signature() for part in self._parts}

    def sums(self, answers: Sequence[str], references: Sequence[str]) -> np.ndarray:
        """(N, C) what each pair adds to the sums.

        Raises:
            InputError: not one answer for each reference, or none at all.
        """
        if len(answers) != len(references) or not len(answers):
            raise InputError(
                f"expected an answer for each of {len(references)} references, found {len(answers)}",
                where="answers",
            )
        columns = [part.statistics(list(answers), list(references)) for part in self._parts]
        return np.concatenate(columns, axis=1)

    def scores(self, sums: np.ndarray, *, seed: int = 0) -> list[Score]:
        """Every measure of `sums` (N, C) with its interval, the headline first."""
        drawn, total, found = bootstrap_sums(sums, seed=seed), sums.sum(0), []
        for each in self.measures:
            value = float(each.statistic(total))
            interval = Interval(-math.inf, math.inf, 0.95, "undefined")
            if len(sums) > 1:
                interval = interval_of_draws(each.statistic(drawn), value)
            found.append(Score(each.name, value, interval, True, len(sums)))
        return found


class _Part:
    """One score: its columns, and what they come to.

    Args:
        size: columns.
        value: of sums (size,).
        statistics: (N, size) of answers and references.
        signature: how it is computed.
    """

    def __init__(
        self,
        name: str,
        size: int,
        value: Callable[[np.ndarray], float],
        statistics: Callable[[list[str], list[str]], np.ndarray],
        signature: Callable[[], str],
    ):
        self.name, self.size, self.value = name, size, value
        self.statistics, self.signature = statistics, signature


def _over(value: Callable[[np.ndarray], float], columns: slice) -> Callable[[np.ndarray], np.ndarray]:
    def statistic(sums: np.ndarray) -> np.ndarray:
        flat = sums[..., columns].reshape(-1, columns.stop - columns.start)
        return np.array([value(row) for row in flat]).reshape(sums.shape[:-1])

    return statistic


def words_of(name: MeasureName, asked: str, targets: Sequence[str]) -> str:
    """What words are in texts like these, by a name of sacrebleu; of ROUGE "english" (stemmed) or "words".

    >>> words_of("bleu", "auto", ["一只狗"]), words_of("rouge", "auto", ["a dog"]), words_of("bleu", "intl", ["a"])
    ('zh', 'english', 'intl')
    """
    if asked != "auto":
        return asked
    letters = [c for text in targets[:500] for c in text[:2000] if c.isalpha()]
    if name == "rouge":
        english = sum(c.isascii() for c in letters) >= _ENGLISH * max(1, len(letters))
        return "english" if english else "words"
    if not writes_without_spaces(targets):
        return "13a"
    return "zh" if sum(ord(c) in _HAN for c in letters) > 0.8 * len(letters) else "char"


def _bleu(tokenize: str) -> list[_Part]:
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError as error:
        raise _missing("sacrebleu", "BLEU and chrF are") from error
    if tokenize in ("english", "words"):
        raise InputError(
            f"{tokenize!r} is for ROUGE",
            where="task.tokenize",
            fix="Take 13a, intl, zh, char or none for BLEU.",
        )
    metrics = (("BLEU", BLEU(tokenize=tokenize, force=True)), ("chrF", CHRF()))
    return [_of_sacrebleu(name, metric) for name, metric in metrics]


def _of_sacrebleu(name: str, metric: Any) -> _Part:
    """Sacrebleu keeps what a sentence adds in methods of its own; the tests hold them to its public score."""

    def statistics(answers: list[str], references: list[str]) -> np.ndarray:
        return np.array(metric._extract_corpus_statistics(answers, [references]), dtype=np.float64)

    def value(sums: np.ndarray) -> float:
        return metric._compute_score_from_stats(sums.tolist()).score

    return _Part(
        name, statistics(["a"], ["a"]).shape[1], value, statistics, lambda: str(metric.get_signature())
    )


def _rouge(tokenize: str) -> list[_Part]:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError as error:
        raise _missing("rouge-score", "ROUGE is") from error
    stemmed = tokenize == "english"
    scorer = (
        RougeScorer(list(_ROUGE), use_stemmer=True)
        if stemmed
        else RougeScorer(list(_ROUGE), tokenizer=_Words())
    )
    said = "stemmed English words" if stemmed else "words in small letters, not stemmed"
    signature = f"F-measure|tok:{said}|version:{version('rouge-score')}"
    known: dict[tuple[str, str], dict[str, Any]] = {}

    def score(answer: str, reference: str) -> dict[str, Any]:
        key = (answer, reference)
        if key not in known:  # all three are computed at once
            known[key] = scorer.score(reference, answer)
        return known[key]

    def part(kind: str) -> _Part:
        def statistics(answers: list[str], references: list[str]) -> np.ndarray:
            found = [score(*pair)[kind].fmeasure for pair in zip(answers, references, strict=True)]
            if kind == list(_ROUGE)[-1]:
                known.clear()
            return np.column_stack([100 * np.array(found), np.ones(len(found))])

        return _Part(_ROUGE[kind], 2, lambda sums: float(sums[0] / sums[1]), statistics, lambda: signature)

    return [part(kind) for kind in _ROUGE]


class _Words:
    """Words of any script, for rouge-score, whose own knows English letters alone."""

    def tokenize(self, text: str) -> list[str]:
        import re

        if writes_without_spaces([text]):
            return [character for character in text.lower() if character.isalnum()]
        return re.findall(WORD, text.lower())


def _missing(library: str, what: str) -> InputError:
    return InputError(
        f"{what} computed by {library}, which is not installed",
        fix="Install it: pip install 'recurra[translate]'.",
    )
