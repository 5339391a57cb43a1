"""Tables of a page: read aloud cell by cell with their headings, moved sideways by keys or, on a telephone, stacked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recurra.report.page import render

if TYPE_CHECKING:
    from markupsafe import Markup

Cell = str | tuple[str, str]  # what it says; and, where there are two, what stands small below


@dataclass(frozen=True)
class Table:
    """A table whose first column names the rows.

    Args:
        caption: what it shows.
        columns: their heads.
        rows: of each its cells, the name first.
        words: columns (by number) of words; all others but the first hold numbers.
        marked: rows (by number) that stand out.
        stacked: whether on a telephone the cells of a row stand under each other, each with its head; for tables
            that are too wide for it.

    >>> table = Table("Lengths", ["word", "letters"], [["step", "4"], [("state", "h"), "5"]])
    >>> table.html().count("<td"), "<small>h</small>" in table.html()
    (2, True)
    """

    caption: str
    columns: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    words: Collection[int] = ()
    marked: Collection[int] = ()
    stacked: bool = False

    def html(self) -> Markup:
        """The table as it stands in a page."""
        return render(
            "table.html",
            caption=self.caption,
            columns=[_pair(cell) for cell in self.columns],
            rows=[[_pair(cell) for cell in row] for row in self.rows],
            words=self.words,
            marked=self.marked,
            stacked=self.stacked,
        )


def of_facts(caption: str, facts: dict[str, str], heads: tuple[str, str]) -> Table:
    """A table of names and what is known of each."""
    return Table(caption, heads, [[name, value] for name, value in facts.items()], words={1})


def _pair(cell: Cell) -> tuple[str, str]:
    return (cell, "") if isinstance(cell, str) else cell
