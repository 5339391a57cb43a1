"""The training loop: one optimiser step after another, and nothing hidden between them.

All that the loop knows stands in `Progress` and in torch's random generator. A checkpoint holds these, and the order of
an epoch is a function of (seed, epoch), so a killed and resumed training gives the numbers of one that was never
interrupted.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from recurra.data.batches import Batch, BatchSource
from recurra.errors import TrainingError
from recurra.training.checkpoint import read_checkpoint, write_checkpoint
from recurra.training.config import TrainingConfig, learning_rate_at
from recurra.training.device import Precision, autocast, exact_float32, resolve_precision
from recurra.training.interruption import Interruption
from recurra.training.position import EpochRecord, Position
from recurra.training.progress import Progress, stalled
from recurra.training.state import State, map_tensors
from recurra.training.updates import EVERY, update_ratio, weight_matrices

_TURNS = threading.RLock()


class Objective(Protocol):
    """What is minimised, and what decides which weights are best; a task provides it.

    That is the validation loss, the lower the better, unless the task has an attribute `best_by`: the name of another
    number of `validate`, the higher the better, and of equal ones that with the lower loss. (A tagger goes on getting
    better while its loss rises, for it grows surer of its mistakes, too; and before it finds its first span, only its
    loss tells that it learns.)
    """

    def loss(self, output: Any, target: Tensor) -> Tensor:
        """Mean loss over the examples of a batch, one number; `output` is what the network gives."""
        ...

    def validate(self, pairs: Iterable[tuple[Any, Tensor]]) -> dict[str, float]:
        """Numbers over the whole validation part; `loss` among them, and the lower it is the better.

        Args:
            pairs: output and target of each batch of it, where the network is; not all need be held at once.
        """
        ...


@dataclass(frozen=True)
class StepDone:
    """An optimiser step was taken."""

    step: int
    total_steps: int
    loss: float


Observer = Callable[[StepDone | EpochRecord], None]


@dataclass(frozen=True)
class History:
    """How a training went.

    Args:
        records: one per epoch.
        best_epoch: the epoch whose weights the network now has (from 1).
        steps: optimiser steps taken.
        seconds: time in training, validation included, over all resumptions.
        stopped: why it ended: "finished", "early", "interrupted", "clock", "not finite at step N".
    """

    records: list[EpochRecord]
    best_epoch: int
    steps: int
    seconds: float
    stopped: str

    @property
    def reproducible(self) -> bool:
        """False where the clock or a person, not the settings, decided when to stop."""
        return self.stopped not in ("interrupted", "clock")


def train(
    network: nn.Module,
    objective: Objective,
    training: BatchSource,
    validation: BatchSource | None,
    config: TrainingConfig,
    *,
    total_steps: int,
    deadline: float | None = None,
    checkpoint_folder: Path | None = None,
    resume: bool = False,
    observer: Observer = lambda _: None,
) -> History:
    """Train `network` in place; it ends with the weights that did best on the validation part.

    Without a validation part it trains to the last step and keeps the last weights.

    AdamW (Loshchilov & Hutter, arXiv:1711.05101) or SGD with gradients clipped to a norm (Pascanu et al.,
    arXiv:1211.5063); early stopping on the validation loss, or what else the objective goes by; weights averaged over
    the steps where that is asked for.

    Args:
        total_steps: optimiser steps that the schedule spans; decided before training and never changed.
        deadline: `time.monotonic()` after which no further step is begun: a guard, not a plan.
        checkpoint_folder: where to leave checkpoints; None leaves none.
        resume: go on from the checkpoint in `checkpoint_folder`, if there is one.
        observer: is told of every step and every epoch.

    Raises:
        TrainingError: the loss was not finite before any epoch was complete.
        RunError: the checkpoint does not belong to this training.
        StorageError: a checkpoint could not be written.
    """
    progress = Progress(network, make_optimizer(network, config))
    if resume and checkpoint_folder is not None:
        checkpoint = read_checkpoint(checkpoint_folder)
        if checkpoint is not None:
            progress.restore(checkpoint, checkpoint_folder)
    position = progress.position
    started = time.monotonic() - position.seconds
    saved = time.monotonic()

    def save() -> None:
        nonlocal saved
        if checkpoint_folder is not None:
            position.seconds = time.monotonic() - started
            write_checkpoint(checkpoint_folder, progress.checkpoint())
        saved = time.monotonic()

    with Interruption() as interruption:
        while position.stopped is None:
            for batch in training.epoch(position.epoch, start=position.batch):
                rate = learning_rate_at(position.step, total_steps, config, position.epoch)
                before = weight_matrices(network) if position.batch % EVERY == 0 else None
                loss, norm, position.state = take_step(
                    network,
                    objective,
                    progress.optimizer,
                    batch,
                    config,
                    learning_rate=rate,
                    state=position.state,
                )
                if not (math.isfinite(loss) and math.isfinite(norm)):
                    position.stopped = f"not finite at step {position.step + 1}"
                    break
                if before is not None:
                    position.count_update(update_ratio(network, before))
                if progress.average is not None:
                    progress.average.update_parameters(network)
                position.count(loss, norm, len(batch.index), clipped=norm > config.clip_norm)
                observer(StepDone(position.step, total_steps, position.loss_sum / position.examples))
                if position.step >= total_steps:
                    position.stopped = "finished"
                elif interruption.requested:
                    save()  # a resumed training goes on from here as if nothing had happened
                    position.stopped = "interrupted"
                elif deadline is not None and time.monotonic() > deadline:
                    position.stopped = "clock"
                if position.stopped is not None:
                    break
                if time.monotonic() - saved > config.checkpoint_every_s:
                    save()
            if position.stopped is None or not position.stopped.startswith("not finite"):
                record = _close_epoch(progress, objective, validation, config, total_steps, started)
                if record is not None:
                    observer(record)
            if position.stopped != "interrupted":
                save()

    if not progress.best:
        raise TrainingError(
            f"the loss was {position.stopped}, before an epoch was complete",
            fix="Lower the learning rate (--set training.learning_rate=...), and look for extreme values in the data.",
        )
    network.load_state_dict(progress.best)
    return History(
        records=position.records,
        best_epoch=position.best_epoch or 0,
        steps=position.step,
        seconds=time.monotonic() - started,
        stopped=position.stopped or "finished",
    )


def make_optimizer(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW or plain SGD over the trainable weights; vectors (biases, norms) are not decayed."""
    weights = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in weights if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in weights if p.dim() <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate)
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)


def outputs_over(
    network: nn.Module,
    source: BatchSource,
    precision: Precision,
    told: Callable[[int], None] = lambda _: None,
) -> Tensor:
    """The network's outputs (N, ...) for all examples, in the order of the examples.

    Args:
        told: is told after each batch how many examples are done.
    """
    outputs, order, done = [], [], 0
    for batch, output in predictions(network, source, precision):
        outputs.append(output.cpu())
        order.append(torch.from_numpy(batch.index))
        done += len(batch)
        told(done)
    return torch.cat(outputs)[torch.argsort(torch.cat(order))]


def predictions(network: nn.Module, source: BatchSource, precision: Precision) -> Iterator[tuple[Batch, Any]]:
    """Each batch of `source.evaluation()` with the network's output, float32, where the network is."""
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    state = None
    for batch in source.evaluation():
        with torch.no_grad(), exact_float32(device), autocast(precision, device):
            output, state = _call(network, batch, state, device)
        yield batch, map_tensors(_single, output)
    network.train(was_training)


def take_step(
    network: nn.Module,
    objective: Objective,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    config: TrainingConfig,
    *,
    learning_rate: float,
    state: State = None,
) -> tuple[float, float, State]:
    """One optimiser step; returns the loss, the gradient's norm before clipping, and the state to go on with.

    Where loss or norm is not finite the weights are left as they are.

    Args:
        state: what the batch before ended with, where state is carried (truncated back-propagation through
            time: values go on from batch to batch, gradients do not; Williams & Peng 1990).
    """
    assert batch.target is not None
    device = next(network.parameters()).device
    network.train()
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    with exact_float32(device):  # backwards, too
        with autocast(resolve_precision(config.precision, device), device):
            output, state = _call(network, batch, state, device)
        loss = objective.loss(map_tensors(_single, output), batch.target.to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
    norm = float(nn.utils.clip_grad_norm_(network.parameters(), config.clip_norm))
    value = float(loss.detach())
    if math.isfinite(value) and math.isfinite(norm):
        optimizer.step()
    return value, norm, state


def _decisive(objective: Objective, measured: dict[str, float]) -> float | None:
    """What is to be as low as can be; None where nothing was measured."""
    best_by = getattr(objective, "best_by", None)
    return measured.get("loss") if best_by is None or not measured else -measured[best_by]


def _is_better(decisive: float, loss: float, position: Position) -> bool:
    """Whether an epoch did better than all before it; of two that do equally well, the one with the lower loss."""
    if position.best_loss is None or position.best_epoch is None:
        return True
    before = position.records[position.best_epoch - 1].validation["loss"]
    return (decisive, loss) < (position.best_loss, before)


def _single(tensor: Tensor) -> Tensor:
    """In float32; whole numbers stay what they are."""
    return tensor.float() if tensor.is_floating_point() else tensor


def _call(network: nn.Module, batch: Batch, state: State, device: torch.device) -> tuple[Any, State]:
    """The network's output, and the state that the next batch may go on with: the output's, where one is carried."""
    inputs = [each.to(device) for each in batch.inputs]
    if batch.fresh is None:
        return network(*inputs), None
    output = network(*inputs, state=None if batch.fresh else state)
    return output, map_tensors(Tensor.detach, output.state)


def _close_epoch(
    progress: Progress,
    objective: Objective,
    validation: BatchSource | None,
    config: TrainingConfig,
    total_steps: int,
    started: float,
) -> EpochRecord | None:
    """Measure the validation part, keep the weights if they are the best so far, move to the next epoch."""
    position, network = progress.position, progress.measured
    measured: dict[str, float] = {}
    is_best = True
    if validation is not None:
        device = next(network.parameters()).device
        precision = resolve_precision(config.precision, device)
        measured = objective.validate(
            (output, batch.target.to(device))
            for batch, output in predictions(network, validation, precision)
            if batch.target is not None
        )
        if not math.isfinite(measured["loss"]):
            position.stopped = f"not finite at step {position.step} (validation)"
            return None
    decisive = _decisive(objective, measured)
    if decisive is not None:
        is_best = _is_better(decisive, measured["loss"], position)
    if is_best:
        position.best_loss = decisive
        position.best_epoch, position.epochs_without_gain = position.epoch + 1, 0
        progress.best = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    else:
        position.epochs_without_gain += 1
    if position.stopped is None and position.epochs_without_gain >= config.patience:
        position.stopped = "early"
    steps = max(1, position.batch)
    record = EpochRecord(
        epoch=position.epoch + 1,
        step=position.step,
        train_loss=position.loss_sum / max(1, position.examples),
        validation=measured,
        learning_rate=learning_rate_at(max(0, position.step - 1), total_steps, config, position.epoch),
        gradient_norm=position.norm_sum / steps,
        clipped_share=position.clipped / steps,
        is_best=is_best,
        seconds=time.monotonic() - started,
        update_ratio=position.update_sum / position.updates if position.updates else None,
    )
    position.records.append(record)
    position.next_epoch()
    if progress.average is None and config.average_after is not None and validation is not None:
        losses = [each.validation["loss"] for each in position.records]
        if stalled(losses, config.average_after):
            progress.begin_average()
    return record


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Run the body with torch's generators seeded, and leave the caller's as they were.

    A process has one of them: threads of it that would draw from it at once take turns instead, each from its own seed.
    """
    devices = [device] if device is not None and device.type == "cuda" else []
    with _TURNS, torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU, and restore none
        for gpu in devices:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield
