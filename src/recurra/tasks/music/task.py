"""The loss of a network that foretells the keys of the next frame, and what decides which weights are best."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor
from torch.nn import functional


class PieceTask:
    """The keys of the next frame, at every frame.

        loss = mean over frames t of   - sum_k [ y_tk log s(z_tk) + (1 - y_tk) log(1 - s(z_tk)) ]

    s the logistic function, k the 88 keys: the negative log likelihood of a frame, as polyphonic music is scored
    (Boulanger-Lewandowski et al., arXiv:1206.6392; Bai et al., arXiv:1803.01271). The first frame of a piece is only
    read.
    """

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Output (B, T, 88) logits; target as `FrameBatches` makes it, NaN where there is no frame."""
        known = ~target[..., 0].isnan()
        return nats_of(output[known], target[known]).mean()

    def validate(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
        """`loss`, and the accuracy of keys given at least a half (see `recurra.tasks.music.scores`)."""
        nats, frames, right, wrong = 0.0, 0, 0, 0
        for output, target in pairs:
            known = ~target[..., 0].isnan()
            logits, truth = output[known], target[known] > 0
            nats += float(nats_of(logits, target[known]).double().sum())
            said = logits >= 0
            frames += len(truth)
            right += int((said & truth).sum())
            wrong += int((said ^ truth).sum())
        return {"loss": nats / max(1, frames), "frame accuracy": right / max(1, right + wrong)}


def nats_of(logits: Tensor, target: Tensor) -> Tensor:
    """(...) the negative log likelihood of each frame: logits and target (..., 88).

    >>> nats_of(torch.zeros(2, 88), torch.ones(2, 88)).tolist()
    [60.99..., 60.99...]
    """
    return functional.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(-1)
