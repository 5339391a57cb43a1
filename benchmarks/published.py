"""The comparison of Bai et al. (arXiv:1803.01271, Table 1) made again by `recurra.compare`.

    python benchmarks/published.py TEST ... --out FOLDER [--seeds N] [--trials N] [--epochs N] [--train N] [--jobs N]
                                   [--cells CELL,CELL] [--chrono] [--set K=V ...]

- jsb: JSB chorales (RECURRA_DATA/poly_music), official split; 88 keys down or up, the next 88 foretold; negative log
  likelihood of a frame, 300,000 weights.
- adding-200, adding-600: the sum of the two marked numbers among 200 or 600; mean squared error, 70,000 weights.
- copy-500, copy-1000: ten symbols written down again after 500 or 1,000 steps; loss over all steps, 16,000 weights.
- digits, permuted: the pixels of a digit one by one, in a fixed random order in the second; accuracy, 70,000 weights.
  The 10,000 test images of MNIST (RECURRA_DATA/mnist_t10k), halved to 14 x 14 (196 steps), 8,000 of them to learn
  from: NOT comparable with the print, which is of 60,000 images of 784 steps.

Every network has one layer (the TCN as many blocks as see the whole sequence), reads forwards and answers from its
last output; learning rates, half a power of ten apart, are chosen on a validation part. The print had 50,000 sequences
to add and 10,000 to copy, and tuned each network by hand; here --train says how many, and so does the table. A killed
comparison goes on when the same command is given again: every trial is kept in FOLDER/TEST as it ends. --set gives all
networks another setting (`network.kernel_size=8` is for a TCN alone: no other has a kernel).
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from trials import data_folder, table

from recurra.comparison.compare import Comparison, compare
from recurra.comparison.plan import TOLERANCE
from recurra.networks.config import CELL_NAMES
from recurra.runs.events import Said

SEED = 0  # of the data
KEYS = [f"key{k}" for k in range(88)]
NEXT = [f"next{k}" for k in range(88)]
FORWARDS: dict[str, Any] = {"network.bidirectional": False, "network.num_layers": 1, "network.dropout": 0.0}
LAST: dict[str, Any] = (
    FORWARDS
    | {
        "network.pooling": ["last"],
        "network.convolutions": [],
        "network.segment": 1,
        "task.label_smoothing": 0.0,
        "training.patience": 10,  # what is to be remembered for long is learned suddenly, after many epochs of nothing
    }
)


@dataclass(frozen=True)
class Test:
    """One row of the table.

    Args:
        measure: what is printed, in words.
        printed: by cell.
        weights: of each network.
        train: sequences to learn from; None: as many as there are.
        epochs: at most.
        data: from a number of training sequences to the table of steps or sequences.
        roles: what its columns mean.
        settings: of all networks.
        value: from the scores on the test part, by name, to what is printed.
    """

    measure: str
    printed: dict[str, float]
    weights: int
    train: int | None
    epochs: int
    data: Callable[[int | None], pl.DataFrame]
    roles: dict[str, Any]
    value: Callable[[dict[str, float]], float]
    settings: dict[str, Any] = field(default_factory=dict)


def chorales(_: int | None) -> pl.DataFrame:
    """A row for each frame but the last of each piece: the keys down, and those of the next frame."""
    from scipy.io import loadmat

    parts = loadmat(data_folder() / "poly_music" / "JSB_Chorales.mat")
    frames = []
    for part, key in (("train", "traindata"), ("validation", "validdata"), ("test", "testdata")):
        for number, piece in enumerate(parts[key][0]):
            rolls = pl.DataFrame(np.hstack([piece[:-1], piece[1:]]).astype(np.int8), schema=KEYS + NEXT)
            frames.append(rolls.with_columns(piece=pl.lit(f"{part} {number}"), part=pl.lit(part)))
    return pl.concat(frames)


def adding(steps: int, train: int | None) -> pl.DataFrame:
    """Random numbers, two of them marked, one in each half; the target is their sum (arXiv:1803.01271)."""
    parts = _parts(train or 0, 1000)
    draw, count = np.random.default_rng([SEED, steps]), len(parts)
    values, marks = draw.random((count, steps)), np.zeros((count, steps))
    places = np.stack([draw.integers(0, steps // 2, count), draw.integers(steps // 2, steps, count)], axis=1)
    np.put_along_axis(marks, places, 1.0, axis=1)
    sums = np.take_along_axis(values, places, axis=1).sum(1)
    return pl.DataFrame({"value": list(values), "mark": list(marks), "sum": sums, "part": parts})


def copying(gap: int, train: int | None) -> pl.DataFrame:
    """A row for each step. Read: ten symbols 1 to 8, zeros, eleven nines; to be written: zeros, then the symbols."""
    parts = _parts(train or 0, 200)
    draw, count = np.random.default_rng([SEED, gap]), len(parts)
    symbols = draw.integers(1, 9, (count, 10))
    nothing = np.zeros((count, gap - 1), dtype=np.int64)
    read = np.hstack([symbols, nothing, np.full((count, 11), 9)])
    write = np.hstack([np.zeros((count, gap + 10), dtype=np.int64), symbols])
    steps = gap + 20
    return pl.DataFrame(
        {
            "sequence": np.repeat(np.arange(count), steps),
            "read": read.ravel(),
            "write": write.ravel(),
            "part": np.repeat(parts, steps),
        }
    )


def digits(permuted: bool, train: int | None) -> pl.DataFrame:
    """The pixels of 14 x 14 images, row after row or in one random order for all."""
    folder = data_folder() / "mnist_t10k"
    pixels = np.frombuffer(
        gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16
    )
    labels = np.frombuffer(
        gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8
    )
    images = pixels.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(len(labels), -1) / 255
    draw = np.random.default_rng(SEED)
    chosen, order = draw.permutation(len(labels)), draw.permutation(images.shape[1])
    learn = train or 8000
    parts = np.repeat(["train", "validation", "test"], [learn, 1000, 1000])
    chosen = np.concatenate([chosen[:learn], chosen[-2000:]])
    images = images[chosen][:, order] if permuted else images[chosen]
    return pl.DataFrame({"pixels": list(images), "label": labels[chosen], "part": parts})


def _parts(train: int, test: int) -> np.ndarray:
    """The part of each sequence: `train` to learn from, a tenth as many and `test` more."""
    return np.repeat(["train", "validation", "test"], [train, max(20, train // 10), test])


_ADDING: dict[str, Any] = {
    "measure": "mean squared error",
    "weights": 70_000,
    "train": 10_000,
    "epochs": 20,
    "roles": {"task": "regress", "features": "value,mark", "target": "sum", "split": "part"},
    "settings": LAST,
    "value": lambda scores: scores["RMSE"] ** 2,
}
_COPYING: dict[str, Any] = {
    "measure": "loss",
    "weights": 16_000,
    "train": 2_000,
    "epochs": 30,
    "roles": {"task": "tag", "id": "sequence", "features": "read", "target": "write", "split": "part"},
    # The loss stands for long at that of who remembers nothing, before it falls, if it does.
    "settings": FORWARDS | {"task.calibrate": False, "training.patience": 1000},
    "value": lambda scores: scores["log loss"],
}
_DIGITS: dict[str, Any] = {
    "measure": "accuracy, %",
    "weights": 70_000,
    "train": 8_000,
    "epochs": 40,
    "roles": {"task": "classify", "features": "pixels", "target": "label", "split": "part"},
    "settings": LAST,
    "value": lambda scores: 100 * scores["accuracy"],
}
TESTS = {
    "jsb": Test(
        measure="NLL of a frame",
        printed={"rnn": 8.91, "lstm": 8.45, "gru": 8.43, "tcn": 8.10},
        weights=300_000,
        train=None,
        epochs=52,
        data=chorales,
        roles={
            "task": "tag",
            "id": "piece",
            "features": ",".join(KEYS),
            "target": ",".join(NEXT),
            "split": "part",
        },
        settings=FORWARDS
        | {
            # As music is learned (`recurra.tasks.music.settings`): two pieces at a time.
            "network.dropout": 0.5,
            "network.input_dropout": 0.3,
            "batches.max_batch": 2,
            "training.learning_rate": 0.004,
            "training.clip_norm": 5.0,  # the loss of a frame is a sum over 88 keys
            "training.patience": 10,
            "task.calibrate": False,
        },
        value=lambda scores: scores["NLL per step"],
    ),
    "adding-200": Test(printed={}, data=partial(adding, 200), **_ADDING),
    "adding-600": Test(
        printed={"rnn": 0.177, "lstm": 0.164, "gru": 5.3e-5, "tcn": 5.8e-5},
        data=partial(adding, 600),
        **_ADDING,
    ),
    "copy-500": Test(printed={}, data=partial(copying, 500), **_COPYING),
    "copy-1000": Test(
        printed={"rnn": 0.0202, "lstm": 0.0204, "gru": 0.0197, "tcn": 3.5e-5},
        data=partial(copying, 1000),
        **_COPYING,
    ),
    "digits": Test(
        printed={"rnn": 21.5, "lstm": 87.2, "gru": 96.2, "tcn": 99.0}, data=partial(digits, False), **_DIGITS
    ),
    "permuted": Test(
        printed={"rnn": 25.3, "lstm": 85.7, "gru": 87.3, "tcn": 97.2}, data=partial(digits, True), **_DIGITS
    ),
}


def compared(name: str, asked: argparse.Namespace) -> Comparison:
    """The comparison of one test, begun or gone on with."""
    test, out = TESTS[name], asked.out / name

    def tell(event: object) -> None:
        if isinstance(event, Said):
            print(f"  {event.text}", flush=True)

    epochs = asked.epochs or test.epochs
    chosen = dict(assignment.split("=", 1) for assignment in asked.assignments)
    settings = {"training.epochs": epochs, "network.chrono_init": asked.chrono, **test.settings, **chosen}
    print(f"{name}: {test.measure}", flush=True)
    return compare(
        test.data(asked.train or test.train),
        **test.roles,
        cells=asked.cells,
        weights=test.weights,
        seeds=asked.seeds,
        trials=asked.trials,
        jobs=asked.jobs,
        settings=settings,
        out=out,
        resume=(out / "comparison.json").exists(),
        observer=tell,
    )


def row(name: str, found: Comparison) -> list[str]:
    """A test, its training sequences and, for each network, what was measured (every seed) and what is printed."""
    test, cells = TESTS[name], []
    for each in ("rnn", "lstm", "gru", "tcn"):
        values = [
            test.value({score["name"]: score["value"] for score in run.metrics["test"]["scores"]})
            for run in found.runs.get(each, [])
        ]
        measured = f"{np.mean(values):.3g}" if values else "–"
        measured += f" ({min(values):.3g} to {max(values):.3g})" if values[1:] else ""
        cells.append(f"{measured} · {test.printed.get(each, '–')}")
    learned = next(iter(found.runs.values()))[0].config.parts["train"]
    return [name, f"{learned:,}", test.measure, *cells]


def main() -> None:
    """Run what is missing of every test asked for, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("tests", nargs="+", choices=TESTS, metavar="TEST", help=", ".join(TESTS))
    parser.add_argument("--out", type=Path, required=True, help="where the comparisons are kept")
    parser.add_argument("--seeds", type=int, default=1, help="scored trainings of each network")
    parser.add_argument("--trials", type=int, default=3, help="learning rates tried for each network")
    parser.add_argument("--epochs", type=int, help="else as the test has it")
    parser.add_argument(
        "--train", type=int, help="sequences to learn from (not jsb), else as the test has it"
    )
    parser.add_argument("--jobs", type=int, default=1, help="trainings at the same time")
    parser.add_argument("--cells", default="rnn,lstm,gru,tcn")
    parser.add_argument("--chrono", action="store_true", help="gates begin by remembering (arXiv:1804.11188)")
    parser.add_argument("--set", action="append", default=[], metavar="K=V", dest="assignments")
    asked = parser.parse_args()
    rows = [row(name, compared(name, asked)) for name in asked.tests]
    networks = [f"{CELL_NAMES[each]} · printed" for each in ("rnn", "lstm", "gru", "tcn")]
    print(table(["test", "learned from", "measure", *networks], rows))
    begin = "; gates begin by remembering" if asked.chrono else ""
    begin += "".join(f"; {assignment}" for assignment in asked.assignments)
    print(
        f"\nSeeds: {asked.seeds}; learning rates tried: {asked.trials}; numbers of weights as printed, within "
        f"{TOLERANCE:.0%}{begin}. Digits are 14 x 14 of the 10,000 test images alone: not comparable with the print."
    )


if __name__ == "__main__":
    main()
