"""The loss of quantile forecasts, and what decides which weights are best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


class ForecastTask:
    """Q quantiles of every step of the horizon.

        loss = 2 mean over steps and levels of max(q (y - f_q), (q - 1) (y - f_q))

    (Koenker and Bassett, Econometrica 46, 1978.) Of the median alone it is the mean absolute error. Steps whose
    truth is missing (NaN) are left out.

    Args:
        levels: the Q shares; 0.5 is among them.
    """

    def __init__(self, levels: Sequence[float]):
        self.levels = list(levels)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Output (B, H, Q), target (B, H)."""
        total, count = self._sums(output, target)
        return total / max(1, count)

    def validate(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
        """The loss, and the mean absolute and squared error of the median, all on the scale of training."""
        sums, counted = torch.zeros(3, dtype=torch.float64), 0
        middle = self.levels.index(0.5)
        for output, target in ((output.cpu(), target.cpu()) for output, target in pairs):
            total, count = self._sums(output.double(), target.double())
            there = ~torch.isnan(target)
            off = (output[..., middle] - target)[there].double()
            sums += torch.stack([total, off.abs().sum(), off.square().sum()])
            counted += count
        loss, mae, mse = (sums / max(1, counted)).tolist()
        return {"loss": loss, "MAE": mae, "MSE": mse}

    def chance(self, past: Tensor, truth: Tensor) -> float:
        """`validate`'s loss of the last value, with the quantiles that its own errors have.

        Args:
            past: (W, L) targets before each origin, without NaN.
            truth: (W, H) what came, NaN where missing.
        """
        last = past[:, -1:].double()
        levels = torch.tensor(self.levels, dtype=torch.float64)
        spread = torch.stack([errors.nanquantile(levels) for errors in (truth.double() - last).T])
        return self.validate([(last[..., None] + spread, truth)])["loss"]

    def _sums(self, output: Tensor, target: Tensor) -> tuple[Tensor, int]:
        """The sum of the loss over the steps that are there, and their number."""
        there = ~torch.isnan(target)
        off = torch.where(there, target, 0.0)[..., None] - output
        levels = output.new_tensor(self.levels)
        terms = torch.maximum(levels * off, (levels - 1) * off).mean(-1)
        return 2 * torch.where(there, terms, 0.0).sum(), int(there.sum())
