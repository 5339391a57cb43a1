"""What can be seen of a column without knowing its meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import polars as pl
import polars.selectors as cs

from recurra.data.schema import names
from recurra.data.sources.columns import is_number, missing, number
from recurra.data.sources.table import Table

Kind = Literal["number", "almost number", "boolean", "time", "list", "string", "other"]

_HEAD = 256
_SAMPLED = 2000
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?([ T]\d{1,2}:\d{2}.*)?"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( \d{1,2}:\d{2}.*)?"
)


@dataclass(frozen=True)
class Column:
    """One column seen from outside.

    Args:
        name: its name.
        kind: "almost number" are strings of which at least nine in ten are numbers: a broken number column.
        distinct: number of different values, missing ones left out.
        missing: number of rows without a value.
        whole: all values are whole numbers.
        chars, words: means over the strings, of a sample of the rows.
    """

    name: str
    kind: Kind
    rows: int
    distinct: int = 0
    missing: int = 0
    whole: bool = False
    chars: float = 0.0
    words: float = 0.0

    @property
    def known(self) -> int:
        """Rows that have a value."""
        return self.rows - self.missing

    @property
    def identifies(self) -> bool:
        """The values name the rows: whole numbers, or strings of one word, all different."""
        return self._nameable and self.distinct == self.known > 2

    @property
    def named_identifier(self) -> bool:
        """The same, nearly, and the column's name says so, too."""
        said = names.named(self.name, names.IDENTIFIER | names.TIME)
        return said and self._nameable and 3 * self.distinct >= self.known

    @property
    def _nameable(self) -> bool:
        return self.whole or (self.kind == "string" and self.words <= 1.5)

    def __str__(self) -> str:
        if self.kind == "other":
            return self.name
        return f"{self.name} (sequences)" if self.kind == "list" else f"{self.name} ({self.distinct} values)"


def profile(table: Table) -> dict[str, Column]:
    """Every column of `table`, in its order."""
    # What pandas and NumPy call NaN is a missing value.
    frame = table.frame.with_columns(
        cs.float().fill_nan(None), cs.by_dtype(pl.Categorical, pl.Enum, pl.Null).cast(pl.String)
    )
    kinds: dict[str, Kind] = {name: _kind(frame[name]) for name in frame.columns}
    flat = [name for name, kind in kinds.items() if kind not in ("list", "other")]
    distinct = _row(frame, flat, pl.col(flat).drop_nulls().n_unique())
    gaps = _row(frame, flat, pl.col(flat).null_count())
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    whole = _row(frame, numbers, (pl.col(numbers).drop_nulls() % 1 == 0).all())
    strings = [name for name, kind in kinds.items() if kind == "string"]
    # A mean does not need every row, and counting words is slow.
    some = frame.select(strings).gather_every(max(1, frame.height // _SAMPLED))
    chars = _row(some, strings, pl.col(strings).str.len_chars().mean())
    words = _row(some, strings, pl.col(strings).str.count_matches(r"\S+").mean())
    return {
        name: Column(
            name,
            kind,
            frame.height,
            distinct.get(name, 0),
            gaps.get(name, 0),
            bool(whole.get(name, False)),
            chars.get(name) or 0.0,
            words.get(name) or 0.0,
        )
        for name, kind in kinds.items()
    }


def _row(frame: pl.DataFrame, names: list[str], expression: pl.Expr) -> dict:
    return frame.select(expression).row(0, named=True) if names else {}


def _kind(column: pl.Series) -> Kind:
    dtype = column.dtype
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_numeric():
        return "number"
    if dtype.is_temporal():
        return "time"
    if isinstance(dtype, pl.List | pl.Array):
        inner = dtype.inner
        while isinstance(inner, pl.List | pl.Array):
            inner = inner.inner
        return (
            "list" if (isinstance(inner, pl.DataType) and inner.is_numeric()) or inner == pl.Null else "other"
        )
    if dtype != pl.String:
        return "other"
    head = [cell for cell in column.drop_nulls().head(_HEAD).to_list() if cell.strip()]
    if head and all(_DATE.fullmatch(cell.strip()) for cell in head):
        return "time"
    if sum(map(is_number, head)) >= 0.8 * len(head) > 0 and not any(
        re.match(r"\s*0\d", cell) for cell in head
    ):
        frame = column.alias("cell").to_frame().filter(~missing(pl.col("cell")))
        if not frame.is_empty() and frame.select(number(pl.col("cell")).is_not_null().mean()).item() >= 0.9:
            return "almost number"
    return "string"
