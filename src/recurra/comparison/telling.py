"""A trial in a line, and the time that is left."""

from __future__ import annotations

from recurra.comparison.plan import Trial
from recurra.comparison.trials import Record
from recurra.networks.config import cell_name


def told_trial(trial: Trial, record: Record) -> str:
    """A trial in a line."""
    what = f"learning rate {trial.learning_rate:.3g}" if trial.purpose == "tuning" else f"seed {trial.seed}"
    if record["failed"]:
        return f"{cell_name(trial.candidate.cell)}, {what}: {record['failed']}"
    if trial.purpose == "tuning":
        came = f"validation loss {record['validation_loss']:.4g}"
    else:
        came = f"{record['score']['name']} {record['score']['value']:.4g}"
    early = f", stopped early, best in epoch {record['best_epoch']}" if record["stopped"] == "early" else ""
    return f"{cell_name(trial.candidate.cell)}, {what}: {came} in {record['seconds']:.1f} s{early}"


def told_left(seconds: float) -> str:
    """Behind what ended, as in: ; about 12 min left."""
    if seconds < 1:
        return ""
    return f"; about {seconds:.0f} s left" if seconds < 90 else f"; about {seconds / 60:.0f} min left"
