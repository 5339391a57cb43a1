"""The command `recurra`: its verbs, and what becomes of errors. Every verb's own module is imported when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

import recurra
from recurra.cli import arguments
from recurra.storage import check_there

app = typer.Typer(
    name="recurra",
    help="From a data file to a recurrent network that is trained, compared, understood and running.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

INTERRUPTED = 130  # exit status: 128 and the number of SIGINT
JSON = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]
RUN = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, as `recurra fit --out` leaves it.")]

# Of the options of fit, those that stand apart from the others in its help.
SECTIONS = {
    "What the columns mean": "target text features time id group split ignore layout label_separator".split(),
    "Forecasts of series over time": "horizon look_back known past static frequency season".split(),
    "Windows of a stream": ["window", "stride"],
}


class Sectioned(TyperCommand):
    """A command whose options are listed in `SECTIONS`; typer's own panels need rich, which would slow --help."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, plain options, then every section under its heading."""
        heading_of = {name: heading for heading, names in SECTIONS.items() for name in names}
        records: dict[str, list[Any]] = {heading: [] for heading in ("Arguments", "Options", *SECTIONS)}
        for parameter in self.get_params(ctx):
            plain = "Arguments" if parameter.param_type_name == "argument" else "Options"
            record = parameter.get_help_record(ctx)
            if record is not None:
                records[heading_of.get(parameter.name or "", plain)].append(record)
        for heading, listed in records.items():
            with formatter.section(heading):
                formatter.write_dl(listed)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"recurra {recurra.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


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
        str | None, typer.Option(help="rnn, lstm, gru, mingru, minlstm, tcn or transformer.")
    ] = None,
    task: arguments.TASK = None,
    target: arguments.TARGET = None,
    text: arguments.TEXT = None,
    features: arguments.FEATURES = None,
    time: arguments.TIME = None,
    id: arguments.ID = None,
    group: arguments.GROUP = None,
    split: arguments.SPLIT = None,
    ignore: arguments.IGNORE = None,
    layout: arguments.LAYOUT = None,
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
    """
    check_there(data, test, init)
    from recurra.cli.fit import run_fit

    run_fit(
        data,
        test=test,
        out=out,
        task=task,
        roles={
            "target": target,
            "text": text,
            "features": features,
            "time": time,
            "id": id,
            "group": group,
            "split": split,
            "ignore": ignore,
            "layout": layout,
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
    features: arguments.FEATURES = None,
    time: arguments.TIME = None,
    id: arguments.ID = None,
    group: arguments.GROUP = None,
    split: arguments.SPLIT = None,
    ignore: arguments.IGNORE = None,
    layout: arguments.LAYOUT = None,
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
            "features": features,
            "time": time,
            "id": id,
            "group": group,
            "split": split,
            "ignore": ignore,
            "layout": layout,
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


@app.command()
def evaluate(
    run: RUN,
    data: Annotated[str, typer.Argument(metavar="DATA", help="Data with the target column.")],
    encoding: arguments.ENCODING = None,
    json: JSON = False,
) -> None:
    """Score a run on other data.

    Example: recurra evaluate runs/reviews new_reviews.csv
    """
    check_there(str(run), data)
    from recurra.cli.evaluate import run_evaluate

    run_evaluate(run, data, encoding=encoding, as_json=json)


@app.command()
def predict(
    run: RUN,
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="Data without or with the target column, or - .")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write .csv or .jsonl there instead of printing.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file --out.")] = False,
    encoding: arguments.ENCODING = None,
    json: JSON = False,
) -> None:
    """Answers of a run for each row of a file: CSV with row number, answer and probabilities.

    Example: recurra predict runs/reviews new_reviews.csv --out answers.csv
    """
    check_there(str(run), data)
    from recurra.cli.predict import run_predict

    run_predict(run, data, out=out, overwrite=overwrite, encoding=encoding, as_json=json)


@app.command()
def generate(
    run: RUN,
    prompt: Annotated[str, typer.Option(help="What to go on from; else the beginning of a line.")] = "",
    max_tokens: Annotated[int, typer.Option(min=0, help="Tokens to write at most.")] = 200,
    temperature: Annotated[
        float, typer.Option(min=0, help="Below 1 bolder on the likely, above 1 more varied; 0 the likeliest.")
    ] = 0.8,
    top_k: Annotated[int | None, typer.Option(min=1, help="Choose among so many likeliest tokens.")] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Choose among the likeliest tokens of this share together.")
    ] = None,
    stop: Annotated[
        list[str] | None, typer.Option(help="Text before which to end; may be said several times.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choices.")] = 0,
    json: JSON = False,
) -> None:
    """Write on from a prompt, printed as it is made.

    Example: recurra generate runs/novel --prompt "It was" --temperature 0.7
    """
    check_there(str(run))
    from recurra.cli.texts import run_generate

    run_generate(
        run,
        prompt,
        max_tokens=max_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        stop=stop or [],
        seed=seed,
        as_json=json,
    )


@app.command()
def forecast(
    run: RUN,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Go on from these series instead of the training data; no refitting."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write .csv or .jsonl there instead of printing.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw history, forecast and interval.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    encoding: arguments.ENCODING = None,
    json: JSON = False,
) -> None:
    """How the series of a run go on: CSV with time, forecast and quantiles.

    Example: recurra forecast runs/load --data load_until_today.csv --picture load.png
    """
    check_there(str(run), data)
    from recurra.cli.forecasts import run_forecast

    run_forecast(run, data, out=out, picture=picture, overwrite=overwrite, encoding=encoding, as_json=json)


@app.command()
def report(
    run: RUN,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write there; else report.html in RUN, anew.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file --out.")] = False,
    json: JSON = False,
) -> None:
    """A page about a run, in one file that opens anywhere: how good it is, how it learned, how to make it again.

    Example: recurra report runs/reviews --out reviews.html
    """
    check_there(str(run))
    from recurra.cli.report import run_report

    run_report(run, out=out, overwrite=overwrite, as_json=json)


@app.command()
def diagnose(
    run: RUN,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]",
            help="Data with the target column; else those that the run was trained on, where they still are.",
        ),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw gradients, gates, memory, training.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file --picture.")] = False,
    capacity: Annotated[
        bool,
        typer.Option("--capacity", help="Also train the cell anew on tests of memory; about a minute."),
    ] = False,
    encoding: arguments.ENCODING = None,
    json: JSON = False,
) -> None:
    """What the network of a run does with its gradients, gates and memory, and what to change.

    Example: recurra diagnose runs/reviews --picture reviews.png
    """
    check_there(str(run), data)
    from recurra.cli.diagnose import run_diagnose

    run_diagnose(
        run,
        data,
        picture=picture,
        overwrite=overwrite,
        capacity=capacity,
        encoding=encoding,
        as_json=json,
    )


@app.command()
def explain(
    run: RUN,
    input: Annotated[
        str | None,
        typer.Argument(
            metavar="[INPUT]", help="A text, or numbers as JSON in the form [[1.5, 2], [1.4, 3]]; - reads it."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Explain rows of this; of forecasts, series to go on from."),
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option(metavar="N,N", help="Which, as `recurra predict` counts them; else the first three."),
    ] = None,
    series: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Which series; may be said several times.")
    ] = None,
    of: Annotated[
        str | None,
        typer.Option(
            help="Class, label, step ahead or next token to explain; else what is answered, or the mean ahead."
        ),
    ] = None,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page about it, in one file.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file --page.")] = False,
    encoding: arguments.ENCODING = None,
    json: JSON = False,
) -> None:
    """Why a run says what it says of an input: its answer as it reads, which inputs mattered, its gates.

    Example: recurra explain runs/reviews "not the best film, but a warm one" --page why.html

    Example: recurra explain runs/load --of 24
    """
    check_there(str(run), data)
    from recurra.cli.explain import run_explain

    run_explain(
        run,
        input,
        data=data,
        rows=rows,
        series=series or None,
        of=of,
        page=page,
        overwrite=overwrite,
        encoding=encoding,
        as_json=json,
    )


@app.command()
def info(
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="Tell about this run instead.")] = None,
    settings: Annotated[
        bool, typer.Option("--settings", help="List every setting with its default.")
    ] = False,
    json: JSON = False,
) -> None:
    """What is installed and what it can do here, or what a run is.

    Example: recurra info runs/reviews
    """
    from recurra.cli.info import run_info

    run_info(run, settings=settings, as_json=json)


@app.command(name="import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="model.keras, or weights of torch: .pt or .safetensors.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep the network there; else it is only told about."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an imported network.")] = False,
    nonlinearity: Annotated[
        str | None, typer.Option(help="Of a RNN of torch, which its weights do not tell: tanh or relu; tanh.")
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="Between linear layers of torch, not told either: none, relu or tanh.")
    ] = None,
    every_step: Annotated[
        bool, typer.Option("--every-step", help="Of torch: an output at every step, not of the last alone.")
    ] = False,
    keras_python: Annotated[
        str, typer.Option(metavar="PYTHON", help="A Python that has Keras.", show_default="this one")
    ] = sys.executable,
    json: JSON = False,
) -> None:
    """A network trained elsewhere, Keras 3 or torch, made of recurra's layers and checked against the original.

    Example: recurra import model.keras --out networks/reviews
    """
    check_there(str(file))
    from recurra.cli.import_network import run_import

    run_import(
        file,
        out=out,
        overwrite=overwrite,
        nonlinearity=nonlinearity,
        activation=activation,
        every_step=every_step,
        keras_python=keras_python,
        as_json=json,
    )


@app.command()
def bench(
    units: Annotated[
        list[int] | None, typer.Argument(metavar="[UNITS]...", help="Sizes; 64 128 256.", min=1)
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Turns that everybody takes; medians are shown.")] = 9,
    threads: Annotated[
        int | None, typer.Option(min=1, help="In training; else as many as torch takes.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw the roofline.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file --picture.")] = False,
    keras_python: Annotated[
        str, typer.Option(metavar="PYTHON", help="A Python that has Keras.", show_default="this one")
    ] = sys.executable,
    json: JSON = False,
) -> None:
    """How fast layers and streams are on this machine, beside torch, and Keras and ONNX Runtime where installed.

    Example: recurra bench 64 256 --picture roofline.png
    """
    from recurra.cli.bench import run_bench

    run_bench(
        units or [64, 128, 256],
        repeats=repeats,
        threads=threads,
        picture=picture,
        overwrite=overwrite,
        keras_python=keras_python,
        as_json=json,
    )


def run() -> None:
    """Entry of the command: 0 good, 1 the work failed, 2 the call or the input was wrong, 130 it was interrupted before
    there was a result.
    """
    from recurra.errors import RecurraError

    try:
        app()
    except RecurraError as error:
        print(f"recurra: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
    except SystemExit as exit:
        if exit.code == INTERRUPTED:  # typer's own, for Ctrl-C wherever nothing else is made of it
            print("recurra: interrupted", file=sys.stderr)
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
