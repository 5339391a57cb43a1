"""All choices of one training on sequences with texts, and their defaults."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from recurra.data.audio.config import AudioConfig
from recurra.data.transcripts.alphabet import TranscriptConfig
from recurra.data.transcripts.augmentation import AugmentConfig
from recurra.networks.transcription_network import TranscriptionNetworkConfig
from recurra.tasks.settings import BatchConfig, RoomsOfSettings
from recurra.training.config import TrainingConfig

_STEPS = 12_800  # in a batch
_ROOM = 2.0  # steps for each that an alignment needs
_SMALL = 300_000  # steps, most of an hour of sound
_SHORT = 0.02  # share of the texts for which there may be fewer


class DecodingConfig(BaseModel):
    """How outputs become a text."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    beam: int = Field(
        default=8,
        ge=1,
        le=100,
        description="texts that are followed side by side; 1 takes the likeliest path alone",
    )
    only: tuple[str, ...] | None = Field(
        default=None,
        description="texts that alone may be written, as of spoken commands; none: any text; unset: those of the "
        "training part, where they are up to 1,000 single words that come ten times or more on average",
    )
    lm_weight: float | None = Field(
        default=None, ge=0, description="of a language model (--lm); unset: chosen on the validation part"
    )
    word_bonus: float | None = Field(
        default=None, description="what each word is worth beside a language model; unset: chosen likewise"
    )


class TranscriptionSettings(RoomsOfSettings):
    """Every choice that a person can make about such a training."""

    audio: AudioConfig = AudioConfig()
    transcript: TranscriptConfig = TranscriptConfig()
    augment: AugmentConfig = AugmentConfig()
    decoding: DecodingConfig = DecodingConfig()
    batches: BatchConfig = BatchConfig()
    network: TranscriptionNetworkConfig = TranscriptionNetworkConfig()
    training: TrainingConfig = TrainingConfig()


def default_transcription_settings(
    lengths: np.ndarray, needed: np.ndarray, *, sound: bool
) -> TranscriptionSettings:
    """Settings for N training sequences.

    As many steps are joined, 1, 2 or 4, as leave two for each that an alignment needs, but for one text in fifty. Small
    sets are read often in small batches, and by one layer of 64 units each way: of spoken digits by four speakers two
    layers of 128 learned the speakers, too (a fifth was understood six points worse, one trial with each of two), and
    LSTM understood one of them fourteen points worse than GRU, in one trial. Of sound the convolutions see
    neighbouring bands: a speaker who was not heard is understood better (benchmarks/RESULTS.md).

    Args:
        lengths: (N,) steps of each.
        needed: (N,) steps that its text needs at least, see `steps_needed`.
        sound: whether the steps are features of sound.

    >>> default_transcription_settings(np.full(2000, 40), np.full(2000, 5), sound=True).network.segment
    4
    """
    count, typical = len(lengths), float(np.median(lengths)) if len(lengths) else 1.0
    segment = max(
        (each for each in (1, 2, 4) if np.mean(lengths // each < _ROOM * needed) <= _SHORT), default=1
    )
    small = count * typical < _SMALL
    batch = int(np.clip(count // 40, 8, 32))
    epochs = int(np.clip(round(3000 / max(1.0, count / batch, count * typical / _STEPS)), 20, 80))
    return TranscriptionSettings(
        augment=AugmentConfig() if sound else AugmentConfig(time_masks=0, band_masks=0),
        batches=BatchConfig(tokens_per_batch=max(_STEPS, int(8 * typical)), max_batch=batch),
        network=TranscriptionNetworkConfig(
            cell="gru",
            hidden_size=64 if small else 128,
            num_layers=1 if small else 2,
            convolutions=(5, 5),
            band_channels=(16, 32) if sound else (),
            segment=segment,
            input_dropout=0.0,
            dropout=0.3,
        ),
        training=TrainingConfig(
            epochs=epochs,
            learning_rate=4e-3 if small else 2e-3,
            clip_norm=5.0,
            patience=max(10, epochs // 4),
        ),
    )
