"""`recurra.compare`: which network, on these data."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recurra.comparison.call import written_call
from recurra.comparison.conclusion import Conclusion
from recurra.comparison.options import ComparisonOptions, comparison_options
from recurra.comparison.place import PLAN, SUMMARY, check_asked, check_place, stored_plan
from recurra.comparison.plan import Plan, Trial, final_trials, make_plan, replanned, tuning_trials
from recurra.comparison.sessions import Sessions
from recurra.comparison.telling import told_left, told_trial
from recurra.comparison.trials import (
    TRIALS,
    Clock,
    Record,
    check_importable,
    chosen_rate,
    record_of,
    run_trials,
)
from recurra.errors import InputError, RunError, TrainingError
from recurra.networks.config import cell_name
from recurra.networks.own import Encoders, own_encoders
from recurra.networks.own_contract import check_encoder
from recurra.runs.asking import asked_kind, make_options
from recurra.runs.events import Event, Measured, Observer, PhaseStarted, Said, ignore
from recurra.runs.fitting import Fitting
from recurra.runs.kinds import Kind
from recurra.runs.loading import load
from recurra.runs.run import Run
from recurra.storage import make_folder, write_json
from recurra.training.loop import EpochRecord

VALIDATION = 0.2  # of the training data, where learning rates are tried and nobody says otherwise
# Arguments of `compare` that change nothing of what comes out; and roles, which stand apart.
_NOT_OF_THE_RESULT = frozenset(["roles", "resume", "command", "observer"])
_WORTH_SAYING = 0.05  # by which trainings become longer or shorter than planned
_BASELINE_S, _BASELINE_SHARE = 60.0, 0.1  # seconds for a baseline, and share of a budget


@dataclass(frozen=True, repr=False)
class Comparison:
    """What came of a comparison.

    Args:
        summary: the content of `summary.json`.
        runs: the trained networks of each cell, one for each seed.
        path: the folder, where one was asked for.
    """

    summary: dict[str, Any]
    runs: dict[str, list[Run[Any, Any]]]
    path: Path | None = None

    def __repr__(self) -> str:
        """One line: the summary and the runs fill pages."""
        names = ", ".join(map(cell_name, self.runs))
        place = "not saved" if self.path is None else str(self.path)
        return f"<Comparison of {names}: take {self.best}, {place}>"

    @property
    def recommendation(self) -> str:
        """The two sentences."""
        return f"{self.summary['recommendation']['reason']} {self.summary['recommendation']['doubt']}"

    @property
    def best(self) -> str:
        """What is recommended: a cell, or the name of a baseline."""
        return self.summary["recommendation"]["take"]


def compare(
    data: Any,
    *,
    task: str | None = None,
    test: Any = None,
    cells: str | Sequence[str] | None = None,
    encoders: Encoders | None = None,
    match: str | None = None,
    weights: int | None = None,
    seeds: int | None = None,
    trials: int | None = None,
    tune_on: int | None = None,
    budget: str | float | None = None,
    jobs: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    seed: int = 0,
    settings: dict[str, Any] | None = None,
    validation: float | None = None,
    test_share: float | None = None,
    encoding: str | None = None,
    command: str | None = None,
    observer: Observer = ignore,
    **roles: Any,
) -> Comparison:
    """Train networks of several cells on the same data under the same conditions, and say which to take.

    Every network gets the same parts, encoders and batches; the same number of weights or the same time; the same
    number of learning rates, of which the validation part chooses; several seeds. Then the test part is opened, once,
    and they are compared on the same examples, with each other and with the baselines.

    Args:
        data: a file, a folder, a frame or a text, as `recurra fit` takes it.
        task: "classify", "regress", "tag", "forecast", "generate", "translate", "transcribe" or "caption". None works
            it out; "translate", "caption", "tag" of numbers and "transcribe" of a table have to be said.
        test: data to score on; None holds a part of `data` out.
        cells, match, weights, seeds, trials, tune_on, budget, jobs: see `recurra.comparison.options.ComparisonOptions`.
        encoders: modules of your own that take part beside the cells, name -> class or function of (input_size, units),
            whose forward takes x (B, T, I) and lengths (B,) to (B, T, any H); see `recurra.networks.own.OwnEncoder` and
            docs/comparing.md. Their runs are loaded with `recurra.load(run, encoders=...)`.
        out: the folder to leave runs, trials and `summary.json` in; None keeps everything in memory. With `jobs` above
            1, call from a script whose own work stands under `if __name__ == "__main__":`.
        resume: go on in `out` where an interrupted comparison ended.
        seed: of splits and tuning; the scored trainings have the seeds after it.
        settings: changes of the common settings, by dotted names such as "training.epochs".
        validation, test_share, encoding: as `recurra fit` has them.
        command: for the record: what was called.
        observer: is told what is found and done.
        roles: what the columns mean: text, target, time, horizon and so on, as `recurra fit` has them.

    Raises:
        DataError, InputError: the data or the options cannot be used, or `out` is taken.
        RunError: `out` holds another comparison than the one to resume.
        KeyboardInterrupt: it was interrupted; with `out` it can be resumed.

    >>> rows = [{"text": f"a {word} thing {k % 7}", "label": word} for k in range(60) for word in ("dull", "fine")]
    >>> small = {"training.epochs": 1, "network.hidden_size": 4, "network.embedding_size": 4}
    >>> found = compare(rows, text="text", target="label", cells=["rnn", "gru"], trials=1, seeds=3, settings=small)
    >>> sorted(found.runs), len(found.summary["pairs"])
    (['gru', 'rnn'], 3)
    >>> import torch
    >>> class Sums(torch.nn.Linear):
    ...     def forward(self, x, lengths):
    ...         return super().forward(x).tanh().cumsum(1)
    >>> shared = {"text": "text", "target": "label", "trials": 1, "seeds": 3, "settings": small}
    >>> found = compare(rows, cells="gru", encoders={"sums": Sums}, **shared)
    >>> sorted(found.runs)
    ['gru', 'sums']
    """
    passed = {name: value for name, value in locals().items() if name not in _NOT_OF_THE_RESULT} | roles
    started = time.monotonic()
    options = comparison_options(
        cells=cells,
        encoders=encoders or (),
        budget=budget,
        match=match,
        weights=weights,
        seeds=seeds,
        trials=trials,
        tune_on=tune_on,
        jobs=jobs,
    )
    kind, _ = asked_kind(data, task, roles, encoding)
    kind.settings().changed(settings or {})  # what cannot be set is refused before a table is read
    given = {"validation": validation, "test_share": test_share, "seed": seed, "baselines": False}
    asked = make_options(kind, task, roles, settings or {}, given, None)
    if out is None and resume:
        raise InputError("there is no comparison to resume", where="--resume", fix="Name it: --out FOLDER.")
    if out is not None:
        check_place(Path(out), resume=resume)
    with tempfile.TemporaryDirectory() as temporary, own_encoders(encoders):
        if options.jobs > 1:
            check_importable(encoders or {})
        work = _Work(
            kind,
            asked,
            options,
            Path(temporary) if out is None else Path(out),
            started,
            observer,
            command=command,
            call=None if command else written_call(compare, passed),
        )
        summary, runs = work.carry_out(data, test, encoding)
    return Comparison(summary, runs, None if out is None else Path(out))


class _Work:
    """One comparison, from reading to summary."""

    def __init__(
        self,
        kind: Kind,
        asked: Any,
        options: ComparisonOptions,
        out: Path,
        started: float,
        observer: Observer,
        *,
        command: str | None,
        call: str | None,
    ):
        self.kind, self.asked, self.options, self.out = kind, asked, options, out
        self.started, self.command, self.call = started, command, call
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.sessions = Sessions(out / TRIALS, started)
        self._tell, self._said = observer, set[str]()

    def observe(self, event: Event) -> None:
        """What is said of the data is the same for all networks, and said once."""
        if isinstance(event, Said):
            if event.text in self._said:
                return
            self._said.add(event.text)
            self.notes.append(event.text)
            if event.kind == "warning":
                self.warnings.append(event.text)
        self._tell(event)

    def observe_trial(self, event: Event) -> None:
        """A trial is told in one line: what it says of itself is passed on only where it warns."""
        if isinstance(event, PhaseStarted | EpochRecord) or (
            isinstance(event, Said) and event.kind == "note"
        ):
            return
        self.observe(event)

    def carry_out(
        self, data: Any, test: Any, encoding: str | None
    ) -> tuple[dict[str, Any], dict[str, list[Run]]]:
        """The summary, and the runs of each cell."""
        before = stored_plan(self.out)
        if before is not None:
            check_asked(before, self.kind.name, self.options, self.asked)
        opened = self.kind.opened
        fitting, sources = opened(data, self.asked, test=test, encoding=encoding, observer=self.observe)
        self._prepare(fitting)
        for encoder in self.options.encoders:
            check_encoder(encoder, sees_ahead=fitting.settings.network.sees_ahead)
        if before is not None:
            self._check_same(before, fitting)
        limit = _BASELINE_S
        if self.options.budget_s is not None:
            limit = min(limit, _BASELINE_SHARE * self.options.budget_s)
        fitting.fit_baselines(limit, self.observe)
        for result, _ in fitting.of_baselines():
            if result.name in self.options.encoders:
                raise InputError(
                    "a baseline has this name", where=f"encoders[{result.name!r}]", fix="Take another one."
                )
        plan = before or self._new_plan(fitting)
        make_folder(self.out / TRIALS)
        self.sessions.note()
        tuned = self._trials(
            fitting, plan, tuning_trials(plan, self.asked.seed), sources, "Choosing learning rates"
        )
        chosen = self._chosen(plan, tuned)
        plan = self._replanned(plan, tuned, chosen, fitting.settings.training.epochs)
        final = self._trials(
            fitting, plan, final_trials(plan, self.asked.seed, chosen), sources, "Training with several seeds"
        )
        broken = {trial.candidate.cell for trial, record in final if record["failed"]}
        good = [trial for trial, _ in final if trial.candidate.cell not in broken]
        if not good:
            raise TrainingError(
                "no network could be trained", fix="Lower the learning rate: --set training.learning_rate=..."
            )
        runs: dict[str, list[Run]] = {}
        for trial in good:
            runs.setdefault(trial.candidate.cell, []).append(load(self.out / trial.name))
        self.observe(PhaseStarted("Comparing"))
        tasks = self.kind.tasks
        found = Conclusion(fitting, plan, self.out, final, good, runs, self.observe)
        summary = found.summary(
            tuned,
            task=tasks[0] if len(tasks) == 1 else None,
            notes=self.notes,
            warnings=self.warnings,
            command=self.command,
            call=self.call,
            seconds=self.sessions.total_s,
        )
        write_json(self.out / SUMMARY, summary)
        return summary, runs

    def _prepare(self, fitting: Fitting[Any, Any]) -> None:
        """Once for all networks; with a validation part, where there is something to choose."""
        self.observe(PhaseStarted("Preparing the data"))
        events: list[Event] = []
        fitting.prepare(None, events.append)
        if fitting.validation is None and self.options.trials > 1:
            if self.asked.validation == 0:
                raise InputError(
                    "learning rates are chosen on a validation part, and there is to be none",
                    where="--validation 0",
                    fix="Take --trials 1, or hold some examples out.",
                )
            fitting.options = self.asked = self.asked.model_copy(update={"validation": VALIDATION})
            events = [Said(f"{VALIDATION:.0%} of the training data are held out to choose learning rates on")]
            fitting.prepare(None, events.append)
        for event in events:
            self.observe(event)
        if not fitting.final_steps or not self._tested(fitting):
            raise InputError(
                "there is no test part to compare on",
                where="--test-share",
                fix="Leave it out, or give test data (--test).",
            )

    def _tested(self, fitting: Fitting[Any, Any]) -> bool:
        return bool(fitting.new_config([]).parts.get("test"))

    def _new_plan(self, fitting: Fitting[Any, Any]) -> Plan:
        """Made and written down."""
        plan = make_plan(self.kind.name, fitting, self.options, started=self.started, observer=self.observe)
        make_folder(self.out)
        write_json(self.out / PLAN, plan.model_dump(mode="json"))
        return plan

    def _replanned(
        self, plan: Plan, tuned: list[tuple[Trial, Record]], chosen: dict[str, float], epochs: int
    ) -> Plan:
        """The plan by the pace of the trials, written down; as it is without a budget, trials, or the second time."""
        if plan.options.budget_s is None or plan.tuned_length is not None or not tuned:
            return plan
        step_s: dict[str, list[float]] = {}
        for trial, record in tuned:
            if trial.candidate.cell in chosen and not record["failed"]:
                step_s.setdefault(trial.candidate.cell, []).append(record["seconds"] / record["steps"])
        left_s = plan.options.budget_s - self.sessions.total_s
        found = replanned(plan, step_s, epochs=epochs, left_s=left_s)
        if abs(found.length / plan.length - 1) > _WORTH_SAYING:
            unit = "epochs" if plan.options.match == "params" else "s"
            self.observe(
                Said(
                    f"by the pace of these trainings each scored one is planned for {found.length:.3g} {unit}, not "
                    f"{plan.length:.3g}"
                )
            )
        write_json(self.out / PLAN, found.model_dump(mode="json"))
        return found

    def _check_same(self, plan: Plan, fitting: Fitting[Any, Any]) -> None:
        """What can be refused before anything is fitted."""
        check_asked(plan, self.kind.name, self.options, self.asked)
        if plan.fingerprint != fitting.fingerprint:
            raise RunError(
                "the data is not the data that this comparison began with",
                where=str(self.out),
                fix="Give the same files, or start again in another folder.",
            )

    def _trials(
        self, fitting: Fitting[Any, Any], plan: Plan, trials: list[Trial], sources: list[str], phase: str
    ) -> list[tuple[Trial, Record]]:
        """All of them in their order, told as they end, with the time left."""
        if not trials:
            return []
        self.observe(PhaseStarted(f"{phase}: {len(trials)} trainings"))
        there = [trial for trial in trials if record_of(self.out, trial) is not None]
        if there:
            self.observe(Said(f"{len(there)} of {len(trials)} trainings are there from before"))
        clock = Clock(
            sum(plan.training_s(trial.candidate, trial.purpose) for trial in trials if trial not in there)
        )
        found: dict[str, Record] = {}
        together = run_trials(
            fitting,
            trials,
            self.out,
            threads=plan.threads,
            jobs=self.options.jobs,
            sources=sources,
            observer=self.observe_trial,
        )
        try:
            for trial, record in together:
                found[trial.name] = record
                if trial in there:
                    continue
                self.sessions.note()
                left = clock.ended(plan.training_s(trial.candidate, trial.purpose))
                self.observe(
                    Said(f"{len(found)} of {len(trials)}: {told_trial(trial, record)}{told_left(left)}")
                )
                if self.options.jobs > 1:
                    self.observe(Measured(len(found), len(trials), "trainings"))
        finally:
            self.sessions.note()
        return [(trial, found[trial.name]) for trial in trials]

    def _chosen(self, plan: Plan, tuned: list[tuple[Trial, Record]]) -> dict[str, float]:
        """Cell -> learning rate; cells of which every training failed are told and left out."""
        chosen = {}
        for each in plan.candidates:
            records = [record for trial, record in tuned if trial.candidate.cell == each.cell]
            rate = chosen_rate(records) if records else each.learning_rates[0]
            if rate is None:
                self.observe(
                    Said(f"{cell_name(each.cell)} is left out: no learning rate led anywhere", "warning")
                )
                continue
            chosen[each.cell] = rate
            if len(records) > 2 and rate in (min(each.learning_rates), max(each.learning_rates)):
                self.observe(
                    Said(
                        f"{cell_name(each.cell)}: the best learning rate, {rate:.3g}, is at the edge of those tried; "
                        f"{self.options.trials + 2} trials would look further"
                    )
                )
        return chosen
