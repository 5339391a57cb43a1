"""Which settings a training starts from when nobody says otherwise.

Chosen on parts of the training files of IMDB, TREC, MPQA and five sensor sets by `benchmarks/defaults.py`; the tables
stand in benchmarks/RESULTS.md, "What led to the defaults".
"""

from __future__ import annotations

import numpy as np

from recurra.networks.config import NetworkConfig
from recurra.tasks.settings import BatchConfig, Settings, TaskConfig
from recurra.training.config import TrainingConfig


def default_settings(input: str, lengths: np.ndarray, image: tuple[int, int, int] | None = None) -> Settings:
    """Settings for N training sequences.

    Args:
        input: "tokens", "features", or "images" as steps.
        lengths: (N,) steps of each training sequence.
        image: height, width and colours of an image that is a step.
    """
    if input == "tokens":
        return _for_texts(lengths)
    settings = _for_numbers(lengths)
    return settings if image is None else _for_images(settings, lengths, image)


def _for_texts(lengths: np.ndarray) -> Settings:
    """Few epochs over much text, more over little: the work, not the number of passes, is about the same."""
    tokens = int(lengths.sum())
    epochs = int(np.clip(round(2e6 / max(1, tokens)), 3, 20))
    return Settings(
        batches=BatchConfig(tokens_per_batch=12_800, max_batch=64),
        network=NetworkConfig(),
        training=TrainingConfig(epochs=epochs, patience=3),
    )


def _for_numbers(lengths: np.ndarray) -> Settings:
    """Local shapes are found by convolutions, their order by recurrent layers over about forty segments.

    Small sets are read often in small batches, about a thousand of them; large ones twenty times.
    """
    count, typical = len(lengths), float(np.median(lengths)) if len(lengths) else 1.0
    batch = int(np.clip(count // 20, 16, 64))
    epochs = int(np.clip(round(1000 / max(1, count / batch)), 20, 300))
    return Settings(
        # Small sets have no validation part to calibrate on; without smoothing their networks were far too sure.
        task=TaskConfig(label_smoothing=0.1),
        batches=BatchConfig(tokens_per_batch=max(12_800, int(batch * typical)), max_batch=batch),
        network=NetworkConfig(
            hidden_size=64,
            num_layers=2,
            convolutions=(7, 5) if typical >= 10 else (),
            segment=max(1, round(typical / 40)),
            input_dropout=0.0,
            dropout=0.2,
        ),
        training=TrainingConfig(epochs=epochs, patience=max(10, epochs // 5)),
    )


def _for_images(settings: Settings, lengths: np.ndarray, image: tuple[int, int, int]) -> Settings:
    """Sequences of images go through convolutions, down to about five by five places; a single image is read as it is.

    One step has neither two ends to read from nor anything to pool.
    """
    whole = bool((lengths <= 1).all())
    blocks = int(np.clip(round(np.log2(min(image[:2]) / 5)), 1, 4))
    network = {
        "hidden_size": 128 if whole else 64,
        "num_layers": 2 if whole else 1,
        "convolutions": (),
        "segment": 1,
        "bidirectional": not whole,
        "pooling": ("last",) if whole else ("mean", "max"),
        "image_channels": () if whole else tuple(16 * 2**k for k in range(blocks)),
    }
    return settings.model_copy(update={"network": settings.network.model_copy(update=network)})
