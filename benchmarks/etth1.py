"""ETTh1 in the literature's protocol: all seven columns, 12/4/4 months, look-back 96, no test window dropped.

    python benchmarks/etth1.py [96 192 336 720]

Hourly values of two years; the first 8,640 hours to learn from, 2,880 to validate, 2,880 to test; scaled by the mean
and deviation of each column over the training part; mean squared error over all windows, steps and columns. The
network has the default settings; and the same with segments of one step, point by point, in the ten minutes that
every horizon may take. A killed trial goes on when the script is run again; every finished one is kept in
benchmarks/results/etth1.jsonl; the test part is opened by each of them once.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from trials import Trials, data_folder, table, trained

from recurra.data.series.definition import SeriesOptions
from recurra.runs.forecasts.config import ForecastFitOptions
from recurra.runs.forecasts.files import fit_series

HORIZONS = (96, 192, 336, 720)
PARTS = {"train": 8640, "validation": 2880, "test": 2880}
KINDS: dict[str, dict[str, Any]] = {
    "default": {},
    "point by point, ten minutes": {"settings": {"network.segment": 1}, "budget_s": 600.0},
}
# Mean squared errors in print: Zeng et al. (arXiv:2205.13504) and Lin et al. (arXiv:2308.11200).
PRINTED = {
    "DLinear": {96: 0.386, 192: 0.437, 336: 0.481, 720: 0.519},
    "SegRNN, one GRU layer": {96: 0.368, 192: 0.408, 336: 0.444, 720: 0.446},
}


def frame() -> pl.DataFrame:
    """The first twenty months, each row with its part; columns scaled by the training part, as errors are printed."""
    rows = pl.read_csv(data_folder() / "ett" / "ETTh1.csv")[: sum(PARTS.values())]
    values = rows.drop("date")
    train = values[: PARTS["train"]]
    scaled = values.select(
        (pl.col(name) - train[name].mean()) / train[name].std(ddof=0) for name in values.columns
    )
    parts = np.repeat(list(PARTS), list(PARTS.values()))
    return scaled.with_columns(rows["date"], pl.Series("part", parts))


def trial(kind: str, horizon: int) -> dict[str, Any]:
    """Fit, and score every test window once; a killed one goes on from its checkpoint in `runs/etth1-...`."""
    options = ForecastFitOptions(
        data=SeriesOptions(split="part"), horizon=horizon, look_back=96, baselines=False, **KINDS[kind]
    )
    place = f"etth1-{kind.replace(', ', '-').replace(' ', '-')}-{horizon}"
    run = trained(fit_series, frame(), options, place=place)
    scores = {score["name"]: score for score in run.metrics["test"]["scores"]}
    return {
        "mse": scores["MSE"],
        "mae": scores["MAE"],
        "coverage": scores["coverage of the 80 % interval"],
        "windows": run.metrics["test"]["n"],
        "epochs": run.metrics["training"]["epochs"],
        "weights": run.metrics["training"]["weights"],
        "seconds": round(run.metrics["seconds"]["training"], 1),  # over all resumptions
    }


def main(horizons: list[int]) -> None:
    """Run what is missing, print the table."""
    trials = Trials("etth1")
    found = {
        kind: {h: trials.run(f"{kind} · {h}", partial(trial, kind, h)) for h in horizons} for kind in KINDS
    }
    rows = [
        [kind, *(f"{of[h]['mse']['value']:.3f} ({of[h]['seconds']:.0f} s)" for h in horizons)]
        for kind, of in found.items()
    ]
    rows += [[f"{name} (printed)", *(f"{of[h]:.3f}" for h in horizons)] for name, of in PRINTED.items()]
    print(table(["mean squared error", *map(str, horizons)], rows))


if __name__ == "__main__":
    main([int(given) for given in sys.argv[1:]] or list(HORIZONS))
