"""Training, validation and test parts: seeded, stratified, nobody on two sides."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from recurra.data.examples import Examples
from recurra.errors import DataError, InputError

_PARTS = ("train", "validation", "test")
_QUANTILES = 10
_USUAL = 0.1  # share of the validation part
_FEW = 50  # fewer examples than this say little about a network
_HANDFUL = 5
_MOST_GROUPS = 2_000  # StratifiedGroupKFold needs a millisecond for each group


@dataclass(frozen=True)
class Split:
    """The examples of each part, by their places in rising order.

    Args:
        train: (N_train,) int64.
        validation: (N_validation,) int64.
        test: (N_test,) int64, empty where the test set is another file.
        notes: what a person should know of how it came about, one sentence each.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    notes: tuple[str, ...] = ()


def make_split(
    examples: Examples,
    *,
    seed: int,
    validation: float | None = None,
    test: float = 0.2,
    stratify: bool = True,
    by_time: bool = False,
) -> Split:
    """Share `examples` out to training, validation and test.

    1. What `examples.parts` says is kept, all of it. Only a part that no row is marked for is drawn, from
       the training rows.
    2. Otherwise the test part is drawn from all examples, and the validation part from what is left.
    3. Drawn are groups as a whole: `examples.groups`, else all examples with the same input, so that no
       input stands on two sides. The same share is drawn of every class (or combination of labels, or
       quantile of a regression target: tenths where there are enough examples), at least one group of each.
       Classes so small that their share is less than half an example give one group each, as long as that
       is not above a quarter of their examples; a class of a single group stays in training. Groups given
       by `examples.groups` may mix classes: they are drawn by scikit-learn's StratifiedGroupKFold or, above
       2,000 groups or without classes, GroupShuffleSplit's order. Some groups are too large to draw: copies
       that overshoot the share of their class by more than half, given groups that overshoot the whole part
       so. They stay in training, and more of the others is drawn, up to half of them. A part that still
       comes out far from its share is noted.
    4. `by_time`: the examples stand in the order of time. The last ones are the test part, those before
       them the validation part; nothing is shuffled, a group stands where its last example does.

    Args:
        examples: N of them.
        seed: of all drawing.
        validation: share of the examples left after the test part; 0 draws none. None draws a tenth where
            that is at least 50 examples, and none otherwise: so few cannot say which weights are best, and
            training misses them more.
        test: share of all examples; 0 where the test set is given elsewhere.
        stratify: draw the same share of every class.
        by_time: as above.

    Raises:
        InputError: a share is below 0 or not below 1.
        DataError: a part comes out empty, or `examples.parts` holds a name that is no part.

    >>> targets = np.array(["a", "b"] * 20, dtype=object)
    >>> texts = np.array([f"text {n}" for n in range(40)], dtype=object)
    >>> examples = Examples(texts, None, targets, rows=np.arange(1, 41))
    >>> split = make_split(examples, seed=0, validation=0.1)
    >>> len(split.train), len(split.validation), len(split.test)
    (28, 4, 8)
    """
    for name, share in (("validation", validation), ("test", test)):
        if share is not None and not 0 <= share < 1:
            raise InputError(f"expected a share from 0 to below 1, found {share}", where=name)
    notes: list[str] = []
    places = {part: np.zeros(0, dtype=np.int64) for part in _PARTS}
    places["train"] = np.arange(len(examples))
    if examples.parts is not None:
        places = _given(examples.parts)
    inputs = _numbered(examples.inputs())
    groups = _groups(examples, inputs, by_time)
    for part, asked in (("test", test), ("validation", validation)):
        rest = places["train"]
        enough = round(_USUAL * len(rest)) >= _FEW
        share = (_USUAL if enough else 0.0) if asked is None else asked
        if len(places[part]):
            continue
        if asked is None and not enough:
            notes.append(f"{len(rest)} examples are too few to spare any for validation.")
        if not share:
            continue
        rng = np.random.default_rng([seed, _PARTS.index(part)])
        targets = examples.targets[rest] if examples.targets is not None and stratify else None
        strata = _strata(targets, groups[rest], share)
        if by_time:
            drawn = _last(groups[rest], share)
        elif examples.groups is not None:
            drawn = _deal(groups[rest], strata, share, rng)
        else:
            drawn = _draw(groups[rest], strata, share, rng)
        if not drawn.any() or drawn.all():
            count, together = len(rest), len(np.unique(groups[rest]))
            tied = f" in {together} groups that have to stay together" if together < count else ""
            raise DataError(
                f"expected enough examples for a {part} part of {share:.0%}, found {count}{tied}",
                fix=f"Give more examples, at least two{' groups' if tied else ''}"
                f"{'' if targets is None else ' in a class'}, or name the {part} rows yourself.",
            )
        places[part], places["train"] = rest[drawn], rest[~drawn]
        count, wanted = int(drawn.sum()), share * len(rest)
        if abs(count - wanted) > max(_HANDFUL, wanted / 2):
            notes.append(
                f"The {part} part has {count} examples, {count / len(rest):.1%} instead of {share:.1%}: groups "
                "and copies are drawn as a whole, and every class gives some."
            )
    notes += _notes(examples, places, groups, inputs)
    return Split(places["train"], places["validation"], places["test"], tuple(notes))


def _given(parts: np.ndarray) -> dict[str, np.ndarray]:
    names = np.array([str(part) for part in parts.tolist()], dtype=object)
    wrong = sorted(set(names) - set(_PARTS))
    if wrong:
        raise DataError(f"expected parts named {', '.join(_PARTS)}, found {', '.join(map(repr, wrong[:5]))}")
    places = {part: np.flatnonzero(names == part) for part in _PARTS}
    if not len(places["train"]):
        raise DataError("expected rows marked 'train', found none", fix="Mark them in the split column.")
    return places


def _groups(examples: Examples, inputs: np.ndarray, by_time: bool) -> np.ndarray:
    """(N,) int64, the same number for what must stand on one side."""
    if examples.groups is not None:
        return _numbered(examples.groups.tolist())
    return np.arange(len(examples)) if by_time else inputs


def _numbered(keys: list) -> np.ndarray:
    """(N,) int64, the same number for equal keys, counted by first appearance."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _strata(targets: np.ndarray | None, groups: np.ndarray, share: float) -> np.ndarray:
    """(N,) int64: the class, the combination of labels, or the quantile of a regression target.

    There are as many quantiles, up to ten, as leave two groups to draw from each: with fewer, rounding in
    every one of them would miss the share by much.
    """
    if targets is None:
        return np.zeros(len(groups), dtype=np.int64)
    if targets.ndim == 2:
        _, combination, count = np.unique(targets, axis=0, return_inverse=True, return_counts=True)
        combination = combination.ravel()
        return np.where(count[combination] > 1, combination + 1, 0)  # those seen once are drawn together
    if np.issubdtype(targets.dtype, np.floating):
        count = int(np.clip(share * len(np.unique(groups)) // 2, 1, _QUANTILES))
        borders = np.nanquantile(targets, np.linspace(0, 1, count + 1)[1:-1])
        return np.searchsorted(np.unique(borders), targets)
    return _numbered(targets.tolist())


def _draw(groups: np.ndarray, strata: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """(N,) bool: of every stratum, groups in shuffled order until its share of examples is reached."""
    _, first, group, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    stratum = strata[first]  # of a group that mixes classes, that of its first example
    shuffled = [rng.permutation(np.flatnonzero(stratum == k)) for k in np.unique(stratum)]
    large = np.zeros(len(first), dtype=bool)
    for members in shuffled:
        large[members] = _too_large(sizes[members], share)
    share_of_rest = _share_of_rest(sizes, large, share)
    drawn = np.zeros(len(first), dtype=bool)
    small: list[np.ndarray] = []
    for mixed in shuffled:
        members = mixed[~large[mixed]]
        wanted = round(share_of_rest * sizes[members].sum())
        if wanted == 0:
            small.append(members)
            continue
        drawn[members[_filled(sizes[members], wanted)]] = True
    # One group of each stratum too small for its share, but never more than a quarter of them all: where
    # there are a hundred classes of three, training needs their examples more.
    spare = [members for members in small if len(members) > 1]
    most = max(1, round(max(share, 0.25) * sum(sizes[members].sum() for members in spare)))
    drawn[rng.permutation(np.array([members[0] for members in spare], dtype=np.int64))[:most]] = True
    return drawn[group]


def _too_large(sizes: np.ndarray, share: float) -> np.ndarray:
    """(G,) bool: groups that alone overshoot `share` of them all by more than half; none where each does."""
    large = sizes > _most(round(share * sizes.sum()))
    return large & ~large.all()


def _most(wanted: int) -> float:
    """As many examples as may be drawn where `wanted` are asked for."""
    return wanted + max(1, wanted / 2)


def _share_of_rest(sizes: np.ndarray, large: np.ndarray, share: float) -> float:
    """What has to be drawn of the groups that are not `large` for `share` of them all; half of them at most."""
    if not large.any():
        return share
    return min(share * sizes.sum() / sizes[~large].sum(), max(share, 0.5))


def _filled(sizes: np.ndarray, wanted: int) -> np.ndarray:
    """(G,) bool: groups in their order until `wanted` examples are reached. One is passed over that would overshoot
    them by more than half, or by more than was lacking. At least one group, and where there are several not all.
    """
    taken, count, most = np.zeros(len(sizes), dtype=bool), 0, _most(wanted)
    for n, size in enumerate(sizes.tolist()):
        if count >= wanted:
            break
        if count + size <= min(most, 2 * wanted - count):
            taken[n] = True
            count += size
    if taken.all():
        taken[-1] = False
    elif not taken.any():
        taken[np.argmin(sizes)] = True
    return taken


def _deal(groups: np.ndarray, strata: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """(N,) bool: groups that mix classes, by scikit-learn's splitter where there are classes and few groups,
    else as `_draw` does, without strata.
    """
    state = int(rng.integers(2**31))
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    drawn = np.zeros(len(groups), dtype=bool)
    if len(sizes) < 2:
        return drawn
    large = _too_large(sizes, share)
    able = np.flatnonzero(~large[group])
    share = _share_of_rest(sizes, large, share)
    count = int((~large).sum())
    if count == 1:
        drawn[able] = True
        return drawn
    folds = min(count, max(2, round(1 / share)))
    fits = np.bincount(strata[able]).max() >= folds
    if strata[able].any() and fits and count <= _MOST_GROUPS and share <= 0.5:
        from sklearn.model_selection import StratifiedGroupKFold

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
            splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=state)
            dealt = [chosen for _, chosen in splitter.split(able, strata[able], groups[able])]
        close = [chosen for chosen in dealt if abs(len(chosen) * folds - len(able)) <= len(able) / 2]
        drawn[able[(close or dealt)[0]]] = True
        return drawn
    # The order of scikit-learn's GroupShuffleSplit, which counts groups, not examples.
    order = np.flatnonzero(~large)[np.random.RandomState(state).permutation(count)]
    taken = _filled(sizes[order], max(1, round(share * sizes[order].sum())))
    return np.isin(group, order[taken])


def _last(groups: np.ndarray, share: float) -> np.ndarray:
    """(N,) bool: the last examples; a group that reaches into them is taken whole."""
    first = len(groups) - max(1, round(share * len(groups)))
    return np.isin(groups, groups[first:])


def _notes(
    examples: Examples, places: dict[str, np.ndarray], groups: np.ndarray, inputs: np.ndarray
) -> list[str]:
    notes = []
    for part in ("validation", "test"):
        if 0 < len(places[part]) < _FEW:
            notes.append(f"The {part} part has only {len(places[part])} examples: its score is rough.")
    targets = examples.targets
    if targets is not None and targets.ndim == 1 and not np.issubdtype(targets.dtype, np.floating):
        known = {part: set(targets[places[part]].tolist()) for part in _PARTS}
        for part in ("validation", "test"):
            absent = sorted(map(str, known["train"] - known[part]))
            if len(places[part]) and absent:
                shown = ", ".join(absent[:5]) + (" ..." if len(absent) > 5 else "")
                notes.append(f"{len(absent)} classes have no example in the {part} part: {shown}.")
    for part in ("validation", "test"):
        shared = int(np.isin(inputs[places[part]], inputs[places["train"]]).sum())
        if shared:
            notes.append(
                f"{shared} of the {len(places[part])} {part} inputs also stand in the training part: "
                "its score says less about new ones."
            )
    if examples.groups is None and examples.parts is None and len(np.unique(groups)) < len(groups):
        copies = len(groups) - len(np.unique(groups))
        notes.append(f"{copies} examples repeat the input of another; copies were kept on one side.")
    return notes
