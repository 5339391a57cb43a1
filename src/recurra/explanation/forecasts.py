"""Runs that forecast: which lags of which columns a forecast comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from recurra.data.numbers import NumberEncoder
from recurra.data.series.collection import Series
from recurra.data.series.windows import WindowBatches
from recurra.errors import InputError
from recurra.explanation.attribution import Question, attribute
from recurra.explanation.gates import gate_courses
from recurra.explanation.parts import blocks, owners
from recurra.explanation.result import Explained, Part
from recurra.explanation.sequences import frozen
from recurra.networks.forecast_network import ForecastNetwork
from recurra.runs.events import Observer
from recurra.runs.forecasts.run import ForecastRun

_MOST_CELLS = 480
_FEWEST_BLOCKS, _MOST_BLOCKS = 8, 48
_CALENDAR = "calendar"
_BASELINE = "its column's mean over what is looked back on, as of a flat past"
_LOGARITHM = f"{_BASELINE} (the geometric mean of the series, which is read by its logarithm)"


def explain_forecast(run: ForecastRun, series: Series, of: str | None, observer: Observer) -> Explained:
    """Explain how one series goes on after its end.

    Args:
        series: that one alone.
        of: the step ahead to explain; None: the mean over the horizon.

    Raises:
        InputError: no such step.
        DataError: the series is too short, or what is known ahead does not reach far enough.
    """
    step = _step(run, of)
    (name,) = series.names
    forecasts = run.ahead(series, observer)
    table = run.table(series, forecasts)
    told = dict(zip(map(str, table.to_series(1)), forecasts.point[0].tolist(), strict=True))
    encoded = run.encoder.encode(series, run.horizon)
    windows = WindowBatches(
        encoded, forecasts.origins, look_back=run.look_back, horizon=run.horizon, batch_size=1
    )
    inputs = next(windows.evaluation()).inputs
    network = frozen(run.network)
    assert isinstance(network, ForecastNetwork)
    channels = _channels(run, name)
    parts, lags = _parts(run, len(channels.columns), len(channels.future) > 0)

    def unscaled(values: Tensor) -> Tensor:
        values = values * float(encoded.scales[0]) + float(encoded.means[0])
        return values.exp() if encoded.logarithm else values

    baseline = _LOGARITHM if encoded.logarithm else _BASELINE
    question = _question(network, inputs, parts, channels, step, unscaled, baseline)
    w, steps = network.config.segment, run.look_back
    read_at = np.full(steps + run.horizon, -1)
    read_at[:steps] = (np.arange(steps) + -steps % w) // w
    gates = gate_courses(network, inputs, parts, read_at)
    return Explained(
        name=name,
        answer=_said(told),
        answers=told,
        parts=parts,
        columns=channels.columns,
        course=None,
        attribution=attribute(question, observer),
        gates=gates,
        notes=_notes(run, network, parts[:lags], bool(gates)),
    )


def _step(run: ForecastRun, of: str | None) -> int | None:
    if of is None:
        return None
    if not of.isdecimal() or not 1 <= int(of) <= run.horizon:
        raise InputError(
            f"expected a step ahead from 1 to {run.horizon}, found {of!r}",
            where="--of",
            fix="Leave it out to explain the mean over all of them.",
        )
    return int(of)


def _said(told: dict[str, float]) -> str:
    (first, begin), (last, end) = (list(told.items())[place] for place in (0, -1))
    if len(told) == 1:
        return f"{begin:.4g} at {first}"
    return f"{begin:.4g} at {first} to {end:.4g} at {last}, {np.mean(list(told.values())):.4g} in the mean"


def _notes(run: ForecastRun, network: ForecastNetwork, lags: list[Part], gated: bool) -> list[str]:
    notes = []
    if len(lags) < run.look_back:
        notes.append(f"{run.look_back} lags are looked at {lags[0].end} at a time")
    if network.config.normalisation == "last":
        notes.append(
            "the network reads every value less the last one, and adds that again: so lag 1 lifts the whole forecast"
        )
    elif network.config.normalisation == "standard":
        notes.append("the network reads the past less its mean and over its deviation, and puts both back")
    if network.share is not None:
        notes.append("the forecast begins between the last value and the last season, which show as lags")
    if gated and network.config.segment > 1:
        notes.append(f"the gates are those of segments of {network.config.segment} steps")
    if not gated:
        notes.append(f"{network.config.cell_name}: there is no gate that decides between old and new")
    fixed = [
        what
        for what, there in (("which series it is", network.identity), ("static columns", network.static))
        if there
    ]
    if fixed:
        notes.append(f"held as it is, and not explained: {' and '.join(fixed)}")
    return notes


@dataclass(frozen=True)
class _Channels:
    """What the network reads at a step, by columns.

    Args:
        columns: C names.
        past, future: of every channel the column that it belongs to.
        marks: of every channel of the past, whether it only marks missing values.
    """

    columns: list[str]
    past: Tensor
    future: Tensor
    marks: Tensor


def _channels(run: ForecastRun, name: str) -> _Channels:
    """In the order of `WindowBatches`: the target, what is known up to now, what is known ahead, the calendar."""
    schema, encoder = run.config.data_schema, run.encoder
    columns, owners_, marks = [name], [0], [False]

    def add(names: list[str], numbers: NumberEncoder | None) -> None:
        if numbers is not None:
            first, marked = len(columns), np.flatnonzero(numbers.marked).tolist()
            columns.extend(names)
            owners_.extend(first + k for k in (*range(numbers.channels), *marked))
            marks.extend([False] * numbers.channels + [True] * len(marked))

    if encoder.marked:
        owners_.append(0)
        marks.append(True)
    add(schema.channels(schema.past), encoder.past)
    own = len(owners_)
    add(schema.channels(schema.known), encoder.known)
    if encoder.calendar:
        owners_ += [len(columns)] * len(encoder.calendar)
        marks += [False] * len(encoder.calendar)
        columns.append(_CALENDAR)
    past = torch.tensor(owners_)
    return _Channels(columns, past, past[own:], torch.tensor(marks))


def _parts(run: ForecastRun, columns: int, ahead: bool) -> tuple[list[Part], int]:
    """The lags from the farthest to the last, then what is known ahead; and how many of them are lags."""
    steps = run.look_back
    most = min(_MOST_BLOCKS, max(_FEWEST_BLOCKS, _MOST_CELLS // columns))
    lags = [
        Part(_lag(steps - part.begin, steps - part.end + 1), part.begin, part.end)
        for part in blocks(steps, most)
    ]
    if not ahead:
        return lags, len(lags)
    # Blocks ahead are as long as those of the lags.
    size = lags[0].end
    known = [
        Part(part.text, steps + part.begin, steps + part.end)
        for part in blocks(run.horizon, -(-run.horizon // size), "ahead")
    ]
    return lags + known, len(lags)


def _lag(first: int, last: int) -> str:
    return f"lag {first}" if first == last else f"lags {first} to {last}"


def _question(
    network: ForecastNetwork,
    inputs: tuple[Tensor, ...],
    parts: list[Part],
    channels: _Channels,
    step: int | None,
    unscaled: Callable[[Tensor], Tensor],
    baseline: str,
) -> Question:
    """Over the scaled past and, where something is known ahead, the future."""
    past, future, identity, static = inputs
    columns, of_past, of_future = channels.columns, channels.past, channels.future
    steps, owner, middle = past.shape[1], owners(parts), network.middle
    flat = torch.where(channels.marks, 0.0, past.mean(1, keepdim=True))  # in a flat past nothing is missing
    flat_ahead = flat[..., flat.shape[2] - future.shape[2] :]

    def without(mask: Tensor) -> tuple[Tensor, ...]:
        cells = mask[:, owner]
        left = torch.where(cells[:, :steps][:, :, of_past], flat, past)
        if not len(of_future):
            return (left,)
        return left, torch.where(cells[:, steps:][:, :, of_future], flat_ahead, future)

    def value(past: Tensor, ahead: Tensor | None = None) -> Tensor:
        b = len(past)
        quantiles = network(
            past,
            future.expand(b, -1, -1) if ahead is None else ahead,
            identity.expand(b),
            static.expand(b, -1),
        )
        point = unscaled(quantiles[..., middle])
        return point.mean(1) if step is None else point[:, step - 1]

    def cells(attributions: tuple[Tensor, ...]) -> Tensor:
        found = torch.zeros(len(parts), len(columns), dtype=attributions[0].dtype)
        for own, column, place in zip(
            attributions, (of_past, of_future), (owner[:steps], owner[steps:]), strict=False
        ):
            of_columns = torch.zeros(len(own), len(columns), dtype=own.dtype).index_add_(1, column, own)
            found.index_add_(0, place, of_columns)
        return found

    there = torch.ones(len(parts), len(columns), dtype=torch.bool)
    ahead_parts = torch.tensor([part.begin >= steps for part in parts])
    known_columns = torch.isin(torch.arange(len(columns)), of_future)
    there &= ~ahead_parts[:, None] | known_columns
    return Question(
        of="the forecast's mean over the horizon" if step is None else f"the forecast {step} ahead",
        value=value,
        without=without,
        cells=cells,
        there=there,
        steps=steps + future.shape[1],
        baseline=baseline,
    )
