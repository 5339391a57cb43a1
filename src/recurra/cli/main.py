"""The command `recurra`: its verbs, and what becomes of errors. Every verb's own module is imported when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import recurra.cli.fitting_verbs  # these two add their verbs, in the order of the help
import recurra.cli.run_verbs  # noqa: F401
from recurra.cli.app import INTERRUPTED, JSON, app
from recurra.cli.visible import FULL, discard, ready, visible
from recurra.storage import check_there


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

    sys.stdout = ready(sys.stdout)
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # what cannot be written is an error here, not at the end of the interpreter
    except RecurraError as error:
        print(f"recurra: {visible(error)}", file=sys.stderr)
        sys.exit(error.exit_status)
    except SystemExit as exit:
        if exit.code == INTERRUPTED:  # typer's own, for Ctrl-C wherever nothing else is made of it
            print("recurra: interrupted", file=sys.stderr)
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if error.errno not in FULL or error.filename is not None:
            raise
        discard(sys.stdout)
        print(f"recurra: what is printed could not be written ({error.strerror})", file=sys.stderr)
        sys.exit(1)
