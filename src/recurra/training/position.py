"""Where a training stands, in numbers, and what its epochs came to; a checkpoint says it in JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from recurra.training.state import State

Count = Annotated[int, Field(ge=0)]
_LATER = {"update_sum", "updates"}  # what checkpoints from before it was kept lack


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class EpochRecord:
    """What is kept of an epoch: a line of `history.jsonl`; `validation` is empty without a validation part.

    `gradient_norm` is before clipping, `update_ratio` the size of an update over that of the weights
    (`recurra.training.updates`), a mean over the steps measured; None in histories from before it was kept.
    """

    epoch: Count
    step: Count
    train_loss: float
    validation: dict[str, float]
    learning_rate: float
    gradient_norm: float
    clipped_share: float
    is_best: bool
    seconds: float
    update_ratio: float | None = None


@with_config(ConfigDict(extra="forbid"))
@dataclass
class Position:
    """Where a training stands, in numbers.

    `best_loss` is what decides which weights are best, the lower the better: see `recurra.training.loop.Objective`.
    """

    epoch: Count = 0
    batch: Count = 0
    step: Count = 0
    best_loss: float | None = None
    best_epoch: Count | None = None
    epochs_without_gain: Count = 0
    loss_sum: float = 0.0
    examples: Count = 0
    norm_sum: float = 0.0
    clipped: Count = 0
    update_sum: float = 0.0
    updates: Count = 0
    seconds: float = 0.0
    stopped: str | None = None
    records: list[EpochRecord] = field(default_factory=list)
    state: State = None

    def count(self, loss: float, norm: float, examples: int, *, clipped: bool) -> None:
        self.step += 1
        self.batch += 1
        self.loss_sum += loss * examples
        self.examples += examples
        self.norm_sum += norm
        self.clipped += clipped

    def count_update(self, ratio: float) -> None:
        self.update_sum += ratio
        self.updates += 1

    def next_epoch(self) -> None:
        self.epoch, self.batch = self.epoch + 1, 0
        self.loss_sum = self.norm_sum = self.update_sum = 0.0
        self.examples = self.clipped = self.updates = 0


_FORM = TypeAdapter(Position)


def read_position(progress: Any) -> Position:
    """The position in a checkpoint's JSON; its `state` is still the form without the tensors.

    Raises:
        ValueError: a number is missing, is none, or is unknown.

    >>> read_position([])
    Traceback (most recent call last):
    ValueError: progress: Input should be a dictionary or an instance of Position
    """
    try:
        position = _FORM.validate_python(progress)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in ("progress", *first["loc"]))
        raise ValueError(f"{where}: {first['msg']}") from error
    if absent := [each.name for each in fields(Position) if each.name not in {*progress, *_LATER}]:
        raise ValueError(f"progress.{absent[0]}: it is missing")
    return position
