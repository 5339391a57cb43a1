"""Which one to take, in two sentences: the reason and the doubt, by the rules of `RULES`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from recurra.comparison.judgement import Judgement, Pair, Row
from recurra.networks.config import cell_name
from recurra.statistics.repeated import LEAST_SEEDS

QUICKER = 1.1  # times, from which on speed decides between networks that are surely near each other
NEAR_POINTS = 0.01  # of a share, that a quicker network may surely not lose more of
NEAR = 0.02  # of any other score, likewise
WIDE = 5  # times the usual interval of the networks, from which on seeds are too far apart to tell anything
TOO_FEW = 4  # the rule by which nothing is told
RULES = (
    "The leader is the network with the best mean score. The networks that do not differ from it by more than chance "
    "(Holm, level 0.05) are not told apart from it, which does not say that they are as good. Those of them that are "
    "better than the best baseline by more than chance may be taken.",
    "May none be taken, the baseline is: what does not surely beat it has not earned its cost.",
    "Else, of those that may be taken, the best by its mean is, of those whose seeds are not too far apart where there "
    "are such; unless others train a tenth quicker or more and lose, by the whole interval of the difference, no more "
    f"than {100 * NEAR_POINTS:.0f} point, or {100 * NEAR:.0f} % of a score that is no share: then the quickest.",
    "With fewer than three seeds, or too little test data for an interval, nothing is told: the best by its mean is "
    "named, and that it is no more than that.",
    "The doubt is the closest rival's: a tie with how many seeds it would take, or that more seeds would not do; a "
    "lead with its interval and corrected p-value. Networks that were still improving when training ended are named "
    "in it, with what trains them longer: they may have been ruled out too early.",
)  # the same for every comparison; the page has them


_Standing = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Recommendation:
    """What to take.

    Args:
        take: the name of a cell or baseline.
        reason, doubt: a sentence each.
        tied: others that are not told apart from it.
        doubtful: others that do not differ from it by more than chance either, but seem to: the interval of the
            difference alone leaves out 0.
        unsteady: others of which nothing can be told: their seeds are so far apart that they are a tie with anything.
        rule: the number of the rule that decided, counted from 1.
    """

    take: str
    reason: str
    doubt: str
    tied: tuple[str, ...]
    doubtful: tuple[str, ...]
    unsteady: tuple[str, ...]
    rule: int

    def to_json(self) -> dict[str, Any]:
        """Plain types only."""
        listed = {name: list(getattr(self, name)) for name in ("tied", "doubtful", "unsteady")}
        return asdict(self) | listed


def recommend(judgement: Judgement, improving: Sequence[str] = (), longer: str = "") -> Recommendation:
    """Apply the rules.

    Args:
        judgement: with at least one network.
        improving: the networks that were still improving when their training ended.
        longer: the options that train longer, as in "--budget 20m".
    """
    found = _recommend(judgement)
    named = [row.name for row in judgement.rows if row.name in improving]
    if not named:
        return found
    names, one = [cell_name(name) for name in named], len(named) == 1
    said = f"{', '.join(names[:-1])}{' and ' if names[1:] else ''}{names[-1]}"
    ruled_out = "" if named == [found.take] else f" before ruling {'it' if one else 'them'} out"
    doubt = (
        f"{found.doubt.removesuffix('.')}; and {said} {'was' if one else 'were'} still improving when training ended: "
        f"train longer ({longer}){ruled_out}."
    )
    return replace(found, doubt=doubt)


def _recommend(judgement: Judgement) -> Recommendation:
    networks = [row for row in judgement.rows if row.network]
    baselines = [row for row in judgement.rows if not row.network]
    leader, words = networks[0], _Words(judgement)
    if not judgement.enough_seeds or not all(math.isfinite(pair.interval.high) for pair in judgement.pairs):
        return _too_few(judgement, words)
    able = [leader] + [row for row in networks[1:] if not _differs(judgement, leader, row)]
    if baselines:
        best = baselines[0]
        able = [row for row in able if _gain(judgement, row, best) > 0 and _differs(judgement, row, best)]
        if not able:
            standing = _standing(judgement, best, networks)
            reason = _reason_for_baseline(judgement, words, best, leader, standing)
            return Recommendation(best.name, reason, words.doubt(best, [leader]), *standing, 2)
    steady = [row for row in able if not _wanders(judgement, row)] or able
    near = [row for row in steady if row is steady[0] or _is_near(judgement, steady[0], row)]
    taken, quickest = steady[0], min(near, key=lambda row: row.train_s)
    if quickest is not taken and taken.train_s >= QUICKER * quickest.train_s:
        taken = quickest
    tied, doubtful, unsteady = _standing(judgement, taken, networks)
    passed_over = ""
    if leader not in able:
        ahead = judgement.pair(leader.name, taken.name)
        assert ahead is not None
        passed_over = (
            f"{words.name(leader)} has the better mean, by {words.gap(ahead)}, but is not surely better than "
            f"{words.name(baselines[0])}, and only a network that is may be taken"
        )
    reason = _reason(judgement, words, taken, (tied, doubtful, unsteady), passed_over)
    others = [row for row in networks if row is not taken]
    rivals = [row for row in others if row.name in (tied or doubtful)] or others or baselines[:1]
    rule = 1 if taken is leader else 3
    return Recommendation(taken.name, reason, words.doubt(taken, rivals), tied, doubtful, unsteady, rule)


def _reason_for_baseline(
    judgement: Judgement, words: _Words, best: Row, leader: Row, standing: _Standing
) -> str:
    """As in: linear: accuracy 90.9 % (...), and takes 13.4 s to train instead of 2 min 52 s; no network is surely
    better: the best, GRU (91.5 %), is between 0.2 points worse and 1.4 better.
    """
    tied, doubtful, unsteady = standing
    name, pair = f"{words.name(leader)} ({words.value(leader)})", judgement.pair(best.name, leader.name)
    assert pair is not None
    if leader.name in unsteady:
        said = f"no network is surely better: the seeds of the best, {name}, are too far apart to tell"
    elif leader.name in tied or _gain(judgement, best, leader) <= 0:
        said = f"no network is surely better: the best, {name}, is between {words.ends(pair)}"
    elif leader.name in doubtful:
        said = f"it seems to beat the best network, {name}, by {words.gap(pair)}"
    else:
        said = f"it beats the best network, {name}, by {words.gap(pair)}"
    quicker = words.quicker(best, leader)
    return (
        f"{words.name(best)}: {judgement.measure} {words.value(best)} ({words.interval(best)})"
        f"{', and ' if quicker else ''}{quicker}; {said}."
    )


def _reason(
    judgement: Judgement,
    words: _Words,
    taken: Row,
    standing: _Standing,
    passed_over: str,
) -> str:
    """As in: GRU: accuracy 91.5 % (...), not told apart from LSTM; RNN loses 3.0 points."""
    tied, doubtful, unsteady = standing
    said = [f"{words.name(taken)}: {judgement.measure} {words.value(taken)} ({words.interval(taken)})"]
    others = [row for row in judgement.rows if row.network and row is not taken]
    alike = [row for row in others if row.name in tied]
    if alike:
        named = " and ".join(words.name(row) for row in alike)
        said.append(f"not told apart from {named}")
        slowest, quickest = (end(alike, key=lambda row: row.train_s) for end in (max, min))
        slower = slowest.train_s / max(taken.train_s, 1e-9)
        quicker = taken.train_s / max(quickest.train_s, 1e-9)
        if slower >= QUICKER:
            told = f"{slower:.1f} times faster to train than {words.name(slowest)}"
            said.append(f"{told}, which {words.risk(taken, slowest)}")
        if quicker >= QUICKER:
            said.append(
                f"{words.name(quickest)} trains {quicker:.1f} times faster, and {words.risk(taken, quickest)}"
            )
    elif others and not doubtful and not unsteady:
        said.append("better than every other network")
    rival = next((row for row in judgement.rows if not row.network), None)
    if rival is not None:
        pair = judgement.pair(taken.name, rival.name)
        if pair is not None and pair.differs:
            quicker = words.quicker(rival, taken)
            said.append(
                f"better by {words.gap(pair)} than {words.name(rival)}{', which ' if quicker else ''}{quicker}"
            )
    lost = []
    for row in others:
        pair = judgement.pair(taken.name, row.name)
        if row in alike or pair is None:
            continue
        better = _gain(judgement, taken, row) > 0
        if row.name in unsteady:
            whose = f"the seeds of {words.name(row)}"
            if not better and not passed_over:
                whose = f"{words.name(row)} has the better mean, but its seeds"
            lost.append(f"{whose} are too far apart to tell")
        elif row.name in doubtful:
            lost.append(f"{words.name(row)} seems to {'lose' if better else 'gain'} {words.gap(pair)}")
        else:
            lost.append(f"{words.name(row)} {'loses' if better else 'gains'} {words.gap(pair)}")
    return f"{'; '.join(part for part in (', '.join(said), passed_over, ', '.join(lost)) if part)}."


def _standing(judgement: Judgement, taken: Row, networks: list[Row]) -> _Standing:
    """The networks that do not differ from what is taken by more than chance: tied, doubtful and unsteady; see
    `Recommendation`.
    """
    tied, doubtful, unsteady = [], [], []
    for row in networks:
        pair = judgement.pair(taken.name, row.name)
        if row is taken or pair is None or pair.differs:
            continue
        wanders = _wanders(judgement, row)
        (doubtful if 0 not in pair.interval else unsteady if wanders else tied).append(row.name)
    return tuple(tied), tuple(doubtful), tuple(unsteady)


def _wanders(judgement: Judgement, row: Row) -> bool:
    """Whether its seeds are too far apart to tell anything: beside the usual interval, the middle one of all networks
    and the best baseline, or the smaller of the two in the middle.
    """
    networks = [each for each in judgement.rows if each.network]
    baselines = [each for each in judgement.rows if not each.network]
    widths = sorted(each.interval.high - each.interval.low for each in networks + baselines[:1])
    return row.interval.high - row.interval.low > WIDE * widths[(len(widths) - 1) // 2]


def _is_near(judgement: Judgement, best: Row, other: Row) -> bool:
    """Whether another one loses surely no more than a little."""
    pair = judgement.pair(best.name, other.name)
    assert pair is not None
    worst = pair.interval.high if judgement.higher_is_better else -pair.interval.low
    return worst <= (NEAR_POINTS if judgement.share else NEAR * abs(best.value))


def _too_few(judgement: Judgement, words: _Words) -> Recommendation:
    best = judgement.rows[0]
    seeds = "one seed" if judgement.seeds == 1 else f"{judgement.seeds} seeds"
    few = (
        f"{judgement.examples:,} test examples that depend on each other are too few to tell anything; take a longer "
        "test part (--test-share)."
    )
    if not judgement.enough_seeds:
        few = f"{seeds} cannot tell what the seed does to a network; take --seeds {LEAST_SEEDS} or more."
    reason = f"{words.name(best)} has the best {judgement.measure} here, {words.value(best)} ({words.interval(best)})."
    return Recommendation(
        best.name, reason, f"That is no more than an observation: {few}", (), (), (), TOO_FEW
    )


def _gain(judgement: Judgement, one: Row, other: Row) -> float:
    """How much better one is."""
    pair = judgement.pair(one.name, other.name)
    assert pair is not None
    return pair.difference if judgement.higher_is_better else -pair.difference


def _differs(judgement: Judgement, a: Row, b: Row) -> bool:
    pair = judgement.pair(a.name, b.name)
    return pair is not None and pair.differs


class _Words:
    """Numbers as people read them: shares in per cent and points, anything else with four digits."""

    def __init__(self, judgement: Judgement):
        self.judgement = judgement

    def name(self, row: Row) -> str:
        return cell_name(row.name) if row.network else row.name

    def value(self, row: Row) -> str:
        return self._number(row.value)

    def interval(self, row: Row) -> str:
        if not math.isfinite(row.interval.high - row.interval.low):
            return "too little data for an interval"
        return f"95 % interval {self._number(row.interval.low)} to {self._number(row.interval.high)}"

    def gap(self, pair: Pair) -> str:
        size = abs(pair.difference)
        return f"{100 * size:.1f} points" if self.judgement.share else f"{size:.3g}"

    def quicker(self, one: Row, other: Row) -> str:
        """How long either takes to train, where one is quicker."""
        quick, slow = _seconds(one.train_s), _seconds(other.train_s)
        if other.train_s < QUICKER * one.train_s or quick == slow:
            return ""
        return f"takes {quick} to train instead of {slow}"

    def ends(self, pair: Pair) -> str:
        """The interval of what the second of a pair has more than the first, as in: 0.2 points worse and 1.4 better."""
        low, high = sorted(-end for end in (pair.interval.low, pair.interval.high))
        more = ("worse", "better") if self.judgement.higher_is_better else ("better", "worse")
        said = [
            f"{self._size(abs(end))}{self._unit if n == 0 else ''} {more[end > 0]}"
            for n, end in enumerate((low, high))
        ]
        return " and ".join(said)

    def risk(self, taken: Row, other: Row) -> str:
        """How far another one may lie behind, or ahead, as in: is between 3.1 points worse and 0.2 better."""
        pair = self.judgement.pair(taken.name, other.name)
        assert pair is not None
        return f"is between {self.ends(pair)}"

    def doubt(self, taken: Row, rivals: list[Row]) -> str:
        """How sure it is against the rival that comes closest."""
        pairs = [self.judgement.pair(taken.name, row.name) for row in rivals]
        known = [(row, pair) for row, pair in zip(rivals, pairs, strict=True) if pair is not None]
        seeds = self.judgement.seeds
        if not known:
            return "There was nothing else to compare it with."
        row, pair = max(known, key=lambda each: each[1].corrected)
        if pair.differs:
            low, high = sorted((abs(pair.interval.low), abs(pair.interval.high)))
            ends = f"{self._size(low)} to {self._size(high)}{self._unit}"
            return (
                f"How sure: the lead over {self.name(row)} is {self.gap(pair)} (95 % interval {ends}, "
                f"p = {pair.corrected:.2g} after correction) over {seeds} seeds and {self.judgement.tested}; "
                "on other data, or with more time, the order may be another."
            )
        if pair.seeds_needed is None:
            more = "test examples" if self.judgement.groups is None else "groups in the test part"
            cure = f"more seeds alone would not tell: it takes more {more}"
        else:
            several = f"about {pair.seeds_needed}" if pair.seeds_needed > seeds else "a few more"
            cure = f"to show a difference of that size, if it is there, would take {several} seeds"
        ends = f"{self._signed(pair.interval.low)} to {self._signed(pair.interval.high)}"
        return (
            f"How sure: its {self.judgement.measure} minus that of {self.name(row)} is {self._signed(pair.difference)}"
            f"{self._unit} (95 % interval {ends}), which {seeds} seeds and {self.judgement.tested} "
            f"cannot tell from chance (p = {pair.p_value:.2g} by itself, {pair.corrected:.2g} as one of "
            f"{len(self.judgement.pairs)} comparisons); {cure}."
        )

    def _number(self, value: float) -> str:
        return f"{100 * value:.1f} %" if self.judgement.share else f"{value:.4g}"

    @property
    def _unit(self) -> str:
        return " points" if self.judgement.share else ""

    def _signed(self, value: float) -> str:
        return f"{100 * value:+.1f}" if self.judgement.share else f"{value:+.3g}"

    def _size(self, value: float) -> str:
        return f"{100 * value:.1f}" if self.judgement.share else f"{value:.3g}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 120 else f"{round(value) // 60} min {round(value) % 60} s"
