"""How often: a count and a unit, written "15min", "1h", "1d", "1mo"; and the season that goes with it."""

from __future__ import annotations

import re
from typing import NamedTuple

from recurra.errors import InputError

# Microseconds of the units that are always equally long.
WIDTHS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
MONTHS = {"mo": 1, "q": 3, "y": 12}
WORDS = {
    "us": "microsecond",
    "ms": "millisecond",
    "s": "second",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "b": "business day",
    "w": "week",
    "mo": "month",
    "q": "quarter",
    "y": "year",
}
_ADVERBS = {"hourly": "h", "daily": "d", "weekly": "w", "monthly": "mo", "quarterly": "q", "yearly": "y"}
_A_DAY, _AN_HOUR = 1440, 3600  # longest season, in steps, that is taken without being asked for


class Frequency(NamedTuple):
    """One step is `count` of `unit`.

    >>> str(Frequency(15, "min")), Frequency(1, "b").words, Frequency(15, "min").words
    ('15min', 'business day', '15 minutes')
    """

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"

    @property
    def words(self) -> str:
        """For a sentence with "every"."""
        word = WORDS[self.unit]
        return word if self.count == 1 else f"{self.count} {word}s"

    @property
    def width(self) -> int | None:
        """Microseconds of a step; None where steps are not all equally long."""
        return self.count * WIDTHS[self.unit] if self.unit in WIDTHS else None

    @property
    def months(self) -> int | None:
        """Months of a step, where it is whole months."""
        return self.count * MONTHS[self.unit] if self.unit in MONTHS else None


def of_width(width: int) -> Frequency:
    """Steps of `width` microseconds, in the largest unit that measures them.

    >>> str(of_width(7_200_000_000))
    '2h'
    """
    unit = next(unit for unit in reversed(WIDTHS) if width % WIDTHS[unit] == 0)
    return Frequency(width // WIDTHS[unit], unit)


def of_months(months: int) -> Frequency:
    """Steps of `months` months, in the largest unit that measures them.

    >>> str(of_months(6))
    '2q'
    """
    unit = next(unit for unit in reversed(MONTHS) if months % MONTHS[unit] == 0)
    return Frequency(months // MONTHS[unit], unit)


def parse_frequency(text: str) -> Frequency:
    """What a person or a run's config says of the frequency; "60min" is "1h".

    Raises:
        InputError: it is none; with the units there are.

    >>> parse_frequency("15min"), parse_frequency("h"), parse_frequency("monthly")
    (Frequency(count=15, unit='min'), Frequency(count=1, unit='h'), Frequency(count=1, unit='mo'))
    """
    plain = text.strip().lower()
    match = re.fullmatch(r"(\d*)\s*([a-z ]+)", plain)
    names = {**{word: unit for unit, word in WORDS.items()}, **{unit: unit for unit in WORDS}, **_ADVERBS}
    unit = (names.get(match[2]) or names.get(match[2].removesuffix("s"))) if match else None
    count = int(match[1] or 1) if match else 0
    if unit is None or not 1 <= count <= 1_000_000:
        raise InputError(
            f"{text!r} does not say how often",
            where="--frequency",
            fix=f"Give a number and a unit, such as 15min or 1d; the units are {', '.join(WORDS)} "
            "(b: business days, Monday to Friday; mo: months; q: quarters).",
        )
    found = Frequency(count, unit)
    if found.width is not None:
        return of_width(found.width)
    return found if found.months is None else of_months(found.months)


def default_season(frequency: str) -> int:
    """Steps of the season that series of this frequency usually have; 1 where none is to be expected.

    Of hours and minutes the day, of seconds the hour, of days and business days the week, of weeks, months
    and quarters the year. "" is plain numbers.

    >>> [default_season(f) for f in ("1h", "15min", "1d", "1b", "1w", "1mo", "1q", "1y", "")]
    [24, 96, 7, 5, 52, 12, 4, 1, 1]
    """
    if not frequency:
        return 1
    step = parse_frequency(frequency)
    if step.months is not None:
        return 12 // step.months if 12 % step.months == 0 else 1
    if step.unit == "b":
        return 5 // step.count if 5 % step.count == 0 else 1
    width = step.width or 0
    if step.unit == "w":
        return 52 // step.count if 52 % step.count == 0 else 1
    if step.unit == "d":
        return 7 // step.count if 7 % step.count == 0 else 1
    for cycle, longest in ((WIDTHS["d"], _A_DAY), (WIDTHS["h"], _AN_HOUR)):
        if cycle % width == 0 and cycle // width <= longest:
            return cycle // width
    return 1
