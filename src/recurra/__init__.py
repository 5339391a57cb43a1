"""Recurra: from a data file to a recurrent network that is trained, compared, understood and running.

Everything public is imported on first use, so `import recurra` itself costs nothing.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0.dev0"

_HOMES = {
    "RNN": "recurra.layers",
    "LSTM": "recurra.layers",
    "GRU": "recurra.layers",
    "MinGRU": "recurra.layers",
    "MinLSTM": "recurra.layers",
    "SequenceClassifier": "recurra.estimators",
    "SequenceRegressor": "recurra.estimators",
    "SequenceTagger": "recurra.estimators",
    "WordTagger": "recurra.estimators",
    "Forecaster": "recurra.estimators",
    "Generator": "recurra.estimators",
    "Translator": "recurra.estimators",
    "load": "recurra.runs.loading",
    "load_network": "recurra.exchange.folder",
    "read_keras": "recurra.exchange.keras_file",
    "read_torch": "recurra.exchange.torch_file",
    "compare": "recurra.comparison.compare",
    "diagnose": "recurra.diagnosis",
    "explain": "recurra.explanation",
}

__all__ = [*_HOMES, "__version__"]  # noqa: PLE0604


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'recurra' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
