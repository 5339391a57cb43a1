"""The series told in a few lines, before anything trains."""

from __future__ import annotations

import numpy as np

from recurra.data.series.collection import Report, Series
from recurra.data.series.definition import SeriesSchema
from recurra.data.series.grid import shown
from recurra.data.sources.table import Table, listed

_SHOWN = 8


def describe_series(
    schema: SeriesSchema, series: Series, report: Report, table: Table | None = None
) -> list[str]:
    """Lines for the terminal: what was found, what each column is taken for, what was done, what is not used."""
    lines = []
    if table is not None:
        rows, columns = table.frame.shape
        lines.append(f"{table.origin}: {rows:,} rows, {columns:,} columns ({table.format})")
        lines += [f"  {note}" for note in table.notes]
    lines.append(f"series: {len(series):,} ({schema.layout_why})")
    lines.append(f"  {_lengths(series)}")
    lines.append(f"target: {listed(schema.targets, _SHOWN)} ({schema.target_why})")
    if schema.time is None and not schema.times_in_names:
        lines.append(f"time: {schema.time_why}")
    else:
        ends = np.array([series.first.min(), (series.first + series.lengths).max() - 1])
        times = schema.grid.times_of(ends)
        said = f"{schema.time} ({schema.time_why})" if schema.time else schema.time_why
        lines.append(f"time: {said}, {shown(times, 0)} to {shown(times, 1)}")
        lines.append(f"  {schema.grid.words} ({schema.grid_why})")
    lines.append(f"season: {schema.season:,} step{'s' * (schema.season > 1)} ({schema.season_why})")
    for role, columns in (("known ahead", schema.known), ("past", schema.past), ("static", schema.static)):
        if columns:
            lines.append(f"{role}: {listed(schema.channels(columns), _SHOWN)}")
    if schema.split:
        lines.append(f"split: {schema.split}")
    lines += report.lines()
    by_reason: dict[str, list[str]] = {}
    for name, why in schema.set_aside.items():
        by_reason.setdefault(why, []).append(name)
    lines += [f"set aside: {listed(found, _SHOWN)} ({why})" for why, found in by_reason.items()]
    return lines


def _lengths(series: Series) -> str:
    lengths = series.lengths
    if lengths.min() == lengths.max():
        return f"{lengths[0]:,} steps{' each' * (len(series) > 1)}"
    return (
        f"steps: median {np.median(lengths):,.0f}, shortest {lengths.min():,}, longest {lengths.max():,}, "
        f"{lengths.sum():,} in all"
    )
