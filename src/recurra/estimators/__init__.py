"""scikit-learn faces over the tasks."""

from __future__ import annotations

import importlib

_HOMES = {
    "SequenceClassifier": "classifier",
    "SequenceRegressor": "regressor",
    "SequenceTagger": "tagger",
    "WordTagger": "word_tagger",
    "Forecaster": "forecaster",
    "Generator": "generator",
    "Translator": "translator",
}

__all__ = list(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module 'recurra.estimators' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
