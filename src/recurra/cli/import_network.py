"""`recurra import`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from recurra.cli.console import plain, print_json
from recurra.errors import InputError
from recurra.exchange.checking import Checked, check_keras, check_torch
from recurra.exchange.folder import check_folder, save_network
from recurra.exchange.network import ImportedNetwork

_ENOUGH = 1e-5  # of a difference between two ways to add the same numbers up


def run_import(
    file: Path,
    *,
    out: Path | None,
    overwrite: bool,
    nonlinearity: str | None,
    activation: str | None,
    every_step: bool,
    keras_python: str,
    as_json: bool,
) -> None:
    """Read, tell, ask both, and keep the network where it was asked for."""
    if out is not None:
        check_folder(out, overwrite=overwrite)
    console = Console(stderr=as_json, highlight=False, soft_wrap=True)
    options = {"nonlinearity": nonlinearity, "activation": activation, "every_step": every_step or None}
    given = {name: value for name, value in options.items() if value is not None}
    network, checked = _read(file, given, keras_python)
    if out is not None:
        save_network(network, out, overwrite=overwrite)
    if as_json:
        print_json(_content(network, checked, out))
        return
    console.print(f"[bold]{plain(network.origin['file'])}[/bold], {network.origin['format']}")
    console.print(_table(network))
    console.print(f"\n{network.description.weights:,} weights. {_reads(network)}")
    why = network.why_no_stream()
    console.print("It can run step by step." if why is None else f"It cannot run step by step: {plain(why)}.")
    for note in network.notes:
        console.print(plain(note))
    console.print(plain(_verdict(checked)))
    if out is None:
        console.print("Nothing was written: --out FOLDER keeps the network.")
    else:
        console.print(f"The network is in {plain(out)}: recurra.load_network({str(out)!r}).")


def _read(file: Path, given: dict[str, Any], keras_python: str) -> tuple[ImportedNetwork, Checked]:
    """By the file's ending; what does not end as a Keras file does is one of torch."""
    if file.suffix in (".keras", ".h5", ".hdf5") or file.is_dir():
        if given:
            option = next(iter(given))
            raise InputError(
                "a Keras file says this itself", where=f"--{option.replace('_', '-')}", fix="Leave it out."
            )
        from recurra.exchange.keras_file import read_keras

        network = read_keras(file)
        return network, check_keras(network, file, python=keras_python)
    from recurra.exchange.torch_file import read_torch

    network = read_torch(file, **given)
    return network, check_torch(network, file)


def _verdict(checked: Checked) -> str:
    if checked.difference is None:
        return f"Not checked against Keras. {checked.beside}"
    size = f"{checked.difference:.1e}" if checked.difference else "0"
    told = f"The largest difference from {checked.beside} on random input is {size}"
    return told + (
        "." if checked.difference <= _ENOUGH else ": more than rounding explains; do not trust this network."
    )


def _reads(network: ImportedNetwork) -> str:
    wanted, given = network.description.input, network.shapes[-1]
    what = "ids" if wanted.kind == "ids" else f"{wanted.width} numbers a step"
    number = f"{given.width} number{'s' if given.width > 1 else ''}"
    return f"It reads {what} and gives {number}{' at every step' if given.kind == 'steps' else ''}."


def _table(network: ImportedNetwork) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("name")
    table.add_column("layer")
    table.add_column("gives", justify="right")
    table.add_column("weights", justify="right")
    for spec, shape in zip(network.description.layers, network.shapes, strict=True):
        table.add_row(plain(spec.name), plain(spec.says), str(shape), f"{spec.weights:,}")
    return table


def _content(network: ImportedNetwork, checked: Checked, out: Path | None) -> dict[str, Any]:
    layers = zip(network.description.layers, network.shapes, strict=True)
    return {
        "origin": network.origin,
        "layers": [
            {"name": spec.name, "layer": spec.says, "gives": str(shape), "weights": spec.weights}
            for spec, shape in layers
        ],
        "weights": network.description.weights,
        "streams": network.why_no_stream() is None,
        "why_no_stream": network.why_no_stream(),
        "notes": network.notes,
        "largest_difference": checked.difference,
        "compared_with": checked.beside if checked.difference is not None else None,
        "not_checked": checked.beside if checked.difference is None else None,
        "out": None if out is None else str(out),
    }
