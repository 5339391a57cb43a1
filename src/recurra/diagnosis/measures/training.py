"""How a training went, from what its history holds: the loop knows nothing of this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

from recurra.diagnosis.subject import REFERENCE, Subject


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
        training_chance, validation_chance: loss of an answer that learned nothing on these parts; None where it is not
            known.
        data_loss, data_chance: both on the examples diagnosed, where they are others than those of the training.
        reference: what that answer is, in words.
        stopped: why it ended, in the words of `metrics.json`.
    """

    training_loss: list[float]
    validation_loss: list[float | None]
    learning_rate: list[float]
    gradient_norm: list[float]
    clipped_share: list[float]
    update_ratio: list[float | None]
    training_chance: float | None
    validation_chance: float | None
    data_loss: float | None
    data_chance: float | None
    reference: str
    stopped: str | None

    @property
    def best_validation(self) -> float | None:
        """The lowest validation loss."""
        return min((each for each in self.validation_loss if each is not None), default=None)

    @property
    def chance(self) -> float | None:
        """What the curves are held against in pictures and tables."""
        return self.training_chance if self.validation_chance is None else self.validation_chance

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
        subject.history,
        stopped=subject.stopped,
        chances=subject.chances,
        data=None if subject.data_loss is None else (subject.data_loss, subject.chance),
        reference=subject.reference,
    )


def course_of(
    records: Sequence[Mapping[str, Any]],
    *,
    stopped: str | None,
    chances: Mapping[str, float] | None = None,
    data: tuple[float, float | None] | None = None,
    reference: str = REFERENCE,
) -> Course:
    """The course that a history tells of; the rest as in `Course`.

    Args:
        records: of every epoch, as `history.jsonl` holds them.
        chances: on the "training" and the "validation" part.
        data: loss and chance on the examples diagnosed.
    """
    chances = chances or {}
    data_loss, data_chance = data or (None, None)
    return Course(
        training_loss=[record["train_loss"] for record in records],
        validation_loss=[record.get("validation", {}).get("loss") for record in records],
        learning_rate=[record["learning_rate"] for record in records],
        gradient_norm=[record["gradient_norm"] for record in records],
        clipped_share=[record["clipped_share"] for record in records],
        update_ratio=[record.get("update_ratio") for record in records],
        training_chance=chances.get("training"),
        validation_chance=chances.get("validation"),
        data_loss=data_loss,
        data_chance=data_chance,
        reference=reference,
        stopped=stopped,
    )
