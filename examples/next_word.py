"""Which word comes next? Embedding -> RNN | GRU | LSTM -> Linear, learned from a handful of sentences.

    python examples/next_word.py

Every sentence gives as many examples as it has words: "the river", and the next word is "runs"; "the river runs",
and it is "past"; and so on. Then each network goes on from two words of yours with five of its own. So few sentences
are learned by heart, and that is the point: one can see what was learned.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from recurra import GRU, LSTM, RNN
from recurra.data.packed import Packed
from recurra.data.text import TextConfig, TextEncoder
from recurra.layers import Pooling

SENTENCES = [
    "the river runs past the old mill and under the stone bridge",
    "the miller wakes before the sun and opens the gate",
    "when the gate is open the river turns the wheel",
    "the wheel turns the stone and the stone grinds the corn",
    "a boy brings the corn in a cart behind a grey horse",
    "the grey horse drinks from the river while the boy waits",
    "in winter the river is ice and the wheel stands still",
    "then the miller mends the gate and the boy feeds the horse",
]


class NextWord(nn.Module):
    """Prefixes (B, T) and their lengths (B,) to a score for each word that may come next (B, V)."""

    def __init__(
        self, layer: type[RNN] | type[GRU] | type[LSTM], words: int, embedding: int = 50, units: int = 100
    ):
        super().__init__()
        self.embedding = nn.Embedding(words, embedding, padding_idx=TextEncoder.padding_id)
        self.recurrent = layer(embedding, units, batch_first=True)
        self.last = Pooling("last", units)
        self.output = nn.Linear(units, words)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        steps, _ = self.recurrent(self.embedding(ids), lengths=lengths)
        return self.output(self.last(steps, lengths))


def prefixes(sentences: Packed) -> tuple[Packed, Tensor]:
    """Every sentence cut short after each of its words, and the word that came next."""
    pairs = [
        (sentences[k][:n], sentences[k][n])
        for k in range(len(sentences))
        for n in range(1, len(sentences[k]))
    ]
    return Packed.from_list([prefix for prefix, _ in pairs]), torch.tensor([int(word) for _, word in pairs])


def train(network: NextWord, begun: Packed, wanted: Tensor, epochs: int) -> list[float]:
    """Learn all examples together, epoch after epoch; the loss of each."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.005)
    ids, lengths = (torch.from_numpy(part) for part in begun.pad(np.arange(len(begun))))
    losses = []
    for _ in range(epochs):
        loss = cross_entropy(network(ids, lengths), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def go_on(network: NextWord, ids: list[int], words: int) -> list[int]:
    """The likeliest word, then the likeliest after that, and so on; padding and unknown are not words."""
    for _ in range(words):
        scores = network(torch.tensor([ids]), torch.tensor([len(ids)]))[0]
        scores[[TextEncoder.padding_id, TextEncoder.unknown_id]] = -torch.inf
        ids = [*ids, int(scores.argmax())]
    return ids


def main() -> None:
    """Train the three side by side; print losses, and what each makes of two words."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--begin", default="the miller", help="words to go on from")
    parser.add_argument("--words", type=int, default=5, help="words to add")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)  # small networks gain nothing from more, and the numbers depend on it

    encoder = TextEncoder.fit(SENTENCES, TextConfig(level="word"))
    sentences = encoder.encode(SENTENCES)
    begun, wanted = prefixes(sentences)
    print(f"{len(SENTENCES)} sentences, {encoder.vocabulary_size - 2} words, {len(begun)} prefixes; such as:")
    words = encoder.vocabulary
    for n in range(3):
        print(f"  {' '.join(words[i] for i in begun[n])} -> {words[int(wanted[n])]}")

    beginning = encoder.encode([options.begin])[0].tolist()
    print(f"\n{'network':<9}{'first loss':>12}{'last loss':>12}{'right':>8}   goes on")
    for layer in (RNN, GRU, LSTM):
        torch.manual_seed(options.seed)
        network = NextWord(layer, encoder.vocabulary_size)
        losses = train(network, begun, wanted, options.epochs)
        ids, lengths = (torch.from_numpy(part) for part in begun.pad(np.arange(len(begun))))
        right = float((network(ids, lengths).argmax(-1) == wanted).double().mean())
        text = " ".join(words[i] for i in go_on(network, beginning, options.words))
        print(f"{layer.__name__:<9}{losses[0]:>12.3f}{losses[-1]:>12.3f}{right:>8.0%}   {text}")


if __name__ == "__main__":
    main()
