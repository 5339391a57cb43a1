"""A training that begins with the weights of another run."""

from __future__ import annotations

from typing import Any

from torch import nn

from recurra.runs.events import Observer, Said
from recurra.runs.run import Run


def start_from(
    network: nn.Module, init: Run[Any, Any], observer: Observer, *, same_outputs: bool = True
) -> None:
    """Take over every weight of the same name and shape; the rest stays as initialised, and is told.

    Args:
        same_outputs: whether the outputs stand for the same classes as there; else their weights begin anew.
    """
    own, given = network.state_dict(), init.network.state_dict()
    anew = () if same_outputs else _of_outputs(network)
    fitting = {
        name: t
        for name, t in given.items()
        if name in own and own[name].shape == t.shape and not name.startswith(anew)
    }
    network.load_state_dict(fitting, strict=False)
    new = [name for name in own if name not in fitting]
    told = f"; new: {', '.join(new)}" if new else ""
    told += "" if same_outputs else ", for the classes are others than there"
    observer(Said(f"starting from {len(fitting)} of {len(own)} weights of {init.path}{told}"))


def _of_outputs(network: Any) -> tuple[str, str]:
    """How names of weights begin that have a row for each class: of the head's last layer, and of the chain."""
    return f"head.{len(network.head) - 1}.", "crf."
