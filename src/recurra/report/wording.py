"""Numbers as people read them on a page, and what the measures mean."""

from __future__ import annotations

import math
from typing import Any

_SHARES = {
    *("accuracy", "balanced accuracy", "macro F1", "micro F1", "every label right"),
    *("entity F1", "precision", "recall", "accuracy of unseen words"),
    *("word error rate", "character error rate", "exactly right", "frame accuracy"),
}
_MEANINGS = {
    "accuracy": "share of answers that are right",
    "balanced accuracy": "mean over the classes of the share of each that is found",
    "macro F1": "mean over the classes of F1, which weighs what is found against false alarms",
    "micro F1": "F1 over all labels of all examples together",
    "entity F1": "spans found against false ones; right where first word, last word and type are (conlleval, seqeval)",
    "precision": "share of the spans given that are right",
    "recall": "share of the spans there that are found",
    "accuracy of unseen words": "share of the words that training did not hold whose tag is right",
    "every label right": "share of examples whose labels are all right",
    "ROC AUC": "chance that an example of a class is ranked above one of another",
    "average precision": "precision over all thresholds, mean over the labels",
    "log loss": "how surprising the truth is to the probabilities; 0 is best",
    "NLL per step": "how surprising a step is, natural logarithm, summed over the labels; 0 is best",
    "NLL per frame": "how surprising a frame is, natural logarithm, summed over the 88 keys; 0 is best",
    "frame accuracy": "keys rightly given, over all that are given or down",
    "Brier score": "mean squared error of the probabilities; 0 is best",
    "calibration error": "how far probabilities are from how often they come true; 0 is best",
    "RMSE": "root of the mean squared error, in the unit of the target",
    "MSE": "mean squared error",
    "MAE": "mean absolute error, in the unit of the target",
    "median absolute error": "half of the answers are nearer than this",
    "R²": "share of the variance that is explained; 1 is best, 0 is no better than the mean",
    "MASE": "mean absolute error over that of repeating the last season in training; below 1 beats that",
    "sMAPE": "mean error in per cent of the size of truth and forecast, 0 to 200",
    "OWA": "error relative to Naive2, as in the M4 competition; below 1 beats it",
    "pinball loss": "error of the quantiles; 0 is best",
    "word error rate": "words to be changed, left out or put in, over the words that were said; 0 is best",
    "character error rate": "the same of characters; 0 is best",
    "exactly right": "share of answers that are right word for word",
    "perplexity": "among how many equally likely tokens the model hesitates; 1 is best",
    "bits per character": "bits that a character of the text costs when it is foretold; 0 is best",
    "BLEU": "words and rows of up to four words that answer and reference share, 0 to 100",
    "chrF": "rows of up to six characters that answer and reference share, 0 to 100",
    "ROUGE-L": "the longest row of words, gaps allowed, that answer and reference share, 0 to 100",
    "ROUGE-1": "words that answer and reference share, 0 to 100",
    "ROUGE-2": "pairs of words that answer and reference share, 0 to 100",
    "nats per token": "how surprising a token is, natural logarithm; 0 is best",
}


def meaning(name: str) -> str:
    """What a measure says, in a few words; nothing where the name says it all.

    >>> meaning("accuracy"), meaning("width of the 80 % interval")
    ('share of answers that are right', 'mean width; narrower is better at equal coverage')
    """
    if name.startswith("coverage of the"):
        return "share of what came that lay inside; near its name is best"
    if name.startswith("width of the"):
        return "mean width; narrower is better at equal coverage"
    return _MEANINGS.get(name, "")


def is_share(name: str) -> bool:
    """Whether a measure is read in per cent."""
    return name in _SHARES or name.startswith("coverage of the")


def score(record: dict[str, Any]) -> str:
    """The value of a score as `metrics.json` holds it.

    >>> score({"name": "accuracy", "value": 0.8513}), score({"name": "MASE", "value": None})
    ('85.1 %', '–')
    """
    return (share if is_share(record["name"]) else number)(record["value"])


def interval(record: dict[str, Any]) -> str:
    """Both ends of the interval of a score.

    >>> interval({"name": "RMSE", "interval": {"low": 1.25, "high": 1.5}})
    '1.25 to 1.5'
    """
    low, high = record["interval"]["low"], record["interval"]["high"]
    if low is None or high is None:  # too little data to bound it
        return "not known"
    if is_share(record["name"]):
        return share_interval(record["interval"])
    return f"{number(low)} to {number(high)}"


def number(value: float | None) -> str:
    """Four digits that count; a dash where there is no number.

    >>> number(0.123456), number(None)
    ('0.1235', '–')
    """
    return "–" if value is None else f"{value:.4g}"


def signed(value: float | None, largest: float) -> str:
    """What something adds or takes, with its sign, to as many places as show three digits of the largest beside it.

    >>> signed(-0.5, 12.34), signed(0.0001, 12.34), signed(12.34, 12.34), signed(None, 1.0)
    ('−0.5', '0', '+12.3', '–')
    """
    if value is None:
        return "–"
    places = min(12, max(0, 2 - math.floor(math.log10(largest)))) if largest > 0 else 0
    rounded = round(value, places)
    return f"{rounded:+.{places}f}".replace("-", "−") if rounded else "0"


def share(value: float | None) -> str:
    """A share in per cent.

    >>> share(0.5)
    '50.0 %'
    """
    return "–" if value is None else f"{100 * value:.1f} %"


def share_interval(ends: dict[str, float]) -> str:
    """Both ends of the interval of a share.

    >>> share_interval({"low": 0.5, "high": 0.75})
    '50.0 to 75.0 %'
    """
    return f"{100 * ends['low']:.1f} to {100 * ends['high']:.1f} %"


def tick(name: str, value: float) -> str:
    """A number on the axis of a measure: short, in per cent where the measure is.

    >>> tick("accuracy", 0.85), tick("RMSE", 0.30000000000000004)
    ('85 %', '0.3')
    """
    return f"{100 * value:.3g} %" if is_share(name) else f"{value:.4g}"


def count(value: int) -> str:
    """A whole number.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{value:,}"


def seconds(value: float) -> str:
    """A time as people say it.

    >>> seconds(0.004), seconds(3.21), seconds(75.4), seconds(7260)
    ('< 0.1 s', '3.2 s', '1 min 15 s', '2 h 1 min')
    """
    if value < 0.05:
        return "< 0.1 s"
    if value < 59.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
