"""What an explanation holds, and how it is written down."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

FORMAT = 1


@dataclass(frozen=True)
class Part:
    """Neighbouring steps of an input that are looked at together: a word, some readings, some lags.

    Args:
        text: for people: the word itself, or in the form "step 3", "lags 24 to 23", "ahead 1".
        begin, end: the steps of the input, counted from 0, `end` not among them; those ahead of a forecast follow
            on its past.
        known: whether the network knows it; of words alone can it be false.
    """

    text: str
    begin: int
    end: int
    known: bool = True


@dataclass(frozen=True)
class Course:
    """What the network says while it reads.

    Args:
        of: what the values are, in the form "probability of pos".
        share: whether the values are shares of 1.
        before: the value before anything was read; None where there is none.
        values: one after each part; of running text that of the part itself, told from those before it.
        says: the answer after each part; of running text the likeliest token in each place.
        how: how it was found out, in a sentence.
    """

    of: str
    share: bool
    before: float | None
    values: list[float]
    says: list[str]
    how: str


@dataclass(frozen=True)
class Agreement:
    """How far occlusion and integrated gradients say the same.

    Args:
        correlation: of the ranks (Spearman) over all cells; None where there are too few, or all are alike.
        shared, strongest: so many of so many strongest cells are named by both.
        verdict: "agree", "agree in part", "do not agree", or "not compared".
        says: the same as a sentence.
    """

    correlation: float | None
    shared: int
    strongest: int
    verdict: Literal["agree", "agree in part", "do not agree", "not compared"]
    says: str


@dataclass(frozen=True)
class Attribution:
    """What each cell, a part of one column, adds to one number that the network says.

        occlusion_pc  = F(x) - F(x without cell pc)
        integrated_pc = sum over the cell of (x - x0) * mean of dF/dx on the way from x0 to x
        gap           = sum of integrated - (F(x) - F(x0))

    Positive is for what is explained, negative against it. None stands for a cell that there is not, or that was
    not looked at.

    Args:
        of: F, in the form "log-odds of pos".
        value, baseline_value: F(x) and F(x0).
        baseline: what x0, and a cell that is taken away, is, in words.
        occlusion, integrated: (P, C).
        columns, parts: occlusion of a whole column (C,), and of a part in all columns (P,).
        path_steps: points of the way at which the gradient was taken.
        gap, gap_share: as above, and over the sum of the absolute values of `integrated`.
        agreement: of the two.
    """

    of: str
    value: float
    baseline_value: float
    baseline: str
    occlusion: list[list[float | None]]
    integrated: list[list[float | None]]
    columns: list[float]
    parts: list[float | None]
    path_steps: int
    gap: float
    gap_share: float
    agreement: Agreement

    @property
    def complete(self) -> bool:
        """Whether what the integrated gradients miss is a twentieth at most of all that they attribute."""
        return abs(self.gap_share) <= 0.05

    def of_part(self, p: int) -> float | None:
        """Integrated gradients of part `p`, over all columns; None where it was not looked at."""
        there = [value for value in self.integrated[p] if value is not None]
        return sum(there) if there else None

    @property
    def sums(self) -> list[float]:
        """(C,) integrated gradients of a column, added up."""
        return [sum(row[c] or 0.0 for row in self.integrated) for c in range(len(self.columns))]


@dataclass(frozen=True)
class GateCourse:
    """Mean over the units of the gate that keeps or renews the state, while the network reads each part.

    Args:
        layer: "layer 1" or "layer 1 backwards".
        gate: its name in the cell.
        does: what a value near 1 means.
        values: one for each part; None where the layer does not read it.
    """

    layer: str
    gate: str
    does: str
    values: list[float | None]


@dataclass(frozen=True)
class Explained:
    """One input and what became of it.

    Args:
        name: which it is, in the form "row 5".
        answer: what the network says, in a sentence.
        answers: the same as numbers: probabilities of classes, labels or next tokens, forecasts by time, a value.
        parts, columns: P and C, what the attributions are of; a text has one column.
        course: None of a forecast, which is made at once.
        attribution: what mattered.
        gates: empty of a cell without such a gate.
        notes: what was left out, or has to be known.
    """

    name: str
    answer: str
    answers: dict[str, float]
    parts: list[Part]
    columns: list[str]
    course: Course | None
    attribution: Attribution
    gates: list[GateCourse]
    notes: list[str]


@dataclass(frozen=True)
class Explanation:
    """Why a run says what it says of some inputs.

    Args:
        kind: of the run.
        cell: of its network, as people write it.
        purpose: what the run answers, in the form "label from text".
        examples: one for each input.
        notes: of all of them.
        model: SHA-256 of the run's weights; None in memory.
    """

    kind: Literal["sequence", "tag", "forecast", "text"]
    cell: str
    purpose: str
    examples: list[Explained]
    notes: list[str]
    model: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"format": FORMAT, **asdict(self)}
