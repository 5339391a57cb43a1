"""Tables of numbers over time to series on a regular grid."""

from __future__ import annotations

from recurra.data.series.frequency import default_season
from recurra.data.series.grid import Grid

__all__ = ["Grid", "default_season"]
