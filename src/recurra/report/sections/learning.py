"""How the network learned: losses, what people measure, and the learning rate over the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recurra.report import drawing, wording
from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

_ROWS = 200  # epochs in the table at most


def section(run: RunFiles) -> Section | None:
    """A figure for each curve, and the numbers as a table."""
    records = run.history
    if not records:
        return None
    best = run.metrics["training"]["best_epoch"]
    measures = [name for name in records[0]["validation"] if name != "loss"]
    figures = [_losses(records, best)]
    figures += [_measure(records, best, name) for name in measures]
    figures.append(_learning_rate(records))
    every = -(-len(records) // _ROWS)
    return Section(
        "learning",
        "How it learned",
        render(
            "learning.html",
            figures=figures,
            records=records[every - 1 :: every],
            every=every,
            measures=list(records[0]["validation"]),
            best=best,
        ),
    )


def _losses(records: list[dict[str, Any]], best: int) -> tuple[Markup, str]:
    figure, panel = _over_epochs(records, "loss")
    _curve(panel, records, [r["train_loss"] for r in records], drawing.BLUE, "training", "-")
    alt = f"Training loss goes from {_of(records[0]['train_loss'])} to {_of(records[-1]['train_loss'])} "
    alt += _epochs(records)
    validation = [r["validation"].get("loss") for r in records]
    if validation[0] is not None:
        _curve(panel, records, validation, drawing.ORANGE, "validation", "--")
        lowest = min(validation)
        alt += f"; validation loss is lowest, {_of(lowest)}, in epoch {records[validation.index(lowest)]['epoch']}"
    panel.axvline(best, color=drawing.INK, linewidth=1, linestyle=":", label=f"kept: epoch {best}")
    drawing.legend(figure, panel)
    return drawing.inline(figure, "losses", f"{alt}; the weights of epoch {best} are kept."), "Loss"


def _measure(records: list[dict[str, Any]], best: int, name: str) -> tuple[Markup, str]:
    figure, panel = _over_epochs(records, name)
    values = [r["validation"][name] for r in records]
    _curve(panel, records, values, drawing.ORANGE, "validation", "--")
    panel.axvline(best, color=drawing.INK, linewidth=1, linestyle=":", label=f"kept: epoch {best}")
    drawing.legend(figure, panel)
    alt = f"Validation {name} goes from {_of(values[0])} to {_of(values[-1])} {_epochs(records)}."
    return drawing.inline(figure, f"validation {name}", alt), f"{name[:1].upper()}{name[1:]} in validation"


def _learning_rate(records: list[dict[str, Any]]) -> tuple[Markup, str]:
    figure, panel = _over_epochs(records, "learning rate")
    values = [r["learning_rate"] for r in records]
    _curve(panel, records, values, drawing.GREEN, "at the end of the epoch", "-")
    panel.set_ylim(bottom=0)
    drawing.legend(figure, panel)
    alt = f"The learning rate goes from {_of(values[0])} to {_of(values[-1])} {_epochs(records)}."
    return drawing.inline(figure, "learning rate", alt), "Learning rate"


def _over_epochs(records: list[dict[str, Any]], label: str) -> tuple[Any, Axes]:
    from matplotlib.ticker import MaxNLocator

    figure, panel = drawing.new_figure()
    panel.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    panel.set(xlabel="epoch", ylabel=label)
    return figure, panel


def _curve(
    panel: Axes, records: list[dict[str, Any]], values: list[float], colour: str, label: str, style: str
) -> None:
    few = "o" if len(records) <= 20 else ""
    epochs = [r["epoch"] for r in records]
    panel.plot(epochs, values, color=colour, linestyle=style, marker=few, markersize=3, label=label)


def _epochs(records: list[dict[str, Any]]) -> str:
    return f"over {len(records)} epoch{'s' * (len(records) > 1)}"


def _of(value: float) -> str:
    return wording.number(value)
