"""Runs that answer at every step: what they said at each, and which steps and columns the last answer comes from."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from recurra.data.examples import Examples
from recurra.errors import DataError
from recurra.explanation.answers import Answers
from recurra.explanation.attribution import attribute
from recurra.explanation.gates import gate_courses
from recurra.explanation.result import Explained
from recurra.explanation.sequences import frozen, of_numbers, readings
from recurra.networks.step_network import StepNetwork
from recurra.runs.events import Observer
from recurra.runs.tags.run import TagRun

_FORWARDS = "The network reads in one direction: this is what it says at each step, as its stream does"
_BOTH = "The network reads from both ends: what it says at a step knows the whole sequence"


def explain_tags(run: TagRun, example: Examples, name: str, of: str | None, observer: Observer) -> Explained:
    """Explain what `run` says at the last step of one sequence; for an earlier one, give the sequence up to there.

    Args:
        of: the class or label to explain; None: the one that is answered, or likeliest.

    Raises:
        DataError: nothing in it to read.
        InputError: no such class.
    """
    network = frozen(run.network)
    assert isinstance(network, StepNetwork)
    encoded = run.encode(example)[0]
    if not len(encoded):
        raise DataError("the sequence has no steps, so there is nothing to explain", where=name)
    answers = Answers(run, of)
    columns, parts, notes = readings(run, encoded)
    whole, lengths = torch.from_numpy(encoded), torch.tensor([len(encoded)])
    with torch.no_grad():
        outputs = network(whole[None], lengths)[0]
    how = _BOTH if network.config.bidirectional else _FORWARDS
    ends = torch.tensor([part.end - 1 for part in parts])
    course, answer, told = answers.course(outputs[ends], how, begun=False)
    notes.append(f"what is explained is the answer at the last step, {len(encoded):,}")
    gates = gate_courses(network, (whole[None], lengths), parts, np.arange(len(encoded)))
    if not gates:
        notes.append(f"{network.config.cell_name}: there is no gate that decides between old and new")

    def value(x: Tensor) -> Tensor:
        return answers.number(network(x, torch.full((len(x),), x.shape[1]))[:, -1])

    return Explained(
        name=name,
        answer=answer,
        answers=told,
        parts=parts,
        columns=columns,
        course=course,
        attribution=attribute(of_numbers(run.numbers, answers.named, value, whole, parts), observer),
        gates=gates,
        notes=notes,
    )
