"""What the command line asks of, and shows of, runs that forecast; and `recurra forecast`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rich.table import Table

from recurra.cli.console import NOTHING_HELD_OUT, Watcher, number, print_json, print_scores
from recurra.cli.visible import put
from recurra.errors import InputError
from recurra.runs.events import PhaseStarted
from recurra.runs.forecasts.files import back_test, fit_series, read_series
from recurra.runs.forecasts.run import ForecastRun
from recurra.runs.loading import load_as
from recurra.storage import write_bytes
from recurra.tasks.forecasting.settings import ForecastSettings, default_forecast_settings

STEPS_SHOWN = 6
fit = fit_series


def show_result(run: ForecastRun, watcher: Watcher) -> None:
    """Scores with intervals and baselines, the error by step of the horizon, the verdict."""
    metrics = run.metrics
    print_ = watcher.console.print
    if "test" not in metrics:
        print_(NOTHING_HELD_OUT)
        return
    part = metrics["test"]
    print_scores(run, part, f"{part['n']:,} forecasts of {run.horizon} steps", watcher.console)
    print_()
    print_(_step_table(part["per_step"], part["scores"][0]["name"]))
    if "verdict" in metrics:
        print_(f"\n{metrics['verdict']}")


def _step_table(rows: list[dict[str, Any]], name: str) -> Table:
    """The headline measure at a few steps of the horizon."""
    every = -(-len(rows) // STEPS_SHOWN)
    chosen = rows[every - 1 :: every]
    table = Table(box=None, pad_edge=False)
    table.add_column("step ahead", no_wrap=True)
    for row in chosen:
        table.add_column(str(row["step"]), justify="right")
    table.add_row(name, *(number(row[name]) for row in chosen))
    return table


def default_choices() -> list[ForecastSettings]:
    """The defaults for series of several lengths and numbers."""
    return [default_forecast_settings(*of) for of in ((8, 4, 50), (36, 12, 100), (96, 96, 50_000))]


def next_commands(place: Path) -> list[str]:
    """What to try with the run."""
    return [
        f"recurra forecast {place} --picture forecast.png",
        f"recurra forecast {place} --data NEWER_DATA",
        f"recurra evaluate {place} OTHER_DATA",
        f"recurra info {place}",
    ]


def run_forecast(
    run_folder: Path,
    data: str | None,
    *,
    out: Path | None,
    picture: Path | None,
    overwrite: bool,
    encoding: str | None,
    as_json: bool,
) -> None:
    """A row for each step of each series: as CSV (or JSON) on standard output, or in a .csv or .jsonl file."""
    for place, endings, name in ((out, (".csv", ".jsonl"), "--out"), (picture, (".png",), "--picture")):
        if place is not None and place.suffix not in endings:
            raise InputError(
                f"expected a name ending in {' or '.join(endings)}, found {str(place)!r}", where=name
            )
        if place is not None and place.exists() and not overwrite:
            raise InputError(
                "this file is there already",
                where=str(place),
                fix=f"Choose another {name}, or add --overwrite.",
            )
    run = load_as(run_folder, ForecastRun)
    with Watcher(as_json=True) as watcher:
        series = run.last
        if data is not None:
            watcher(PhaseStarted(f"Reading {data}"))
            series = read_series(data, run.config.data_schema, encoding=encoding, observer=watcher)
        forecasts = run.ahead(series, watcher)
        table = run.table(series, forecasts)
        if picture is not None:
            from recurra.report.forecasts import draw

            draw(series, forecasts, picture, season=run.config.data_schema.season)
            print(f"The picture is {picture}", file=sys.stderr)
    records = json.loads(table.write_json())
    if out is not None:
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        write_bytes(out, (table.write_csv() if out.suffix == ".csv" else lines).encode())
        print(f"{len(table):,} steps are in {out}", file=sys.stderr)
        if as_json:
            print_json({"steps": len(table), "out": str(out)})
    elif as_json:
        print_json(records)
    else:
        put(table.write_csv())


def evaluate(run: ForecastRun, data: str, *, encoding: str | None, watcher: Watcher) -> dict[str, Any]:
    """Scores of a back-test that rolls over all of `data`."""
    series = read_series(data, run.config.data_schema, encoding=encoding, observer=watcher)
    watcher(PhaseStarted("Scoring"))
    test, forecasts = back_test(run, series, watcher)
    return {
        "n": len(test.origins),
        "scores": [score.to_json() for score in test.scores(forecasts)],
        "per_step": test.by_step(forecasts),
    }


def facts(run: ForecastRun) -> dict[str, str]:
    """What `recurra info` tells of the run alone."""
    schema, shape = run.config.data_schema, run.config.shape
    return {
        "task": f"forecast of {len(run.last):,} series, {shape.horizon} steps from {shape.look_back}",
        "target": ", ".join(schema.targets[:8]) + (" ..." if len(schema.targets) > 8 else ""),
        "steps": f"{schema.grid.words}, a season is {schema.season}",
    }
