"""All choices of one training on piano rolls, and their defaults."""

from __future__ import annotations

import numpy as np

from recurra.data.music import RollConfig
from recurra.networks.piece_network import PieceNetworkConfig
from recurra.tasks.settings import BatchConfig, RoomsOfSettings
from recurra.training.config import TrainingConfig

_FRAMES = 4_096  # in a batch
_STEPS = 6_000
_READ = 15_000_000  # frames, in all epochs


class PieceSettings(RoomsOfSettings):
    """Every choice that a person can make about a training on piano rolls."""

    rolls: RollConfig = RollConfig()
    batches: BatchConfig = BatchConfig()
    network: PieceNetworkConfig = PieceNetworkConfig()
    training: TrainingConfig = TrainingConfig()


def default_piece_settings(lengths: np.ndarray) -> PieceSettings:
    """Settings for training pieces of `lengths` (N,) frames.

    Some thousand small steps: on JSB Chorales two pieces at a time were better than four, and those than eight. The
    loss of a frame is a sum over 88 keys, and its gradient as much larger: it is clipped at a larger norm. Much music
    is read less often, until fifteen million frames are read: MuseData twelve times cost 0.65 of its NLL of a frame.

    >>> chorales = default_piece_settings(np.full(229, 60))
    >>> chorales.batches.max_batch, chorales.training.epochs
    (2, 52)
    """
    frames, excerpt = int(lengths.sum()), RollConfig().excerpt
    parts = int(np.ceil(lengths / excerpt).sum())
    batch = int(np.clip(parts // 100, 1, 8))
    epochs = int(np.clip(min(_STEPS / max(1, parts / batch), _READ / max(1, frames)), 10, 100))
    return PieceSettings(
        batches=BatchConfig(tokens_per_batch=_FRAMES, max_batch=batch),
        training=TrainingConfig(
            epochs=epochs, learning_rate=4e-3, clip_norm=5.0, patience=max(5, epochs // 5)
        ),
    )
