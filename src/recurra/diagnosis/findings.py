"""What follows from the measures: rules with stated thresholds, each with a sentence, a meaning and a remedy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from recurra.diagnosis.advice import Advice
from recurra.diagnosis.measures.gates import LayerGates
from recurra.diagnosis.measures.gradients import LayerGradients
from recurra.diagnosis.measures.memory import Memory
from recurra.diagnosis.result import Finding, Measures
from recurra.diagnosis.subject import Subject
from recurra.diagnosis.thresholds import THRESHOLDS
from recurra.diagnosis.training_findings import training_findings

_ORDER = ("problem", "warning", "note")


def find(measures: Measures, subject: Subject) -> list[Finding]:
    """What follows from the measures, the gravest first; nothing but notes of a healthy network."""
    advice = Advice(subject.settings)
    lost = {each.name for each in measures.gradients if each.trained.carried.falls_below(THRESHOLDS.vanished)}
    found = [
        *(finding for layer in measures.gradients for finding in _of_gradients(layer, subject, advice)),
        *_of_all_gradients(measures.gradients),
        *_of_memory(measures.memory, int(subject.valid.max()), advice),
        *(finding for layer in measures.gates for finding in _of_gates(layer, layer.name in lost, advice)),
        *_of_time_constants(measures.gates),
        *_of_relus(measures.relus, advice),
        *training_findings(measures.training, advice),
        *_of_parallelism(measures, advice),
        *_of_capacity(measures),
    ]
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))


def _of_gradients(layer: LayerGradients, subject: Subject, advice: Advice) -> Iterator[Finding]:
    t, carried, loss = THRESHOLDS, layer.trained.carried, layer.trained.loss
    steps = len(carried.median)
    if steps < 2:
        return
    before = "" if layer.initial is None else _before(layer)
    exploded = carried.rises_above(t.exploded, carried.high)
    gone, lost = carried.falls_below(t.vanished), loss.falls_below(t.vanished)
    has_other_ways = lost is None or lost > t.gone_at_once
    if exploded is not None:
        usual = carried.rises_above(t.exploded, carried.median) is not None
        largest = max(carried.median if usual else carried.high) / max(carried.median[0], 1e-30)
        yield Finding(
            "exploding gradient",
            "problem" if usual else "warning",
            f"{_named(layer.name)}: the gradient grows on its way back to {largest:.3g} times what it began with"
            f"{'' if usual else ' in one of ten examples'}, to {t.exploded:g} times within {exploded} steps{before}.",
            "Single sequences decide where the weights go; training is unsteady, or kept going by clipping alone.",
            advice.steadier_recurrence(),
            largest,
            t.exploded,
        )
    elif gone is not None and gone <= t.gone_at_once - has_other_ways:
        yield Finding(
            "no recurrence",
            "problem",
            f"{_named(layer.name)}: {gone} step{'s' * (gone != 1)} back less than {t.vanished:g} of the gradient "
            f"is left{before}.",
            "The layer carries nothing from step to step; it can learn nothing that takes more than a few steps.",
            advice.longer_memory(),
            gone,
            t.gone_at_once,
        )
    elif gone is not None and lost is not None and lost < t.gone_early * steps:
        yield Finding(
            "vanishing gradient",
            "warning",
            f"{_named(layer.name)}: of {steps} steps the loss's gradient reaches back {lost}; beyond, less than "
            f"{t.vanished:g} of it is left{before}.",
            "What stands farther back cannot be learned, should it matter.",
            advice.longer_memory(),
            lost,
            t.gone_early * steps,
        )


def _of_all_gradients(layers: list[LayerGradients]) -> Iterator[Finding]:
    """How far the recurrence carries the gradient where it does it least, if that is not over all steps."""
    reaches = [(layer.trained.carried.falls_below(THRESHOLDS.vanished), layer) for layer in layers]
    gone = [(lag, layer) for lag, layer in reaches if lag is not None]
    if not gone:
        return
    lag, layer = min(gone, key=lambda pair: pair[0])
    yield Finding(
        "reach of the gradient",
        "note",
        f"The recurrence carries the gradient {lag} of {len(layer.trained.carried.median)} steps back in {layer.name}"
        f"{'' if layer.initial is None else _before(layer)}.",
        "What lies farther back is learned on other ways (pooling, an answer at every step), or not.",
        "",
        lag,
        THRESHOLDS.gone_at_once,
    )


def _before(layer: LayerGradients) -> str:
    """What it was before training, in brackets."""
    assert layer.initial is not None
    gone = layer.initial.carried.falls_below(THRESHOLDS.vanished)
    exploded = layer.initial.carried.rises_above(THRESHOLDS.exploded, layer.initial.carried.high)
    if exploded is not None:
        return f" (before training it grew, too, from {exploded} steps on)"
    return f" (before training: {'all of them' if gone is None else f'{gone} steps'})"


def _of_memory(memory: Memory, steps: int, advice: Advice) -> Iterator[Finding]:
    t = THRESHOLDS
    if memory.not_finite:
        yield Finding(
            "answers not finite",
            "problem",
            f"{memory.not_finite} of the examples have an answer that is no finite number.",
            "Numbers overflowed on the way.",
            f"Train again with {advice.rate(0.1)}; see that the inputs are scaled.",
            memory.not_finite,
            0,
        )
        return
    varies = memory.spread / memory.size if memory.size > 0 else 0.0
    if not varies > t.constant:
        yield Finding(
            "constant answer",
            "problem",
            f"Answers to different examples differ by {varies:.2g} of their size.",
            "The network says the same of everything: it does not look at its input.",
            f"Train again with {advice.rate(0.1)}; see that the inputs are not all alike.",
            varies,
            t.constant,
        )
        return
    reach = memory.reach(t.forgotten)
    if reach is None:
        return
    yield Finding(
        "memory",
        "note",
        f"The answer depends on the last {reach} of {steps} steps at most: an input farther back changes it by less "
        f"than {t.forgotten:.0%} of what the one that matters most does.",
        "Enough where what matters is near; see the test score.",
        "",
        reach,
        t.forgotten,
    )


def _of_gates(layer: LayerGates, lost: bool, advice: Advice) -> Iterator[Finding]:
    """What is wrong with them; `lost`: the layer's carried gradient vanishes.

    With its update gate at 0 a GRU is a plain RNN, whose state goes on through the recurrent weights.
    """
    t, constant, forget = THRESHOLDS, layer.typical_time_constant, layer.keeps == "f"
    if constant is not None and constant < t.time_constant and (forget or lost):
        mean = 1 - 1 / constant
        gate = "forget gate" if forget else "update gate"
        yield Finding(
            "closed gate",
            "problem",
            f"{_named(layer.name)}: the {gate} of the middle unit is {mean:.3g} on average, a time constant of "
            f"{constant:.3g} steps.",
            "The layer forgets its state at every step.",
            advice.open_gate(forget=forget),
            constant,
            t.time_constant,
        )
    if layer.dead is not None and layer.dead > t.units:
        yield Finding(
            "dead units",
            "problem",
            f"{_named(layer.name)}: {layer.dead:.0%} of the ReLU units are 0 at every step of every example.",
            "No gradient reaches them: they will stay so.",
            advice.units(),
            layer.dead,
            t.units,
        )
    elif layer.at_end > t.units:
        yield Finding(
            "saturated units",
            "problem",
            f"{_named(layer.name)}: {layer.at_end:.0%} of the units lie at -1 or 1 at nearly every step.",
            "Hardly any gradient passes them, and they tell little of the input.",
            advice.units(),
            layer.at_end,
            t.units,
        )
    elif layer.still > t.units:
        yield Finding(
            "still units",
            "warning",
            f"{_named(layer.name)}: {layer.still:.0%} of the units do not move, whatever is read.",
            "They cost time and add nothing.",
            advice.units(),
            layer.still,
            t.units,
        )


def _of_time_constants(layers: list[LayerGates]) -> Iterator[Finding]:
    """The slowest unit of all."""
    found = [layer for layer in layers if layer.time_constants]
    if not found:
        return
    slowest = max(found, key=lambda layer: max(layer.time_constants or [0.0]))
    assert slowest.time_constants is not None
    longest, middle = slowest.time_constants[-1], slowest.typical_time_constant or 0.0
    yield Finding(
        "time constants",
        "note",
        f"The slowest unit keeps its state for {longest:.3g} steps ({slowest.name}; the middle one there for "
        f"{middle:.2g}), by the leak of its gate alone: 1 / (1 - mean of the gate {slowest.keeps}).",
        "What goes on through the recurrent weights may last longer, and what is of no use to the answer is kept, too.",
        "",
        longest,
        THRESHOLDS.time_constant,
    )


def _of_relus(relus: Mapping[str, float], advice: Advice) -> Iterator[Finding]:
    for place, dead in relus.items():
        if dead > 2 * THRESHOLDS.units:
            yield Finding(
                "dead units",
                "problem",
                f"{dead:.0%} of the ReLU units of {place} are 0 for every example.",
                "No gradient reaches them: they will stay so.",
                advice.units(),
                dead,
                2 * THRESHOLDS.units,
            )


def _of_parallelism(measures: Measures, advice: Advice) -> Iterator[Finding]:
    found = measures.parallelism
    few, many, long = found.at(64, 8), found.at(64, 64), found.at(256, 8)
    if few is None or many is None or long is None:
        return
    of_batch, of_steps = many.seconds / few.seconds, long.seconds / few.seconds
    if of_batch > 8 * THRESHOLDS.unsteady or of_steps > 4 * THRESHOLDS.unsteady:
        return  # nothing that is known of the layer explains this
    yield Finding(
        "time of the loop",
        "note",
        f"Eight times the sequences (8 to 64, of 64 steps) take {of_batch:.2g} times as long to train on, four times "
        f"the steps (64 to 256, of 8 sequences) {of_steps:.2g} times.",
        "Steps wait for each other; the sequences of a batch do not."
        if of_batch < 8 / THRESHOLDS.unsteady
        else "Here sequences side by side cost what they would cost one after the other.",
        f"Where time matters, try {advice.larger_batches()}." if of_batch < THRESHOLDS.cheap_batch else "",
        of_batch,
        THRESHOLDS.cheap_batch,
    )


def _of_capacity(measures: Measures) -> Iterator[Finding]:
    for test in measures.capacity:
        longest = test.longest_solved
        yield Finding(
            f"capacity: {test.test}",
            "note",
            f"{test.test}: solved up to {longest} steps."
            if longest is not None
            else f"{test.test}: not solved at {test.lengths[0]} steps (score {test.scores[0]:.2f}).",
            "What this cell with this many units learns from random weights in a short training.",
            "",
            float(longest or 0),
            float(test.lengths[-1]),
        )


def _named(name: str) -> str:
    return name[0].upper() + name[1:]
