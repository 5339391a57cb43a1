"""The whole job: IMDB by `recurra fit` on torch's kernels and on ours, and the time to 86 % beside Keras on JAX.

    python benchmarks/whole_job.py [fit reach] [--seeds 0 1 2] [--set NAME=VALUE ...] [--keras-python PYTHON]

fit: the same command twice, one after the other, from the shell prompt to the end, the test file scored: once in a
process from which our native kernels are hidden, which is what an installation without a compiler is (every layer runs
on torch's kernels), and once as installed. `--set` is handed on to both, such as `--set training.precision=bfloat16`.

reach: both learn from the same 22,500 reviews and are measured on the same 2,500 others, sixteen times in an epoch:
Keras on JAX (the usual script, see keras_imdb.py) until it is right on 85.9 % of them, then at once `recurra fit`, with
no option but `--set`, until 86 %. Time is that of training alone: measuring is left out, and so is preparing the texts
(of recurra that counts word vectors, too), which is told beside it. Keras' time holds the compiling, told as well: by
how much the first sixteenth of an epoch took longer than the median of the others.

Every finished trial is kept in benchmarks/results/whole_job.jsonl. Close everything else first.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from imdb import Clock, as_examples, reviews, train_keras
from torch import nn
from trials import Trials, data_folder, run_command, table

from recurra.cli.fit import parse_assignments
from recurra.runs.events import Event, Observer, PhaseStarted
from recurra.runs.fitting import carry_out
from recurra.runs.run import Run
from recurra.runs.sequences.config import SequenceFitOptions
from recurra.runs.sequences.fit import SequenceFitting
from recurra.training.loop import EpochRecord, StepDone, predictions

KERAS_ACCURACY, OUR_ACCURACY = 0.859, 0.86
PARTS = 16  # of an epoch, each followed by measuring
MOST_EPOCHS = 6  # of Keras; ours ends with its own schedule

Curve = list[tuple[float, float]]  # seconds of training, accuracy


def fit(seed: int, settings: list[str], *, native: bool) -> dict[str, Any]:
    """One `recurra fit` with its test file; what is kept of it."""
    train, test = (str(data_folder() / "imdb" / f"imdb_{part}.csv.gz") for part in ("train", "test"))
    kernels = run_command(["info"], native=native)["result"]["native kernels"]
    with tempfile.TemporaryDirectory() as place:
        options = [part for setting in settings for part in ("--set", setting)]
        out = str(Path(place) / "run")
        done = run_command(
            ["fit", train, "--test", test, "--seed", str(seed), *options, "--out", out], native=native
        )
    result = done.pop("result")
    return done | {
        "native_kernels": kernels,
        "test": result["test"]["scores"][0],
        "validation": result["validation"]["scores"][0],
        "training": result["training"],
        "seconds_of": result["seconds"],
    }


def reach(seed: int, settings: list[str], keras_python: str) -> dict[str, Any]:
    """Keras, then ours; seconds to the accuracy, None where it was never reached."""
    parts = reviews()
    arguments = ["--epochs", MOST_EPOCHS, "--parts", PARTS, "--until", KERAS_ACCURACY, "--seed", seed]
    keras = train_keras(parts, python=keras_python, arguments=[str(a) for a in arguments])
    times = [seconds for seconds, _ in keras["curve"]]
    others = np.diff(times)
    keras["compiling"] = times[0] - float(np.median(others)) if len(others) else None
    keras["seconds"] = _reached(keras["curve"], KERAS_ACCURACY)
    preparing, curve = our_curve(parts, seed, settings)
    ours = {"preparing": preparing, "curve": curve, "seconds": _reached(curve, OUR_ACCURACY)}
    return {"keras": keras, "recurra": ours}


def our_curve(parts: dict[str, Any], seed: int, settings: list[str]) -> tuple[float, Curve]:
    """Seconds of preparing, and the curve of `recurra fit` until it has reached what it shall."""
    examples, schema = as_examples(parts)
    options = SequenceFitOptions(seed=seed, baselines=False, settings=parse_assignments(settings))
    fitting = _Watched(examples, schema, options, examples.take(np.zeros(0, dtype=np.int64)))
    curve: Curve = []
    preparing, clock, every = Clock(), Clock(), 1
    prepared = 0.0

    def observe(event: Event) -> None:
        nonlocal clock, every, prepared
        if isinstance(event, PhaseStarted) and event.name == "Training":
            prepared, clock = preparing.seconds(), Clock()
            every = -(-len(fitting.training) // PARTS)
        elif isinstance(event, StepDone):
            place = event.step % len(fitting.training)
            if place % every == 0:  # 0 is the end of an epoch
                seconds = clock.seconds()
                accuracy = clock.paused(fitting.accuracy)
                curve.append((seconds, accuracy))
                print(f"  {seconds:.1f} s: {100 * accuracy:.1f} %", flush=True)
                if accuracy >= OUR_ACCURACY:
                    raise _Reached
        elif isinstance(event, EpochRecord):
            clock.back_to(
                curve[-1][0]
            )  # the fit itself has measured the same reviews at the end of its epoch

    with suppress(_Reached):
        carry_out(fitting, observer=observe)
    return prepared, curve


class _Reached(Exception):
    """The accuracy is reached; training need not go on."""


class _Watched(SequenceFitting):
    """A fit that can be asked in between how good its network is."""

    watched: nn.Module

    def network(self, init: Run[Any, Any] | None, observer: Observer, *, anew: bool) -> Any:
        """The network, remembered."""
        self.watched = super().network(init, observer, anew=anew)
        return self.watched

    def accuracy(self) -> float:
        """Of the network as it is, on the validation part."""
        assert self.validation is not None
        precision = self.settings.training.precision
        pairs = ((o, b.target) for b, o in predictions(self.watched, self.validation, precision))
        return self.objective.validate((o, t) for o, t in pairs if t is not None)["accuracy"]


def _reached(curve: Curve, accuracy: float) -> float | None:
    return next((seconds for seconds, found in curve if found >= accuracy), None)


def fit_table(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> str:
    """A row for each trial, and how many times faster ours is than its neighbour."""
    rows = []
    for torchs, ours in zip(before, after, strict=True):
        for name, t in (("torch's", torchs), ("ours", ours)):
            training, whole = t["seconds_of"]["training"], t["seconds"]
            low, high = (100 * t["test"]["interval"][end] for end in ("low", "high"))
            faster = ["", ""]
            if t is ours:
                faster = [
                    f" ({torchs['seconds_of']['training'] / training:.2f}x)",
                    f" ({torchs['seconds'] / whole:.2f}x)",
                ]
            rows.append(
                [
                    t["trial"].split(", ")[-1],
                    name,
                    f"{100 * t['test']['value']:.2f}",
                    f"{low:.2f} to {high:.2f}",
                    str(t["training"]["epochs"]),
                    f"{training:.0f} s{faster[0]}",
                    f"{whole:.0f} s{faster[1]}",
                ]
            )
    return table(["", "kernels", "test accuracy", "95 %", "epochs", "training", "whole command"], rows)


def reach_table(trials: list[dict[str, Any]]) -> str:
    """A row for each seed; the ratio is what a third is asked of."""
    rows = []
    for t in trials:
        keras, ours = t["keras"], t["recurra"]
        both = keras["seconds"] is not None and ours["seconds"] is not None
        rows.append(
            [
                t["trial"].split(", ")[-1],
                *(
                    "not reached"
                    if m["seconds"] is None
                    else f"{m['seconds']:.1f} s (and {m['preparing']:.1f} s)"
                    for m in (keras, ours)
                ),
                "" if keras["compiling"] is None else f"{keras['compiling']:.1f} s",
                f"{ours['seconds'] / keras['seconds']:.2f}" if both else "",
            ]
        )
    ratios = [float(row[-1]) for row in rows if row[-1]]
    header = [
        "",
        f"Keras on JAX to {100 * KERAS_ACCURACY:.1f} % (and preparing)",
        f"recurra to {100 * OUR_ACCURACY:.0f} % (and preparing)",
        "of Keras' time compiling",
        "ours / Keras",
    ]
    median = f"\n\nMedian of the ratios: {statistics.median(ratios):.2f}." if ratios else ""
    return table(header, rows) + median


def main() -> None:
    """Run what is not done yet, and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=["fit", "reach"], help="fit, reach or both")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--keras-python", default=sys.executable)
    given = parser.parse_args()
    if unknown := set(given.what) - {"fit", "reach"}:
        parser.error(f"expected fit or reach, found {', '.join(sorted(unknown))}")
    trials = Trials("whole_job")
    with_settings = "".join(f", {setting}" for setting in given.settings)
    if "fit" in given.what:
        found: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
        for seed in given.seeds:
            for native in (False, True):
                name = f"fit, {'native' if native else 'torch'}{with_settings}, seed {seed}"
                found[native].append(
                    trials.run(name, lambda s=seed, n=native: fit(s, given.settings, native=n))
                )
        print(fit_table(found[False], found[True]), "\n")
    if "reach" in given.what:
        done = [
            trials.run(
                f"reach{with_settings}, seed {seed}",
                lambda s=seed: reach(s, given.settings, given.keras_python),
            )
            for seed in given.seeds
        ]
        print(reach_table(done))


if __name__ == "__main__":
    main()
