"""All choices of one training on events of music, and their defaults."""

from __future__ import annotations

from recurra.data.music.events import EventConfig
from recurra.networks.language import LanguageNetworkConfig
from recurra.tasks.generation.settings import LanguageConfig, StreamConfig
from recurra.tasks.settings import RoomsOfSettings
from recurra.training.config import TrainingConfig

_EVENTS = 15_000_000  # read in all by default


class PerformanceSettings(RoomsOfSettings):
    """Every choice that a person can make about a training on events."""

    task: LanguageConfig = LanguageConfig()
    events: EventConfig = EventConfig()
    windows: StreamConfig = StreamConfig()
    network: LanguageNetworkConfig = LanguageNetworkConfig()
    training: TrainingConfig = TrainingConfig()


def default_performance_settings(events: int) -> PerformanceSettings:
    """Settings for so many training events: as for text by character, in longer windows; a bar has many events.

    >>> default_performance_settings(100_000).windows.steps
    200
    """
    epochs = max(3, min(40, round(_EVENTS / max(1, events))))
    steps = 200
    rows = max(2, min(32, events // (100 * steps)))
    return PerformanceSettings(
        windows=StreamConfig(rows=rows, steps=steps),
        network=LanguageNetworkConfig(
            hidden_size=256,
            embedding_size=256,
            embedding_dropout=0.0,
            input_dropout=0.1,
            dropout=0.3,
            output_dropout=0.3,
        ),
        training=TrainingConfig(epochs=epochs, learning_rate=3e-3, patience=max(3, epochs // 5)),
    )
