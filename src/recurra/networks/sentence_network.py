"""Sentences in, a score for every tag of every word out, and how tags follow each other where that is learned."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field
from torch import Tensor, nn

from recurra.errors import InputError
from recurra.layers.crf import CRF, Chain
from recurra.networks.config import MOST_LAYERS, EncoderConfig, NetworkShape
from recurra.networks.encoders import make_encoder
from recurra.networks.words import WordInput
from recurra.ops.streaming.stages import Stage


class SentenceNetworkConfig(EncoderConfig):
    """What a person may choose. Every field can be set on the command line: `--set network.hidden_size=100`."""

    hidden_size: int = Field(default=200, ge=1, description="units per layer and direction")
    num_layers: int = Field(default=2, ge=1, le=MOST_LAYERS, description="layers on top of each other")
    bidirectional: bool = Field(default=True, description="read from both ends")
    embedding_size: int = Field(default=100, ge=1, description="numbers per word")
    characters: Literal["cnn", "lstm", "gru", "none"] = Field(
        default="cnn", description="what reads the characters of each word"
    )
    character_size: int = Field(default=30, ge=1, description="numbers per character")
    character_features: int = Field(
        default=100, ge=1, description="numbers that the characters of a word give"
    )
    character_widths: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(2, 3, 4, 5), min_length=1, description="characters that convolutions see (cnn only)"
    )
    feature_size: int = Field(
        default=30, ge=1, description="numbers for what each further column (--features) says of a word"
    )
    rare: float = Field(
        default=0.25,
        ge=0,
        description="a of a / (a + n), with which a word seen n times is hidden in training, all but its characters",
    )
    input_dropout: float = Field(
        default=0.3, ge=0, lt=1, description="variational dropout on what the first layer reads"
    )
    dropout: float = Field(
        default=0.5, ge=0, lt=1, description="dropout between layers and before the output"
    )
    recurrent_dropout: float = Field(
        default=0.0, ge=0, lt=1, description="variational dropout on the recurrent state"
    )
    weight_drop: float = Field(default=0.0, ge=0, lt=1, description="DropConnect on the recurrent weights")
    zoneout: float = Field(
        default=0.0, ge=0, lt=1, description="share of units that keep their value at a step"
    )
    layer_norm: bool = Field(default=False, description="normalise the gates' inputs within the cell")

    @property
    def sees_ahead(self) -> bool:
        """Whether a word's tag may know what comes after it."""
        return self.bidirectional


class SentenceShape(NetworkShape):
    """What the data imposes.

    Args:
        input_size: V, ids of words.
        output_size: K tags.
        characters: ids of characters.
        features: ids of each further column.
        chain: whether the tags of a sentence are one answer (CRF), or each word's is one by itself.
        steps: words of the longest training sentence.
    """

    input: Literal["tokens"] = "tokens"  # pyright: ignore[reportIncompatibleVariableOverride]
    characters: int = Field(ge=1)
    features: tuple[Annotated[int, Field(ge=1)], ...] = ()
    chain: bool


class TagScores(NamedTuple):
    """What a network says of (B, T) words.

    Args:
        scores: (B, T, K) of each tag; what stands past the lengths is nobody's answer.
        lengths: (B,).
        chain: how tags follow each other; None where every word is tagged by itself.
    """

    scores: Tensor
    lengths: Tensor
    chain: Chain | None


class SentenceNetwork(nn.Module):
    """Network that tags words.

        e = input(words, characters, features);  h = encoder(e);  z_t = W dropout(h_t) + b

    With a chain over z where the shape says so (`recurra.layers.crf`): BiLSTM-CNN-CRF of Ma & Hovy, arXiv:1603.01354.

    Shapes:
        words (B, T) ids, lengths (B,), characters (U, C) of the U distinct words, sizes (U,), which (B, T) of these a
        word is, features (B, T, F) ids of what further columns say of it -> TagScores.

    >>> import torch
    >>> shape = SentenceShape(input_size=9, output_size=3, characters=7, chain=True)
    >>> network = SentenceNetwork(SentenceNetworkConfig(hidden_size=4), shape)
    >>> words, letters = torch.tensor([[2, 3, 2]]), torch.tensor([[2, 4, 3], [2, 5, 3]])
    >>> which, nothing = torch.tensor([[0, 1, 0]]), torch.zeros(1, 3, 0, dtype=torch.long)
    >>> found = network(words, torch.tensor([3]), letters, torch.tensor([3, 3]), which, nothing)
    >>> found.scores.shape, found.chain.between.shape
    (torch.Size([1, 3, 3]), torch.Size([3, 3]))
    """

    def __init__(self, config: SentenceNetworkConfig, shape: SentenceShape):
        super().__init__()
        self.config, self.shape = config, shape
        self.input = WordInput(
            shape.input_size,
            shape.characters,
            embedding_size=config.embedding_size,
            reader=config.characters,
            character_size=config.character_size,
            character_features=config.character_features,
            widths=config.character_widths,
            rare=config.rare,
            dropout=config.input_dropout,
            features=shape.features,
            feature_size=config.feature_size,
        )
        self.encoder = make_encoder(
            config,
            self.input.size,
            steps=shape.steps,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
            recurrent_dropout=config.recurrent_dropout,
            weight_drop=config.weight_drop,
            zoneout=config.zoneout,
            layer_norm=config.layer_norm,
        )
        self.head = nn.Sequential(
            nn.Dropout(config.dropout), nn.Linear(self.encoder.out_features, shape.output_size)
        )
        self.crf = CRF(shape.output_size) if shape.chain else None

    def forward(
        self,
        words: Tensor,
        lengths: Tensor,
        characters: Tensor,
        sizes: Tensor,
        which: Tensor,
        features: Tensor,
    ) -> TagScores:
        steps = self.input(words, characters, sizes, which, features)
        output, _ = self.encoder(steps, lengths=lengths)
        return TagScores(self.head(output), lengths, None if self.crf is None else self.crf.chain)

    def stages(self) -> list[Stage]:
        """A tagger of words is no stream.

        Raises:
            InputError: always, with the reason.
        """
        if self.config.bidirectional:
            raise InputError(
                "a tagger that reads from both ends cannot run step by step: one half of it begins at the end",
                where="network.bidirectional",
            )
        reason = (
            "tags sentences as a whole" if self.crf is not None else "spells each word from its characters"
        )
        raise InputError(f"a network that {reason} cannot run step by step", fix="Give it whole sentences.")
