"""The rows that could not be used, by reason, and what else was found on reading."""

from __future__ import annotations

from dataclasses import dataclass, field

from recurra.data.sources.table import numbered


@dataclass(frozen=True)
class Unusable:
    """Rows that became no example.

    Args:
        reasons: reason -> numbers of the rows it applies to, counted from 1.
        fate: what becomes of them.
        told: what else was found and done, in sentences.

    >>> Unusable({"no target": [2, 5]}).lines()
    ['2 rows are not used, no target: rows 2, 5']
    """

    reasons: dict[str, list[int]] = field(default_factory=dict)
    fate: str = "not used"
    told: tuple[str, ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.reasons.values()))

    def lines(self) -> list[str]:
        """A sentence per reason, the first rows by number; and what else was found."""
        return [
            *self.told,
            *(
                f"{len(rows):,} row{'s are' if len(rows) > 1 else ' is'} {self.fate}, {reason}: {numbered(rows)}"
                for reason, rows in self.reasons.items()
            ),
        ]
