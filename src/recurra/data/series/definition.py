"""What the columns of a table over time mean: what a person may say, and the schema a run keeps."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from recurra.data.series.grid import Grid


class SeriesOptions(BaseModel):
    """What a person says of the columns; everything left out is worked out from the data.

    Args:
        time: the column of times.
        target: the column to forecast, or several.
        id: the column that says which series a row belongs to.
        known: columns known ahead of time: prices, holidays.
        past: columns known only up to now, as the target is.
        static: columns that say one thing of a whole series.
        split: the column that says train, validation or test.
        frequency: how often steps are, such as "1h"; of times that are numbers, the step between them.
        season: steps of a season.
        ignore: columns that are not to be used.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    time: str | None = None
    target: str | list[str] | None = None
    id: str | None = None
    known: list[str] | None = None
    past: list[str] | None = None
    static: list[str] | None = None
    split: str | None = None
    frequency: str | None = None
    season: int | None = Field(default=None, ge=1)
    ignore: list[str] = []

    @property
    def targets(self) -> list[str]:
        """The columns to forecast that were named."""
        return [self.target] if isinstance(self.target, str) else list(self.target or [])


class SeriesSchema(BaseModel):
    """What the columns of a table over time mean. JSON-safe; a run keeps it in its `config.json`.

    Layouts:
        wide: a row is a time; every target column is a series.
        long: a row is a time of one series, told by `id`; with several targets each id has as many series.
        rows: a row is a series, its numbers in order; missing values at its end are no steps.

    Args:
        layout: see above.
        time: the column of times; None where the rows, or in layout rows the columns, are the steps.
        id: the column that names the series.
        targets: the columns to forecast; in layout rows the columns of steps, or the column of lists.
        known, past, static: see `SeriesOptions`.
        split: the column of parts.
        times_in_names: in layout rows, the columns of steps are named by their times.
        grid: the times at which steps are.
        season: steps of a season.
        categories: column of strings -> its values in the order of their channels, a channel of 0 and 1 each.
        set_aside: column -> why it is not used.
        layout_why, time_why, target_why, grid_why, season_why: why these were chosen.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    layout: Literal["wide", "long", "rows"]
    time: str | None = None
    id: str | None = None
    targets: list[str]
    known: list[str] = []
    past: list[str] = []
    static: list[str] = []
    split: str | None = None
    times_in_names: bool = False
    grid: Grid
    season: int = Field(default=1, ge=1)
    categories: dict[str, list[str]] = {}
    set_aside: dict[str, str] = {}
    layout_why: str = ""
    time_why: str = ""
    target_why: str = ""
    grid_why: str = ""
    season_why: str = ""

    def channels(self, columns: list[str]) -> list[str]:
        """Names of the channels that `columns` become: one, or of strings one for each category.

        >>> schema = SeriesSchema(layout="wide", targets=["y"], grid=Grid(), categories={"day": ["Fri", "Sat"]})
        >>> schema.channels(["price", "day"])
        ['price', 'day = Fri', 'day = Sat']
        """
        return [
            f"{column} = {value}" if column in self.categories else column
            for column in columns
            for value in self.categories.get(column, [""])
        ]
