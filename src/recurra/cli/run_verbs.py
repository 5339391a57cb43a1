"""The verbs of a run: what it says, and what is to be said of it. What each does stands in a module of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from recurra.cli import arguments
from recurra.cli.app import JSON, RUN, app
from recurra.storage import check_there


@app.command()
def evaluate(
    run: RUN,
    data: Annotated[str, typer.Argument(metavar="DATA", help="Data with the target column.")],
    encoding: arguments.ENCODING = None,
    json: JSON = False,
) -> None:
    """Score a run on other data; of data that name their own parts, on the test part.

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
        Path | None,
        typer.Option(
            metavar="FILE", help="Write there instead of printing; into .jsonl a record for each answer."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file --out.")] = False,
    encoding: arguments.ENCODING = None,
    json: JSON = False,
) -> None:
    """Answers of a run for each row of a file: CSV with row number, answer and probabilities; tagged words in the form
    of the file; a line for each line to be translated.

    Example: recurra predict runs/reviews new_reviews.csv --out answers.csv

    Example: recurra predict runs/ned new.conll --out tagged.conll

    Example: recurra predict runs/speech new_recordings/ --json
    """
    check_there(str(run), data)
    from recurra.cli.predict import run_predict

    run_predict(run, data, out=out, overwrite=overwrite, encoding=encoding, as_json=json)


@app.command()
def generate(
    run: RUN,
    prompt: Annotated[
        str,
        typer.Option(
            help="What to go on from: a text; of music a file. Else the beginning of a line or piece."
        ),
    ] = "",
    max_tokens: Annotated[
        int, typer.Option(min=0, help="Tokens to write at most; of music, frames or events.")
    ] = 200,
    temperature: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Below 1 bolder on the likely, above 1 more varied; 0 the likeliest. Else 0.8, of music 1.",
        ),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Choose among so many likeliest tokens (or keys) alone.")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Choose among the likeliest tokens of this share together.")
    ] = None,
    stop: Annotated[
        list[str] | None, typer.Option(help="Text before which to end; may be said several times.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Of music: keys less probable than this stay up.")
    ] = None,
    opening: Annotated[
        int | None,
        typer.Option(
            min=1, help="Of music: frames, or quarter notes of events, of the prompt; else all of it."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.mid", help="Of music: write opening and all there.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Of music: draw the piano roll.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choices.")] = 0,
    json: JSON = False,
) -> None:
    """Go on from a prompt: a text, printed as it is made, or a piece of music.

    Example: recurra generate runs/novel --prompt "It was" --temperature 0.7

    Example: recurra generate runs/chorales --prompt opening.mid --opening 16 --out piece.mid --picture piece.png
    """
    check_there(str(run))
    from recurra.cli.generate import run_generate

    run_generate(
        run,
        prompt,
        max_tokens=max_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        stop=stop,
        threshold=threshold,
        opening=opening,
        out=out,
        picture=picture,
        overwrite=overwrite,
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
