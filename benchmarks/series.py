"""Forecasts with default settings beside every baseline: one seed, the test part opened once.

    python benchmarks/series.py [OT "M4 weekly" "exchange rates" sunspots "airline passengers"]

OT: hourly oil temperature of ETTh1 alone, 12/4/4 months, 24 steps. M4 weekly: the competition's two files, 13 steps
from the end of each series, MASE scaled by the whole training file. Others: the last fifth of the steps is tested on,
from every origin in it: 30 days of eight exchange rates, a year of monthly sunspots and of airline passengers. A
killed trial goes on when the script is run again; every finished one is kept in benchmarks/results/series.jsonl.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from trials import Trials, data_folder, table, trained

from recurra.data.series.definition import SeriesOptions
from recurra.runs.forecasts.config import ForecastFitOptions
from recurra.runs.forecasts.files import fit_series

COVERAGE = "coverage of the 80 % interval"
PARTS = {"train": 8640, "validation": 2880, "test": 2880}


def oil_temperature() -> dict[str, Any]:
    """The first twenty months of ETTh1's last column, each row with its part."""
    rows = pl.read_csv(data_folder() / "ett" / "ETTh1.csv")[: sum(PARTS.values())]
    parts = np.repeat(list(PARTS), list(PARTS.values()))
    frame = rows.select("date", "OT").with_columns(pl.Series("part", parts))
    return {"source": frame, "horizon": 24, "data": SeriesOptions(split="part")}


def m4_weekly() -> dict[str, Any]:
    """The files of the competition: a row is a series."""
    source, test = (data_folder() / "m4_weekly" / f"Weekly-{part}.csv" for part in ("train", "test"))
    return {"source": source, "test": test, "horizon": 13}


def exchange_rates() -> dict[str, Any]:
    """Eight columns without names or dates."""
    frame = pl.read_csv(data_folder() / "exchange_rate" / "exchange_rate.txt.gz", has_header=False)
    return {"source": frame, "horizon": 30}


def classic(name: str) -> dict[str, Any]:
    """A file of months and one column."""
    return {"source": data_folder() / "classic_series" / f"{name}.csv", "horizon": 12}


CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "OT": oil_temperature,
    "M4 weekly": m4_weekly,
    "exchange rates": exchange_rates,
    "sunspots": partial(classic, "monthly-sunspots"),
    "airline passengers": partial(classic, "airline-passengers"),
}


def trial(name: str) -> dict[str, Any]:
    """Fit with its baselines and score once; a killed one goes on from its checkpoint in `runs/series-...`."""
    case = CASES[name]()
    source, test = case.pop("source"), case.pop("test", None)
    place = f"series-{name.replace(' ', '-')}"
    run = trained(fit_series, source, ForecastFitOptions(**case), place=place, test=test)
    found = {
        "name": run.config.settings.network.cell.upper(),
        "scores": run.metrics["test"]["scores"],
        "seconds": run.metrics["seconds"]["training"],
    }
    kept = [{key: each[key] for key in found} for each in (found, *run.metrics["baselines"])]
    return {
        "horizon": run.horizon,
        "look_back": run.look_back,
        "windows": run.metrics["test"]["n"],
        "forecasts": kept,
        "verdict": run.metrics["verdict"],
        "epochs": run.metrics["training"]["epochs"],
        "weights": run.metrics["training"]["weights"],
        "seconds": round(run.metrics["seconds"]["total"], 1),
    }


def rows_of(name: str, result: dict[str, Any]) -> list[list[str]]:
    """A row for each forecaster."""
    rows = []
    for forecast in result["forecasts"]:
        value = {score["name"]: score["value"] for score in forecast["scores"]}
        measures = [f"{value[m]:.3f}" if m in value else "" for m in ("sMAPE", "MASE", "OWA")]
        covered = f"{100 * value[COVERAGE]:.1f}" if COVERAGE in value else ""
        rows.append([name, forecast["name"], *measures, covered, f"{forecast['seconds']:.0f} s"])
    return rows


def main(names: list[str]) -> None:
    """Run what is missing, print the table and the verdicts."""
    trials = Trials("series")
    found = {name: trials.run(name, partial(trial, name)) for name in names}
    header = ["data", "forecast", "sMAPE", "MASE", "OWA", "% in the 80 % interval", "time"]
    print(table(header, [row for name, result in found.items() for row in rows_of(name, result)]))
    for name, result in found.items():
        print(f"\n{name}: {result['verdict']}")


if __name__ == "__main__":
    main(sys.argv[1:] or list(CASES))
