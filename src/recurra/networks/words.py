"""From words and their characters to vectors that a recurrent layer reads."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from recurra.axes import valid_steps, zero_padding
from recurra.layers import GRU, LSTM
from recurra.layers.regularisation import VariationalDropout
from recurra.networks.inputs import PADDING_ID, UNKNOWN_ID

_RECURRENT = {"lstm": LSTM, "gru": GRU}


class CharacterConvolutions(nn.Module):
    """A word from its characters: the largest value of each feature over all places.

        y = max over t of relu(W_w [c_t; ...; c_{t+w-1}] + b_w),   for each width w, side by side

    (Kim et al., arXiv:1508.06615; for tagging Ma & Hovy, arXiv:1603.01354.) Characters beyond the ends of a word are 0.

    Args:
        size: numbers per character.
        widths: characters that a feature sees.
        features: F in all, shared out evenly.
    Shapes:
        (U, C, size), lengths (U,) -> (U, F).
    """

    def __init__(self, size: int, widths: tuple[int, ...], features: int):
        super().__init__()
        shares = [features // len(widths) + (k < features % len(widths)) for k in range(len(widths))]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(size, share, width, padding=width - 1)
            for width, share in zip(widths, shares, strict=True)
            if share
        )
        self.out_features = features

    def forward(self, characters: Tensor, lengths: Tensor) -> Tensor:
        x = zero_padding(characters, lengths).transpose(1, 2)
        found = []
        for convolution in self.convolutions:
            y = convolution(x)  # place t sees characters t - width + 1 to t
            there = valid_steps(lengths + y.shape[2] - x.shape[2], y.shape[2]).unsqueeze(1)
            found.append(y.masked_fill(~there, -torch.inf).max(2).values)
        return torch.cat(found, 1).relu()


class CharacterReader(nn.Module):
    """A word from its characters: what a recurrent layer knows at its end, and one that reads backwards at its begin.

    (Ling et al., arXiv:1508.02096; for tagging Lample et al., arXiv:1603.01360.)

    Shapes:
        (U, C, size), lengths (U,) -> (U, F), the first half read forwards.
    """

    def __init__(self, cell: str, size: int, features: int):
        super().__init__()
        self.layer = _RECURRENT[cell](size, (features + 1) // 2, batch_first=True, bidirectional=True)
        self.out_features = 2 * self.layer.hidden_size

    def forward(self, characters: Tensor, lengths: Tensor) -> Tensor:
        _, state = self.layer(characters, lengths=lengths)
        last = state[0] if isinstance(state, tuple) else state
        return torch.cat([last[0], last[1]], 1)


class WordInput(nn.Module):
    """Words to vectors: a vector of the word itself beside one made of its characters.

        e_t = drop([E[w_t]; f(characters of w_t); F_1[v_1t]; F_2[v_2t]; ...])

    In training a word is hidden, and known by its characters alone, with probability a / (a + n), n how often it occurs
    in the training sentences, so that the network learns what to make of words it never saw (Kiperwasser & Goldberg,
    arXiv:1603.04351). Each distinct word of a batch is spelled once. v_k is what the k-th further column says of the
    word, such as its part of speech; it is never hidden.

    Args:
        words: V, ids of words.
        characters: ids of characters.
        embedding_size: numbers per word.
        reader: "cnn", "lstm", "gru", or "none" for words alone.
        character_size: numbers per character.
        character_features: numbers that the characters of a word give.
        widths: of the convolutions.
        rare: a.
        dropout: variational, on the vectors.
        features: ids of each further column.
        feature_size: numbers for what each of them says.
    Shapes:
        words (B, T), characters (U, C), sizes (U,), which (B, T), features (B, T, F) -> (B, T, `size`).
    """

    def __init__(
        self,
        words: int,
        characters: int,
        *,
        embedding_size: int,
        reader: str,
        character_size: int,
        character_features: int,
        widths: tuple[int, ...],
        rare: float,
        dropout: float,
        features: Sequence[int] = (),
        feature_size: int = 0,
    ):
        super().__init__()
        self.embedding = nn.Embedding(words, embedding_size, padding_idx=PADDING_ID)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.counts: Tensor
        self.register_buffer("counts", torch.zeros(words))
        self.spelling: CharacterConvolutions | CharacterReader | None = None
        self.size, self.rare = embedding_size, rare
        if reader != "none":
            self.letters = nn.Embedding(characters, character_size, padding_idx=PADDING_ID)
            nn.init.uniform_(self.letters.weight, -((3 / character_size) ** 0.5), (3 / character_size) ** 0.5)
            self.spelling = (
                CharacterConvolutions(character_size, widths, character_features)
                if reader == "cnn"
                else CharacterReader(reader, character_size, character_features)
            )
            self.size += self.spelling.out_features
        self.features = nn.ModuleList(
            nn.Embedding(ids, feature_size, padding_idx=PADDING_ID) for ids in features
        )
        self.size += len(features) * feature_size
        with torch.no_grad():
            self.embedding.weight[PADDING_ID] = 0
            if self.spelling is not None:
                self.letters.weight[PADDING_ID] = 0
        self.dropout = VariationalDropout(dropout)

    def forward(
        self, words: Tensor, characters: Tensor, sizes: Tensor, which: Tensor, features: Tensor
    ) -> Tensor:
        vectors = [self.embedding(self._some_hidden(words))]
        if self.spelling is not None:
            spelled = self.spelling(self.letters(characters), sizes)
            vectors.append(functional.embedding(which, spelled))
        vectors += [embedding(features[:, :, k]) for k, embedding in enumerate(self.features)]
        return self.dropout(torch.cat(vectors, 2))

    def _some_hidden(self, words: Tensor) -> Tensor:
        if not self.training or not self.rare:
            return words
        share = self.rare / (self.rare + self.counts[words])
        hidden = (torch.rand(words.shape, device=words.device) < share) & (words != PADDING_ID)
        return torch.where(hidden, UNKNOWN_ID, words)
