"""Tables of numbers over time to series on a regular grid."""

from __future__ import annotations

from recurra.data.series.calendar import calendar_features
from recurra.data.series.collection import Report, Series
from recurra.data.series.definition import SeriesOptions, SeriesSchema
from recurra.data.series.description import describe_series
from recurra.data.series.frequency import default_season
from recurra.data.series.grid import Grid
from recurra.data.series.inference import infer_series_schema
from recurra.data.series.reading import to_series

__all__ = [
    "Grid",
    "Report",
    "Series",
    "SeriesOptions",
    "SeriesSchema",
    "calendar_features",
    "default_season",
    "describe_series",
    "infer_series_schema",
    "to_series",
]
