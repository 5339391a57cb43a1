"""What follows from the course of a training: learning rate, clipping, over- and underfitting."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import mean

from recurra.diagnosis.advice import Advice
from recurra.diagnosis.measures.training import Course
from recurra.diagnosis.result import Finding
from recurra.diagnosis.thresholds import THRESHOLDS


def training_findings(course: Course | None, advice: Advice) -> Iterator[Finding]:
    """Nothing where there is no history."""
    if course is None:
        return
    if (course.stopped or "").startswith("not finite"):
        yield Finding(
            "loss not finite",
            "problem",
            f"The loss was {course.stopped}.",
            "A step was so large that numbers overflowed; the weights of the best epoch before it are kept.",
            f"Train again with {advice.rate(0.1)}.",
            0.0,
            0.0,
        )
    rate = next(_of_rate(course, advice), None)
    if rate is not None:
        yield rate
    else:
        yield from _of_fit(course, advice)
    yield from _of_data(course)
    yield from _of_clipping(course, advice)


def _of_rate(course: Course, advice: Advice) -> Iterator[Finding]:
    """Whether steps were too large or too small to learn anything."""
    t, update, last = THRESHOLDS, course.largest_update, course.training_loss[-1]
    chance = course.training_chance
    if update is None:
        return
    at_chance = chance is not None and last > t.little_learned * chance
    if update > t.large_update and (at_chance or last > t.risen * min(course.training_loss)):
        yield Finding(
            "learning rate too high",
            "problem",
            f"A step moved the weights by up to {update:.1%} of their size, and the training loss ended at {last:.3g}"
            + (f", where {course.reference} has {chance:.3g}." if at_chance else _after_least(course)),
            "Steps overshoot what they aim at.",
            f"Train again with {advice.rate(0.1)}.",
            update,
            t.large_update,
        )
    elif update < t.small_update and at_chance:
        yield Finding(
            "learning rate too low",
            "problem",
            f"A step moved the weights by {update:.2g} of their size at most, and the training loss ended at "
            f"{last:.3g}, where {course.reference} has {chance:.3g}.",
            "The weights are about where they began.",
            f"Train again with {advice.rate(10)}.",
            update,
            t.small_update,
        )


def _after_least(course: Course) -> str:
    least = min(course.training_loss)
    return f", after {least:.3g} in epoch {course.training_loss.index(least) + 1}."


def _of_fit(course: Course, advice: Advice) -> Iterator[Finding]:
    """Whether what was learned holds for other examples."""
    t, chance = THRESHOLDS, course.validation_chance or None  # 0 where all targets are one class
    training, of_training, held_out = course.training_loss[-1], course.training_chance, course.best_validation
    if chance is not None and held_out is not None and held_out > t.nothing_gained * chance:
        if of_training is not None and training < t.memorised * of_training:
            yield Finding(
                "memorised",
                "problem",
                f"The training loss fell to {training:.3g}; on other examples the loss was {held_out:.3g} at best, and "
                f"{chance:.3g} is what {course.reference} has.",
                "The network knows its examples by heart, and nothing of what they have in common.",
                "See that targets stand beside their own inputs (rows shifted or shuffled?); else give more examples, "
                f"or a smaller network{advice.smaller()}.",
                held_out / chance,
                t.nothing_gained,
            )
            return
        yield _little_learned(held_out, chance, course, advice)
    elif of_training is not None and held_out is None and training > t.nothing_gained * of_training:
        yield _little_learned(training, of_training, course, advice)
    elif held_out is not None and chance is not None and _overfits(course, held_out, chance):
        yield Finding(
            "overfitting",
            "warning",
            f"The training loss ended at {training:.3g}, the validation loss was {held_out:.3g} at best.",
            "Much of what was learned holds for the training examples alone.",
            f"Train again with {advice.more_dropout()}, or with more examples.",
            held_out / chance,
            t.overfitted,
        )
    elif course.rise > t.risen_validation:
        yield Finding(
            "validation loss rose",
            "note",
            f"The validation loss ended {course.rise:.3g} times as high as in its best epoch.",
            "The weights of that epoch are kept; what came after it was for nothing.",
            "",
            course.rise,
            t.risen_validation,
        )


def _overfits(course: Course, held_out: float, chance: float) -> bool:
    t = THRESHOLDS
    return held_out > t.overfitted * chance and course.training_loss[-1] < held_out * t.gap


def _little_learned(loss: float, chance: float, course: Course, advice: Advice) -> Finding:
    return Finding(
        "underfitting",
        "problem",
        f"The loss is {loss:.3g}, and {chance:.3g} is what {course.reference} has.",
        "Next to nothing was learned: the inputs tell little of the targets, or the training was too short.",
        f"See that targets stand beside their own inputs; train longer{advice.longer()} or with a larger network.",
        loss / chance,
        THRESHOLDS.nothing_gained,
    )


def _of_data(course: Course) -> Iterator[Finding]:
    """Whether the network says more of the examples diagnosed than could be said without a look at them."""
    loss, chance = course.data_loss, course.data_chance
    if loss is None or not chance or not loss > THRESHOLDS.nothing_gained * chance:
        return
    yield Finding(
        "no better than chance",
        # Where nothing else tells of other examples, it warns.
        "warning" if course.best_validation is None else "note",
        f"On these data the loss is {loss:.3g}, and {chance:.3g} is what {course.reference} of theirs has.",
        "What was learned does not hold for them, or their targets are spread in another way than those of training.",
        "Compare their targets with those of training; recurra evaluate scores the answers.",
        loss / chance,
        THRESHOLDS.nothing_gained,
    )


def _of_clipping(course: Course, advice: Advice) -> Iterator[Finding]:
    t, clip = THRESHOLDS, advice.clip
    if clip is None or not course.clipped_share:
        return
    norm = mean(course.gradient_norm)
    if course.mean_clipped > t.clipped:
        rules = norm > t.far_above_clip * clip
        yield Finding(
            "clipping",
            "warning" if rules else "note",
            f"Clipping acted at {course.mean_clipped:.0%} of the steps; gradients had a norm of {norm:.3g} on average, "
            f"the limit was {clip:g}.",
            "Nearly every step has its length from the limit, and only its direction from the gradient.",
            f"Train again with {advice.rate(0.3)}, and see that the inputs are scaled." if rules else "",
            course.mean_clipped,
            t.clipped,
        )
