"""How each panel is drawn into axes; which panels there are stands in `panels`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from recurra.diagnosis.measures.capacity import SOLVED
from recurra.diagnosis.measures.gates import LEVELS
from recurra.diagnosis.measures.gradients import Curve, Flow
from recurra.diagnosis.result import Diagnosis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito's colours, told apart by colour-blind readers; markers and line styles do it in print.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
_MARKERS = ("o", "s", "^", "D")
_BOUND: dict[str, Any] = {"color": "#555555", "linewidth": 1, "linestyle": (0, (1, 2))}
_LAYERS = 4  # shown in one panel
_FLOOR = 1e-12  # of a logarithmic axis


def _look(number: int, count: int = 1) -> dict[str, Any]:
    """Colour and marker of line `number`; marks stand at about six of its `count` places, at all where it is 1."""
    return {
        "color": _COLOURS[number % len(_COLOURS)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "markersize": 4,
        "markevery": max(1, count // 6),
        "linewidth": 1.5,
    }


def draw_carried(axes: Axes, diagnosis: Diagnosis) -> None:
    """What of the gradient the recurrence carries back, with the bounds of vanishing and exploding."""
    highest = _flows(axes, diagnosis, lambda flow: flow.carried)
    vanished, exploded = diagnosis.thresholds["vanished"], diagnosis.thresholds["exploded"]
    axes.axhline(vanished, **_BOUND)
    axes.axhline(exploded, **_BOUND)
    axes.set(ylim=(vanished / 100, max(10 * exploded, 3 * highest)))
    axes.set(ylabel="norm, 1 at the last step", title="Gradient carried by the recurrence")
    _finish(axes)


def draw_of_loss(axes: Axes, diagnosis: Diagnosis) -> None:
    """The gradient of the loss with respect to the states, on every way."""
    highest = _flows(axes, diagnosis, lambda flow: flow.loss)
    axes.set(ylim=(max(_FLOOR, highest * 1e-6), max(_FLOOR * 10, 3 * highest)))
    axes.set(ylabel="norm", title="Gradient of the loss, on every way")
    _finish(axes)


def _flows(axes: Axes, diagnosis: Diagnosis, curve_of: Callable[[Flow], Curve]) -> float:
    """A line for each layer with the band of most examples, dashed before training; returns the highest value."""
    highest = 0.0
    for number, layer in enumerate(diagnosis.measures.gradients[:_LAYERS]):
        curve = curve_of(layer.trained)
        lags, look = np.arange(len(curve.median)), _look(number, len(curve.median))
        low, high = _floored(curve.low), _floored(curve.high)
        axes.fill_between(lags, low, high, color=look["color"], alpha=0.15, linewidth=0)
        axes.plot(lags, _floored(curve.median), label=layer.name, **look)
        highest = max(highest, *curve.high)
        if layer.initial is not None:
            before = curve_of(layer.initial).median
            axes.plot(_floored(before), color=look["color"], linestyle="--", linewidth=1)
            highest = max(highest, *before)
    if any(layer.initial is not None for layer in diagnosis.measures.gradients):
        axes.plot([], [], color="#000000", linestyle="--", linewidth=1, label="before training")
    axes.set(yscale="log", xlabel="steps of the layer back")
    _whole_numbers(axes)
    return highest


def draw_memory(axes: Axes, diagnosis: Diagnosis) -> None:
    """What an input so many steps back changes in the answer."""
    memory = diagnosis.measures.memory
    axes.plot(memory.lags, memory.change, **_look(0, len(memory.lags)))
    axes.axhline(diagnosis.thresholds["forgotten"] * max(memory.change), **_BOUND)
    axes.set_ylim(bottom=0)
    _whole_numbers(axes)
    axes.set(
        xlabel="steps of the input back",
        ylabel="change of the answer\n(1: another example)",
        title="What an input so far back changes",
    )
    _finish(axes, legend=False)


def draw_gates(axes: Axes, diagnosis: Diagnosis) -> None:
    """Boxes of the quantiles, a row for each gate of each layer."""
    rows = [
        (f"{layer.name}: {gate}", values)
        for layer in diagnosis.measures.gates[:_LAYERS]
        for gate, values in layer.values.items()
        if values.saturated is not None
    ]
    for place, (_, values) in enumerate(reversed(rows)):
        low, quarter, middle, three, high = values.quantiles
        axes.plot([low, high], [place, place], color="#000000", linewidth=1)
        axes.plot([quarter, three], [place, place], color=_COLOURS[0], linewidth=6, solid_capstyle="butt")
        axes.plot(middle, place, "|", color="#000000", markersize=11, markeredgewidth=2)
    axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)], fontsize="small")
    axes.set(
        xlabel=f"value: {LEVELS[0]:.0%} to {LEVELS[-1]:.0%}, box {LEVELS[1]:.0%} to {LEVELS[-2]:.0%}, middle",
        title="Gates and states",
        xlim=(-1.03, 1.03),
    )
    axes.grid(axis="x", alpha=0.3)


def draw_constants(axes: Axes, diagnosis: Diagnosis) -> None:
    """Time constants of the units, rising."""
    for number, layer in enumerate(diagnosis.measures.gates[:_LAYERS]):
        if layer.time_constants:
            share = (np.arange(len(layer.time_constants)) + 0.5) / len(layer.time_constants)
            axes.plot(share, layer.time_constants, label=layer.name, **_look(number, len(share)))
    longest = max((len(layer.trained.carried.median) for layer in diagnosis.measures.gradients), default=1)
    _line(axes, longest, "longest sequence")
    axes.set(
        yscale="log",
        xlabel="share of the units",
        ylabel="steps of the layer",
        title="Time constants of the gate that keeps",
        ylim=(0.9, 2.5 * max(longest, axes.get_ylim()[1])),
    )
    _finish(axes)


def draw_states(axes: Axes, diagnosis: Diagnosis) -> None:
    """The state of units of the first layer over one sequence."""
    _heat(axes, diagnosis, "h", "State")


def draw_kept(axes: Axes, diagnosis: Diagnosis) -> None:
    """The gate that keeps, of units of the first layer over one sequence."""
    gate = diagnosis.measures.gates[0].keeps
    assert gate is not None, "drawn where there is such a gate"
    _heat(axes, diagnosis, gate, f"Gate {gate}")


def _heat(axes: Axes, diagnosis: Diagnosis, part: str, what: str) -> None:
    """A gate or state of the first layer, units by steps: gates from 0, states around 0."""
    layer = diagnosis.measures.gates[0]
    values = np.array(layer.heat[part])
    bound = max(float(np.abs(values).max()), 1e-6)
    scale: dict[str, Any] = (
        {"cmap": "PuOr", "vmin": -bound, "vmax": bound}
        if part == "h"
        else {"cmap": "cividis", "vmin": 0, "vmax": 1}
    )
    image = axes.imshow(values, aspect="auto", interpolation="none", **scale)
    axes.figure.colorbar(image, ax=axes, label=part)
    axes.grid(visible=False)
    _whole_numbers(axes)
    axes.set(xlabel="step", ylabel="unit", title=f"{what} over one sequence ({layer.name})")


def draw_losses(axes: Axes, diagnosis: Diagnosis) -> None:
    """Training and validation loss over the epochs."""
    course = diagnosis.measures.training
    assert course is not None
    epochs = np.arange(1, len(course.training_loss) + 1)
    axes.plot(epochs, course.training_loss, label="training", **_look(0, len(epochs)))
    held = [np.nan if each is None else each for each in course.validation_loss]
    if not np.isnan(held).all():
        axes.plot(epochs, held, label="validation", linestyle="--", **_look(1, len(epochs)))
    if course.chance is not None:
        _line(axes, course.chance, course.reference)
        axes.set_ylim(top=1.1 * max(course.chance, *course.training_loss))
    axes.set(xlabel="epoch", ylabel="loss", title="Training")
    _whole_numbers(axes)
    _finish(axes)


def draw_steps(axes: Axes, diagnosis: Diagnosis) -> None:
    """Norm of the gradient, share of clipped steps, size of updates over the epochs."""
    course = diagnosis.measures.training
    assert course is not None
    epochs = np.arange(1, len(course.training_loss) + 1)
    axes.plot(epochs, _floored(course.gradient_norm), label="norm of the gradient", **_look(0, len(epochs)))
    clipped = [each if each > 0 else np.nan for each in course.clipped_share]
    axes.plot(epochs, clipped, label="share of steps clipped", **_look(1))
    updates = [np.nan if each is None else each for each in course.update_ratio]
    if not np.isnan(updates).all():
        axes.plot(epochs, _floored(updates), label="update over weight", **_look(2, len(epochs)))
    axes.set(yscale="log", xlabel="epoch", title="Steps of the optimiser")
    axes.set_ylim(bottom=1e-6)
    _whole_numbers(axes)
    _finish(axes)


def draw_times(axes: Axes, diagnosis: Diagnosis) -> None:
    """Time of a training step over the length, a line for each batch size."""
    found = diagnosis.measures.parallelism
    for number, batch in enumerate(sorted({timing.batch for timing in found.timings})):
        own = [timing for timing in found.timings if timing.batch == batch]
        steps = [timing.steps for timing in own]
        look = _look(number)
        axes.plot(steps, [1e3 * timing.seconds for timing in own], label=f"batch {batch}", **look)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="steps",
        ylabel="ms of a training step",
        title=f"Time of the layers ({found.backend}, threads: {found.threads})",
    )
    steps = sorted({timing.steps for timing in found.timings})
    axes.set_xticks(steps, [str(n) for n in steps])
    axes.minorticks_off()
    _finish(axes)


def draw_capacity(axes: Axes, diagnosis: Diagnosis) -> None:
    """Scores of the tests of memory over their length."""
    for number, test in enumerate(diagnosis.measures.capacity):
        look = _look(number)
        axes.plot(test.lengths, test.scores, label=test.test, **look)
    axes.axhline(SOLVED, **_BOUND)
    axes.set(
        xscale="log",
        xlabel="steps",
        ylabel="score (0: chance, 1: perfect)",
        title="What the cell learns to remember",
        ylim=(-0.1, 1.05),
    )
    lengths = sorted({n for test in diagnosis.measures.capacity for n in test.lengths})
    axes.set_xticks(lengths, [str(n) for n in lengths])
    axes.minorticks_off()
    _finish(axes)


def _line(axes: Axes, height: float, name: str) -> None:
    """A dotted line with its name at the left end."""
    axes.axhline(height, **_BOUND)
    place = (0.01, height)
    axes.annotate(
        name,
        place,
        xycoords=axes.get_yaxis_transform(),
        xytext=(2, 3),
        textcoords="offset points",
        fontsize="small",
    )


def _floored(values: Sequence[float]) -> np.ndarray:
    """What a logarithmic axis can show."""
    return np.maximum(np.asarray(values, dtype=float), _FLOOR)


def _whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _finish(axes: Axes, *, legend: bool = True) -> None:
    axes.grid(alpha=0.3)
    if legend:
        axes.legend(fontsize="small", framealpha=0.8)
