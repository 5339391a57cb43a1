"""The panels: what each of them shows, how it is read, and when there is something to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from recurra.diagnosis.measures.capacity import SOLVED
from recurra.diagnosis.plots import drawings
from recurra.diagnosis.result import Diagnosis

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Panel(NamedTuple):
    """One picture.

    Args:
        draw: into axes, with a title.
        shows: whether there is something to show.
        says: what it shows, for those who do not see it.
        reads: how to read it, in a sentence or two.
    """

    draw: Callable[[Axes, Diagnosis], None]
    shows: Callable[[Diagnosis], bool]
    says: Callable[[Diagnosis], str]
    reads: str


def _told(diagnosis: Diagnosis, shown: str, *names: str) -> str:
    """What is shown, and what the findings of these names say."""
    return " ".join([shown, *(finding.says for finding in diagnosis.findings if finding.name in names)])


def _has_lags(diagnosis: Diagnosis) -> bool:
    return any(len(layer.trained.carried.median) > 1 for layer in diagnosis.measures.gradients)


def _loss_told(diagnosis: Diagnosis) -> str:
    ends = "; ".join(
        f"{layer.name} from {layer.trained.loss.median[0]:.3g} at the last step to {layer.trained.loss.median[-1]:.3g} "
        f"{len(layer.trained.loss.median) - 1} steps back"
        for layer in diagnosis.measures.gradients
    )
    return f"Norm of the loss's gradient with respect to the state, over the steps back: {ends}."


def _memory_told(diagnosis: Diagnosis) -> str:
    memory = diagnosis.measures.memory
    return _told(
        diagnosis,
        f"Change of the answer with an input, from {memory.change[0]:.3g} at the last step to {memory.change[-1]:.3g} "
        f"{memory.lags[-1]} steps back.",
        "memory",
    )


def _heat_told(diagnosis: Diagnosis, part: str, what: str) -> str:
    layer = diagnosis.measures.gates[0]
    values = np.array(layer.heat[part])
    units, steps = values.shape
    return (
        f"{what} of {units} units of {layer.name} over {steps} steps of one sequence, from {values.min():.2g} to "
        f"{values.max():.2g}, {values.mean():.2g} on average."
    )


def _has_heat(diagnosis: Diagnosis, part: str | None) -> bool:
    gates = diagnosis.measures.gates
    return bool(part and gates and gates[0].heat.get(part))


def _keeps(diagnosis: Diagnosis) -> str | None:
    gates = diagnosis.measures.gates
    return gates[0].keeps if gates else None


PANELS: dict[str, Panel] = {
    "carried": Panel(
        drawings.draw_carried,
        _has_lags,
        lambda d: _told(
            d,
            "Norm of the gradient that the recurrence carries, over the steps back, for each layer.",
            "exploding gradient",
            "no recurrence",
            "vanishing gradient",
            "reach of the gradient",
        ),
        "A line that falls below the lower dotted bound has vanished: nothing farther back is learned through the "
        "recurrence. One that rises above the upper bound explodes. The band holds eight of ten examples; dashed is "
        "what it was before training.",
    ),
    "loss": Panel(
        drawings.draw_of_loss,
        _has_lags,
        _loss_told,
        "As beside it, but on every way on which the loss reaches a state, pooling and answers at every step too. "
        "Where this stays high and the carried gradient falls, the other ways do the learning.",
    ),
    "memory": Panel(
        drawings.draw_memory,
        lambda d: len(d.measures.memory.lags) > 1,
        _memory_told,
        "How much the answer changes when the input so many steps back is another one: 1 is as much as another "
        "example altogether. Below the dotted line an input counts as forgotten.",
    ),
    "gates": Panel(
        drawings.draw_gates,
        lambda d: any(v.saturated is not None for layer in d.measures.gates for v in layer.values.values()),
        lambda d: _told(
            d,
            "Distributions of gates and states for each layer.",
            "closed gate",
            "saturated units",
            "still units",
            "dead units",
        ),
        "Gates lie between 0 (shut) and 1 (open), states between -1 and 1. A box at an end of the range is a gate or "
        "state that hardly moves.",
    ),
    "constants": Panel(
        drawings.draw_constants,
        lambda d: any(layer.time_constants for layer in d.measures.gates),
        lambda d: _told(d, "Time constants of the units, rising, for each layer.", "time constants"),
        "Units from the fastest to the slowest. A unit with a time constant of 10 has lost about two thirds of what "
        "it held after 10 steps; a line that lies at 1 is a layer that forgets at once.",
    ),
    "heat": Panel(
        drawings.draw_states,
        lambda d: _has_heat(d, "h"),
        lambda d: _heat_told(d, "h", "States"),
        "A row is a unit, a column a step. Rows of one colour are units that do not move; rows that change from "
        "column to column follow the input.",
    ),
    "kept": Panel(
        drawings.draw_kept,
        lambda d: _has_heat(d, _keeps(d)),
        lambda d: _heat_told(d, _keeps(d) or "", f"Values of the gate {_keeps(d)}"),
        "The same of the gate that keeps the old state: light where the unit keeps it, dark where it lets it go.",
    ),
    "training": Panel(
        drawings.draw_losses,
        lambda d: d.measures.training is not None,
        lambda d: _told(
            d,
            "Training and validation loss over the epochs.",
            "memorised",
            "underfitting",
            "overfitting",
            "validation loss rose",
        ),
        "Both should fall. A validation line that rises while training falls is overfitting; both near the dotted "
        "line is nothing learned.",
    ),
    "steps": Panel(
        drawings.draw_steps,
        lambda d: d.measures.training is not None,
        lambda d: _told(
            d,
            "Norm of the gradient, share of clipped steps and size of updates over the epochs.",
            "learning rate too high",
            "learning rate too low",
            "clipping",
        ),
        "An update of about a thousandth of the weights is usual. A share of clipped steps near 1 means that the "
        "limit, not the gradient, sets the length of every step.",
    ),
    "times": Panel(
        drawings.draw_times,
        lambda d: bool(d.measures.parallelism.timings),
        lambda d: _told(
            d,
            "Time of a training step over the length of the sequences, for three batch sizes.",
            "time of the loop",
        ),
        "Lines that lie close together: more sequences at once cost little, and the loop over steps is the limit. "
        "Lines far apart: the arithmetic is.",
    ),
    "capacity": Panel(
        drawings.draw_capacity,
        lambda d: bool(d.measures.capacity),
        lambda d: _told(
            d,
            "Score on tests of memory over their length.",
            *(f"capacity: {test.test}" for test in d.measures.capacity),
        ),
        f"The same cell with as many units, trained anew on each test. Above {SOLVED:g} a test counts as solved; a "
        "line ends at the first length that is not.",
    ),
}
