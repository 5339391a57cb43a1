"""What the scripts about IMDB share: the same reviews for everyone, and a clock that does not count measuring."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from recurra.data.examples import Examples
    from recurra.data.schema import Schema

T = TypeVar("T")
KERAS_SCRIPT = Path(__file__).with_name("keras_imdb.py")


class Clock:
    """Wall-clock time without what is paused."""

    def __init__(self):
        self._started, self._out = time.monotonic(), 0.0

    def seconds(self) -> float:
        """So far."""
        return time.monotonic() - self._started - self._out

    def paused(self, work: Callable[[], T]) -> T:
        """What `work` gives; its time does not count."""
        before = self.seconds()
        result = work()
        self.back_to(before)
        return result

    def back_to(self, seconds: float) -> None:
        """Forget the time since then."""
        self._out += self.seconds() - seconds


def reviews() -> dict[str, tuple[list[str], list[str]]]:
    """Texts and labels of both parts, "train" and "held_out": 22,500 and 2,500 reviews of the training file."""
    from trials import data_folder

    from recurra.data.schema import SchemaOptions, infer_schema, to_examples
    from recurra.data.sources import read
    from recurra.data.splits import make_split

    source = read(str(data_folder() / "imdb" / "imdb_train.csv.gz"))
    examples, _ = to_examples(source, infer_schema(source, SchemaOptions()))
    split = make_split(examples, seed=0, test=0, validation=0.1)
    parts = {"train": examples.take(split.train), "held_out": examples.take(split.validation)}
    return {name: (part.texts.tolist(), part.targets.tolist()) for name, part in parts.items()}


def as_examples(parts: dict[str, tuple[list[str], list[str]]]) -> tuple[Examples, Schema]:
    """The reviews for a `fit` whose validation part is what everyone is measured on."""
    from recurra.data.schema import SchemaOptions, infer_schema, to_examples
    from recurra.data.sources import read

    rows = [
        {"text": text, "label": label, "split": name}
        for part, name in (("train", "train"), ("held_out", "validation"))
        for text, label in zip(*parts[part], strict=True)
    ]
    table = read(rows)
    schema = infer_schema(table, SchemaOptions(text="text", target="label", split="split"))
    examples, _ = to_examples(table, schema)
    return examples, schema


def train_keras(
    parts: dict[str, tuple[list[str], list[str]]], *, python: str, arguments: list[str]
) -> dict[str, Any]:
    """What `keras_imdb.py` found with these arguments, in that Python, on JAX."""
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "reviews.json"
        data.write_text(json.dumps(parts), encoding="utf-8")
        done = subprocess.run(
            [python, str(KERAS_SCRIPT), str(data), *arguments],
            env=os.environ | {"KERAS_BACKEND": "jax"},
            stdout=subprocess.PIPE,
            check=True,
        )
    return json.loads(done.stdout.decode().strip().split("\n")[-1])
