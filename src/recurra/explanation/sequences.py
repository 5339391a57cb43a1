"""Runs that say one thing of a sequence: what they say after each part of it, and which parts mattered."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from recurra.data.examples import Examples
from recurra.data.images.pixels import PixelEncoder
from recurra.data.numbers import NumberEncoder
from recurra.diagnosis.subject import copy_of
from recurra.errors import DataError, InputError
from recurra.explanation.answers import Answers
from recurra.explanation.attribution import BATCH, Question, attribute
from recurra.explanation.gates import gate_courses
from recurra.explanation.parts import blocks, owners, parts_of_text
from recurra.explanation.result import Explained, Part
from recurra.networks.inputs import UNKNOWN_ID, FeatureInput, TokenInput
from recurra.networks.sequence_network import SequenceNetwork
from recurra.runs.events import Observer
from recurra.runs.sequences.run import SequenceRun
from recurra.runs.tags.run import TagRun

_MOST_CELLS = 480
_FEWEST_BLOCKS = 8
_NO_WORD = "the unknown word, which also stood for words hidden in training"
_NO_NUMBER = "its column's mean in training"
_NO_FLAG = f"{_NO_NUMBER}, or 0 in a column of 0 and 1"
_NO_PIXEL = "the mean of its colour over all pixels in training"


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
    answers = Answers(run, of)
    if run.text is not None:
        parts, notes = _words(run, example, encoded)
        columns, whole = ["text"], torch.from_numpy(encoded.astype(np.int64))
    else:
        columns, parts, notes = readings(run, encoded)
        whole = torch.from_numpy(encoded)
    ends = torch.tensor([0, *(part.end for part in parts)])
    course, answer, told = answers.course(_of_beginnings(network, whole, ends), _how(network), begun=True)
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
    text, level = str(example.texts[0]), run.text.level
    head = (run.text.max_steps + 1) // 2
    cut = run.text.encode_counting([text])[1] > 0
    readable, spans = run.text.readable(text), run.text.spans(text)
    parts, notes = parts_of_text(readable, spans, ids, level, gap=head if cut else None)
    if cut:
        last = run.text.max_steps - head
        notes.append(
            f"this text is long: the network reads its first {head:,} {level}s and its last {last:,}"
        )
    return parts, notes


def readings(run: SequenceRun | TagRun, encoded: np.ndarray) -> tuple[list[str], list[Part], list[str]]:
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
    run: SequenceRun, network: SequenceNetwork, answers: Answers, ids: Tensor, parts: Sequence[Part]
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
    run: SequenceRun, network: SequenceNetwork, answers: Answers, x: Tensor, parts: Sequence[Part]
) -> Question:
    """Over the scaled numbers."""
    assert run.numbers is not None

    def value(x: Tensor) -> Tensor:
        return answers.number(network(x, torch.full((len(x),), x.shape[1])))

    return of_numbers(run.numbers, answers.named, value, x, parts)


def of_numbers(
    numbers: NumberEncoder | PixelEncoder,
    named: str,
    value: Callable[[Tensor], Tensor],
    x: Tensor,
    parts: Sequence[Part],
) -> Question:
    """Of the scaled numbers of one sequence; the mark of a column's missing values goes with the column.

    Args:
        named, value: the number that is explained, and how it follows from (B, T, I).
        x: (T, I).
    """
    steps, owner, count = len(x), owners(parts), numbers.channels
    column = torch.from_numpy(np.concatenate([np.arange(count), np.flatnonzero(numbers.marked)]))

    def without(mask: Tensor) -> tuple[Tensor, ...]:
        return (torch.where(mask[:, owner][:, :, column], 0.0, x),)

    def cells(attributions: tuple[Tensor, ...]) -> Tensor:
        (own,) = attributions
        of_parts = torch.zeros(len(parts), own.shape[1], dtype=own.dtype).index_add_(0, owner, own)
        return torch.zeros(len(parts), count, dtype=own.dtype).index_add_(1, column, of_parts)

    return Question(
        of=named,
        value=value,
        without=without,
        cells=cells,
        there=torch.ones(len(parts), count, dtype=torch.bool),
        steps=steps,
        baseline=_nothing(numbers),
    )


def _nothing(numbers: NumberEncoder | PixelEncoder) -> str:
    """What a scaled number of 0 is, in words."""
    if isinstance(numbers, PixelEncoder):
        return _NO_PIXEL
    kept = (numbers.means == 0) & (numbers.scales == 1)
    return _NO_FLAG if kept.any() else _NO_NUMBER
