"""Three text classifiers that differ in one word: Embedding -> RNN | LSTM | GRU -> Linear.

    python examples/three_text_classifiers.py

Learns to tell praise from blame in made-up sentences (see small_reviews.py) and prints a table. No sentence of
the test set occurs in the training set.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from small_reviews import write_reviews
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from recurra import GRU, LSTM, RNN
from recurra.data.packed import Packed
from recurra.data.text import TextConfig, TextEncoder
from recurra.layers import Pooling


class TextClassifier(nn.Module):
    """Token ids (B, T) and their lengths (B,) to a score for each class (B, classes)."""

    def __init__(
        self,
        layer: type[RNN] | type[LSTM] | type[GRU],
        vocabulary_size: int,
        classes: int = 2,
        embedding_size: int = 32,
        hidden_size: int = 64,
        num_layers: int = 2,
        dropout: float = 0.2,
    ):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size, padding_idx=TextEncoder.padding_id)
        # This is the one word: RNN, LSTM and GRU are built and called alike.
        self.recurrent = layer(embedding_size, hidden_size, num_layers, dropout=dropout, batch_first=True)
        self.last = Pooling("last", hidden_size)
        self.output = nn.Linear(hidden_size, classes)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        steps, _ = self.recurrent(self.embedding(ids), lengths=lengths)
        return self.output(self.last(steps, lengths))  # each text's own last word, not the padding's


def batches(ids: Packed, labels: Tensor, order: Tensor, size: int = 50) -> Iterator[tuple[Tensor, ...]]:
    """Padded batches (ids, lengths, labels) of the texts in `order`."""
    for rows in order.split(size):
        padded, lengths = ids.pad(rows.numpy())
        yield torch.from_numpy(padded), torch.from_numpy(lengths), labels[rows]


def train_epoch(
    network: TextClassifier, optimizer: torch.optim.Optimizer, ids: Packed, labels: Tensor
) -> float:
    """Learn from every text once, in a new order; the mean loss on the way."""
    network.train()
    loss_sum = 0.0
    for batch_ids, lengths, wanted in batches(ids, labels, torch.randperm(len(labels))):
        loss = cross_entropy(network(batch_ids, lengths), wanted)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        loss_sum += loss.item() * len(wanted)
    return loss_sum / len(labels)


@torch.no_grad()
def evaluate(network: TextClassifier, ids: Packed, labels: Tensor) -> tuple[float, float]:
    """Mean loss and accuracy."""
    network.eval()
    loss_sum, right = 0.0, 0
    for batch_ids, lengths, wanted in batches(ids, labels, torch.arange(len(labels))):
        scores = network(batch_ids, lengths)
        loss_sum += cross_entropy(scores, wanted, reduction="sum").item()
        right += int((scores.argmax(-1) == wanted).sum())
    return loss_sum / len(labels), right / len(labels)


def main() -> None:
    """Train the three side by side and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sentences", type=int, default=2000, help="three quarters to learn from, the rest to test"
    )
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)  # small networks gain nothing from more, and the numbers depend on it

    texts, labels = write_reviews(options.sentences, options.seed)
    border = options.sentences * 3 // 4
    encoder = TextEncoder.fit(texts[:border], TextConfig(level="word"))
    train_ids, test_ids = encoder.encode(texts[:border]), encoder.encode(texts[border:])
    train_labels, test_labels = torch.tensor(labels[:border]), torch.tensor(labels[border:])
    for text, label in zip(texts[:4], labels[:4], strict=True):
        print(f"{'praise' if label else 'blame':<8}{text}")
    print(f"\n{len(train_labels)} sentences to learn from, {len(test_labels)} others to test on\n")

    epochs = range(1, options.epochs + 1)
    print(f"{'':<12}{'':>9}{'loss in last epoch':>22}   accuracy on the test set after epoch")
    print(f"{'network':<12}{'weights':>9}{'train':>11}{'test':>11}   {'  '.join(f'{e:>6}' for e in epochs)}")
    for layer in (RNN, LSTM, GRU):
        torch.manual_seed(options.seed)
        network = TextClassifier(layer, encoder.vocabulary_size)
        optimizer = torch.optim.Adam(network.parameters(), lr=0.003)
        accuracies = []
        train_loss = test_loss = float("nan")
        for _ in epochs:
            train_loss = train_epoch(network, optimizer, train_ids, train_labels)
            test_loss, accuracy = evaluate(network, test_ids, test_labels)
            accuracies.append(accuracy)
        weights = sum(p.numel() for p in network.parameters())
        row = f"{layer.__name__:<12}{weights:>9,}{train_loss:>11.3f}{test_loss:>11.3f}   "
        print(row + "  ".join(f"{a:>6.1%}" for a in accuracies))

    counts = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts[:border], labels[:border])
    accuracy = counts.score(texts[border:], labels[border:])
    print(f"\nFor comparison, logistic regression on word counts, which sees no order: {accuracy:.1%}")


if __name__ == "__main__":
    main()
