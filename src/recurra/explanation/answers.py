"""Runs on sequences: the number of their answer that is explained, and what they say while they read."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recurra.errors import InputError
from recurra.explanation.result import Course
from recurra.runs.sequences.run import SequenceRun
from recurra.runs.tags.run import TagRun


class Answers:
    """The number that is explained, and what a run says, from the outputs of its network."""

    def __init__(self, run: SequenceRun | TagRun, of: str | None):
        self.run, self.kind = run, run.targets.kind
        self.classes = [str(each) for each in run.classes]
        self.chosen: int | None = None
        if of is not None:
            if self.kind == "real":
                raise InputError(
                    "this run answers a number, and has no classes", where="--of", fix="Leave it out."
                )
            if of not in self.classes:
                raise InputError(
                    f"there is no class {of!r}",
                    where="--of",
                    fix=f"The classes are: {', '.join(self.classes)}.",
                )
            self.chosen = self.classes.index(of)
        decision = run.config.decision
        self.temperature = 1.0 if decision is None else decision.temperature

    @property
    def of(self) -> str:
        """The class or label that is explained, or the target."""
        if self.kind == "real":
            return ", ".join(self.run.config.data_schema.target) or "the target"
        assert self.chosen is not None
        return self.classes[self.chosen]

    @property
    def named(self) -> str:
        """The number that is explained."""
        return self.of if self.kind == "real" else f"log-odds of {self.of}"

    def number(self, output: Tensor) -> Tensor:
        """(B, K) outputs -> (B,): a target in its own unit, or a class's log-odds, log(p / (1 - p))."""
        if self.kind == "real":
            return output[:, 0] * self.run.targets.scale + self.run.targets.mean
        k, logits = self.chosen, output / self.temperature
        assert k is not None
        if self.kind == "multilabel":
            return logits[:, k]
        others = torch.cat([logits[:, :k], logits[:, k + 1 :]], 1)
        return logits[:, k] - others.logsumexp(1)

    def course(self, outputs: Tensor, how: str, *, begun: bool) -> tuple[Course, str, dict[str, float]]:
        """What is said while it is read; the last answer, in words and as numbers.

        Args:
            outputs: (P, K), after each part; before them one of nothing, where it is `begun` with that.
            how: they were found, in a sentence.
        """
        answer = self.run.task.answer(outputs, self.run.config.decision)
        if answer.probabilities is None:
            values = [float(each) for each in answer.labels]
            said = f"{self.of}: {values[-1]:.4g}"
            before, after = (values[0], values[1:]) if begun else (None, values)
            course = Course(self.of, False, before, after, [f"{each:.4g}" for each in after], how)
            return course, said, {self.of: values[-1]}
        shares = answer.probabilities
        last = {name: float(p) for name, p in zip(self.classes, shares[-1], strict=True)}
        if self.kind == "multilabel":
            sets = [[n for n, there in zip(self.classes, row, strict=True) if there] for row in answer.labels]
            labels = [", ".join(each) or "none" for each in sets]
        else:
            labels = [str(each) for each in answer.labels]
        if self.chosen is None:
            answered = self.kind != "multilabel"
            self.chosen = self.classes.index(labels[-1]) if answered else int(np.argmax(shares[-1]))
        p = [float(each) for each in shares[:, self.chosen]]
        said = f"{labels[-1]}" + (
            "" if self.kind == "multilabel" else f", probability {last[labels[-1]]:.3f}"
        )
        before, after = (p[0], p[1:]) if begun else (None, p)
        course = Course(f"probability of {self.of}", True, before, after, labels[-len(after) :], how)
        return course, said, last
