"""Column names that say what a column is for. Names only help where the values allow the same reading."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import PurePath
from typing import Literal


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TEXT = _words(
    "text texts review reviews sentence sentences comment comments content body message messages "
    "tweet article document doc question phrase utterance post passage transcript sms email"
)
# A name of an earlier tier is taken before one of a later tier.
TARGET = (
    _words("label labels target targets class classes y classlabel outcome output"),
    _words(
        "sentiment category categories topic topics intent emotion polarity genre language lang type tag "
        "tags activity state status diagnosis result response spam toxic"
    ),
    _words("rating ratings score scores stars star grade price quality"),
)
SEQUENCE = _words(
    "id seq sequence series sequenceid seqid seriesid sampleid caseid case trial trialid recording "
    "recordingid episode example instance instanceid unit run"
)
TIME = _words("time timestamp datetime date t step steps timestep tick cycle second seconds ms frame")
IDENTIFIER = _words("id index idx key uuid guid rowid no nr number unnamed0 file filename path")
GROUP = _words(
    "subject subjectid person patient patientid user userid participant speaker session author machine"
)

Part = Literal["train", "validation", "test"]
PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "tst", "holdout", "eval"), "test"),
}
_BEGINNING = re.compile(r"(?:(train)(?:ing)?|(val)(?:id(?:ation)?)?|(dev)|(test))(?:data|set)?(?![a-z])")


def part_of(name: str) -> Part | None:
    """The part that a name stands for: one of `PARTS`, or a name that begins so, as `traindata` and `dev-clean-2` do.

    >>> part_of("traindata"), part_of("dev-clean-2"), part_of("testament"), part_of("bach")
    ('train', 'validation', None, None)
    """
    name = name.lower()
    found = _BEGINNING.match(name)
    return PARTS.get(name if found is None else next(each for each in found.groups() if each))


def part_in(file: PurePath) -> Part | None:
    """The part by the folders that a file lies in, from the outermost on.

    >>> part_in(PurePath("LibriSpeech/train-clean-5/19/1.flac")), part_in(PurePath("train.flac"))
    ('train', None)
    """
    return next((part for name in file.parts[:-1] if (part := part_of(name)) is not None), None)


def plain(name: str) -> str:
    """Letters and digits of a name, lower case.

    >>> plain("Class_Label")
    'classlabel'
    """
    return re.sub(r"[^0-9a-z]", "", name.lower())


def named(name: str, words: frozenset[str]) -> bool:
    """Whether a column's name is one of `words`."""
    return plain(name) in words


def numbered_family(names: list[str], *, as_given: bool = False) -> dict[tuple[str, str], list[str]]:
    """Names that differ in their last number alone: the steps of wide tables, in the order of time.

    Their numbers count up, or down where in every family each is less than the one before (lag_3, lag_2,
    lag_1); otherwise the names are put in the order of their numbers. Keys are what stands before and behind
    the number. Families of fewer than three are left out.

    Args:
        as_given: keep the order of `names` whatever their numbers.

    >>> numbered_family(["x1", "y1", "x3", "y3", "x2", "y2", "age"])
    {('x', ''): ['x1', 'x2', 'x3'], ('y', ''): ['y1', 'y2', 'y3']}
    >>> numbered_family(["lag_3", "lag_2", "lag_1"])
    {('lag_', ''): ['lag_3', 'lag_2', 'lag_1']}
    """
    families: dict[tuple[str, str], list[tuple[float, str]]] = {}
    if len(names) >= 3 and all(re.fullmatch(r"-?\d+(\.\d+)?", name) for name in names):
        families["", ""] = [(float(name), name) for name in names]
    else:
        for name in names:
            match = re.fullmatch(r"(.*?)(\d+)(\D*)", name)
            if match:
                families.setdefault((match[1], match[3]), []).append((int(match[2]), name))
    families = {key: found for key, found in families.items() if len(found) >= 3}
    falling = all(a > b for found in families.values() for (a, _), (b, _) in pairwise(found))
    kept = as_given or falling
    return {key: [name for _, name in (found if kept else sorted(found))] for key, found in families.items()}
