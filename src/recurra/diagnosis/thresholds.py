"""Every number that a measure is held against, in one table."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Thresholds:
    """What counts as ill. Chosen so that networks made ill on purpose are found and healthy ones are not accused
    (`tests/diagnosis/test_findings.py`).

    Gradients, memory, gates:
        vanished: share of the largest norm over the lags, below which a gradient counts as gone.
        gone_at_once: lags within which a layer that carries nothing has lost the gradient; one fewer where the loss
            reaches the states on other ways, for such layers may choose to look at single steps.
        gone_early: share of the steps; where the loss's gradient is gone within them, it may cost something.
        exploded: times the norm at lag 0.
        forgotten: share of the largest change of the answer, below which an input counts as forgotten.
        constant: differences between answers as a share of their size, of a network that says one thing of everything.
        time_constant: steps, of the middle unit of a layer whose gate keeps nothing; of a GRU only where
            the carried gradient has `vanished`, too.
        units: share of a layer's units that are dead, saturated or still; of ReLU elsewhere twice as many, for those
            are often silent by design.
    Training:
        large_update, small_update: sizes of a step over those of the weights, too large or too small to learn by.
        little_learned, nothing_gained: the loss as a share of chance, in training, on other examples.
        risen: the last training loss over the least one.
        memorised: the training loss as a share of chance, where other examples gain nothing.
        overfitted, gap: the best validation loss as a share of chance, and the last training loss as a share of it.
        risen_validation: the last validation loss over the least one.
        clipped: share of the steps.
        far_above_clip: mean norm of the gradient over the limit of clipping.
    Time:
        cheap_batch: eight times the batch takes less than so many times as long.
        unsteady: time over what so much more work takes at most; beyond it the machine did something else meanwhile.
    """

    vanished: float = 1e-3
    gone_at_once: float = 3
    gone_early: float = 0.1
    exploded: float = 100.0
    forgotten: float = 0.05
    constant: float = 1e-3
    time_constant: float = 1.1
    units: float = 0.25
    large_update: float = 0.03
    small_update: float = 5e-4
    little_learned: float = 0.9
    nothing_gained: float = 0.95
    risen: float = 1.15
    memorised: float = 0.75
    overfitted: float = 0.7
    gap: float = 0.5
    risen_validation: float = 1.2
    clipped: float = 0.9
    far_above_clip: float = 10.0
    cheap_batch: float = 4.0
    unsteady: float = 1.5

    def to_json(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


THRESHOLDS = Thresholds()
