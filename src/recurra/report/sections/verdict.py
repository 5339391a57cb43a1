"""What a run is, and what it comes to in a sentence or two: the head of its page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recurra.data.sources.table import listed
from recurra.report import wording
from recurra.report.page import render
from recurra.report.run_files import RunFiles

if TYPE_CHECKING:
    from markupsafe import Markup

_NAMED = 3  # columns in a title
_MEANT = ("finished", "early")  # ends of a training that went as it should
_STANDINGS = {
    "better": ("▲", "Better than the best baseline"),
    "tie": ("=", "No better than the best baseline"),
    "worse": ("▼", "Worse than the best baseline"),
}


def title(run: RunFiles) -> str:
    """The network, and what it does."""
    schema, cell = run.config.data_schema, run.cell
    if run.config.kind == "text":
        return f"{cell}: text like {schema.origin}, by {schema.level}"
    if run.config.kind == "caption":
        return f"{cell}: captions of {schema.read}"
    if run.config.kind == "pair":
        return f"{cell}: {schema.target} from {schema.text}"
    if run.config.kind == "piece":
        return f"{cell}: music like {schema.origin}, by {schema.frame} notes"
    if run.config.kind == "performance":
        return f"{cell}: music like {schema.origin}, event by event"
    if run.config.kind == "forecast":
        horizon = run.config.shape.horizon
        return f"{cell}: {listed(schema.targets, _NAMED)}, {horizon:,} step{'s' * (horizon > 1)} ahead"
    if run.config.kind == "sentence":
        return f"{cell}: {schema.target} of every word"
    image = None if run.config.kind == "recording" else schema.image
    read = schema.text or image or listed(schema.channels, _NAMED)
    return f"{cell}: {listed(schema.target, _NAMED)} from {read}"


def about(run: RunFiles) -> str:
    """The names of its data."""
    return ", ".join(Path(source).name for source in run.sources) or "data given in Python"


def lead(run: RunFiles) -> Markup:
    """Where the network stands, its score with its interval, and what follows from it."""
    mark, badge = _STANDINGS.get(run.standing or "", ("○", "Not compared with a baseline"))
    if run.scored is None:
        badge = "Nothing was held out to test on"
    return render(
        "verdict.html",
        mark=mark,
        badge=badge,
        standing=run.standing or "none",
        sentences=sentences(run),
        unfinished=unfinished(run),
    )


def unfinished(run: RunFiles) -> str | None:
    """Why the network is not what its training was meant to make of it, and what to do; None where it is."""
    training = run.metrics["training"]
    stopped, reached = training["stopped"], f"step {training['steps']:,} of {training['total_steps']:,}"
    kept = f"The numbers are of the weights of epoch {training['best_epoch']}."
    if stopped in _MEANT:
        return None
    if stopped == "interrupted":
        return f"a person interrupted the training at {reached}. {kept} To go on, repeat the command with --resume."
    if stopped == "clock":
        return f"the clock cut the training short at {reached}. {kept} With a larger --budget it would come to its end."
    return f"the loss was {stopped}, so training ended at {reached}. {kept} Train again with a lower learning rate."


def sentences(run: RunFiles) -> list[str]:
    """The score, the comparison, the consequence."""
    if run.scored is None:
        return ["How good this network is on examples that it has not seen is not known."]
    name, part = run.scored
    score = part["scores"][0]
    said = [
        f"{_capital(score['name'])} {wording.score(score)} on {part['n']:,} {name} {run.units} "
        f"(95 % interval {wording.interval(score)})."
    ]
    if name == "validation":
        said.append(
            "Nothing was held out to test on, and the weights were chosen on these: expect less on new examples."
        )
    if "verdict" in run.metrics:
        said.append(run.metrics["verdict"])
    best = run.best_baseline
    if best is not None and run.standing in ("tie", "worse"):
        time = wording.seconds(best["seconds"])
        said.append(
            f"The network does not beat the best baseline. On these data take that one ({best['name']}, {time}; "
            f"the network trained for {wording.seconds(run.metrics['seconds']['training'])}), or look for more "
            "data or another network."
        )
    return said


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
