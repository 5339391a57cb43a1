"""How a training went, from what its history holds: the loop knows nothing of this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from recurra.diagnosis.subject import Subject


@dataclass(frozen=True)
class Course:
    """One value for each epoch, in order.

    Args:
        training_loss: with dropout and all that training adds.
        validation_loss: None in epochs, or trainings, without a validation part.
        learning_rate: at the end of the epoch.
        gradient_norm: before clipping, mean over the steps.
        clipped_share: of the steps at which clipping acted.
        update_ratio: size of an update over that of the weights; None in old histories.
        chance: validation loss of the best answer that does not look at the input; None where it is not known.
        data_loss: loss on the examples diagnosed, where they are others than those of the training.
        stopped: why it ended, in the words of `metrics.json`.
    """

    training_loss: list[float]
    validation_loss: list[float | None]
    learning_rate: list[float]
    gradient_norm: list[float]
    clipped_share: list[float]
    update_ratio: list[float | None]
    chance: float | None
    data_loss: float | None
    stopped: str | None

    @property
    def best_validation(self) -> float | None:
        """The lowest validation loss."""
        return min((each for each in self.validation_loss if each is not None), default=None)

    @property
    def best_unseen(self) -> float | None:
        """The lowest loss on examples that were not trained on."""
        return self.data_loss if self.best_validation is None else self.best_validation

    @property
    def rise(self) -> float:
        """The last validation loss over the lowest; 1 where there is none."""
        held = [each for each in self.validation_loss if each is not None]
        return held[-1] / min(held) if held and min(held) > 0 else 1.0

    @property
    def largest_update(self) -> float | None:
        """The largest mean of an epoch."""
        return max((each for each in self.update_ratio if each is not None), default=None)

    @property
    def mean_clipped(self) -> float:
        """Mean share of clipped steps."""
        return mean(self.clipped_share)


def course(subject: Subject) -> Course | None:
    """The course of the subject's training; None where there is no history."""
    if not subject.history:
        return None
    return course_of(
        subject.history, stopped=subject.stopped, chance=subject.chance, data_loss=subject.data_loss
    )


def course_of(
    records: Sequence[Mapping[str, Any]],
    *,
    stopped: str | None,
    chance: float | None = None,
    data_loss: float | None = None,
) -> Course:
    """The course that a history tells of; the rest as in `Course`.

    Args:
        records: of every epoch, as `history.jsonl` holds them.
    """
    return Course(
        training_loss=[record["train_loss"] for record in records],
        validation_loss=[record.get("validation", {}).get("loss") for record in records],
        learning_rate=[record["learning_rate"] for record in records],
        gradient_norm=[record["gradient_norm"] for record in records],
        clipped_share=[record["clipped_share"] for record in records],
        update_ratio=[record.get("update_ratio") for record in records],
        chance=chance,
        data_loss=data_loss,
        stopped=stopped,
    )
