"""What a person sees while the program works: lines, a progress bar with the time left, tables."""

from __future__ import annotations

import json
import sys
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from recurra.cli.visible import visible
from recurra.runs.events import Event, Measured, PhaseStarted, Said
from recurra.runs.run import Run
from recurra.training.loop import EpochRecord, StepDone

NOTHING_HELD_OUT = "\nNothing was held out to test on."


class Watcher:
    """An observer of a run for people. With `--json` everything goes to standard error instead.

    Used as a context: the bar is taken away at its end. It shows the time that a phase has taken, and the time
    left as soon as the work says how much there is.

    Args:
        as_json: keep standard output free for the JSON.
        every: show every such epoch only.
    """

    def __init__(self, *, as_json: bool = False, every: int = 1):
        self._every = every
        self.console = Console(stderr=as_json, highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("   {task.description}"),
            BarColumn(bar_width=28),
            TimeElapsedColumn(),
            TextColumn("{task.fields[counted]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[loss]}"),
            console=self.console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._drawn = 0.0

    def __enter__(self) -> Watcher:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Show `event`."""
        if isinstance(event, PhaseStarted):
            self.console.print(f"[bold]{plain(event.name)}[/bold]")
            self._begin("at work", None)
        elif isinstance(event, Said):
            mark = "[yellow]![/yellow]" if event.kind == "warning" else " "
            self.console.print(f" {mark} {plain(event.text)}")
        elif isinstance(event, StepDone):
            self._advance("steps", event.step, event.total_steps, f"loss {event.loss:.4f}")
        elif isinstance(event, Measured):
            self._advance(event.what, event.done, event.total)
        elif event.epoch % self._every == 0:
            self.console.print("   " + epoch_line(event))

    def _begin(self, name: str, total: int | None, done: int = 0) -> None:
        """A new bar in place of the last one."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name, total=total, completed=done, counted="", loss="")

    def _advance(self, name: str, done: int, total: int, loss: str = "") -> None:
        current = None if self._task is None else self._bar.tasks[-1]
        if current is None or current.description != name or done < current.completed:
            self._begin(name, total, done)
        elif time.monotonic() - self._drawn > 0.1 or done == total:
            self._bar.update(
                current.id, completed=done, counted=f"{done:,} of {total:,}, time left", loss=loss
            )
            self._drawn = time.monotonic()


def epoch_line(record: EpochRecord) -> str:
    """One line for an epoch."""
    parts = [f"epoch {record.epoch:>3}", f"training loss {record.train_loss:.4f}"]
    parts += [
        f"{'validation ' if name == 'loss' else ''}{name} {value:.4f}"
        for name, value in record.validation.items()
    ]
    mark = " *" if record.is_best and record.validation else ""
    return "  ".join([*parts, f"{record.seconds:.0f} s"]) + mark


def print_json(content: Any) -> None:
    """The result for programs, on standard output; what is no UTF-8 in the name of a file is escaped."""
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode())


def score_table(title: str, rows: list[tuple[str, dict[str, Any] | None, float | None]]) -> Table:
    """A table of (name, score as JSON, seconds)."""
    table = Table(title=plain(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("score", justify="right")
    table.add_column("95 % interval", justify="center")
    table.add_column("time", justify="right")
    for name, score, seconds in rows:
        table.add_row(
            plain(name),
            "" if score is None else number(score["value"]),
            "" if score is None else interval(score),
            "" if seconds is None else f"{seconds:.1f} s",
        )
    return table


def print_scores(run: Run[Any, Any], part: dict[str, Any], of: str, console: Console) -> None:
    """The headline score of a run on a part of its data, `of` what, beside its baselines; then its other scores."""
    metrics, (headline, *others) = run.metrics, part["scores"]
    name = f"{run.config.settings.network.cell_name} ({metrics['training']['weights']:,} weights)"
    rows: list[tuple[str, dict[str, Any] | None, float | None]] = [
        (name, headline, metrics["seconds"]["training"])
    ]
    rows += [(b["name"], b["scores"][0], b["seconds"]) for b in metrics.get("baselines", [])]
    console.print()
    console.print(score_table(f"{headline['name']} on {of}", rows))
    console.print()
    for score in others:
        console.print(f"  {score['name']:<28} {number(score['value']):>8}   ({interval(score)})")


def number(value: float | None) -> str:
    """Four digits that count; a dash where there is no number."""
    return "–" if value is None else f"{value:.4g}"


def interval(score: dict[str, Any]) -> str:
    """Both ends of a score's interval, as in 0.81 to 0.85."""
    low, high = score["interval"]["low"], score["interval"]["high"]
    if high is None:  # too little data to bound it
        return "not known"
    return f"{number(low)} to {number(high)}"


def plain(text: object) -> str:
    """Text in which nothing is taken for markup, or obeyed by the terminal."""
    return visible(text).replace("[", r"\[")
