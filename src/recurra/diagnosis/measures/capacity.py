"""What a cell of a width can learn to remember: the field's tests, each a small training of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recurra.data.batches import Batch
from recurra.networks.config import CellName, NetworkConfig, NetworkShape
from recurra.networks.sequence_network import SequenceNetwork
from recurra.training.config import TrainingConfig
from recurra.training.loop import predictions, seeded, train

TESTS = ("adding", "copy", "selective copy", "parity")
LENGTHS = (5, 10, 20, 40, 80)
SOLVED = 0.9
_SYMBOLS, _KEPT = 8, 3  # of the copying tests: how many there are, and how many are to be kept
_BATCH, _TEST = 64, 512

Draw = Callable[[np.random.Generator, int, int], tuple[np.ndarray, np.ndarray]]  # of a size and a length


@dataclass(frozen=True)
class Capacity:
    """How well one test was learned at each length.

        score = 1 - error / error of the best constant answer;   1 is perfect, 0 is chance

    Args:
        test: "adding", "copy", "selective copy" or "parity".
        lengths: T.
        scores: of each, on examples drawn anew; after the first that is not solved no longer one is tried.
    """

    test: str
    lengths: list[int]
    scores: list[float]

    @property
    def longest_solved(self) -> int | None:
        """The greatest length with a score of 0.9 or more."""
        solved = [n for n, score in zip(self.lengths, self.scores, strict=True) if score >= SOLVED]
        return max(solved, default=None)


def capacity(
    cell: CellName,
    hidden_size: int,
    *,
    tests: Iterable[str] = TESTS,
    lengths: Iterable[int] = LENGTHS,
    steps: int = 1000,
    seed: int = 0,
    told: Callable[[str, int], None] = lambda test, length: None,
) -> list[Capacity]:
    """Train one layer of `cell` anew on each test at each length, and see what it answers at the last step.

    - adding: of T random numbers two are marked; their sum (Hochreiter & Schmidhuber 1997; arXiv:1504.00941).
    - copy: the first 3 of T symbols, then blanks (the same, and arXiv:1511.06464).
    - selective copy: 3 symbols at random places among blanks (arXiv:1511.06464 and arXiv:2312.00752).
    - parity: whether the number of ones among T bits is odd; half of the training examples have fewer bits, behind
      blanks, as nothing is learned from long ones alone (arXiv:2207.02098).

    The copies are read from the state after the last step all at once: what is measured is memory, not
    the order of writing.

    Args:
        tests: those to take.
        lengths: T, rising.
        steps: optimiser steps of each training, with 64 fresh examples each.
        told: is told of each training before it begins.

    >>> (adding,) = capacity("gru", 8, tests=["adding"], lengths=[2], steps=5)
    >>> adding.test, adding.lengths, len(adding.scores)
    ('adding', [2], 1)
    """
    found = []
    for test in tests:
        draw, outputs = _TESTS[test]
        tried, scores = [], []
        for length in lengths:
            told(test, length)
            tried.append(length)
            scores.append(_score(cell, hidden_size, draw, outputs, length, steps, seed))
            if scores[-1] < SOLVED:
                break
        found.append(Capacity(test, tried, scores))
    return found


class _Drawn:
    """Examples drawn anew for every batch, from (seed, epoch, number of the batch)."""

    def __init__(self, draw: Draw, length: int, steps: int, seed: int):
        self._draw, self._length, self._steps, self._seed = draw, length, steps, seed

    def __len__(self) -> int:
        return self._steps

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        for number in range(start, self._steps):
            yield self._batch(_BATCH, epoch, number, shortened=True)

    def evaluation(self) -> Iterator[Batch]:
        yield self._batch(_TEST, 0, self._steps)  # no batch of training has this number

    def reseeded(self, seed: int) -> Self:
        return type(self)(self._draw, self._length, self._steps, seed)

    def part(self, share: float) -> Self:
        return type(self)(self._draw, self._length, max(1, round(share * self._steps)), self._seed)

    def _batch(self, size: int, *number: int, shortened: bool = False) -> Batch:
        rng = np.random.default_rng([self._seed, *number])
        x, target = self._draw(rng, size, self._length)
        if shortened and self._draw is _parity:
            x, target = _shortened(rng, x)
        lengths = torch.full((size,), x.shape[1])
        inputs = (torch.from_numpy(x.astype(np.float32)), lengths)
        return Batch(inputs, torch.from_numpy(target), np.arange(size), size * x.shape[1])


class _Objective:
    """Mean squared error of numbers, or cross-entropy of one or several symbols."""

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        if target.is_floating_point():
            return functional.mse_loss(output[:, 0], target)
        return functional.cross_entropy(
            output.unflatten(1, (target.size(1), -1)).flatten(0, 1), target.flatten()
        )

    def validate(self, pairs: Iterable[tuple[Any, Tensor]]) -> dict[str, float]:
        """The score of the class, as `loss` the share that is missing to 1."""
        output, target = next(iter(pairs))
        if target.is_floating_point():
            error = float(functional.mse_loss(output[:, 0], target) / target.var(correction=0))
            return {"loss": error}
        each = output.unflatten(1, (target.size(1), -1))
        wrong = float((each.argmax(2) != target).double().mean())
        return {"loss": wrong / (1 - 1 / each.size(2))}


def _score(
    cell: CellName, hidden_size: int, draw: Draw, outputs: int, length: int, steps: int, seed: int
) -> float:
    source = _Drawn(draw, length, steps, seed)
    features = next(source.evaluation()).inputs[0].size(2)
    config = NetworkConfig(
        cell=cell, hidden_size=hidden_size, bidirectional=False, pooling=("last",), input_dropout=0, dropout=0
    )
    training = TrainingConfig(epochs=1, learning_rate=5e-3, weight_decay=0, device="cpu", precision="float32")
    with seeded(seed):
        network = SequenceNetwork(
            config, NetworkShape(input="features", input_size=features, output_size=outputs)
        )
        train(network, _Objective(), source, None, training, total_steps=steps)
        pairs = [(output, batch.target) for batch, output in predictions(network, source, "float32")]
    return 1 - _Objective().validate((o, t) for o, t in pairs if t is not None)["loss"]


def _adding(rng: np.random.Generator, size: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    numbers, marks = rng.random((size, length)), np.zeros((size, length))
    places = rng.random((size, length)).argsort(1)[:, :2]
    np.put_along_axis(marks, places, 1, 1)
    return np.stack([numbers, marks], 2), (numbers * marks).sum(1).astype(np.float32)


def _copy(rng: np.random.Generator, size: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    return _kept(rng, size, max(length, _KEPT), np.tile(np.arange(_KEPT), (size, 1)))


def _selective_copy(rng: np.random.Generator, size: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    length = max(length, _KEPT)
    return _kept(rng, size, length, np.sort(rng.random((size, length)).argsort(1)[:, :_KEPT], 1))


def _kept(
    rng: np.random.Generator, size: int, length: int, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Symbols at `places` (size, kept), one-hot, blanks elsewhere."""
    symbols = rng.integers(0, _SYMBOLS, places.shape)
    x = np.zeros((size, length, _SYMBOLS))
    x[np.arange(size)[:, None], places, symbols] = 1
    return x, symbols


def _parity(rng: np.random.Generator, size: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    bits = 2 * rng.integers(0, 2, (size, length, 1)) - 1
    return bits, _odd(bits)


def _shortened(rng: np.random.Generator, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half of the examples, with fewer bits behind blanks."""
    size, length, _ = bits.shape
    blanks = rng.integers(0, length, size) * (np.arange(size) % 2)
    left = np.where(np.arange(length) < blanks[:, None], 0, bits[:, :, 0])[:, :, None]
    return left, _odd(left)


def _odd(bits: np.ndarray) -> np.ndarray:
    return (bits > 0).sum((1, 2))[:, None] % 2


_TESTS: dict[str, tuple[Draw, int]] = {
    "adding": (_adding, 1),
    "copy": (_copy, _KEPT * _SYMBOLS),
    "selective copy": (_selective_copy, _KEPT * _SYMBOLS),
    "parity": (_parity, 2),
}
