"""All that a training has come to so far; a checkpoint is this, written down."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from recurra.errors import RunError
from recurra.training.checkpoint import Checkpoint
from recurra.training.position import Position, read_position
from recurra.training.state import flattened, unflattened


@dataclass
class Progress:
    """Network, optimiser, position, the best weights so far, and the mean of the weights where one is kept."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    position: Position = field(default_factory=Position)
    best: dict[str, Tensor] = field(default_factory=dict)
    average: AveragedModel | None = None

    @property
    def measured(self) -> nn.Module:
        """The network that the validation part is measured with."""
        return self.network if self.average is None else self.average.module

    def begin_average(self) -> None:
        """From the next step on, keep the mean of the weights after each (Polyak & Juditsky 1992)."""
        self.average = AveragedModel(self.network)

    def checkpoint(self) -> Checkpoint:
        """What `restore` goes on from; torch's random generators are in it."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        if self.average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {
                f"optimizer.{number}.{name}": torch.as_tensor(moment) for name, moment in moments.items()
            }
        tensors["random.cpu"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        state, form = flattened(self.position.state)
        tensors |= {f"state.{number}": tensor.clone() for number, tensor in enumerate(state)}
        return Checkpoint(tensors, asdict(replace(self.position, state=None)) | {"state": form})

    def restore(self, checkpoint: Checkpoint, folder: Path) -> None:
        """Put everything, torch's random generators too, where it was.

        Args:
            folder: of the checkpoint, for messages.

        Raises:
            RunError: the checkpoint is that of another training, or was altered.
        """
        try:
            self._restore(checkpoint)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise RunError(
                f"the checkpoint does not fit this training ({str(error).splitlines()[0]})",
                where=str(folder),
                fix="Start again with --overwrite.",
            ) from error

    def _restore(self, checkpoint: Checkpoint) -> None:
        self.network.load_state_dict(checkpoint.group("network"))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in checkpoint.group("optimizer").items():
            number, moment = name.split(".", 1)
            moments.setdefault(int(number), {})[moment] = tensor
        _check_moments(moments, self.optimizer)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        average = checkpoint.group("average")
        if average:
            self.begin_average()
            assert self.average is not None
            self.average.load_state_dict(average)
        torch.set_rng_state(checkpoint.tensors["random.cpu"])
        if torch.cuda.is_available() and "random.cuda" in checkpoint.tensors:
            torch.cuda.set_rng_state(checkpoint.tensors["random.cuda"])
        device = next(self.network.parameters()).device
        stored = checkpoint.group("state")
        tensors = [stored[str(number)].to(device) for number in range(len(stored))]
        position = read_position(checkpoint.progress)
        self.position = replace(position, state=unflattened(position.state, tensors))
        self.best = checkpoint.group("best")
        _check_best(self.best, {} if position.best_epoch is None else self.network.state_dict())


def _check_moments(moments: dict[int, dict[str, Tensor]], optimizer: torch.optim.Optimizer) -> None:
    """Refuse what the optimiser would take unseen: the fused one reads and writes past the end of a short tensor.

    Raises:
        ValueError: a moment of no weight, of another size than its weight, or not of floats.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    names = {"step", "exp_avg", "exp_avg_sq"} if isinstance(optimizer, torch.optim.AdamW) else set()
    for number, found in moments.items():
        if number not in range(len(weights)) or found.keys() != names:
            raise ValueError(
                f"optimizer.{number} is {sorted(found)}, expected {sorted(names)} of {len(weights)} weights"
            )
        for name, moment in found.items():
            shape = [] if name == "step" else list(weights[number].shape)
            if list(moment.shape) != shape or not moment.is_floating_point():
                raise ValueError(
                    f"optimizer.{number}.{name} is {moment.dtype} {list(moment.shape)}, expected floats {shape}"
                )


def _check_best(best: dict[str, Tensor], weights: dict[str, Tensor]) -> None:
    """Refuse best weights that the network could not end with.

    Args:
        weights: of the network; none where no epoch is complete.

    Raises:
        ValueError: they differ in a name or a shape.
    """
    found, expected = ({name: list(t.shape) for name, t in each.items()} for each in (best, weights))
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            raise ValueError(
                f"best.{name} is {found.get(name, 'missing')}, expected {expected.get(name, 'nothing of that name')}"
            )


def stalled(losses: list[float], interval: int) -> bool:
    """Whether the last loss is above one of those before the last `interval`, as NT-ASGD asks.

    (Merity, Keskar & Socher, arXiv:1708.02182, algorithm 1: averaging begins when the validation loss has not
    become better for several epochs.)

    >>> stalled([5.0, 4.0, 4.5], interval=0), stalled([5.0, 4.0, 4.5], interval=1)
    (True, False)
    """
    return len(losses) > interval + 1 and losses[-1] > min(losses[: -1 - interval])
