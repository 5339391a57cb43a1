"""Ten networks over sequences of 100 steps and one feature: five designs, each with LSTM and with GRU.

    python examples/ten_networks.py

    50 units                   -> one number      the next value of a noisy sine
    two layers of 50 units     -> one number      the same
    100 units                  -> 10 classes      which of ten frequencies a noisy sine has
    two layers of 100 units    -> yes or no       is there a pulse that goes up before it goes down?
    100 units, dropout 0.5     -> yes or no       is the sum of the first half larger than that of the second?

All data is made here, other for learning than for testing. The table has the loss on the test sequences before
training and after it, and a score: R2 for numbers (0 is always saying the mean, 1 is perfect), accuracy for
classes, beside what guessing gets.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recurra import GRU, LSTM

STEPS = 100


class Network(nn.Module):
    """Sequences (B, 100, 1) to scores (B, outputs), or (B,) for one output: recurrent layers, last step, linear."""

    def __init__(
        self, layer: type[LSTM] | type[GRU], units: int, num_layers: int, dropout: float, outputs: int
    ):
        super().__init__()
        # The gates start out remembering for up to 100 steps: what happens early still counts at the end.
        self.recurrent = layer(1, units, num_layers, batch_first=True, chrono_init=STEPS)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(units, outputs)

    def forward(self, x: Tensor) -> Tensor:
        steps, _ = self.recurrent(x)
        return self.output(self.dropout(steps[:, -1])).squeeze(-1)


def next_value(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sines of any phase, 2 to 6 periods in 100 steps, with noise; the value (without noise) that comes next."""
    periods = rng.uniform(2, 6, (count, 1))
    phase = rng.uniform(0, 2 * np.pi, (count, 1))
    clean = np.sin(2 * np.pi * periods * np.arange(STEPS + 1) / STEPS + phase)
    return clean[:, :-1] + rng.normal(0, 0.1, (count, STEPS)), clean[:, -1]


def which_frequency(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sines with noise, class k has k + 1 periods in 100 steps; the class."""
    classes = rng.integers(0, 10, count)
    clean = np.sin(2 * np.pi * (classes[:, None] + 1) * np.arange(STEPS) / STEPS)
    return clean + rng.normal(0, 0.1, (count, STEPS)), classes


def up_before_down(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise with one pulse of 20 steps somewhere, up and then down or the other way round; is it the first?"""
    answers = rng.integers(0, 2, count)
    x = rng.normal(0, 0.3, (count, STEPS))
    pulse = np.repeat([1.0, -1.0], 10)
    for row, answer, start in zip(x, answers, rng.integers(0, STEPS - 20, count), strict=True):
        row[start : start + 20] += pulse if answer else -pulse
    return x, answers


def first_half_larger(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise around a level of its own in each half; is the sum of the first half larger?"""
    levels = np.repeat(rng.normal(0, 1, (count, 2)), STEPS // 2, axis=1)
    x = levels + rng.normal(0, 0.5, (count, STEPS))
    return x, (x[:, : STEPS // 2].sum(1) > x[:, STEPS // 2 :].sum(1)).astype(np.int64)


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """For numbers."""
    return functional.mse_loss(outputs, targets.float())


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """For classes: one output for each; for yes or no: one output in all, positive for yes."""
    if outputs.dim() == 2:
        return functional.cross_entropy(outputs, targets)
    return functional.binary_cross_entropy_with_logits(outputs, targets.float())


def r2(outputs: Tensor, targets: Tensor) -> float:
    """Share of the targets' variance that the outputs explain."""
    return 1 - float((outputs - targets).square().mean() / targets.var(correction=0))


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    """Share of right answers."""
    answers = outputs.argmax(-1) if outputs.dim() == 2 else (outputs > 0).long()
    return float((answers == targets).double().mean())


class Design(NamedTuple):
    """One row of the list above."""

    name: str
    units: int
    num_layers: int
    dropout: float
    outputs: int
    make_data: Callable[[int, np.random.Generator], tuple[np.ndarray, np.ndarray]]
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy
    score: Callable[[Tensor, Tensor], float] = accuracy
    guessing: float = 0.5


DESIGNS = (
    Design("50 units -> one number", 50, 1, 0.0, 1, next_value, squared_error, r2, 0.0),
    Design("2 layers of 50 -> one number", 50, 2, 0.0, 1, next_value, squared_error, r2, 0.0),
    Design("100 units -> 10 classes", 100, 1, 0.0, 10, which_frequency, guessing=0.1),
    Design("2 layers of 100 -> yes/no", 100, 2, 0.0, 1, up_before_down),
    Design("100 units, dropout 0.5 -> yes/no", 100, 1, 0.5, 1, first_half_larger),
)


def make_tensors(design: Design, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """`count` sequences (count, 100, 1) and their targets (count,)."""
    x, targets = design.make_data(count, rng)
    return torch.tensor(x, dtype=torch.float32).unsqueeze(-1), torch.tensor(targets)


def train(network: Network, design: Design, x: Tensor, targets: Tensor, epochs: int) -> None:
    """Learn from all sequences `epochs` times, each time in a new order."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    network.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(25):
            loss = design.loss(network(x[rows]), targets[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()


@torch.no_grad()
def evaluate(network: Network, design: Design, x: Tensor, targets: Tensor) -> tuple[float, float]:
    """Loss and score on sequences that were not learned from."""
    network.eval()
    outputs = network(x)
    return float(design.loss(outputs, targets)), design.score(outputs, targets)


def main() -> None:
    """Train the ten, one line each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sequences", type=int, default=800, help="to learn from; half as many others to test on"
    )
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)  # small networks gain nothing from more, and the numbers depend on it

    sizes = f"{options.sequences} sequences to learn from, {options.sequences // 2} others to test on"
    print(f"{sizes}, {options.epochs} epochs\n")
    print(f"{'':<47}{'test loss':>22}   test score")
    print(f"{'network':<39}{'weights':>8}{'before':>12}{'after':>10}   {'':<10}{'after':>6}{'guessing':>10}")
    for design in DESIGNS:
        rng = np.random.default_rng(options.seed)
        learn, check = (make_tensors(design, n, rng) for n in (options.sequences, options.sequences // 2))
        for layer in (LSTM, GRU):
            torch.manual_seed(options.seed)
            network = Network(layer, design.units, design.num_layers, design.dropout, design.outputs)
            weights = sum(p.numel() for p in network.parameters())
            before, _ = evaluate(network, design, *check)
            train(network, design, *learn, options.epochs)
            after, score = evaluate(network, design, *check)
            name = f"{layer.__name__:<4}  {design.name}"
            scores = f"{design.score.__name__:<10}{score:>6.2f}{design.guessing:>10.2f}"
            print(f"{name:<39}{weights:>8,}{before:>12.3f}{after:>10.3f}   {scores}", flush=True)


if __name__ == "__main__":
    main()
