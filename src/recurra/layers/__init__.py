"""Drop-in recurrent layers for torch.nn, and what torch lacks."""

from __future__ import annotations

import importlib

_HOMES = {
    "RNN": "recurrent",
    "LSTM": "recurrent",
    "GRU": "recurrent",
    "MinGRU": "parallel",
    "MinLSTM": "parallel",
    "RecurrentLayer": "base",
    "Options": "base",
    "TCN": "tcn",
    "TransformerEncoder": "transformer",
    "FeedForward": "feedforward",
    "Convolution": "convolution",
    "BandConvolution": "convolution",
    "CRF": "crf",
    "ImageEncoder": "images",
    "Pooling": "pooling",
    "Attention": "attention",
    "VariationalDropout": "regularisation",
    "WordDropout": "regularisation",
    "EmbeddingDropout": "regularisation",
}

__all__ = list(_HOMES)


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module 'recurra.layers' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
