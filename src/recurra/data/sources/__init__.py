"""Files, streams and Python objects to tables."""

from __future__ import annotations

from recurra.data.sources.reading import read
from recurra.data.sources.table import Table

__all__ = ["Table", "read"]
