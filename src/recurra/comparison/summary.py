"""The content of `summary.json`: everything that a table, a page or a program may want of a comparison."""

from __future__ import annotations

import statistics
import time
from typing import Any

from recurra.comparison.costs import times_of
from recurra.comparison.judgement import LEVEL, Judgement
from recurra.comparison.plan import Plan
from recurra.comparison.recommendation import Recommendation
from recurra.comparison.trials import Record
from recurra.networks.config import cell_name
from recurra.runs.config import RunConfig
from recurra.statistics.repeated import LEAST_SEEDS
from recurra.tasks.baselines import BaselineResult

FORMAT = 1
_LAST_PART, _GAIN = 0.25, 0.01  # of a training that is looked at, and of its loss that it must have taken off
_OF_TUNING = ("cell", "learning_rate", "validation_loss", "failed", "seconds", "curve")


def held_equal(
    plan: Plan, parts: dict[str, int], *, validated: bool, took_s: tuple[float, float] | None = None
) -> list[str]:
    """What was the same for every network, and what was not, in sentences.

    Args:
        parts: examples in each part.
        validated: whether there was a validation part.
        took_s: of the scored trainings, the shortest and the longest, where some have ended.
    """
    options, one = plan.options, plan.candidates[0]
    told = [
        f"Data: the same {parts['train']:,} training, {parts.get('validation', 0):,} validation and "
        f"{parts.get('test', 0):,} test examples, split and encoded once, for every network and every seed; the same "
        "batches, in an order that the seed alone decides."
    ]
    sizes = ", ".join(f"{cell_name(each.cell)} {each.weights:,}" for each in plan.candidates)
    epochs = ", ".join(
        f"{cell_name(each.cell)} {each.total_steps / plan.steps_per_epoch:.3g}" for each in plan.candidates
    )
    fewer = "fewer where validation no longer gets better"
    if options.match == "params":
        solved = [c.weights for c in plan.candidates if not c.fixed] or [one.weights]
        low, high = min(solved), max(solved)
        fixed = [c for c in plan.candidates if c.fixed]
        tuned = (
            "" if plan.tuned_length is None else f"; {plan.tuned_length:.3g} while learning rates were tried"
        )
        apart = " and ".join(f"{c.cell} ({c.weights:,})" for c in fixed)
        told += [
            f"Size: the number of weights, as nearly as whole units allow ({sizes}; {100 * (high / low - 1):.1f} % "
            "between the smallest and the largest"
            + (
                f"; but for {apart}, without a width to change, which took part as given)." if fixed else ")."
            ),
            f"Length: {one.total_steps:,} optimiser steps at most for each scored training of each network "
            f"({one.total_steps / plan.steps_per_epoch:.3g} epochs{tuned}){', ' + fewer if validated else ''}. "
            "The time that takes was not held equal; it stands in the table.",
        ]
    else:
        pace = (
            "measured before all trainings"
            if plan.tuned_length is None
            else f"at which learning rates were tried, for {plan.tuned_length:.3g} s each"
        )
        told += [
            f"Time: {plan.length:.3g} s for each scored training of each network, turned into steps by the pace "
            f"{pace} (epochs: {epochs}){'; ' + fewer if validated else ''}."
            + ("" if took_s is None else f" They took {took_s[0]:.3g} to {took_s[1]:.3g} s."),
            f"Size: the hidden size, {one.hidden_size} units; the number of weights was not held equal ({sizes}).",
        ]
    if options.trials > 1:
        rates = "; ".join(
            f"{cell_name(each.cell)} {', '.join(f'{rate:.3g}' for rate in each.learning_rates)}"
            for each in plan.candidates
        )
        told.append(
            f"Tuning: {options.trials} learning rates for each network, half a power of ten apart ({rates}), with a "
            f"seed that no scored training has{_tuned_on(plan, parts)}; the one with the lowest validation loss was "
            "taken. Every other setting is the same for all."
        )
    else:
        told.append("Tuning: none; the default learning rate and every other default, the same for all.")
    told += [
        f"Seeds: {options.seeds} for each network, the same numbers for all.",
        "Test part: opened once for each scored training, after every choice was made"
        + ("." if validated else "; there was no validation part, so the last weights are scored."),
        f"Machine: {options.jobs} {'training' if options.jobs == 1 else 'trainings'} at a time, {plan.threads} "
        f"{'thread' if plan.threads == 1 else 'threads'} each.",
    ]
    if options.budget_s is not None:
        again = (
            "" if plan.tuned_length is None else ", and what was left of it once more before the scored ones"
        )
        told.append(
            f"Budget: {options.budget_s:.0f} s for everything, shared out before the first training{again}."
        )
    return told


def _tuned_on(plan: Plan, parts: dict[str, int]) -> str:
    if plan.tuning_share == 1:
        return ""
    return f", on {round(plan.tuning_share * parts['train']):,} of the {parts['train']:,} training examples"


def summarise(
    plan: Plan,
    config: RunConfig,
    judgement: Judgement,
    recommendation: Recommendation,
    *,
    task: str,
    tuning: list[Record],
    final: list[Record],
    costs: dict[str, dict[str, Any]],
    baselines: list[BaselineResult],
    notes: list[str],
    warnings: list[str],
    command: str | None,
    call: str | None,
    seconds: float,
) -> dict[str, Any]:
    """Plain types only.

    Args:
        config: of one of the runs.
        tuning, final: records of all trials.
        costs: cell -> what was measured beside its trainings.
        notes: what was said of data, sizes and trials.
        warnings: those of them that a reader should know before anything else.
        command, call: what was called, on the command line or from Python; the other is None.
        seconds: that everything took.
    """
    took = [record["seconds"] for record in final if not record["failed"]]
    chosen = {record["cell"]: record["learning_rate"] for record in final}
    of_cell = {each.cell: each for each in plan.candidates}
    said = {result.name: result.to_json() for result in baselines}
    rows = []
    for row in judgement.rows:
        content = row.to_json()
        if row.network:
            each, own = of_cell[row.name], [r for r in final if r["cell"] == row.name and not r["failed"]]
            content |= {
                "cell": row.name,
                "hidden_size": each.hidden_size,
                "weights": each.weights,
                "learning_rate": chosen[row.name],
                **times_of(own),
                "epoch_s": each.epoch_s,
                "steps": statistics.mean(r["steps"] for r in own),
                "epochs": statistics.mean(r["steps"] for r in own) / plan.steps_per_epoch,
                "best_epoch": [r["best_epoch"] for r in own],
                "still_improving": still_improving(own),
                "runs": [r["run"] for r in own],
                "scores": [r["scores"] for r in own],
                "curves": [{"seed": r["seed"], "epochs": r["curve"]} for r in own],
            } | costs[row.name]
        else:
            own = said[row.name]
            content |= {"description": own["description"], "scores": [own["scores"]]}
            content |= {"weights": own["weights"], "answering_s": own["answering_s"]}
        rows.append(content)
    return {
        "format": FORMAT,
        "kind": "comparison",
        "of": plan.kind,
        "task": task,
        "sources": config.sources,
        "parts": config.parts,
        "measure": {
            "name": judgement.measure,
            "higher_is_better": judgement.higher_is_better,
            "share": judgement.share,
            "level": LEVEL,
            "test_examples": judgement.examples,
            "groups": judgement.groups,
            "tested": judgement.tested,
            "interval": f"over seeds and test {'examples' if judgement.groups is None else 'groups'} together "
            "(Student's t, Satterthwaite's degrees of freedom)",
            "correction": f"Holm, over {len(judgement.pairs)} comparisons",
        },
        "recommendation": recommendation.to_json(),
        "rows": rows,
        "pairs": [pair.to_json() for pair in judgement.pairs],
        "ties": [[pair.a, pair.b] for pair in judgement.pairs if not pair.differs],
        "enough_seeds": judgement.enough_seeds,
        "least_seeds": LEAST_SEEDS,
        "held_equal": held_equal(
            plan,
            config.parts,
            validated=bool(config.parts.get("validation")),
            took_s=(min(took), max(took)),
        ),
        "left_out": plan.left_out | _failed(plan, tuning, final),
        "tuning": [{name: record.get(name) for name in _OF_TUNING} for record in tuning],
        "options": plan.options.model_dump(mode="json"),
        "asked": plan.asked,
        "notes": notes,
        "warnings": warnings,
        "command": command,
        "call": call,
        "versions": config.versions,
        "machine": config.machine,
        "seconds": seconds,
        "made": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }


def marks(summary: dict[str, Any]) -> dict[str, str]:
    """What stands behind the names of rows: "<" of what is to be taken, "=", "?" and "~" of what is tied, doubtful and
    unsteady (see `recurra.comparison.recommendation.Recommendation`).

    >>> marks({"recommendation": {"take": "gru", "tied": ["lstm"], "doubtful": ["rnn"], "unsteady": []}})
    {'gru': '<', 'lstm': '=', 'rnn': '?'}
    """
    told = summary["recommendation"]
    found = {
        name: mark
        for mark, key in (("=", "tied"), ("?", "doubtful"), ("~", "unsteady"))
        for name in told[key]
    }
    return {told["take"]: "<"} | found


def still_improving(records: list[Record]) -> bool:
    """Whether a network was trained too short to be judged: for most seeds training went through all its steps, its
    last epoch was the best, and the last quarter of the epochs still took a hundredth off the validation loss.

    Args:
        records: of the scored trainings of one network; without a validation part nothing can be said.

    >>> curve = [{"validation": {"loss": loss}} for loss in (1.0, 0.8, 0.7, 0.6)]
    >>> one = {"stopped": "finished", "best_epoch": 4, "curve": curve}
    >>> still_improving([one]), still_improving([one, one | {"stopped": "early"}])
    (True, False)
    """

    def improving(record: Record) -> bool:
        losses = [each["validation"]["loss"] for each in record["curve"] if each["validation"]]
        if record["stopped"] != "finished" or not losses or record["best_epoch"] < len(losses):
            return False
        if len(losses) == 1:
            return True
        before = losses[min(len(losses) - 2, int((1 - _LAST_PART) * len(losses)) - 1)]
        return before - losses[-1] > _GAIN * abs(losses[-1])

    return 2 * sum(map(improving, records)) > len(records)


def _failed(plan: Plan, tuning: list[Record], final: list[Record]) -> dict[str, str]:
    """Cell -> why it has no row."""
    found = {}
    for each in plan.candidates:
        own = [r for r in final if r["cell"] == each.cell]
        broken = [r for r in own if r["failed"]]
        if not own:
            rates = [r for r in tuning if r["cell"] == each.cell]
            found[each.cell] = (
                f"no learning rate led anywhere: {rates[0]['failed'] if rates else 'none tried'}"
            )
        elif broken:
            found[each.cell] = f"training failed with seed {broken[0]['seed']}: {broken[0]['failed']}"
    return found
