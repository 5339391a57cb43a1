"""What a diagnosis holds, and how it is written down."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from recurra.diagnosis.measures.capacity import Capacity
from recurra.diagnosis.measures.gates import LayerGates
from recurra.diagnosis.measures.gradients import LayerGradients
from recurra.diagnosis.measures.memory import Memory
from recurra.diagnosis.measures.parallelism import Parallelism
from recurra.diagnosis.measures.training import Course
from recurra.errors import RunError

FORMAT = 3
Severity = Literal["problem", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Args:
        name: which rule found it; the same in every diagnosis.
        severity: "problem": the network does not work as it should; "warning": it may lose by it; "note": good to know.
        says: a sentence with the number.
        means: a sentence on what follows from it.
        change: what to do, an option and a value where there is one; empty where nothing need be done.
        value, threshold: the number, and what it was held against.
    """

    name: str
    severity: Severity
    says: str
    means: str
    change: str
    value: float
    threshold: float


@dataclass(frozen=True)
class Measures:
    """All that was measured; None or empty where it could not be, or was not asked for.

    Args:
        gradients: for each layer and direction.
        memory: how the answers change with inputs k steps back.
        gates: for each layer and direction.
        relus: for every ReLU outside the recurrent layers, the share of its units that are never above 0.
        training: the course of the training.
        parallelism: times of the layers.
        capacity: the field's tests.
    """

    gradients: list[LayerGradients]
    memory: Memory
    gates: list[LayerGates]
    relus: dict[str, float]
    training: Course | None
    parallelism: Parallelism
    capacity: list[Capacity] = field(default_factory=list)


@dataclass(frozen=True)
class Diagnosis:
    """What was measured of a network, and what follows.

    Args:
        cell: of its first recurrent layer.
        steps: the longest of the sequences that were looked at.
        notes: what was looked at, and what was left out.
        measures: the numbers.
        findings: the gravest first.
        thresholds: what the numbers were held against.
        model: SHA-256 of the run's weights, by which a stored diagnosis is known to be theirs; None in memory.
        sources: where the data came from; nothing where they were given in Python.
        versions, machine: what it was measured with.
        command: the command line that asked for it, word by word; None where it was asked for from Python.
    """

    cell: str
    steps: int
    notes: list[str]
    measures: Measures
    findings: list[Finding]
    thresholds: dict[str, float]
    model: str | None = None
    sources: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    command: list[str] | None = None

    @property
    def healthy(self) -> bool:
        """Whether nothing but notes was found."""
        return all(finding.severity == "note" for finding in self.findings)

    @property
    def summary(self) -> str:
        """One sentence."""
        problems = sum(finding.severity == "problem" for finding in self.findings)
        warnings = sum(finding.severity == "warning" for finding in self.findings)
        if self.healthy:
            return "Nothing was found wrong: gradients, gates, states and training are within bounds."
        parts = [
            f"{count} {word}{'s' if count > 1 else ''}"
            for count, word in ((problems, "problem"), (warnings, "warning"))
            if count
        ]
        return f"Found: {' and '.join(parts)}."

    def to_json(self) -> dict[str, Any]:
        """The content of `diagnosis.json`."""
        return {"format": FORMAT, "healthy": self.healthy, "summary": self.summary, **asdict(self)}

    @classmethod
    def from_json(cls, content: Any, where: str) -> Diagnosis:
        """The inverse of `to_json`.

        Raises:
            RunError: anything else, `where` says in which file; unknown keys are refused.
        """
        own = (
            {name: content.get(name) for name in cls.__dataclass_fields__}
            if isinstance(content, dict)
            else {}
        )
        try:
            found = TypeAdapter(cls).validate_python(own)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise _broken(f"{place}: {first['msg']}", where) from error
        if found.to_json() != content:
            raise _broken("it holds keys or values that no diagnosis of this version has", where)
        return found


def _broken(problem: str, where: str) -> RunError:
    return RunError(problem, where=where, fix="Measure again: recurra diagnose RUN.")
