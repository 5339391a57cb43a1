"""The loss of a network that foretells the keys of the next frame, and what decides which weights are best."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

from recurra.networks.piece_network import Chords

Output = Tensor | Chords


class PieceTask:
    """The keys of the next frame, at every frame.

        loss = mean over frames t of   - sum_k [ y_tk log p_tk + (1 - y_tk) log(1 - p_tk) ]

    p_tk the probability of key k of 88, by itself or given the keys below it: either way the negative log likelihood of
    a frame, as polyphonic music is scored (Boulanger-Lewandowski et al., arXiv:1206.6392; Bai et al.,
    arXiv:1803.01271). The first frame of a piece is only read.
    """

    def loss(self, output: Output, target: Tensor) -> Tensor:
        """Output (B, T, ...) of a `PieceNetwork`; target as `FrameBatches` makes it, NaN where there is no frame."""
        known = ~target[..., 0].isnan()
        return nats_of(chosen(output, known), target[known]).mean()

    @torch.no_grad()
    def validate(self, pairs: Iterable[tuple[Output, Tensor]]) -> dict[str, float]:
        """`loss`, and the accuracy of the likeliest keys (see `recurra.tasks.music.scores`)."""
        nats, frames, right, wrong = 0.0, 0, 0, 0
        for output, target in pairs:
            known = ~target[..., 0].isnan()
            few, truth = chosen(output, known), target[known]
            nats += float(nats_of(few, truth).double().sum())
            said, there = likeliest(few), truth > 0
            frames += len(there)
            right += int((said & there).sum())
            wrong += int((said ^ there).sum())
        return {"loss": nats / max(1, frames), "frame accuracy": right / max(1, right + wrong)}

    def chance(self, targets: Iterable[Tensor]) -> float:
        """`validate`'s loss where each key is foretold as often as it is struck."""
        frames = torch.cat([target[~target[..., 0].isnan()].cpu() for target in targets])
        shares = (frames.sum(0) + 1) / (len(frames) + 2)
        return self.validate([(torch.logit(shares).expand(len(frames), -1), frames)])["loss"]


def chosen(output: Output, where: Tensor) -> Output:
    """What was said of some frames: `where` (...) bool."""
    return output.at(where) if isinstance(output, Chords) else output[where]


def nats_of(output: Output, target: Tensor) -> Tensor:
    """(...) the negative log likelihood of each frame of `target` (..., 88).

    >>> nats_of(torch.zeros(2, 88), torch.ones(2, 88)).tolist()
    [60.99..., 60.99...]
    """
    logits = output.logits(target) if isinstance(output, Chords) else output
    return functional.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(-1)


@torch.no_grad()
def likeliest(output: Output) -> Tensor:
    """(..., 88) bool, the keys of a half or more: each by itself, or from the lowest on, given those chosen so far."""
    return output.likeliest() if isinstance(output, Chords) else output >= 0
