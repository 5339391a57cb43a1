"""What a network costs beside its training time: memory, time against length, latency of a stream."""

from __future__ import annotations

import copy
import statistics
import time
from typing import Any

import torch
from torch import Tensor, nn

from recurra.errors import InputError
from recurra.runs.fitting import Fitting
from recurra.runs.run import Run
from recurra.training.device import resolve_precision
from recurra.training.loop import make_optimizer, predictions, seeded, take_step

LENGTHS = (32, 128, 512)  # steps that time is measured against
_ROWS = 16
_REPEATS = 3
_WARM, _STEPS = 20, 200
_EXAMPLES = 256  # that the time of an answer is measured on
_COPIES = 4  # of each weight in training with AdamW: itself, its gradient, two moments


def measure_costs(fitting: Fitting[Any, Any], run: Run[Any, Any], threads: int) -> dict[str, Any]:
    """Memory, time of an answer, latency and time against length of a trained network, in plain types.

    Args:
        fitting: the training that `run` came of.
        threads: as in training; a stream runs on one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        memory, steps_in = _memory(fitting, run.network)
        over_length = _over_length(run.network, steps_in)
        forward_ms = _forward(fitting, run.network)
    finally:
        torch.set_num_threads(before)
    found = {"memory_bytes": memory, "over_length": over_length, "forward_ms": forward_ms}
    return found | _latency(run)


def times_of(records: list[dict[str, Any]]) -> dict[str, Any]:
    """What trainings of one network took, by the pace of the quickest: whatever else a machine does only adds.

    Args:
        records: with `seconds`, validation included, and `steps` of each.

    Returns:
        step_s, train_s of a training of as many steps as they had on average, train_range_s as they were, and
        slowdown: how many times longer a step of the slowest took.

    >>> times_of([{"seconds": 2.0, "steps": 10}, {"seconds": 6.0, "steps": 20}])
    {'step_s': 0.2, 'train_s': 3.0, 'train_range_s': [2.0, 6.0], 'slowdown': 1.5}
    """
    paces = [each["seconds"] / max(1, each["steps"]) for each in records]
    seconds = [each["seconds"] for each in records]
    quickest = min(paces)
    return {
        "step_s": quickest,
        "train_s": quickest * statistics.mean(each["steps"] for each in records),
        "train_range_s": [min(seconds), max(seconds)],
        "slowdown": round(max(paces) / max(quickest, 1e-9), 3),
    }


def _memory(fitting: Fitting[Any, Any], network: nn.Module) -> tuple[int, Tensor]:
    """Bytes that an optimiser step holds at most, and what the first encoder read.

    Weights, their gradients and AdamW's moments, and everything that is kept for the backward pass, the first batch of
    the first epoch taken. Counted, not sampled, so that it is the same whatever else the machine does.
    """
    scratch = copy.deepcopy(network).requires_grad_(True)
    own = {p.untyped_storage().data_ptr() for p in scratch.parameters()}
    kept: dict[int, int] = {}
    read: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    hook = _encoders(scratch)[0].register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].detach()))
    training = fitting.settings.training
    batch = next(iter(fitting.training.epoch(0)))
    with seeded(0), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        take_step(
            scratch, fitting.objective, make_optimizer(scratch, training), batch, training, learning_rate=0.0
        )
    hook.remove()
    weights = sum(p.numel() * p.element_size() for p in scratch.parameters())
    return _COPIES * weights + sum(kept.values()), read[0]


def _forward(fitting: Fitting[Any, Any], network: nn.Module) -> float | None:
    """Milliseconds forward through the whole network for an example, in batches as in training; None of running text,
    which has no examples.
    """
    source = fitting.training
    if next(iter(source.evaluation())).fresh is not None:
        return None
    share = min(1.0, _EXAMPLES / max(1, fitting.new_config([]).parts["train"]))
    device = next(network.parameters()).device
    precision = resolve_precision(fitting.settings.training.precision, device)
    took = []
    for _ in range(_REPEATS):
        begin = time.perf_counter()
        count = sum(len(batch) for batch, _ in predictions(network, source.part(share), precision))
        _wait_for(device)
        took.append(1000 * (time.perf_counter() - begin) / max(1, count))
    return statistics.median(took)


def _over_length(network: nn.Module, read: Tensor) -> list[dict[str, float | int]]:
    """Milliseconds forward and backward through the encoders alone, of sequences of several lengths.

    Args:
        read: (B, T, I) what the first of them reads.
    """
    layers = copy.deepcopy(_encoders(network)).requires_grad_(True).eval()
    found = []
    for steps in LENGTHS:
        x = torch.randn(_ROWS, steps, read.shape[2], device=read.device)
        took = []
        for _ in range(_REPEATS):
            begin = time.perf_counter()
            y = x
            for layer in layers:
                y = layer(y)[0]
            y.square().mean().backward()
            _wait_for(y.device)
            took.append(1000 * (time.perf_counter() - begin))
        found.append({"steps": steps, "ms": statistics.median(took)})
    return found


def _wait_for(device: torch.device) -> None:
    """A GPU is asked, and goes on by itself: until it has done what it was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _latency(run: Run[Any, Any]) -> dict[str, Any]:
    """Microseconds of a step of a stream, the median; or why the network cannot run step by step."""
    try:
        stream = run.stream()
    except InputError as error:
        return {"stream_us": None, "stream": error.problem}
    text = run.config.shape.input == "tokens"
    x = torch.tensor(2) if text else torch.zeros(run.config.shape.input_size)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    took = []
    try:
        for _ in range(_WARM + _STEPS):
            begin = time.perf_counter()
            stream.step(x)
            took.append(1e6 * (time.perf_counter() - begin))
    finally:
        torch.set_num_threads(before)
    return {"stream_us": statistics.median(took[_WARM:]), "stream": "measured"}


def _encoders(network: nn.Module) -> nn.ModuleList:
    """What reads the steps: one encoder, or, of a language network, one for each layer; else the layers that write."""
    one = getattr(network, "encoder", None)
    if one is None and not hasattr(network, "encoders"):
        one = network.get_submodule("decoder.layers")
    several = nn.ModuleList([one]) if one is not None else network.encoders
    assert isinstance(several, nn.ModuleList)
    return several
