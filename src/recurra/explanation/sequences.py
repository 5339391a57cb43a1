"""Runs that say one thing of a sequence: what they say after each part of it, and which parts mattered."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from recurra.data.examples import Examples
from recurra.diagnosis.subject import copy_of
from recurra.errors import DataError, InputError
from recurra.explanation.attribution import BATCH, Question, attribute
from recurra.explanation.gates import gate_courses
from recurra.explanation.parts import blocks, owners, parts_of_text
from recurra.explanation.result import Course, Explained, Part
from recurra.networks.inputs import UNKNOWN_ID, FeatureInput, TokenInput
from recurra.networks.sequence_network import SequenceNetwork
from recurra.runs.events import Observer
from recurra.runs.sequences.run import SequenceRun

_MOST_CELLS = 480
_FEWEST_BLOCKS = 8
_NO_WORD = "the unknown word, which also stood for words hidden in training"
_NO_NUMBER = "its column's mean in training"


def explain_sequence(
    run: SequenceRun, example: Examples, name: str, of: str | None, observer: Observer
) -> Explained:
    """Explain what `run` says of one example.

    Args:
        of: the class or label to explain; None: the one that is answered, or likeliest.

    Raises:
        DataError: nothing in it to read.
        InputError: no such class.
    """
    network = frozen(run.network)
    assert isinstance(network, SequenceNetwork)
    encoded = run.encode(example)[0]
    if not len(encoded):
        what = "text holds no word" if run.text is not None else "sequence has no steps"
        raise DataError(f"the {what}, so there is nothing to explain", where=name)
    answers = _Answers(run, of)
    if run.text is not None:
        parts, notes = _words(run, example, encoded)
        columns, whole = ["text"], torch.from_numpy(encoded.astype(np.int64))
    else:
        columns, parts, notes = _readings(run, encoded)
        whole = torch.from_numpy(encoded)
    course, answer, told = answers.course(network, whole, parts)
    make = _of_words if run.text is not None else _of_numbers
    joined = _joined(network)
    gates = gate_courses(
        network, (whole[None], torch.tensor([len(whole)])), parts, np.arange(len(whole)) // joined
    )
    if gates and joined > 1:
        notes.append(
            f"the recurrent layers read {joined} steps at once, and the gates are those of such readings"
        )
    if not gates:
        notes.append(f"{network.config.cell_name}: there is no gate that decides between old and new")
    return Explained(
        name=name,
        answer=answer,
        answers=told,
        parts=parts,
        columns=columns,
        course=course,
        attribution=attribute(make(run, network, answers, whole, parts), observer),
        gates=gates,
        notes=notes,
    )


def frozen(network: torch.nn.Module) -> torch.nn.Module:
    """A copy on the CPU in evaluation mode, whose weights ask for no gradients."""
    return copy_of(network).requires_grad_(False)


def _words(run: SequenceRun, example: Examples, ids: np.ndarray) -> tuple[list[Part], list[str]]:
    assert run.text is not None and example.texts is not None
    text = str(example.texts[0])
    parts, notes = parts_of_text(text, run.text.spans(text), ids, run.text.level)
    if run.text.encode_counting([text])[1]:
        half = f"{run.text.max_steps // 2:,} {run.text.level}s"
        notes.append(f"this text is long: the network reads its first and its last {half}")
    return parts, notes


def _readings(run: SequenceRun, encoded: np.ndarray) -> tuple[list[str], list[Part], list[str]]:
    """Columns, blocks of steps, and what has to be known of them."""
    assert run.numbers is not None
    count = run.numbers.channels
    columns = run.config.data_schema.channels
    columns = list(columns) if len(columns) == count else [f"column {k + 1}" for k in range(count)]
    parts = blocks(len(encoded), max(_FEWEST_BLOCKS, _MOST_CELLS // count))
    notes = []
    if parts[0].end > 1:
        notes.append(f"{len(encoded):,} steps are looked at {parts[0].end} at a time")
    return columns, parts, notes


def _joined(network: SequenceNetwork) -> int:
    """Steps of the input to one of the recurrent layers."""
    if isinstance(network.input, FeatureInput):
        return math.prod(network.input.parts) if network.input.parts else network.input.segment
    return 1


class _Answers:
    """The number that is explained, and what a run says, from the outputs of its network."""

    def __init__(self, run: SequenceRun, of: str | None):
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

    def course(
        self, network: SequenceNetwork, whole: Tensor, parts: Sequence[Part]
    ) -> tuple[Course, str, dict[str, float]]:
        """What is said of nothing and of every beginning; the answer to all of it, in words and as numbers."""
        ends = torch.tensor([0, *(part.end for part in parts)])
        outputs = _of_beginnings(network, whole, ends)
        answer = self.run.task.answer(outputs, self.run.config.decision)
        how = _how(network)
        if answer.probabilities is None:
            values = [float(each) for each in answer.labels]
            said = f"{self.of}: {values[-1]:.4g}"
            course = Course(
                self.of, False, values[0], values[1:], [f"{each:.4g}" for each in values[1:]], how
            )
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
        p = shares[:, self.chosen]
        said = f"{labels[-1]}" + (
            "" if self.kind == "multilabel" else f", probability {last[labels[-1]]:.3f}"
        )
        course = Course(
            f"probability of {self.of}", True, float(p[0]), [float(each) for each in p[1:]], labels[1:], how
        )
        return course, said, last


def _of_beginnings(network: SequenceNetwork, whole: Tensor, ends: Tensor) -> Tensor:
    """(E, K) outputs for the first `ends` (E,) steps of a sequence (T, ...), each as a sequence by itself."""
    found = []
    with torch.no_grad():
        for some in ends.split(max(1, BATCH // len(whole))):
            batch = whole[: max(1, int(some.max()))]
            found.append(network(batch.expand(len(some), *batch.shape), some))
    return torch.cat(found)


def _how(network: SequenceNetwork) -> str:
    """How the beginnings were read, and what that means."""
    try:
        network.stages()
    except InputError as error:
        said = "Every beginning was read anew, as if nothing followed: this is what would be said of it alone"
        return f"{said} ({error.problem})"
    return "The network reads in one direction: this is what it says at each moment, as its stream does"


def _of_words(
    run: SequenceRun, network: SequenceNetwork, answers: _Answers, ids: Tensor, parts: Sequence[Part]
) -> Question:
    """Over the vectors of tokens and of pairs of them; a pair's part is shared by its two tokens."""
    steps, owner, reader = len(ids), owners(parts), network.input
    assert isinstance(reader, TokenInput)

    def without(mask: Tensor) -> tuple[Tensor, ...]:
        left = torch.where(mask[:, owner, 0], UNKNOWN_ID, ids)
        words = reader.embedding(left)
        both, _ = reader(left, torch.full((len(left),), steps))
        return words, both - words

    def value(words: Tensor, pairs: Tensor) -> Tensor:
        lengths = torch.full((len(words),), steps)
        output, _ = network.encoder(words + pairs, lengths=lengths)
        return answers.number(network.head(network.pooling(output, lengths)))

    def cells(attributions: tuple[Tensor, ...]) -> Tensor:
        words, pairs = (each.sum(-1) for each in attributions)
        own = words + pairs / 2
        own[:-1] += pairs[1:] / 2
        own[0] += pairs[0] / 2  # a pair with nothing before it
        return torch.zeros(len(parts), dtype=own.dtype).index_add_(0, owner, own)[:, None]

    return Question(
        of=answers.named,
        value=value,
        without=without,
        cells=cells,
        there=torch.ones(len(parts), 1, dtype=torch.bool),
        steps=steps,
        baseline=_NO_WORD,
    )


def _of_numbers(
    run: SequenceRun, network: SequenceNetwork, answers: _Answers, x: Tensor, parts: Sequence[Part]
) -> Question:
    """Over the scaled numbers; the mark of a column's missing values goes with the column."""
    assert run.numbers is not None
    steps, owner, count = len(x), owners(parts), run.numbers.channels
    column = torch.from_numpy(np.concatenate([np.arange(count), np.flatnonzero(run.numbers.marked)]))

    def without(mask: Tensor) -> tuple[Tensor, ...]:
        return (torch.where(mask[:, owner][:, :, column], 0.0, x),)

    def value(x: Tensor) -> Tensor:
        return answers.number(network(x, torch.full((len(x),), steps)))

    def cells(attributions: tuple[Tensor, ...]) -> Tensor:
        (own,) = attributions
        of_parts = torch.zeros(len(parts), own.shape[1], dtype=own.dtype).index_add_(0, owner, own)
        return torch.zeros(len(parts), count, dtype=own.dtype).index_add_(1, column, of_parts)

    return Question(
        of=answers.named,
        value=value,
        without=without,
        cells=cells,
        there=torch.ones(len(parts), count, dtype=torch.bool),
        steps=steps,
        baseline=_NO_NUMBER,
    )
