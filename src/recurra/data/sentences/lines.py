"""Files with a word in each line, its columns side by side, and a blank line between sentences, such as CoNLL-U."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from recurra.errors import DataError

CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_BORDER = "-DOCSTART-"
_REMARK = "Tag="
_WORD_ID, _OTHER_ID = re.compile(r"\d+$"), re.compile(r"\d+-\d+$|\d+\.\d+$")
_BETWEEN_BLANKS = re.compile(r"[^ \t]+")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_FEW = 4  # columns; lines of more, of many widths, are rather texts
WORD_IN_A_LINE = (
    'Write each word in a line of its own, and a blank line between sentences, or {"tokens": ["A", "dog"]} for each '
    "sentence in a file called .jsonl."
)


@dataclass
class Lines:
    """The lines of a file, and the fields of those that hold a word.

    Args:
        lines: as they stand.
        separator: what joins the fields.
        ending: what joins the lines.
        fields: of each word.
        places: of each word, its line, counted from 0.
        lengths: words of each sentence; none is 0.
        skipped: what kind of line holds no word -> how many of them.
    """

    lines: list[str]
    separator: str
    ending: str = "\n"
    fields: list[list[str]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def width(self) -> int:
        """Fields of each word."""
        return len(self.fields[0])

    def column(self, place: int) -> list[str]:
        """One field of every word."""
        return [row[place] for row in self.fields]

    def starts(self) -> list[int]:
        """The line at which each sentence begins, counted from 1."""
        found, at = [], 0
        for length in self.lengths:
            found.append(self.places[at] + 1)
            at += length
        return found

    def with_column(self, place: int, values: Sequence[str]) -> str:
        """The file again with other values in one column; a column that it has not is added behind the others. What
        stands between the columns stays as it is.
        """
        lines = list(self.lines)
        for row, line, value in zip(self.fields, self.places, values, strict=True):
            lines[line] = self._with_field(lines[line], len(row), place, value)
        return self.ending.join(lines)

    def with_remark(self, values: Sequence[str]) -> str:
        """The file again, with values as remarks in the last field of CoNLL-U, as Tag=NOUN, beside those there are."""
        told = []
        for remarks, value in zip(self.column(len(CONLLU) - 1), values, strict=True):
            others = [each for each in remarks.split("|") if each != "_" and not each.startswith(_REMARK)]
            told.append("|".join([*others, f"{_REMARK}{value}"]))
        return self.with_column(len(CONLLU) - 1, told)

    def _with_field(self, line: str, width: int, place: int, value: str) -> str:
        if place >= width:
            return f"{line}{self.separator}{value}"
        if self.separator == "\t":
            fields = line.split("\t")
            return "\t".join([*fields[:place], value, *fields[place + 1 :]])
        found = list(_BETWEEN_BLANKS.finditer(line))[place]
        return f"{line[: found.start()]}{value}{line[found.end() :]}"

    def _word(self, place: int, fields: list[str], *, begins: bool) -> None:
        self.fields.append(fields)
        self.places.append(place)
        if begins:
            self.lengths.append(0)
        self.lengths[-1] += 1


def split_columns(text: str, origin: str) -> Lines:
    """The words of a file of columns, separated by tabs where most lines have one, else by blanks.

    Lines of `-DOCSTART-` are borders of documents. A line that begins with # is a comment where it stands at the head
    of a sentence and has not as many fields as the words, or begins with a # by itself as most sentences do; "#" may be
    a word, too, and so may "#Oslo".

    Raises:
        DataError: no word, or lines with different numbers of fields.
    """
    lines = _LINE_ENDS.split(text)
    filled = [line for line in lines if line.strip(" \t")]
    separator = "\t" if 2 * sum("\t" in line for line in filled) > len(filled) else " "
    split = [_fields(line, separator) for line in lines]
    width = _commonest([len(row) for row in split if row])
    heads = [row for before, row in zip([[], *split], split, strict=False) if row and not before]
    commented = 2 * sum(_first(row) == "#" for row in heads) > len(heads)
    found, at_head = Lines(lines, separator, _ending(text)), True
    for place, row in enumerate(split):
        if not row:
            at_head = True
        elif _first(row) == _BORDER:
            found.skipped["-DOCSTART- lines"] += 1
            at_head = True
        elif at_head and row[0].startswith("#") and (len(row) != width or (commented and _first(row) == "#")):
            found.skipped["comments"] += 1
        else:
            if len(row) != width:
                raise _ragged(origin, place, row, width, separator, texts=_are_texts(split, separator))
            found._word(place, row, begins=at_head)
            at_head = False
    return _not_empty(found, origin)


def is_conllu(lines: Sequence[str]) -> bool:
    """Whether lines are of CoNLL-U: ten fields between tabs, of which the first counts words."""
    rows = [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]
    counted = (_WORD_ID.match(row[0]) or _OTHER_ID.match(row[0]) for row in rows)
    return bool(rows) and all(len(row) == len(CONLLU) for row in rows) and all(counted)


def split_conllu(text: str, origin: str) -> Lines:
    """The words of a CoNLL-U file; lines of multiword tokens (3-4) and empty nodes (8.1) are no words.

    Raises:
        DataError: no word, or a line that is not of this form.
    """
    found, at_head = Lines(_LINE_ENDS.split(text), "\t", _ending(text)), True
    for place, line in enumerate(found.lines):
        if not line.strip(" \t"):
            at_head = True
        elif line.startswith("#"):
            found.skipped["comments"] += 1
        else:
            row = line.split("\t")
            if len(row) != len(CONLLU):
                raise _ragged(origin, place, row, len(CONLLU), "\t")
            if _WORD_ID.match(row[0]):
                found._word(place, row, begins=at_head)
                at_head = False
            elif _OTHER_ID.match(row[0]):
                found.skipped["multiword tokens and empty nodes"] += 1
            else:
                raise DataError(
                    f"expected the number of a word in the first field, found {row[0]!r}",
                    where=f"{origin}, line {place + 1}",
                    fix="CoNLL-U numbers words 1, 2, ..., multiword tokens 3-4 and empty nodes 8.1.",
                )
    return _not_empty(found, origin)


def _fields(line: str, separator: str) -> list[str]:
    """Of one line; none of a blank one. Only blanks and tabs separate: a word may be any other space."""
    if not line.strip(" \t"):
        return []
    if separator == "\t":
        return [part.strip(" ") or part for part in line.split("\t")]
    return [part for part in line.replace("\t", " ").split(" ") if part]


def _first(row: list[str]) -> str:
    """What stands before the first blank or tab of a line."""
    return row[0].split(" ")[0]


def _ending(text: str) -> str:
    """What ends the first line."""
    found = _LINE_ENDS.search(text)
    return "\n" if found is None else found[0]


def _commonest(widths: list[int]) -> int:
    return Counter(widths).most_common(1)[0][0] if widths else 0


def _are_texts(split: list[list[str]], separator: str) -> bool:
    """Whether lines are rather whole sentences: without tabs, of many lengths, none of them usual."""
    widths = [len(row) for row in split if row]
    usual = widths.count(_commonest(widths))
    return separator == " " and max(widths) > _FEW and 2 * usual <= len(widths)


def _ragged(
    origin: str, place: int, row: list[str], width: int, separator: str, *, texts: bool = False
) -> DataError:
    """A line of another width than the others.

    Args:
        texts: whether the file seems to hold a whole sentence in each line.
    """
    if texts:
        return DataError(
            f"expected a word with its columns in each line, found whole sentences: {separator.join(row)[:60]!r}",
            where=f"{origin}, line {place + 1}",
            fix=WORD_IN_A_LINE,
        )
    between = "tabs" if separator == "\t" else "blanks"
    fields = f"{len(row)} field{'s' * (len(row) != 1)}"
    return DataError(
        f"expected {width} fields with {between} between them, found {fields}: {separator.join(row)[:60]!r}",
        where=f"{origin}, line {place + 1}",
        fix="Mend the line: a word with its columns in each, and a blank line between sentences.",
    )


def _not_empty(found: Lines, origin: str) -> Lines:
    if not found.fields:
        raise DataError(
            "there is no word in the file",
            where=origin,
            fix="Give a word with its columns in each line, and a blank line between sentences.",
        )
    return found
