"""The rows that could not be used, by reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from recurra.data.sources.table import numbered


@dataclass(frozen=True)
class Unusable:
    """Rows that became no example.

    Args:
        reasons: reason -> numbers of the rows it applies to, counted from 1.
        fate: what becomes of them.

    >>> Unusable({"no target": [2, 5]}).lines()
    ['2 rows are not used, no target: rows 2, 5']
    """

    reasons: dict[str, list[int]] = field(default_factory=dict)
    fate: str = "not used"

    def __len__(self) -> int:
        return sum(map(len, self.reasons.values()))

    def lines(self) -> list[str]:
        """A sentence per reason, the first rows by number."""
        return [
            f"{len(rows):,} row{'s are' if len(rows) > 1 else ' is'} {self.fate}, {reason}: {numbered(rows)}"
            for reason, rows in self.reasons.items()
        ]
