"""The plan of a comparison: sizes, steps and learning rates, settled before the first training and written down; with a
budget, the steps of scored trainings once more when the learning rates are chosen.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median, median_low
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import nn

from recurra.comparison.options import ComparisonOptions
from recurra.errors import InputError
from recurra.networks.config import OWN, cell_name
from recurra.networks.sequence_network import count_weights
from recurra.runs.budget import Pace, measure_pace
from recurra.runs.events import Observer, PhaseStarted, Said
from recurra.runs.fitting import Fitting

Purpose = Literal["tuning", "final"]
TOLERANCE = 0.02  # by which numbers of weights may differ
FORMAT = 1
_LEAST, _MOST = 0.5, 1.5  # of the steps that learning rates were chosen for, where they are planned anew
_TRAINING_SHARE = 0.85  # of a budget, for all trainings; the rest scores and measures
_PACE_SHARE = 0.3  # of the time of one training, that the pace of one network is measured from at most
_PACE_S = 60.0
_TURNS = 3
_FEW_AND_MANY = (8, 64)  # units that make no difference to a module of fixed width


class Candidate(BaseModel):
    """A network that takes part.

    Args:
        cell: its name: of a cell, or of a user's own module.
        own: whether it is the latter.
        fixed: it has no width that could be solved for, and takes part as it is.
        hidden_size, inner_size: units, and those inside a layer of a TCN or a transformer; solved for where weights are
            equal.
        weights: trainable numbers.
        step_s: seconds of an optimiser step, measured before all trainings, or while learning rates were tried.
        epoch_s: of a pass over the training part with its validation.
        validation_s: of that, for the validation.
        total_steps: optimiser steps of each of its trainings.
        learning_rates: tried on the validation part, the default one first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cell: str
    own: bool = False
    fixed: bool = False
    hidden_size: int
    inner_size: int | None
    weights: int
    step_s: float
    epoch_s: float
    validation_s: float = 0.0
    total_steps: int
    learning_rates: tuple[float, ...]

    @property
    def widths(self) -> dict[str, int]:
        """The settings of its size."""
        inner = {} if self.inner_size is None else {"network.inner_size": self.inner_size}
        return {"network.hidden_size": self.hidden_size} | inner

    def settings(self, learning_rate: float, threads: int) -> dict[str, Any]:
        """What its trainings change of the common settings."""
        return {
            "network.cell": f"{OWN if self.own else ''}{self.cell}",
            **self.widths,
            "training.learning_rate": learning_rate,
            "training.threads": threads,
        }


class Plan(BaseModel):
    """All that is settled before trainings begin: a resumed comparison goes by it.

    Args:
        fingerprint: of the data, as everything was prepared.
        asked: what was asked of the data and of every training.
        steps_per_epoch: optimiser steps of a pass over the training part.
        tuning_share: of the training part that learning rates are tried on, as often as the whole is read.
        threads: of each training.
        length: of each scored training: epochs where weights are equal, seconds where times are.
        tuned_length: the length that learning rates were chosen for, where scored trainings were planned anew by their
            pace; None: it is that of the scored ones.
        left_out: cell -> why it cannot take part.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = FORMAT
    kind: str
    fingerprint: str
    options: ComparisonOptions
    asked: dict[str, Any]
    steps_per_epoch: int
    tuning_share: float = 1.0
    threads: int
    length: float
    tuned_length: float | None = None
    candidates: tuple[Candidate, ...]
    left_out: dict[str, str]

    def training_s(self, candidate: Candidate, purpose: Purpose = "final") -> float:
        """How long one of its trainings takes at most, by the pace measured."""
        share = self.tuning_share if purpose == "tuning" else 1.0
        return _epoch_s(candidate, share) * candidate.total_steps / self.steps_per_epoch


@dataclass(frozen=True)
class Trial:
    """One training.

    Args:
        purpose: to choose the learning rate, or the training that is scored.
        share: of the training part that it reads.
    """

    candidate: Candidate
    purpose: Purpose
    learning_rate: float
    seed: int
    share: float = 1.0

    @property
    def total_steps(self) -> int:
        """Optimiser steps: as many passes over what it reads as others make over the whole."""
        return max(1, round(self.share * self.candidate.total_steps))

    @property
    def name(self) -> str:
        """Of its files."""
        if self.purpose == "final":
            return f"{self.candidate.cell}-seed-{self.seed}"
        number = self.candidate.learning_rates.index(self.learning_rate) + 1
        return f"{self.candidate.cell}-tuning-{number}"


def make_plan(
    kind: str, fitting: Fitting[Any, Any], options: ComparisonOptions, *, started: float, observer: Observer
) -> Plan:
    """Solve for the widths, measure every network's pace once, and share the time out.

    Equal weights: every training has the same number of steps, all epochs or as many as the budget allows. Equal
    time: every training has the same time, the budget's share or that of the slowest network's epochs, turned into
    steps.

    Args:
        fitting: prepared.
        started: `time.monotonic()` from which the budget counts.

    Raises:
        InputError: no network can be made.
    """
    observer(PhaseStarted("Measuring every network's pace"))
    threads = max(1, fitting.settings.training.threads // options.jobs)
    target = options.weights
    if target is None and options.match == "params":
        with torch.device("meta"):
            target = count_weights(fitting.resized(fitting.settings.network.hidden_size))
    made, left_out = [], {}
    for cell in options.cells:
        try:
            made.append(_sized(fitting, cell, target, threads, observer))
        except InputError as error:
            left_out[cell] = str(error)
            observer(Said(f"{cell_name(cell)} cannot take part: {error}", "warning"))
    made += [_sized(fitting, OWN + name, target, threads, observer) for name in options.encoders]
    if not made:
        raise InputError("none of the networks can be made", fix="; ".join(left_out.values()))
    batches, epochs = len(fitting.training), fitting.settings.training.epochs
    measured = _measured(made, options)
    share = _tuning_share(fitting, options)
    tried = options.per_cell - options.seeds
    all_s = [options.seeds * each.epoch_s + tried * _epoch_s(each, share) for each in measured]
    left_s = math.inf if options.budget_s is None else started + options.budget_s - time.monotonic()
    if left_s <= 0:
        observer(Said("nothing of the budget is left for trainings: each has a single step", "warning"))
    least = min(_epoch_of(options, each) for each in measured) / batches  # a step
    length = max(least, _length(measured, all_s, epochs, options, _TRAINING_SHARE * left_s))
    candidates = _of_length(length, measured, batches, options)
    for each in candidates:
        observer(
            Said(
                f"{cell_name(each.cell)}: {each.hidden_size} units, {each.weights:,} weights, "
                f"{1000 * each.step_s:.3g} ms a step, {each.total_steps / batches:.3g} epochs each of "
                f"{options.per_cell} trainings"
            )
        )
    return Plan(
        kind=kind,
        fingerprint=fitting.fingerprint,
        options=options,
        asked=fitting.options.model_dump(mode="json"),
        steps_per_epoch=batches,
        tuning_share=share,
        threads=threads,
        length=length,
        candidates=candidates,
        left_out=left_out,
    )


def replanned(plan: Plan, step_s: Mapping[str, list[float]], *, epochs: int, left_s: float) -> Plan:
    """The same with what is left of the budget shared out by the pace at which learning rates were tried.

    What was measured in moments may be far from what a machine keeps up. Of each network the middle one of its trials
    counts, the quicker of two: what else a machine does in one of them says little of the rest. Scored trainings get
    half as many steps again at most, and half as many at least (of equal times, the network in the middle): their
    learning rates were chosen for as many as were planned.

    Args:
        step_s: cell -> seconds of a step, with its share of the validation, of each of its trials that ended; cells
            that are not there are not trained any more.
        epochs: of a training without a budget.
        left_s: seconds.
    """
    assert plan.options.budget_s is not None
    candidates, factors = [], []
    for each in plan.candidates:
        if each.cell in step_s:
            expected = plan.training_s(each, "tuning") / (plan.tuning_share * each.total_steps)
            factors.append(median_low(step_s[each.cell]) / expected)
            pace = {name: factors[-1] * getattr(each, name) for name in ("step_s", "epoch_s", "validation_s")}
            candidates.append(each.model_copy(update=pace))
    if not candidates:
        return plan
    all_s = [plan.options.seeds * each.epoch_s for each in candidates]
    left_s -= (1 - _TRAINING_SHARE) * plan.options.budget_s
    length = _length(candidates, all_s, epochs, plan.options, left_s)
    as_planned = plan.length * (median(factors) if plan.options.match == "time" else 1.0)
    length = min(max(length, _LEAST * as_planned), _MOST * as_planned)
    found = {each.cell: each for each in _of_length(length, candidates, plan.steps_per_epoch, plan.options)}
    return plan.model_copy(
        update={
            "length": length,
            "tuned_length": plan.length,
            "candidates": tuple(found.get(each.cell, each) for each in plan.candidates),
        }
    )


def learning_rates(default: float, trials: int) -> tuple[float, ...]:
    """A grid around the default, half a power of ten apart, the default first.

    >>> [round(rate, 5) for rate in learning_rates(0.002, 4)]
    [0.002, 0.00063, 0.00632, 0.0002]
    """
    exponents = [0.0] + [sign * 0.5 * k for k in range(1, trials) for sign in (-1, 1)]
    return tuple(default * 10**exponent for exponent in exponents[:trials])


def tuning_trials(plan: Plan, seed: int) -> list[Trial]:
    """Every learning rate of every candidate, with one seed; none where there is nothing to choose.

    In turns, so that whatever else the machine does meets all.
    """
    if plan.options.trials == 1:
        return []
    share, rates = plan.tuning_share, range(plan.options.trials)
    return [
        Trial(each, "tuning", each.learning_rates[n], seed, share) for n in rates for each in plan.candidates
    ]


def final_trials(plan: Plan, seed: int, chosen: dict[str, float]) -> list[Trial]:
    """Every candidate with the learning rate chosen, with seeds that no choice was made with."""
    return [
        Trial(each, "final", chosen[each.cell], seed + number)
        for number in range(1, plan.options.seeds + 1)
        for each in plan.candidates
        if each.cell in chosen
    ]


def _epoch_s(candidate: Candidate, share: float) -> float:
    """Seconds of a pass over such a share of the training part, with the whole validation."""
    return share * (candidate.epoch_s - candidate.validation_s) + candidate.validation_s


def _tuning_share(fitting: Fitting[Any, Any], options: ComparisonOptions) -> float:
    if options.tune_on is None:
        return 1.0
    return min(1.0, options.tune_on / fitting.new_config([]).parts["train"])


def _sized(
    fitting: Fitting[Any, Any],
    cell: str,
    target: int | None,
    threads: int,
    observer: Observer,
) -> tuple[Fitting[Any, Any], nn.Module]:
    """The training of a cell with its width solved for, and a network of it."""
    settings: dict[str, Any] = {"network.cell": cell, "training.threads": threads}
    own = fitting.again(settings, fitting.options.seed)
    fixed = _is_fixed(own)
    if target is not None and not fixed:
        own = own.again(own.sized(target), fitting.options.seed)
    try:
        network = own.network(None, observer, anew=False)
    except RuntimeError as error:
        if "allocate" not in str(error):
            raise
        raise InputError(
            f"there is no memory here for its {own.settings.network.hidden_size:,} units",
            where="--weights",
            fix="Take fewer.",
        ) from error
    weights = count_weights(network)
    if target is not None and abs(weights / target - 1) > TOLERANCE:
        why = (
            f"it has no width to change, and takes part with its {weights:,} weights; the others have {target:,}"
            if fixed
            else f"{weights:,} weights are as near to {target:,} as its width allows"
        )
        observer(Said(f"{cell_name(cell)}: {why}", "warning"))
    return own, network


def _is_fixed(own: Fitting[Any, Any]) -> bool:
    """Whether units change nothing: of a user's own module alone."""
    if not own.settings.network.cell.startswith(OWN):
        return False
    few, many = (count_weights(own.resized(units)) for units in _FEW_AND_MANY)
    return few == many


def _measured(made: list[tuple[Fitting[Any, Any], nn.Module]], options: ComparisonOptions) -> list[Candidate]:
    """Candidates with their pace: measured in turns, so that whatever else the machine does meets all, the middle of
    three taken; their steps are still those of one epoch.
    """
    seconds = _PACE_S
    if options.budget_s is not None:
        seconds = min(seconds, _PACE_SHARE * options.budget_s / (len(made) * options.per_cell))
    paces: list[list[Pace]] = [[] for _ in made]
    before = torch.get_num_threads()
    torch.set_num_threads(made[0][0].settings.training.threads)
    try:
        for _ in range(_TURNS):
            for found, (own, network) in zip(paces, made, strict=True):
                found.append(
                    measure_pace(
                        network,
                        own.objective,
                        own.training,
                        own.settings.training,
                        seed=own.options.seed,
                        seconds=seconds / _TURNS,
                    )
                )
    finally:
        torch.set_num_threads(before)
    candidates = []
    for found, (own, network) in zip(paces, made, strict=True):
        pace = sorted(found, key=lambda each: each.step_s)[_TURNS // 2]
        candidates.append(
            Candidate(
                cell=own.settings.network.cell.removeprefix(OWN),
                own=own.settings.network.cell.startswith(OWN),
                fixed=_is_fixed(own),
                hidden_size=own.settings.network.hidden_size,
                inner_size=own.settings.network.inner_size,
                weights=count_weights(network),
                step_s=pace.step_s,
                epoch_s=pace.epoch_s(len(own.training), own.validation_steps),
                validation_s=pace.epoch_s(0, own.validation_steps),
                total_steps=len(own.training),
                learning_rates=learning_rates(own.settings.training.learning_rate, options.trials),
            )
        )
    return candidates


def _length(
    made: list[Candidate], all_s: list[float], epochs: int, options: ComparisonOptions, left_s: float
) -> float:
    """Of each scored training: epochs where weights are equal, seconds where times are.

    Args:
        all_s: of each candidate, what its trainings to come take if a scored one is an epoch.
        left_s: for all of them; infinite without a budget.
    """
    together = max(0.0, left_s) * options.jobs
    if options.match == "params":
        return min(epochs, together / sum(all_s))
    if options.budget_s is None:
        return epochs * max(each.epoch_s for each in made)
    return together / sum(whole / each.epoch_s for whole, each in zip(all_s, made, strict=True))


def _epoch_of(options: ComparisonOptions, candidate: Candidate) -> float:
    """An epoch, in what lengths are counted in."""
    return 1.0 if options.match == "params" else candidate.epoch_s


def _of_length(
    length: float, made: list[Candidate], batches: int, options: ComparisonOptions
) -> tuple[Candidate, ...]:
    """The candidates with as many optimiser steps as trainings of this length have."""
    epochs = [length / _epoch_of(options, each) for each in made]
    return tuple(
        each.model_copy(update={"total_steps": max(1, int(count * batches))})
        for each, count in zip(made, epochs, strict=True)
    )
