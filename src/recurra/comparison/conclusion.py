"""What follows from the trainings of a comparison: judged, with costs, and what to take."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from recurra.comparison.costs import measure_costs, times_of
from recurra.comparison.judgement import Entry, Judgement, judge
from recurra.comparison.plan import Plan, Trial
from recurra.comparison.recommendation import recommend
from recurra.comparison.summary import still_improving, summarise
from recurra.comparison.trials import Record, contributions_of
from recurra.networks.config import OWN, cell_name
from recurra.runs.events import Observer, Said
from recurra.runs.fitting import Fitting
from recurra.runs.run import Run
from recurra.statistics.blocks import blocks_of

_BUSY = 1.25  # times that a step of one training takes longer than of another, from which on it is said


class Conclusion:
    """Of one comparison.

    Args:
        fitting: prepared, with its baselines.
        plan: that the trainings followed.
        out: the folder of the comparison.
        final: every scored training with its record.
        good: those of cells of which none failed.
        runs: what these left, by cell.
        observer: is told what to beware of.
    """

    def __init__(
        self,
        fitting: Fitting[Any, Any],
        plan: Plan,
        out: Path,
        final: list[tuple[Trial, Record]],
        good: list[Trial],
        runs: dict[str, list[Run[Any, Any]]],
        observer: Observer,
    ):
        self.fitting, self.plan, self.out, self.observe = fitting, plan, out, observer
        self.final, self.good, self.runs = final, good, runs
        self.of_cell = {cell: [r for _, r in final if r["cell"] == cell] for cell in runs}

    def summary(
        self,
        tuned: list[tuple[Trial, Record]],
        *,
        task: str | None,
        notes: list[str],
        warnings: list[str],
        command: str | None,
        call: str | None,
        seconds: float,
    ) -> dict[str, Any]:
        """The content of `summary.json`; `task` None is that of the runs."""
        improving = [cell for cell, found in self.of_cell.items() if still_improving(found)]
        self._say_how_busy()
        judgement = self._judged()
        costs = {cell: self._costs(own[0]) for cell, own in self.runs.items()}
        first = next(iter(self.runs.values()))[0]
        return summarise(
            self.plan,
            first.config,
            judgement,
            recommend(judgement, improving, self._longer(improving)),
            task=task or first.metrics["task"],
            tuning=[record for _, record in tuned],
            final=[record for _, record in self.final],
            costs=costs,
            baselines=[result for result, _ in self.fitting.of_baselines()],
            notes=notes,
            warnings=warnings,
            command=command,
            call=call,
            seconds=seconds,
        )

    def _say_how_busy(self) -> None:
        """Times that wandered are said, with the network that shows it most."""
        slowdowns = {cell: times_of(records)["slowdown"] for cell, records in self.of_cell.items()}
        cell = max(slowdowns, key=lambda cell: slowdowns[cell])
        if slowdowns[cell] >= _BUSY:
            self.observe(
                Said(
                    f"the machine was busy: a step took {slowdowns[cell]:.1f} times as long in one training of "
                    f"{cell_name(cell)} as in another; times are those of the quickest training of each network",
                    "warning",
                )
            )

    def _longer(self, improving: list[str]) -> str:
        """The option that trains twice as long, or long enough for those that were still improving to read the training
        part twice.
        """
        budget, epochs = self.plan.options.budget_s, self.fitting.settings.training.epochs
        if budget is None:
            return f"--set training.epochs={2 * epochs}"
        steps = [each.total_steps for each in self.plan.candidates if each.cell in improving]
        times = math.ceil(2 * self.plan.steps_per_epoch / min(steps, default=self.plan.steps_per_epoch))
        return f"--budget {math.ceil(max(2, times) * budget / 60)}m"

    def _judged(self) -> Judgement:
        records = {trial.name: record for trial, record in self.final}
        trials: dict[str, list[Trial]] = {}
        for trial in self.good:
            trials.setdefault(trial.candidate.cell, []).append(trial)
        entries = [
            Entry(
                cell,
                True,
                np.stack([contributions_of(self.out, trial) for trial in own]),
                times_of([records[trial.name] for trial in own])["train_s"],
            )
            for cell, own in trials.items()
        ]
        entries += [
            Entry(result.name, False, sums[None], result.seconds)
            for result, sums in self.fitting.of_baselines()
        ]
        measure = self.fitting.measure()
        if measure.blocks is None:
            measure = replace(measure, blocks=blocks_of(self.fitting.test_groups()))
        return judge(measure, entries, seed=self.fitting.options.seed)

    def _costs(self, run: Run[Any, Any]) -> dict[str, Any]:
        settings = run.config.settings
        cell = settings.network.cell.removeprefix(OWN)
        (own,) = (each for each in self.plan.candidates if each.cell == cell)
        chosen = own.settings(settings.training.learning_rate, self.plan.threads)
        again = self.fitting.again(chosen, self.fitting.options.seed)
        return measure_costs(again, run, self.plan.threads)
