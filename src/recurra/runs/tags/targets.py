"""Targets of every step: encoded for the loss, and as scores want them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recurra.data.batches import no_target
from recurra.data.examples import Examples, Steps
from recurra.data.labels import TargetEncoder
from recurra.data.packed import Packed
from recurra.errors import DataError
from recurra.tasks.tagging.scores import StepTruth


@dataclass(frozen=True)
class StepTargets:
    """The targets of N sequences.

    Args:
        encoded: as many steps as the sequences have, `no_target` where there is none.
        known: (steps,) bool, sequence after sequence: the steps that have one.
        unlearned: (U,) numbers of the rows whose class training did not hold; they have none.
    """

    encoded: Packed
    known: np.ndarray
    unlearned: np.ndarray

    @property
    def those_known(self) -> np.ndarray:
        """(M, ...) the encoded targets of the steps that have one."""
        return self.encoded.values[self.known]

    def truth(self, encoder: TargetEncoder, groups: np.ndarray | None = None) -> StepTruth:
        """What answers at these steps are scored against; numbers in their own unit. `groups`: of the sequences."""
        sequence = np.repeat(np.arange(len(self.encoded)), self.encoded.lengths)[self.known]
        values = self.those_known
        if encoder.kind == "real":
            values = encoder.decode(values)
        elif encoder.kind == "multilabel":
            values = values > 0.5
        return StepTruth(sequence, values, len(self.encoded), groups)


def fit_encoder(examples: Examples, classes: list[str] | None) -> TargetEncoder:
    """Learn from the steps that have a target; `examples` are those of the training part.

    Raises:
        DataError: none has one, or there is one class only.
    """
    steps = steps_of(examples)
    targets, known = _in_order(steps)
    return TargetEncoder.fit(targets[known], classes=classes, rows=steps.rows[steps.in_order()][known])


def encode_targets(examples: Examples, encoder: TargetEncoder) -> StepTargets:
    """Encoded targets; a class that training did not hold counts as none.

    Raises:
        DataError: the examples have no targets, or targets of another form.
    """
    steps = steps_of(examples)
    targets, known = _in_order(steps)
    unlearned = np.zeros(len(known), dtype=bool)
    if encoder.kind in ("binary", "multiclass"):
        unlearned[known] = ~np.isin(targets[known].astype(str), [str(name) for name in encoder.classes])
        known = known & ~unlearned
    found = encoder.encode(targets[known])
    encoded = np.full((len(known), *found.shape[1:]), no_target(found.dtype), dtype=found.dtype)
    encoded[known] = found
    rows = steps.rows[steps.in_order()][unlearned]
    return StepTargets(Packed.end_to_end(encoded, steps.places.lengths), known, rows)


def steps_of(examples: Examples) -> Steps:
    """The steps of the examples, which must have targets.

    Raises:
        DataError: they have none.
    """
    if examples.steps is None or examples.steps.targets is None:
        raise DataError(
            "the data has no target to compare with", fix="Give a file with a target at every step."
        )
    return examples.steps


def _in_order(steps: Steps) -> tuple[np.ndarray, np.ndarray]:
    """Targets and whether they are known, sequence after sequence."""
    assert steps.targets is not None and steps.known is not None
    order = steps.in_order()
    return steps.targets[order], steps.known[order]
