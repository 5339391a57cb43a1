"""Column names that say what a column is for. Names only help where the values allow the same reading."""

from __future__ import annotations

import re


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

PARTS = {
    **dict.fromkeys(("train", "training", "tr"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "tst", "holdout", "eval"), "test"),
}


def plain(name: str) -> str:
    """Letters and digits of a name, lower case.

    >>> plain("Class_Label")
    'classlabel'
    """
    return re.sub(r"[^0-9a-z]", "", name.lower())


def named(name: str, words: frozenset[str]) -> bool:
    """Whether a column's name is one of `words`."""
    return plain(name) in words


def numbered_family(names: list[str]) -> dict[tuple[str, str], list[str]]:
    """Names that differ in their last number alone, ordered by it: the steps of wide tables.

    Keys are what stands before and behind the number. Families of fewer than three are left out.

    >>> numbered_family(["x1", "y1", "x2", "y2", "x3", "y3", "age"])
    {('x', ''): ['x1', 'x2', 'x3'], ('y', ''): ['y1', 'y2', 'y3']}
    """
    if len(names) >= 3 and all(re.fullmatch(r"-?\d+(\.\d+)?", name) for name in names):
        return {("", ""): sorted(names, key=float)}
    families: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for name in names:
        match = re.fullmatch(r"(.*?)(\d+)(\D*)", name)
        if match:
            families.setdefault((match[1], match[3]), []).append((int(match[2]), name))
    return {key: [name for _, name in sorted(found)] for key, found in families.items() if len(found) >= 3}
