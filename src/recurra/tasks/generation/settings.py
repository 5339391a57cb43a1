"""All choices of one training on running text, and the defaults, which depend on it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from recurra.data.corpus import CorpusConfig
from recurra.data.vocabulary import Level
from recurra.networks.language import LanguageNetworkConfig
from recurra.tasks.settings import RoomsOfSettings
from recurra.training.config import TrainingConfig

_TOKENS = 15_000_000  # read in all by default


class LanguageConfig(BaseModel):
    """Choices of the loss."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    activation_penalty: float = Field(default=0.0, ge=0, description="alpha of AWD-LSTM: large outputs")
    change_penalty: float = Field(default=0.0, ge=0, description="beta of AWD-LSTM: outputs that jump")


class StreamConfig(BaseModel):
    """How running text is cut."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rows: int = Field(default=32, ge=1, description="pieces of the text that are read side by side")
    steps: int = Field(default=70, ge=1, description="tokens that gradients go back, about")
    vary: bool = Field(default=True, description="windows of varying length, other ones in every epoch")


class LanguageSettings(RoomsOfSettings):
    """Every choice that a person can make about a training on running text."""

    task: LanguageConfig = LanguageConfig()
    corpus: CorpusConfig = CorpusConfig()
    windows: StreamConfig = StreamConfig()
    network: LanguageNetworkConfig = LanguageNetworkConfig()
    training: TrainingConfig = TrainingConfig()


def default_language_settings(level: Level, tokens: int) -> LanguageSettings:
    """Settings for so many training tokens.

    Much text is read a few times, little text often, until fifteen million tokens are read; small texts in few rows, so
    that there are some hundred steps in an epoch.
    """
    epochs = max(3, min(40, round(_TOKENS / max(1, tokens))))
    words = level == "word"
    steps = 35 if words else 100
    rows = max(4, min(20 if words else 32, tokens // (200 * steps)))
    size = 200 if words else 256
    return LanguageSettings(
        windows=StreamConfig(rows=rows, steps=steps),
        network=LanguageNetworkConfig(
            hidden_size=size,
            embedding_size=size,
            embedding_dropout=0.05 if words else 0.0,
            input_dropout=0.2 if words else 0.0,
            dropout=0.2,
            output_dropout=0.3 if words else 0.2,
        ),
        training=TrainingConfig(epochs=epochs, learning_rate=3e-3, patience=max(3, epochs // 5)),
    )
