"""The numbers of a diagnosis as tables, for those who cannot see the figures or want to read them off."""

from __future__ import annotations

import numpy as np

from recurra.diagnosis.measures.gates import LEVELS
from recurra.diagnosis.measures.gradients import Curve
from recurra.diagnosis.result import Diagnosis
from recurra.report import wording
from recurra.report.tables import Table

_LAGS = 16  # in a table
_EPOCHS = 100


def reaches(diagnosis: Diagnosis) -> list[Table]:
    """How far back the gradient reaches in each layer."""
    vanished = diagnosis.thresholds["vanished"]
    rows = [
        [
            layer.name,
            _reach(layer.trained.carried, vanished),
            "–" if layer.initial is None else _reach(layer.initial.carried, vanished),
            _reach(layer.trained.loss, vanished),
            wording.share(layer.trained.contribution[0]),
        ]
        for layer in diagnosis.measures.gradients
    ]
    columns = ["layer", "carried, in steps", "before training", "of the loss", "share of the last step"]
    caption = (
        f"How many steps back the gradient reaches before less than {vanished:g} of its largest norm is left, and how "
        "much of the loss's gradient the last step alone has"
    )
    return [Table(caption, columns, rows, stacked=True)]


def _reach(curve: Curve, vanished: float) -> str:
    gone, steps = curve.falls_below(vanished), len(curve.median)
    return f"all {steps}" if gone is None else f"{gone} of {steps}"


def gradients(diagnosis: Diagnosis) -> list[Table]:
    """The curves of each layer at some lags."""
    tables = []
    for layer in diagnosis.measures.gradients:
        carried, loss, first = layer.trained.carried, layer.trained.loss, layer.initial
        rows = [
            [
                str(k),
                (wording.number(carried.median[k]), f"{carried.low[k]:.2g} to {carried.high[k]:.2g}"),
                "–" if first is None else wording.number(first.carried.median[k]),
                (wording.number(loss.median[k]), f"{loss.low[k]:.2g} to {loss.high[k]:.2g}"),
                "–" if first is None else wording.number(first.loss.median[k]),
            ]
            for k in _spread(len(carried.median), _LAGS)
        ]
        columns = ["steps back", "carried", "before training", "of the loss", "before training"]
        caption = (
            f"Norms of the gradient in {layer.name}: the middle of the examples, and eight of ten of them"
        )
        tables.append(Table(caption, columns, rows))
    return tables


def memory(diagnosis: Diagnosis) -> list[Table]:
    """The change of the answer at some lags."""
    found = diagnosis.measures.memory
    rows = [
        [str(found.lags[k]), wording.number(found.change[k])] for k in _spread(len(found.lags), 2 * _LAGS)
    ]
    return [
        Table(
            "Change of the answer with an input so many steps back; 1 is another example altogether",
            ["steps back", "change"],
            rows,
        )
    ]


def units(diagnosis: Diagnosis) -> list[Table]:
    """What the units of each layer do."""
    rows = [
        [
            layer.name,
            wording.number(layer.typical_time_constant),
            wording.number(layer.time_constants[-1] if layer.time_constants else None),
            wording.share(layer.still),
            wording.share(layer.at_end),
            wording.share(layer.dead),
        ]
        for layer in diagnosis.measures.gates
    ]
    columns = ["layer", "time constant", "the longest", "still units", "saturated units", "dead units"]
    return [
        Table(
            "Units of each layer: time constants, in steps, of the middle and of the slowest one",
            columns,
            rows,
            stacked=True,
        )
    ]


def values(diagnosis: Diagnosis) -> list[Table]:
    """The distribution of every gate and state."""
    rows = [
        [
            f"{layer.name}: {gate}",
            *(f"{value:.2g}" for value in found.quantiles),
            wording.share(found.saturated),
        ]
        for layer in diagnosis.measures.gates
        for gate, found in layer.values.items()
    ]
    columns = ["gate or state", *(f"{100 * level:g} %" for level in LEVELS), "saturated"]
    caption = "Gates and states: so much of them lies below these values; saturated is within 0.01 of an end"
    return [Table(caption, columns, rows, stacked=True)]


def training(diagnosis: Diagnosis) -> list[Table]:
    """The course of the training, epoch by epoch."""
    course = diagnosis.measures.training
    if course is None:
        return []
    rows = [
        [
            str(k + 1),
            wording.number(course.training_loss[k]),
            wording.number(course.validation_loss[k]),
            wording.number(course.learning_rate[k]),
            wording.number(course.gradient_norm[k]),
            wording.share(course.clipped_share[k]),
            wording.number(course.update_ratio[k]),
        ]
        for k in _spread(len(course.training_loss), _EPOCHS)
    ]
    columns = [
        "epoch",
        "training loss",
        "validation loss",
        "learning rate",
        "norm of the gradient",
        "steps clipped",
        "update over weight",
    ]
    chance = "" if course.chance is None else f"; {course.reference} has a loss of {course.chance:.4g}"
    return [Table(f"The training by epoch{chance}", columns, rows)]


def times(diagnosis: Diagnosis) -> list[Table]:
    """Times of a training step of the layers."""
    found = diagnosis.measures.parallelism
    batches = sorted({timing.batch for timing in found.timings})
    rows = []
    for steps in sorted({timing.steps for timing in found.timings}):
        timings = [found.at(steps, batch) for batch in batches]
        rows.append([str(steps), *("–" if t is None else f"{1e3 * t.seconds:.3g}" for t in timings)])
    threads = f"{found.threads} thread{'s' * (found.threads != 1)}"
    caption = f"Milliseconds of a training step of the layers on this machine ({found.backend}, {threads})"
    columns = ["steps", *(f"batch {batch}" for batch in batches)]
    return [Table(caption, columns, rows)]


def capacity(diagnosis: Diagnosis) -> list[Table]:
    """Scores of the tests of memory."""
    tests = diagnosis.measures.capacity
    scores = {test.test: dict(zip(test.lengths, test.scores, strict=True)) for test in tests}
    lengths = sorted({n for test in tests for n in test.lengths})
    rows = [[str(n), *(_score(scores[test].get(n)) for test in scores)] for n in lengths]
    return [Table("Scores of the tests of memory: 0 is chance, 1 is perfect", ["steps", *scores], rows)]


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _spread(count: int, most: int) -> list[int]:
    """All places, or about so many of them: the first ones, and ever fewer farther on.

    >>> _spread(4, 8), _spread(1000, 8)
    ([0, 1, 2, 3], [0, 1, 5, 12, 31, 74, 177, 421, 999])
    """
    if count <= most:
        return list(range(count))
    return sorted({0, *(int(place) - 1 for place in np.geomspace(1, count, most + 1).round())})
