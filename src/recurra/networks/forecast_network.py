"""A past in, the whole horizon out: encoded segment by segment, every segment of the future decoded at once."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from recurra.networks.config import CellName, EncoderConfig, OwnCell
from recurra.networks.encoders import RECURRENT, make_encoder


class ForecastNetworkConfig(EncoderConfig):
    """What a person may choose."""

    cell: CellName | OwnCell = Field(
        default="gru", description=EncoderConfig.model_fields["cell"].description
    )
    hidden_size: int = Field(default=128, ge=2, description="units per layer")
    segment: int = Field(default=1, ge=1, description="steps of a series read, and forecast, at once")
    dropout: float = Field(
        default=0.2, ge=0, lt=1, description="dropout between layers and before the output"
    )
    normalisation: Literal["last", "standard", "none"] = Field(
        default="last",
        description="of each window: less its last value; less its mean and over its deviation; or none",
    )
    seasonal: bool = Field(
        default=True, description="begin between the last value and the last season, else at the last value"
    )
    identity: bool = Field(default=True, description="a vector of its own for each learned series")

    @property
    def sees_ahead(self) -> bool:
        """All that a network reads is known when it forecasts."""
        return True


class ForecastShape(BaseModel):
    """What the data imposes.

    Args:
        look_back, horizon: L and H, steps.
        past_size, known_size, static_size: C, K and S, channels of the past, of what is known ahead, of a series.
        series: N, series that are learned.
        season: m, steps of a season; 1 where there is none, or a window does not hold one.
        levels: Q, rising shares of the quantiles; one half is among them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    look_back: int = Field(ge=1)
    horizon: int = Field(ge=1)
    past_size: int = Field(ge=1)
    known_size: int = Field(default=0, ge=0)
    static_size: int = Field(default=0, ge=0)
    series: int = Field(default=1, ge=1)
    season: int = Field(default=1, ge=1)
    levels: tuple[float, ...] = (0.5,)

    @model_validator(mode="after")
    def _season_in_window(self) -> ForecastShape:
        if self.season > self.look_back:
            raise ValueError("a season is no longer than what is looked back on")
        return self


class ForecastNetwork(nn.Module):
    """Segment-wise recurrence with parallel decoding (SegRNN, Lin et al., arXiv:2308.11200).

    The past, each window less its last value, is read in segments of w steps, the future emitted in such:

        x'   = x - x_L                                               (the target; covariates as they are)
        e_i  = ReLU(W_e [x'_{(i-1)w+1} .. x'_{iw}] + b_e)            i = 1 .. ceil(L / w)
        h    = cell(e_1, .., e_n)
        q_j  = [p_j ; c] + W_f [known of segment j] + W_s static     j = 1 .. ceil(H / w)
        y'_j = W_o dropout(cell(q_j; h)) + b_o
        y_k  = y'_k + x_L + g_k (s_k - x_L)                          s_k = x_{L - m + 1 + (k - 1) mod m}

    A TCN and a transformer have no such state: they read e_1 .. e_n, q_1 .. q_m in one go, each step what is before it;
    so does a user's own module, with a matrix behind it where its outputs have not the width of the network. Layers
    without recurrence read the whole past at once, and so [e_1 .. e_n ; q_j] for every segment j.

    with p_j a vector for the place of the segment and c one for the series; all q_j are decoded from the same h
    by the same cell, so the horizon costs one step. With w = 1 it reads point by point. What the network adds is
    added to a naive forecast between the last value (g = 0) and the last season (g = 1); g is learned, and
    starts where it is best without a network (`season_share`). Quantiles cannot cross:

        y_{q > 1/2} = y_{1/2} + softplus(a_1) + softplus(a_2) + ..., downwards likewise

    Shapes:
        past (B, L, C), the scaled target first and without NaN; future (B, H, K); identity (B,) from 0, the one
        not learned; static (B, S) -> (B, H, Q) quantiles on the scale of the target.

    >>> shape = ForecastShape(look_back=10, horizon=5, past_size=3, known_size=2, levels=(0.1, 0.5, 0.9))
    >>> network = ForecastNetwork(ForecastNetworkConfig(segment=4, hidden_size=8), shape)
    >>> y = network(torch.randn(7, 10, 3), torch.randn(7, 5, 2), torch.ones(7).long(), torch.zeros(7, 0))
    >>> y.shape, bool((y.diff(dim=2) >= 0).all())
    (torch.Size([7, 5, 3]), True)
    """

    def __init__(self, config: ForecastNetworkConfig, shape: ForecastShape):
        super().__init__()
        self.config, self.shape = config, shape
        w, size = config.segment, config.hidden_size
        self.segments = -(-shape.horizon // w)
        self.embed = nn.Sequential(nn.Linear(w * shape.past_size, size), nn.ReLU())
        self.past_segments = -(-shape.look_back // w)
        read = size * (1 + self.past_segments) if config.cell == "feedforward" else size
        self.encoder = make_encoder(
            config, read, steps=self.past_segments + self.segments, dropout=config.dropout
        )
        out = self.encoder.out_features
        self.projection = nn.Linear(out, size) if out != size else None
        own = size // 2 if config.identity else 0
        self.place = nn.Parameter(torch.randn(self.segments, size - own))
        self.identity = nn.Embedding(shape.series + 1, own) if own else None
        self.known = nn.Linear(w * shape.known_size, size) if shape.known_size else None
        self.static = nn.Linear(shape.static_size, size) if shape.static_size else None
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(size, w * len(shape.levels))
        with torch.no_grad():
            self.head.weight.mul_(0.1)  # begin near the naive forecast
        seasonal = config.seasonal and shape.season > 1
        self.share = nn.Parameter(torch.zeros(shape.horizon)) if seasonal else None
        self.middle = shape.levels.index(0.5)

    def forward(self, past: Tensor, future: Tensor, identity: Tensor, static: Tensor) -> Tensor:
        x = past[..., 0]
        offset, scale = self._window(x)
        past = torch.cat([((x - offset) / scale)[..., None], past[..., 1:]], dim=2)
        steps = self.embed(_segments(past, self.config.segment, before=True))
        decoded = self._decoded(steps, self._queries(future, identity, static))
        values = self.head(self.dropout(decoded)).view(len(x), self.segments * self.config.segment, -1)
        quantiles = self._rising(values[:, : self.shape.horizon])
        return quantiles * scale[..., None] + self._base(x, offset)[..., None]

    def _decoded(self, steps: Tensor, queries: Tensor) -> Tensor:
        """(B, m, size) for each segment of the future."""
        if self.config.cell not in RECURRENT:
            if self.config.cell == "feedforward":
                past = steps.flatten(1)[:, None].expand(-1, queries.shape[1], -1)
                decoded, _ = self.encoder(torch.cat([past, queries], dim=2))
            else:
                output, _ = self.encoder(torch.cat([steps, queries], dim=1))
                decoded = output[:, self.past_segments :]
            return decoded if self.projection is None else self.projection(decoded)
        _, state = self.encoder(steps)
        b, m, size = queries.shape
        # Every segment of the future is one step from the same state: B m sequences of one step.
        repeated = _of_each(state, lambda s: s.repeat_interleave(m, dim=1))
        decoded, _ = self.encoder(queries.reshape(b * m, 1, size), repeated)
        return decoded.view(b, m, size)

    def _window(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1) what is taken off each window, and what it is then divided by."""
        one = torch.ones_like(x[:, -1:])
        if self.config.normalisation == "last":
            return x[:, -1:], one
        if self.config.normalisation == "standard":
            # A flat window is not blown up: the series' own deviation is 1 on this scale.
            return x.mean(1, keepdim=True), x.std(1, keepdim=True, correction=0).clamp(min=0.05)
        return torch.zeros_like(one), one

    def _base(self, x: Tensor, offset: Tensor) -> Tensor:
        """(B, H) or (B, 1), the naive forecast that the network's is added to."""
        if self.share is None:
            return offset
        return offset + self.share * (last_season(x, self.shape.season, self.shape.horizon) - offset)

    def _queries(self, future: Tensor, identity: Tensor, static: Tensor) -> Tensor:
        """(B, m, size), what is asked of the state for each segment of the future."""
        places = self.place.expand(len(identity), -1, -1)
        if self.identity is not None:
            own = self.identity(identity)[:, None].expand(-1, self.segments, -1)
            places = torch.cat([places, own], dim=2)
        if self.known is not None:
            places = places + self.known(_segments(future, self.config.segment, before=False))
        if self.static is not None:
            places = places + self.static(static)[:, None]
        return places

    def _rising(self, values: Tensor) -> Tensor:
        """(B, H, Q) quantiles that do not cross, from any numbers."""
        k = self.middle
        middle, steps = values[..., k : k + 1], functional.softplus(values)
        above = middle + steps[..., k + 1 :].cumsum(-1)
        below = middle - steps[..., :k].flip(-1).cumsum(-1).flip(-1)
        return torch.cat([below, middle, above], dim=-1)


def last_season(x: Tensor, season: int, horizon: int) -> Tensor:
    """(B, H) the values (B, L) one season before each step of the horizon, the last season again and again.

    >>> last_season(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), 2, 3)
    tensor([[3., 4., 3.]])
    """
    return x[:, x.shape[1] - season + torch.arange(horizon, device=x.device) % season]


def season_share(last: Tensor, seasonal: Tensor, truth: Tensor) -> Tensor:
    """(H,) g_k in [0, 1] for which last + g_k (seasonal - last) is nearest to the truth in squares.

    Args:
        last: (W, 1).
        seasonal, truth: (W, H); NaN where a truth is missing.
    """
    there = ~torch.isnan(truth)
    step = torch.where(there, seasonal - last, 0.0).double()
    wanted = torch.where(there, truth - last, 0.0).double()
    squares = (step**2).sum(0)
    return (
        torch.where(squares > 0, (step * wanted).sum(0) / squares.clamp(min=1e-12), 0.0).clamp(0, 1).float()
    )


def _segments(x: Tensor, w: int, *, before: bool) -> Tensor:
    """(B, T, C) to (B, ceil(T / w), w C), filled up with zeros before the first step or after the last."""
    missing = -x.shape[1] % w
    x = functional.pad(x, (0, 0, missing, 0) if before else (0, 0, 0, missing))
    return x.unflatten(1, (-1, w)).flatten(2)


def _of_each(state: Tensor | tuple[Tensor, ...], function) -> Tensor | tuple[Tensor, ...]:
    """`function` of the state, or of both states of an LSTM."""
    return function(state) if isinstance(state, Tensor) else tuple(function(part) for part in state)
