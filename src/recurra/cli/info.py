"""`recurra info`."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import recurra
from recurra.cli.console import plain, print_json


def run_info(run_folder: Path | None, *, settings: bool, as_json: bool) -> None:
    """Tell about the installation, the settings, or a run."""
    if settings:
        content: dict[str, Any] = _settings()
    elif run_folder is not None:
        content = _run(run_folder)
    else:
        content = _installation()
    if as_json:
        print_json(content)
        return
    console = Console(highlight=False)
    if settings:
        for kind, found in content.items():
            console.print(f"[bold]Of runs of {kind}[/bold]")
            console.print(_table({name: f"{v['default']}   {v['description']}" for name, v in found.items()}))
    else:
        console.print(_table(content))


def _table(content: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in content.items():
        table.add_row(name, plain(str(value)))
    return table


def _installation() -> dict[str, Any]:
    import torch

    from recurra.ops.native import chosen, instruction_sets, why_not_native
    from recurra.training.device import resolve_precision

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return {
        "recurra": recurra.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "precision": f"{resolve_precision('auto', device)} by default",
        "backends": "native (float32, bfloat16 on a CPU), fused (torch's own kernels: plain forms), scan (minGRU, "
        "minLSTM), reference (all)",
        "native kernels": why_not_native() or f"{chosen()} (of {', '.join(instruction_sets())})",
    }


def _settings() -> dict[str, Any]:
    """For each kind of run: setting -> its default, or that it depends on the data, and what it is."""
    from recurra.cli.faces import face_of
    from recurra.runs.kinds import KINDS

    content: dict[str, Any] = {}
    for name, kind in KINDS.items():
        form, choices = kind.settings, face_of(name).default_choices()
        usual, chosen = form().flat(), [settings.flat() for settings in choices]
        content[name] = {
            setting: {
                "default": usual[setting]
                if all(settings[setting] == usual[setting] for settings in chosen)
                else "depends on the data",
                "description": description,
            }
            for setting, description in form.names().items()
        }
    return content


def _run(folder: Path) -> dict[str, Any]:
    from recurra.cli.faces import face_of_run
    from recurra.runs.loading import load

    run = load(folder)
    config, metrics = run.config, run.metrics
    part = metrics.get("test") or metrics.get("validation")
    return face_of_run(run).facts(run) | {
        "network": f"{config.settings.network.cell_name}, {metrics['training']['weights']:,} weights",
        "trained on": f"{', '.join(config.sources) or 'data in memory'} ({config.parts['train']:,} examples)",
        "score": f"{part['scores'][0]['name']} {part['scores'][0]['value']:.4g} on {part['n']:,} examples"
        if part
        else "– (nothing was held out)",
        "verdict": metrics.get("verdict", "–"),
        "ended": f"{metrics['training']['stopped']}, best epoch {metrics['training']['best_epoch']}",
        "reproducible": "yes"
        if metrics["training"]["reproducible"]
        else f"no: {'it went on on another device' if config.moved else 'the clock or a person stopped it'}",
        "seed": config.options.seed,
        "made by": ", ".join(f"{name} {version}" for name, version in config.versions.items()),
    }
