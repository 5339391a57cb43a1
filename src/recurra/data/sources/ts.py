"""The `.ts` files of the UCR and UEA archives (timeseriesclassification.com)."""

from __future__ import annotations

import polars as pl

from recurra.data.sources.table import Table
from recurra.errors import DataError


def read_ts(data: bytes, origin: str) -> Table:
    """A row per sequence: a List column per channel, and the column `label` where the header declares one.

    After the header (`@name value`, up to `@data`) a line is `v,v,...:v,v,...:label`, one part per channel;
    `?` is a missing value. Sequences may be of unequal length.

    Raises:
        DataError: no `@data`, time stamps, a line with another number of channels, a value that is no number.
    """
    lines = data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    header, first = _read_header(lines, origin)
    if header.get("timestamps", "false").lower() == "true":
        raise DataError(
            "the values carry time stamps (@timeStamps true), which is not read",
            where=origin,
            fix="Write the values alone, evenly spaced, with @timeStamps false.",
        )
    declared = header.get("classlabel", "false").split()
    labelled = declared[0].lower() == "true" or header.get("targetlabel", "false").lower() == "true"
    kept = [(number, line) for number, line in enumerate(lines[first:], first + 1) if line.strip()]
    if not kept:
        raise DataError("there is no sequence after @data", where=origin)
    frame = _channels([line for _, line in kept], [number for number, _ in kept], labelled, origin)
    roles = {"target": "label"} if labelled else {}
    task = None if not labelled else "classify" if declared[0].lower() == "true" else "regress"
    return Table(frame, origin, "ts", roles=roles, task=task)


def _read_header(lines: list[str], origin: str) -> tuple[dict[str, str], int]:
    header: dict[str, str] = {}
    for i, line in enumerate(lines):
        if not line.startswith("@"):
            continue
        name, _, value = line[1:].strip().partition(" ")
        if name.lower() == "data":
            return header, i + 1
        header[name.lower()] = value.strip() or "false"
    raise DataError("there is no line @data, after which the sequences stand", where=origin)


def _channels(lines: list[str], numbers: list[int], labelled: bool, origin: str) -> pl.DataFrame:
    parts = pl.Series("parts", lines).str.split(":")
    counts = parts.list.len()
    width = int(counts[0])
    wrong = (counts != width).arg_true()
    if len(wrong):
        i = int(wrong[0])
        raise DataError(
            f"{counts[i] - labelled} channels in line {numbers[i]}, but {width - labelled} in the first",
            where=f"{origin}, row {i + 1}",
            fix="Give every sequence the same channels, in the same order.",
        )
    channels = width - labelled
    if channels < 1:
        raise DataError("the lines hold no values before the label", where=origin)
    columns = []
    for channel in range(channels):
        cells = parts.list.get(channel).str.strip_chars()
        steps = cells.str.split(",")
        values = steps.list.eval(
            pl.when(pl.element().str.strip_chars().str.to_lowercase().is_in(["?", "nan", ""]))
            .then(None)
            .otherwise(pl.element().str.strip_chars())
        )
        floats = values.list.eval(pl.element().cast(pl.Float64, strict=False))
        lost = floats.list.eval(pl.element().null_count()).list.first()
        known = values.list.eval(pl.element().null_count()).list.first()
        if (lost != known).any():
            i = int((lost != known).arg_true()[0])
            lost_here = floats[i].is_null() & values[i].is_not_null()
            bad = steps[i].filter(lost_here)[0]
            raise DataError(
                f"{bad!r} in line {numbers[i]}, channel {channel + 1}, is not a number",
                where=f"{origin}, row {i + 1}",
                fix="Write ? where a value is missing.",
            )
        # An empty cell is a sequence without steps, not one missing value.
        empty = pl.Series([[]], dtype=pl.List(pl.Float64))
        columns.append(
            pl.select(
                pl.when(cells == "").then(empty).otherwise(floats).alias(f"channel_{channel + 1}")
            ).to_series()
        )
    frame = pl.DataFrame(columns)
    if labelled:
        labels = parts.list.last().str.strip_chars()
        frame = frame.with_columns(pl.when(labels == "?").then(None).otherwise(labels).alias("label"))
    return frame
