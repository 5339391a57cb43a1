"""From a run and data to what is diagnosed: some examples as its network reads them, and its first weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recurra.axes import last_valid
from recurra.data.corpus import read_corpus
from recurra.data.examples import Examples
from recurra.data.packed import Packed
from recurra.data.schema import examples_from_arrays
from recurra.data.schema.arrays import tagged_from_arrays
from recurra.data.series.collection import Series
from recurra.data.series.windows import WindowBatches
from recurra.diagnosis.subject import Subject
from recurra.errors import DataError, InputError
from recurra.networks.forecast_network import ForecastNetwork
from recurra.networks.language import LanguageNetwork, LanguageOutput
from recurra.networks.own import encoders_of, own_encoders
from recurra.networks.sequence_network import SequenceNetwork
from recurra.networks.step_network import StepNetwork
from recurra.runs.events import Observer, PhaseStarted
from recurra.runs.examples import read_examples
from recurra.runs.forecasts.files import read_series
from recurra.runs.forecasts.preparation import with_truth
from recurra.runs.forecasts.run import ForecastRun
from recurra.runs.run import Run
from recurra.runs.sequences.run import SequenceRun
from recurra.runs.tags.run import TagRun
from recurra.runs.tags.targets import encode_targets
from recurra.runs.texts.run import TextRun
from recurra.tasks.forecasting.task import ForecastTask
from recurra.tasks.generation.task import LanguageTask
from recurra.training.loop import seeded

EXAMPLES, STEPS, TOKENS = 32, 256, 128
_SCORED = 2_000  # examples whose loss is measured
_CHARACTERS = 400_000  # of a text that are read


def subject_of(
    run: Run[Any, Any], data: Any = None, *, encoding: str | None = None, observer: Observer
) -> Subject:
    """The run's network with at most 32 examples of `data`, each cut to its last 256 steps (128 tokens of a text).

    Args:
        data: a file, a frame, or a tuple (X, y) as estimators take it; None: the data that the run names, where they
            still are; of forecasts, else, the steps that the run keeps.

    Raises:
        InputError: no data, and those of the training are not where they were.
        DataError: data that do not fit the run.
    """
    made = {SequenceRun: _of_sequences, TagRun: _of_tags, ForecastRun: _of_forecasts, TextRun: _of_texts}
    for form, make in made.items():
        if isinstance(run, form):
            return make(run, data, encoding, observer)
    raise InputError(f"a run of kind {run.config.kind!r} cannot be diagnosed", where="run")


def _source(run: Run[Any, Any], data: Any, observer: Observer) -> Any:
    """`data`, or else the file that the run was trained on."""
    if data is None:
        named = run.config.sources[:1]
        if not named or not Path(named[0]).exists():
            raise InputError(
                f"the data that this run was trained on are not here any more ({named[0]})"
                if named
                else "the run was trained on data in memory, which it does not keep",
                where="DATA",
                fix="Give data of the same form, with the target: recurra diagnose RUN DATA.",
            )
        data = named[0]
    observer(PhaseStarted(f"Reading {data}" if isinstance(data, str | Path) else "Reading the data"))
    return data


def _of_run(run: Run[Any, Any], form: Callable[[Any, Any], nn.Module], **own: Any) -> Subject:
    """What every kind of run gives alike; the first weights are drawn again by the seed."""
    config = run.config
    with seeded(config.options.seed), own_encoders(encoders_of(run.network)):
        initial = form(config.settings.network, config.shape)
    # What is no weight (the pairs that have a vector, running means) is that of the run.
    initial.load_state_dict(dict(run.network.named_buffers()), strict=False)
    notes = list(own.pop("notes"))
    if config.options.init:
        notes.append("the run began with another's weights; here the first weights are drawn by the seed")
    return Subject(
        network=run.network,
        initial=initial,
        history=run.history,
        settings=config.settings.flat() | {"network.cell": config.settings.network.cell},
        stopped=run.metrics.get("training", {}).get("stopped"),
        seed=config.options.seed,
        notes=tuple(notes),
        **own,
    )


def _some(count: int, seed: int, most: int = EXAMPLES) -> np.ndarray:
    """The places of at most so many of `count` examples, drawn by the seed, in order."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, most, replace=False))


def _of_sequences(run: SequenceRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    given = data is not None
    if isinstance(data, tuple):
        data = examples_from_arrays(*data)
    elif not isinstance(data, Examples):
        source = _source(run, data, observer)
        data = read_examples(source, run.config.data_schema, encoding=encoding, observer=observer)
    if data.targets is None:
        raise DataError("the data have no target, and the loss needs one", where="DATA")
    filled = np.flatnonzero(run.encode(data).lengths > 0)
    if len(filled) < 2:
        raise DataError(f"expected two examples with a step or more, found {len(filled)}", where="DATA")
    data = data.take(filled)
    targets = run.targets.encode(data.targets, data.rows)
    chosen = _some(len(data), run.config.options.seed)
    packed = run.encode(data.take(chosen))
    cut = np.minimum(packed.lengths, STEPS)
    packed = type(packed)(packed.values, packed.starts + packed.lengths - cut, cut)
    values, lengths = packed.pad(np.arange(len(packed)))
    task, target = run.task, torch.from_numpy(targets[chosen])
    dtype = np.int64 if run.text is not None else np.float32
    return _of_run(
        run,
        SequenceNetwork,
        inputs=(torch.from_numpy(values.astype(dtype)), torch.from_numpy(lengths)),
        lengths=torch.from_numpy(lengths),
        loss=lambda output: task.loss(output, target),
        answer=lambda output: output,
        chance=_constant_loss(run, torch.from_numpy(targets)),
        data_loss=_loss_on(run, data, targets, observer) if given else None,
        notes=_taken(len(chosen), len(data), "examples", (cut == STEPS).any(), STEPS),
    )


def _loss_on(run: SequenceRun, examples: Examples, targets: np.ndarray, observer: Observer) -> float:
    """Validation loss on at most so many examples."""
    chosen = _some(len(examples), run.config.options.seed, _SCORED)
    output = run.outputs(examples.take(chosen), observer)
    return run.task.validate([(output, torch.from_numpy(targets[chosen]))])["loss"]


def _of_tags(run: TagRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    """Sequences up to the last step that has a target; the loss is that of this step, so that a lag is one."""
    given = data is not None
    if isinstance(data, tuple):
        data, _ = tagged_from_arrays(*data)
    elif not isinstance(data, Examples):
        source = _source(run, data, observer)
        data = read_examples(source, run.config.data_schema, encoding=encoding, observer=observer)
    labels = encode_targets(data, run.targets)
    inputs = run.encode(data)
    starts = np.cumsum(inputs.lengths) - inputs.lengths
    ends = np.array([_last(labels.known[a : a + n]) for a, n in zip(starts, inputs.lengths, strict=True)])
    filled = np.flatnonzero(ends > 0)
    if len(filled) < 2:
        raise DataError(f"expected two sequences with a target, found {len(filled)}", where="DATA")
    chosen = filled[_some(len(filled), run.config.options.seed)]
    cut = np.minimum(ends[chosen], STEPS)
    packed = Packed(inputs.values, inputs.starts[chosen] + ends[chosen] - cut, cut)
    values, lengths = (torch.from_numpy(each) for each in packed.pad(np.arange(len(packed))))
    task, target = run.task, torch.from_numpy(labels.encoded.values[starts[chosen] + ends[chosen] - 1])
    known = torch.from_numpy(labels.those_known)
    some = data.take(_some(len(data), run.config.options.seed, _SCORED)) if given else None
    return _of_run(
        run,
        StepNetwork,
        inputs=(values, lengths),
        lengths=lengths,
        loss=lambda output: task.loss(last_valid(output, lengths), target),
        answer=lambda output: last_valid(output, lengths),
        chance=_constant_loss(run, known),
        data_loss=None if some is None else _tag_loss_on(run, some, observer),
        notes=[
            *_taken(len(chosen), len(filled), "sequences", (cut == STEPS).any(), STEPS),
            "the loss is that of the last step with a target of each",
        ],
    )


def _last(known: np.ndarray) -> int:
    """Steps up to the last one that has a target; 0 where none has."""
    places = np.flatnonzero(known)
    return int(places[-1]) + 1 if len(places) else 0


def _tag_loss_on(run: TagRun, examples: Examples, observer: Observer) -> float:
    """Validation loss over all steps with a target."""
    labels = encode_targets(examples, run.targets)
    output = run.outputs(examples, observer)[torch.from_numpy(labels.known)]
    return run.task.validate([(output, torch.from_numpy(labels.those_known))])["loss"]


def _constant_loss(run: SequenceRun | TagRun, targets: Tensor) -> float:
    """Validation loss of the best answer that is the same everywhere."""
    kind = run.targets.kind
    if kind == "real":
        best = targets.float().mean().reshape(1)
    elif kind == "multilabel":
        best = torch.logit(targets.float().mean(0).clamp(1e-6, 1 - 1e-6))
    else:
        counts = torch.bincount(targets, minlength=run.config.shape.output_size)
        best = torch.log((counts / counts.sum()).clamp(min=1e-6))
    return run.task.validate([(best.expand(len(targets), -1), targets)])["loss"]


def _of_forecasts(run: ForecastRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    series = data if isinstance(data, Series) else run.last
    origins = run.every_origin(series)
    if not isinstance(data, Series) and (data is not None or not len(origins)):
        source = _source(run, data, observer)
        series = read_series(source, run.config.data_schema, encoding=encoding, observer=observer)
        origins = run.every_origin(series)
    if len(origins):
        origins = with_truth(origins, series.targets, run.horizon)
    if len(origins) < 2:
        raise DataError(
            f"a window has {run.look_back} + {run.horizon} steps, and two of them are needed; the longest series "
            f"has {int(series.lengths.max(initial=0))}",
            where="DATA",
            fix="Give longer series.",
        )
    encoded = run.encoder.encode(series, run.horizon)
    every = WindowBatches(
        encoded, origins, look_back=run.look_back, horizon=run.horizon, batch_size=len(origins)
    )
    chosen = _some(len(origins), run.config.options.seed)
    few = WindowBatches(
        encoded, origins[chosen], look_back=run.look_back, horizon=run.horizon, batch_size=len(chosen)
    )
    batch = next(few.evaluation())
    target = batch.target
    assert target is not None
    levels = run.config.settings.task.levels
    task = ForecastTask(levels)
    return _of_run(
        run,
        ForecastNetwork,
        inputs=batch.inputs,
        loss=lambda output: task.loss(output, target),
        answer=lambda output: output.flatten(1),
        chance=_last_value_loss(task, every, levels),
        notes=_taken(len(chosen), len(origins), "windows", False, STEPS),
    )


def _last_value_loss(task: ForecastTask, windows: WindowBatches, levels: tuple[float, ...]) -> float:
    """Loss of the last value, and of the quantiles that its own errors have."""
    past, truth = (torch.from_numpy(each) for each in windows.past_targets())
    errors = truth - past[:, -1:]
    spread = errors.double().nanquantile(torch.tensor(levels, dtype=torch.float64), dim=0)
    constant = past[:, -1:, None].double() + spread.T[None]
    return task.validate([(constant, truth)])["loss"]


def _of_texts(run: TextRun, data: Any, encoding: str | None, observer: Observer) -> Subject:
    column = run.config.options.data.text
    corpus = read_corpus(
        _source(run, data, observer), validation_share=0, test_share=0, text=column, encoding=encoding
    )
    whole = corpus.whole
    ids = run.codec.encode(whole[:_CHARACTERS]).astype(np.int64)
    steps = min(TOKENS, (len(ids) - 1) // 2)
    if steps < 2:
        raise DataError(f"expected some lines of text, found {len(ids)} tokens", where="DATA")
    rows = min(EXAMPLES, (len(ids) - 1) // steps)
    begins = np.linspace(0, len(ids) - 1 - steps, rows).astype(np.int64)
    windows = ids[begins[:, None] + np.arange(steps + 1)]
    target = torch.from_numpy(windows[:, -1:].copy())
    task = LanguageTask()
    counts = np.bincount(ids)
    shares = counts[counts > 0] / len(ids)

    def at_the_end(output: LanguageOutput) -> LanguageOutput:
        return output._replace(raw=output.raw[:, -1:], dropped=output.dropped[:, -1:])

    notes = [
        f"{rows} windows of {steps} tokens, spread over the text; the loss is that of the token after each"
    ]
    if len(whole) > _CHARACTERS:
        notes.append(f"of {len(whole):,} characters the first {_CHARACTERS:,} were read")
    return _of_run(
        run,
        LanguageNetwork,
        inputs=(torch.from_numpy(windows[:, :-1].copy()),),
        loss=lambda output: task.loss(at_the_end(output), target),
        answer=lambda output: at_the_end(output).logits[:, 0].log_softmax(1).exp(),
        chance=-float((shares * np.log(shares)).sum()) if len(shares) > 1 else math.log(2),
        notes=notes,
    )


def _taken(chosen: int, count: int, what: str, cut: bool, steps: int) -> list[str]:
    """What of the data was looked at, in sentences."""
    notes = [f"{chosen} of {count:,} {what}, drawn by the seed" if chosen < count else f"{count} {what}"]
    if cut:
        notes.append(f"of sequences with more than {steps} steps the last {steps} were read")
    return notes
