"""All measures in a row, of a run or of any network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from recurra.diagnosis.examples import subject_of
from recurra.diagnosis.findings import THRESHOLDS, find
from recurra.diagnosis.measures.capacity import capacity as measure_capacity
from recurra.diagnosis.measures.gates import gates_and_states
from recurra.diagnosis.measures.gradients import gradients_over_time
from recurra.diagnosis.measures.memory import memory
from recurra.diagnosis.measures.parallelism import parallelism
from recurra.diagnosis.measures.training import course
from recurra.diagnosis.result import Diagnosis, Measures
from recurra.diagnosis.subject import Subject, recurrent_layers
from recurra.runs.config import circumstances
from recurra.runs.events import Observer, PhaseStarted, ignore
from recurra.runs.loading import run_of
from recurra.runs.run import MODEL, Run


def diagnose(
    run: Run[Any, Any] | str | Path | Any,
    data: Any = None,
    *,
    capacity: bool = False,
    encoding: str | None = None,
    observer: Observer = ignore,
) -> Diagnosis:
    """Measure what the network of a run does with its gradients, its gates and its memory, and say what is wrong.

    Args:
        run: a run, its folder, or a fitted estimator.
        data: a file, a frame or what else the run was trained on, with the targets; None: the data that the run
            names, where they still are.
        capacity: also train its cell anew on the field's tests of memory, which takes about a minute.
        encoding: of a text file; else it is detected.
        observer: is told what is being done.

    Raises:
        RunError: no complete run.
        DataError, InputError: no data, or data that do not fit.

    >>> diagnose("no/such/run")
    Traceback (most recent call last):
        ...
    recurra.errors.RunError: no/such/run: this is not a run folder ...
    """
    run = run_of(run)
    subject = subject_of(run, data, encoding=encoding, observer=observer)
    found = examine(subject, capacity=capacity, observer=observer)
    return replace(found, model=run.config.files.get(MODEL), sources=_sources(run, data))


def examine(subject: Subject, *, capacity: bool = False, observer: Observer = ignore) -> Diagnosis:
    """The same of any network with layers of `recurra.layers`.

    >>> import torch, recurra
    >>> class Last(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.recurrent = recurra.GRU(2, 8, batch_first=True)
    ...         self.head = torch.nn.Linear(8, 1)
    ...     def forward(self, x):
    ...         return self.head(self.recurrent(x)[0][:, -1])
    >>> x, y = torch.randn(8, 12, 2), torch.randn(8, 1)
    >>> subject = Subject(
    ...     network=Last(), inputs=(x,), loss=lambda out: ((out - y) ** 2).mean(), answer=lambda out: out)
    >>> found = examine(subject)
    >>> found.healthy, found.measures.gates[0].name
    (True, 'layer 1')
    """

    def measured(name: str, measure: Callable[[Subject], Any]) -> Any:
        observer(PhaseStarted(name))
        return measure(subject)

    gates, relus = measured("Gates and states", gates_and_states)
    measures = Measures(
        gradients=measured("The gradient over time", gradients_over_time),
        memory=measured("Memory", memory),
        gates=gates,
        relus=relus,
        training=course(subject),
        parallelism=measured("Time against length and batch", parallelism),
        capacity=_capacity(subject, observer) if capacity else [],
    )
    return Diagnosis(
        cell=subject.cell,
        steps=int(subject.valid.max()),
        notes=list(subject.notes),
        measures=measures,
        findings=find(measures, subject),
        thresholds=THRESHOLDS.to_json(),
        **circumstances(),
    )


def _sources(run: Run[Any, Any], data: Any) -> list[str]:
    if data is None:
        return run.config.sources[:1]
    return [str(data)] if isinstance(data, str | Path) else []


def _capacity(subject: Subject, observer: Observer) -> Any:
    layer = next(iter(recurrent_layers(subject.network).values()))
    return measure_capacity(
        type(layer).__name__.lower(),  # pyright: ignore[reportArgumentType]
        layer.hidden_size,
        seed=subject.seed,
        told=lambda test, length: observer(PhaseStarted(f"Capacity: {test} over {length} steps")),
    )
