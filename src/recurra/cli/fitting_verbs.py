"""The verbs that train: demo, fit, compare. What each does stands in a module of its own, imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recurra.cli import arguments
from recurra.cli.app import JSON, Sectioned, app
from recurra.storage import check_there


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where to leave runs, picture and summary.")] = Path(
        "recurra-demo"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    json: JSON = False,
) -> None:
    """RNN, LSTM and GRU side by side on data that every install has: digits, sunspots, a text. About two minutes.

    Example: recurra demo --out my-demo
    """
    from recurra.cli.demo import run_demo

    run_demo(out, seed=seed, as_json=json)


@app.command(cls=Sectioned)
def fit(
    data: arguments.DATA,
    test: arguments.TEST = None,
    out: Annotated[
        Path | None, typer.Option(metavar="RUN", help="The run folder; else runs/NAME is made.")
    ] = None,
    cell: Annotated[
        str | None, typer.Option(help="rnn, lstm, gru, mingru, minlstm, tcn, transformer or feedforward.")
    ] = None,
    task: arguments.TASK = None,
    target: arguments.TARGET = None,
    text: arguments.TEXT = None,
    image: arguments.IMAGE = None,
    steps: arguments.STEPS = None,
    size: arguments.SIZE = None,
    features: arguments.FEATURES = None,
    time: arguments.TIME = None,
    id: arguments.ID = None,
    group: arguments.GROUP = None,
    split: arguments.SPLIT = None,
    ignore: arguments.IGNORE = None,
    layout: arguments.LAYOUT = None,
    level: arguments.LEVEL = None,
    horizon: arguments.HORIZON = None,
    look_back: arguments.LOOK_BACK = None,
    lm: arguments.LM = None,
    known: arguments.KNOWN = None,
    past: arguments.PAST = None,
    static: arguments.STATIC = None,
    frequency: arguments.FREQUENCY = None,
    season: arguments.SEASON = None,
    window: arguments.WINDOW = None,
    stride: arguments.STRIDE = None,
    label_separator: arguments.LABEL_SEPARATOR = None,
    encoding: arguments.ENCODING = None,
    validation: arguments.VALIDATION = None,
    test_share: arguments.TEST_SHARE = None,
    budget: Annotated[str | None, typer.Option(help="Time for everything, such as 90s, 10m or 1h.")] = None,
    seed: arguments.SEED = 0,
    set: arguments.SET = None,
    init: Annotated[str | None, typer.Option(metavar="RUN", help="Start from this run's weights.")] = None,
    baselines: Annotated[bool, typer.Option(help="Fit the baselines beside it.")] = True,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a killed training in --out.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in --out.")] = False,
    json: JSON = False,
) -> None:
    """Train on a file and score the network beside its baselines.

    Example: recurra fit reviews.csv --text review --target label --budget 10m --out runs/reviews

    Example: recurra fit load.csv --horizon 24 --time date --target load --out runs/load

    Example: recurra fit walks.csv --task tag --id walk --time seconds --target activity --out runs/walks

    Example: recurra fit novel.txt --task generate --out runs/novel

    Example: recurra fit train.en --task translate --target train.de --test test.en --out runs/en-de

    Example: recurra fit recordings/ --task transcribe --out runs/speech

    Example: recurra fit digits/ --steps pixels --cell gru --out runs/digits

    Example: recurra fit photos.csv --task caption --image file --target caption --out runs/captions
    """
    check_there(data, test, init, lm)
    from recurra.cli.fit import run_fit

    run_fit(
        data,
        test=test,
        out=out,
        task=task,
        roles={
            "target": target,
            "text": text,
            "image": image,
            "steps": steps,
            "size": size,
            "features": features,
            "time": time,
            "id": id,
            "group": group,
            "split": split,
            "ignore": ignore,
            "layout": layout,
            "level": level,
            "window": window,
            "stride": stride,
            "label_separator": label_separator,
            "horizon": horizon,
            "look_back": look_back,
            "lm": lm,
            "known": known,
            "past": past,
            "static": static,
            "frequency": frequency,
            "season": season,
        },
        cell=cell,
        assignments=set or [],
        options={
            "validation": validation,
            "test_share": test_share,
            "seed": seed,
            "init": init,
            "baselines": baselines,
        },
        budget=budget,
        encoding=encoding,
        resume=resume,
        overwrite=overwrite,
        as_json=json,
    )


@app.command(cls=Sectioned)
def compare(
    data: arguments.DATA,
    test: arguments.TEST = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to leave runs and summary; else runs/NAME-compared."),
    ] = None,
    cells: Annotated[
        str | None, typer.Option(metavar="CELL,CELL", help="Networks that take part; else all there are.")
    ] = None,
    own: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=MODULE:CLASS",
            help="A network of your own that takes part; the module is imported, so its code runs.",
        ),
    ] = None,
    match: Annotated[
        str | None, typer.Option(metavar="params|time", help="Held equal: weights, or time of training.")
    ] = None,
    weights: Annotated[
        int | None, typer.Option(help="Weights of each network; else as many as fit takes.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Scored trainings of each network; else 3.")] = None,
    trials: Annotated[int | None, typer.Option(help="Learning rates tried for each; else 3.")] = None,
    tune_on: Annotated[
        int | None, typer.Option(metavar="N", help="Training examples to try learning rates on; else all.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Time for everything, such as 10m or 1h.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Trainings at the same time; else 1.")] = None,
    task: arguments.TASK = None,
    target: arguments.TARGET = None,
    text: arguments.TEXT = None,
    image: arguments.IMAGE = None,
    steps: arguments.STEPS = None,
    size: arguments.SIZE = None,
    features: arguments.FEATURES = None,
    time: arguments.TIME = None,
    id: arguments.ID = None,
    group: arguments.GROUP = None,
    split: arguments.SPLIT = None,
    ignore: arguments.IGNORE = None,
    layout: arguments.LAYOUT = None,
    level: arguments.LEVEL = None,
    horizon: arguments.HORIZON = None,
    look_back: arguments.LOOK_BACK = None,
    known: arguments.KNOWN = None,
    past: arguments.PAST = None,
    static: arguments.STATIC = None,
    frequency: arguments.FREQUENCY = None,
    season: arguments.SEASON = None,
    window: arguments.WINDOW = None,
    stride: arguments.STRIDE = None,
    label_separator: arguments.LABEL_SEPARATOR = None,
    encoding: arguments.ENCODING = None,
    validation: arguments.VALIDATION = None,
    test_share: arguments.TEST_SHARE = None,
    seed: arguments.SEED = 0,
    set: arguments.SET = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted comparison in --out.")
    ] = False,
    json: JSON = False,
) -> None:
    """Which network for these data: trained alike, compared with each other and with the baselines.

    Example: recurra compare reviews.csv --text review --target label --budget 30m --out runs/compared

    Example: recurra compare load.csv --horizon 24 --time date --target load --cells lstm,gru --match time
    """
    check_there(data, test)
    from recurra.cli.compare import run_compare

    run_compare(
        data,
        test=test,
        out=out,
        task=task,
        roles={
            "target": target,
            "text": text,
            "image": image,
            "steps": steps,
            "size": size,
            "features": features,
            "time": time,
            "id": id,
            "group": group,
            "split": split,
            "ignore": ignore,
            "layout": layout,
            "level": level,
            "window": window,
            "stride": stride,
            "label_separator": label_separator,
            "horizon": horizon,
            "look_back": look_back,
            "known": known,
            "past": past,
            "static": static,
            "frequency": frequency,
            "season": season,
        },
        cells=cells,
        own=own or [],
        match=match,
        weights=weights,
        seeds=seeds,
        trials=trials,
        tune_on=tune_on,
        budget=budget,
        jobs=jobs,
        assignments=set or [],
        options={"validation": validation, "test_share": test_share, "seed": seed},
        encoding=encoding,
        resume=resume,
        as_json=json,
    )
