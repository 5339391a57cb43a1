"""What was trained, how long, on what."""

from __future__ import annotations

from typing import Any

from recurra.networks.config import OWN, cell_name
from recurra.report import wording
from recurra.report.page import Section, render
from recurra.report.run_files import RunFiles

_CELLS = {
    "rnn": "RNN (plain recurrent network)",
    "lstm": "LSTM (long short-term memory)",
    "gru": "GRU (gated recurrent unit)",
    "mingru": "minGRU (a GRU whose gates do not see the state)",
    "minlstm": "minLSTM (a LSTM whose gates do not see the state)",
    "tcn": "TCN (dilated convolutions over time)",
    "transformer": "transformer (attention to all steps)",
    "feedforward": "feed-forward (without recurrence)",
}
_ENDINGS = {
    "finished": "after its last step",
    "early": "early: validation had stopped getting better",
    "interrupted": "interrupted by a person",
    "clock": "cut short by the clock",
}
_SHOWN = 8  # members of a list; of longer ones the ends


def section(run: RunFiles) -> Section:
    """Facts in a table; all settings, those that were asked for marked."""
    settings = run.config.settings
    asked = run.config.options.settings
    return Section(
        "network",
        "What was trained",
        render(
            "network.html",
            facts=facts(run),
            settings=[
                (name, _shown(value), name in asked, settings.names()[name])
                for name, value in settings.flat().items()
            ],
        ),
    )


def facts(run: RunFiles) -> dict[str, str]:
    """Name of a fact -> the fact."""
    config, training, times = run.config, run.metrics["training"], run.metrics["seconds"]
    network, chosen = config.settings.network, config.settings.training
    both = getattr(network, "bidirectional", False)
    found = {
        "Cell": _CELLS.get(network.cell, network.cell_name),
        "Size": f"{_layers(network)} {network.hidden_size:,} units".strip()
        + (", reading from both ends" if both else ""),
        "Weights": wording.count(training["weights"]),
    }
    if config.kind == "forecast":
        found["Window"] = f"{config.shape.look_back:,} steps read, {config.shape.horizon:,} steps forecast"
    if config.kind in ("pair", "caption"):
        found["Writes with"] = _writer(network)
    if config.kind == "recording" and config.fusion is not None:
        found["Language model"] = f"{config.fusion.source}: {config.fusion.told}"
    if config.kind == "recording" and config.settings.decoding.only:
        found["Written"] = (
            f"one of {wording.count(len(config.settings.decoding.only))} texts, whatever is said"
        )
    threads = f", {chosen.threads} thread{'s' * (chosen.threads != 1)}" if chosen.threads else ""
    kept = f"epoch {training['best_epoch']} of {training['epochs']}"
    epochs, steps = training["epochs"], f"{training['steps']:,} of {training['total_steps']:,} planned steps"
    return found | {
        "Trained for": f"{epochs:,} epoch{'s' * (epochs > 1)}, {steps}",
        "Ended": _ENDINGS.get(training["stopped"], f"the loss was {training['stopped']}"),
        "Weights kept": kept
        + (", the best on the validation part" if config.parts.get("validation") else ", the last ones"),
        "Time": f"{wording.seconds(times['training'])} of training, {wording.seconds(times['total'])} in all",
        "Device": f"{'CPU' if chosen.device == 'cpu' else 'GPU'}{threads}, {chosen.precision}",
        "Seed": str(config.options.seed),
    }


def _layers(network: Any) -> str:
    """How many of them there are, of what is told after it; a user's own module has its own."""
    if network.cell.startswith(OWN):
        return ""
    if network.cell != "tcn":
        return f"{network.num_layers} layer{'s' * (network.num_layers > 1)} of"
    if network.blocks is None:
        return "as many blocks as see the longest sequence, of"
    return f"{network.blocks} block{'s' * (network.blocks > 1)} of"


def _writer(network: Any) -> str:
    """What of an encoder-decoder writes, and how it looks at what was read."""
    fed = ", each step fed with the look of the one before" if network.input_feeding else ""
    looks = "without attention" if network.attention == "none" else f"with {network.attention} attention{fed}"
    return f"{cell_name(network.decoder_cell)}, {looks}"


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        named = [str(each) for each in value]
        return ", ".join(named if len(named) <= _SHOWN else [*named[:3], f"… {named[-1]}"]) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not set" if value is None else str(value)
