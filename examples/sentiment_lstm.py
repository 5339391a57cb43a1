"""Sentiment of film reviews with a two-layer bidirectional LSTM, in plain PyTorch.

    python examples/sentiment_lstm.py                                made-up reviews
    RECURRA_DATA=... python examples/sentiment_lstm.py               2,000 IMDB reviews
    RECURRA_DATA=... python examples/sentiment_lstm.py --full        all 50,000 of them

RECURRA_DATA is a folder that holds imdb/imdb_train.csv.gz and imdb/imdb_test.csv.gz, with columns text and label
(pos, neg). At the end the weights and the optimizer are written to files, read back into a new network, and
trained for one epoch more.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl
import torch
from safetensors.torch import load_file, save_file
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from small_reviews import write_reviews
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from recurra import LSTM
from recurra.data.packed import Packed
from recurra.data.text import TextConfig, TextEncoder


class Reviews(NamedTuple):
    """Texts, and 1 for each that is praise, 0 for each that is not."""

    texts: list[str]
    labels: list[int]


class Encoded(NamedTuple):
    """The same as numbers."""

    ids: Packed
    labels: Tensor


class SentimentLSTM(nn.Module):
    """Token ids (B, T) and their lengths (B,) to a score for each of two classes (B, 2)."""

    def __init__(self, vocabulary_size: int):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, 200, padding_idx=TextEncoder.padding_id)
        self.lstm = LSTM(200, 64, num_layers=2, bidirectional=True, dropout=0.5, batch_first=True)
        self.hidden = nn.Linear(2 * 64, 20)
        self.output = nn.Linear(20, 2)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        _, (h_n, _) = self.lstm(self.embedding(ids), lengths=lengths)
        # h_n is (layers * directions, B, 64): its last two are the upper layer's final states, one of each direction.
        joined = torch.cat([h_n[-2], h_n[-1]], dim=-1)
        return self.output(torch.relu(self.hidden(joined)))


def read_imdb(folder: Path, full: bool, seed: int) -> tuple[Reviews, Reviews]:
    """1,600 reviews to learn from and 400 to test on, drawn from the two official parts; all of them with `full`."""
    parts = []
    for name, count in (("imdb_train.csv.gz", 1600), ("imdb_test.csv.gz", 400)):
        table = pl.read_csv(folder / "imdb" / name, columns=["label", "text"])
        table = table.sample(None if full else count, fraction=1.0 if full else None, shuffle=True, seed=seed)
        parts.append(Reviews(table["text"].to_list(), (table["label"] == "pos").cast(pl.Int64).to_list()))
    return parts[0], parts[1]


def make_reviews(count: int, seed: int) -> tuple[Reviews, Reviews]:
    """Made-up reviews of one to three sentences: four fifths to learn from, others to test on."""
    texts, labels = write_reviews(count, seed, longest=3)
    border = count * 4 // 5
    return Reviews(texts[:border], labels[:border]), Reviews(texts[border:], labels[border:])


def batches(reviews: Encoded, order: Tensor, size: int = 50) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Padded batches (ids, lengths, labels) of the reviews in `order`."""
    for rows in order.split(size):
        padded, lengths = reviews.ids.pad(rows.numpy())
        yield torch.from_numpy(padded), torch.from_numpy(lengths), reviews.labels[rows]


def train_epoch(
    network: SentimentLSTM, optimizer: torch.optim.Optimizer, reviews: Encoded, seed: int
) -> tuple[float, float]:
    """Learn from every review once; mean loss and accuracy on the way.

    Order and dropout follow from `seed`: with another one for each epoch, an epoch that is repeated from files
    is the same as the one in a training that was never stopped.
    """
    torch.manual_seed(seed)
    network.train()
    loss_sum, right = 0.0, 0
    for ids, lengths, labels in batches(reviews, torch.randperm(len(reviews.labels))):
        scores = network(ids, lengths)
        loss = cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        loss_sum += loss.item() * len(labels)
        right += int((scores.argmax(-1) == labels).sum())
    return loss_sum / len(reviews.labels), right / len(reviews.labels)


@torch.no_grad()
def evaluate(network: SentimentLSTM, reviews: Encoded) -> tuple[float, float]:
    """Mean loss and accuracy on reviews that were not learned from."""
    network.eval()
    loss_sum, right = 0.0, 0
    for ids, lengths, labels in batches(reviews, torch.arange(len(reviews.labels))):
        scores = network(ids, lengths)
        loss_sum += cross_entropy(scores, labels, reduction="sum").item()
        right += int((scores.argmax(-1) == labels).sum())
    return loss_sum / len(reviews.labels), right / len(reviews.labels)


def save(folder: Path, network: SentimentLSTM, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    """Write all that training needs to go on: tensors as safetensors, numbers as JSON, nothing pickled."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), folder / "model.safetensors")
    state = optimizer.state_dict()
    moments = {
        f"{weight}.{name}": t for weight, of_one in state["state"].items() for name, t in of_one.items()
    }
    save_file(moments, folder / "optimizer.safetensors")
    numbers = {"epoch": epoch, "param_groups": state["param_groups"]}
    (folder / "training.json").write_text(json.dumps(numbers, indent=2))


def load(folder: Path, network: SentimentLSTM, optimizer: torch.optim.Optimizer) -> int:
    """Read what `save` wrote into a network and an optimizer of the same make; returns the epoch."""
    network.load_state_dict(load_file(folder / "model.safetensors"))
    state: dict[int, dict[str, Tensor]] = {}
    for key, moment in load_file(folder / "optimizer.safetensors").items():
        weight, name = key.split(".")
        state.setdefault(int(weight), {})[name] = moment
    numbers = json.loads((folder / "training.json").read_text())
    optimizer.load_state_dict({"state": state, "param_groups": numbers["param_groups"]})
    return numbers["epoch"]


def make_network(vocabulary_size: int, seed: int) -> tuple[SentimentLSTM, torch.optim.Optimizer]:
    """A new network and its optimizer."""
    torch.manual_seed(seed)
    network = SentimentLSTM(vocabulary_size)
    return network, torch.optim.Adam(network.parameters(), lr=0.002)


def print_epoch(epoch: int, learned: tuple[float, float], tested: tuple[float, float]) -> None:
    """One line of the table."""
    print(f"{epoch:>5}{learned[0]:>10.3f}{learned[1]:>10.1%}{tested[0]:>10.3f}{tested[1]:>10.1%}")


def main() -> None:
    """Train, test after every epoch, write, read back, go on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument(
        "--full", action="store_true", help="learn from all 25,000 reviews of IMDB, test on 25,000"
    )
    parser.add_argument(
        "--reviews", type=int, default=2000, help="made-up reviews, where RECURRA_DATA is not set"
    )
    parser.add_argument(
        "--max-steps", type=int, default=100, help="words kept of a review: half head, half tail"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/sentiment_lstm"), help="folder for the files")
    parser.add_argument("--threads", type=int, default=1, help="the printed numbers depend on it")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    data = os.environ.get("RECURRA_DATA")
    if options.full and not data:
        parser.error("--full needs the folder of the reviews: set RECURRA_DATA")
    if data:
        learn, check = read_imdb(Path(data), options.full, options.seed)
    else:
        learn, check = make_reviews(options.reviews, options.seed)
    source = "IMDB" if data else "made-up"
    print(f"{source} reviews: {len(learn.texts):,} to learn from, {len(check.texts):,} to test on")

    config = TextConfig(level="word", vocabulary_size=10_000, max_steps=options.max_steps)
    encoder = TextEncoder.fit(learn.texts, config)
    train_set = Encoded(encoder.encode(learn.texts), torch.tensor(learn.labels))
    test_set = Encoded(encoder.encode(check.texts), torch.tensor(check.labels))
    network, optimizer = make_network(encoder.vocabulary_size, options.seed)
    weights = sum(p.numel() for p in network.parameters())
    print(f"{encoder.vocabulary_size:,} words, {weights:,} weights\n")

    print(f"{'':>5}{'training':>20}{'test':>20}")
    print(f"{'epoch':>5}{'loss':>10}{'accuracy':>10}{'loss':>10}{'accuracy':>10}")
    for epoch in range(1, options.epochs + 1):
        learned = train_epoch(network, optimizer, train_set, options.seed + epoch)
        print_epoch(epoch, learned, evaluate(network, test_set))

    save(options.out, network, optimizer, options.epochs)
    encoder.save(options.out / "tokenizer.json")
    print(f"\nwritten to {options.out}: weights, optimizer, epoch and vocabulary")

    # As a new program would: the words, the network and the optimizer come from the files.
    encoder = TextEncoder.load(options.out / "tokenizer.json")
    network, optimizer = make_network(encoder.vocabulary_size, options.seed + 1)
    epoch = load(options.out, network, optimizer)
    print(f"read back: {evaluate(network, test_set)[1]:.1%} on the test set; training goes on\n")
    learned = train_epoch(network, optimizer, train_set, options.seed + epoch + 1)
    print_epoch(epoch + 1, learned, evaluate(network, test_set))

    words = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(*learn)
    print(f"\nFor comparison, logistic regression on TF-IDF of words: {words.score(*check):.1%}")


if __name__ == "__main__":
    main()
