"""Causal convolutions that look back further and further, called as recurrent layers are."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import PackedSequence

from ..axes import reverse_valid, zero_padding
from ..errors import InputError
from ..ops.streaming.convolved import Block, Convolved, Taps
from ..ops.streaming.stages import Numbers, Stage
from ..ops.streaming.stream import Stream
from .arguments import checked_share
from .borders import take_input


class TCN(nn.Module):
    """Dilated causal convolutions in residual blocks, over a padded batch (Bai, Kolter & Koltun, arXiv:1803.01271).

        u_t = drop(relu(b_1 + sum_j V_j x_{t - d j})),    v_t = drop(relu(b_2 + sum_j W_j u_{t - d j}))
        y_t = relu(v_t + S x_t),    j = 0 .. k - 1,    d = 1, 2, 4, .. from block to block

    V and W are weight-normalised, w = g v / |v|; S is 1 where sizes are equal, else a learned matrix; dropout hides
    whole channels of a sequence. A step sees R = 1 + 2 (k - 1) (2^L - 1) steps. What it carries from call to call are
    the last (k - 1) d inputs of each convolution, zeros at first, so that pieces give what the whole gives.

    Args:
        input_size: I, features per step.
        hidden_size: H, features that a block gives.
        num_layers: L, blocks; `blocks_for` says how many see so many steps.
        kernel_size: k, steps that a convolution sees.
        inner_size: features between the two convolutions of a block; None: H.
        batch_first: as in torch's recurrent layers.
        dropout: share of channels hidden in training.
        bidirectional: a second network reads each sequence from its end; the outputs stand side by side.
    Shapes (batch_first):
        input (B, T, I), lengths (B,) -> output (B, T, D*H), state; for each convolution ((k - 1) d, B, features).
        Output past `lengths` is 0; nothing there is read.

    >>> tcn = TCN(4, 8, num_layers=blocks_for(100), batch_first=True)
    >>> output, state = tcn(torch.randn(2, 5, 4), lengths=[5, 3])
    >>> output.shape, tcn.receptive_field
    (torch.Size([2, 5, 8]), 125)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 4,
        kernel_size: int = 3,
        *,
        inner_size: int | None = None,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ):
        super().__init__()
        inner = hidden_size if inner_size is None else inner_size
        sizes = {
            "input_size": input_size,
            "hidden_size": hidden_size,
            "num_layers": num_layers,
            "kernel_size": kernel_size,
            "inner_size": inner,
        }
        for name, size in sizes.items():
            if not isinstance(size, int) or size < 1:
                raise InputError(f"expected a whole number from 1 on, got {size!r}", where=name)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.kernel_size, self.inner_size, self.batch_first = kernel_size, inner, batch_first
        self.dropout, self.bidirectional = checked_share("dropout", dropout), bidirectional
        self.networks = self._made()

    def _made(self) -> nn.ModuleList:
        """For each direction its blocks."""
        inputs, units, inner, width = self.input_size, self.hidden_size, self.inner_size, self.kernel_size
        return nn.ModuleList(
            nn.ModuleList(
                _Block(units if k else inputs, inner, units, width, 2**k, self.dropout)
                for k in range(self.num_layers)
            )
            for _ in range(self.directions)
        )

    @property
    def directions(self) -> int:
        """D: 2 when bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def out_features(self) -> int:
        """Numbers that it gives for every step: D*H."""
        return self.directions * self.hidden_size

    @property
    def receptive_field(self) -> int:
        """R, steps that a step sees, itself among them."""
        return 1 + 2 * (self.kernel_size - 1) * (2**self.num_layers - 1)

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Sequence[Tensor] | None = None,
        *,
        lengths: Tensor | Sequence[int] | None = None,
    ) -> tuple[Any, tuple[Tensor, ...]]:
        """Whole sequences, or the next piece of them with `hx` from the piece before.

        Raises:
            ValueError, RuntimeError: an input or lengths that cannot be, as recurrent layers say it.
            InputError: a state that does not fit.
        """
        border = take_input(input, lengths, batch_first=self.batch_first, name="TCN")
        x, ends = border.x, border.lengths
        if x.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.size(-1)}"
            )
        if ends is not None:
            x = zero_padding(x, ends, batch_first=False)
        before = self._checked(hx, x, border.unbatched)
        outputs, after = [], []
        for d, blocks in enumerate(self.networks):
            assert isinstance(blocks, nn.ModuleList)
            y = (_reversed(x, ends) if d else x).permute(1, 2, 0)
            for block in blocks:
                y, one, two = block(y, next(before), next(before), ends)
                after += [one, two]
            y = y.permute(2, 0, 1)
            outputs.append(_reversed(y, ends) if d else y)
        output = torch.cat(outputs, -1)
        if ends is not None:
            output = zero_padding(output, ends, batch_first=False)
        return border.output(output), border.state(tuple(s.permute(2, 0, 1) for s in after))

    def _checked(self, hx: Sequence[Tensor] | None, x: Tensor, unbatched: bool):
        """The state before each convolution, (B, features, steps)."""
        shapes = [
            (size, (self.kernel_size - 1) * block.dilation)  # pyright: ignore
            for blocks in self.networks
            for block in blocks  # pyright: ignore
            for size in (block.in_features, self.inner_size)  # pyright: ignore
        ]
        if hx is None:
            return iter([x.new_zeros(x.size(1), *shape) for shape in shapes])
        given = [s.unsqueeze(1) if unbatched else s for s in hx]
        wanted = [(steps, x.size(1), size) for size, steps in shapes]
        if [tuple(s.shape) for s in given] != wanted:
            raise InputError(
                f"expected tensors of {wanted}, got {[tuple(s.shape) for s in given]}",
                where="hx",
                fix="Give the state that a call before gave.",
            )
        return iter([s.permute(1, 2, 0) for s in given])

    # -- step by step --------------------------------------------------------------------------------------

    def stages(self, first: int = 0) -> list[Stage]:
        """The network as a stage of a stream, in evaluation mode, its state named from `first` on.

        Raises:
            InputError: it reads from both ends.
        """
        if self.bidirectional:
            raise InputError(
                "a layer that reads from both ends cannot run step by step: one half of it begins at the end",
                where="bidirectional=True",
            )
        blocks = tuple(block.taps() for block in self.networks[0])  # pyright: ignore
        return [Convolved(f"l{first}", blocks)]

    def stream(self, batch: int = 1, *, precision: str | None = None, backend: str = "auto") -> Stream:
        """The network fed step by step, see `Stream`; a step costs the same however many came before."""
        stages: list[Stage] = [Numbers(self.input_size), *self.stages()]
        return Stream(stages, batch=batch, precision=precision, backend=backend)

    def __deepcopy__(self, memo: dict[int, Any]) -> TCN:
        copied = self.__class__.__new__(self.__class__)
        memo[id(self)] = copied
        copied.__dict__ = copy.deepcopy(self.__dict__, memo)
        return copied

    def __getstate__(self) -> dict[str, Any]:
        # What torch makes of weight-normalised modules refuses to be pickled: its weights go alone.
        others = {name: module for name, module in self._modules.items() if name != "networks"}
        frozen = [name for name, p in self.networks.named_parameters() if not p.requires_grad]
        return {**self.__dict__, "_modules": others, "weights": self.networks.state_dict(), "frozen": frozen}

    def __setstate__(self, state: dict[str, Any]) -> None:
        weights, frozen = state.pop("weights"), state.pop("frozen")
        super().__setstate__(state)
        with torch.device("meta"):  # nothing is drawn
            self.networks = self._made()
        self.networks.load_state_dict(weights, assign=True)
        for name, p in self.networks.named_parameters():
            p.requires_grad_(name not in frozen)
        self.networks.train(self.training)

    def extra_repr(self) -> str:
        """Sizes."""
        return (
            f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, "
            f"kernel_size={self.kernel_size}, inner_size={self.inner_size}"
        )


def blocks_for(steps: int, kernel_size: int = 3) -> int:
    """The fewest blocks of a `TCN` with which a step sees so many steps.

    >>> blocks_for(1), blocks_for(5), blocks_for(6), blocks_for(1000)
    (1, 1, 2, 8)
    """
    if kernel_size == 1:
        return 1
    return max(1, math.ceil(math.log2((steps - 1) / (2 * (kernel_size - 1)) + 1)))


class _Block(nn.Module):
    def __init__(self, before: int, inner: int, after: int, width: int, dilation: int, dropout: float):
        super().__init__()
        self.in_features, self.dilation = before, dilation
        self.first = weight_norm(nn.Conv1d(before, inner, width, dilation=dilation))
        self.second = weight_norm(nn.Conv1d(inner, after, width, dilation=dilation))
        self.shortcut = None if before == after else nn.Conv1d(before, after, 1)
        self.dropout = nn.Dropout1d(dropout)

    def forward(
        self, x: Tensor, first: Tensor, second: Tensor, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        y, first = _convolved(self.first, x, first, lengths)
        y, second = _convolved(self.second, self.dropout(y), second, lengths)
        return F.relu(self.dropout(y) + (x if self.shortcut is None else self.shortcut(x))), first, second

    def taps(self) -> Block:
        """For a stream."""
        first, second = (
            Taps(c.weight, c.bias, self.dilation)  # pyright: ignore[reportArgumentType]
            for c in (self.first, self.second)
        )
        beside = self.shortcut
        return Block(first, second, None if beside is None else Taps(beside.weight, beside.bias, 1))


def _convolved(
    convolution: nn.Module, x: Tensor, before: Tensor, lengths: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The rectified convolution (B, C, T), and the inputs that the steps after the last valid one will see."""
    padded = torch.cat([before.to(x.dtype), x], 2)
    reach = before.size(2)
    if lengths is None:
        after = padded[..., padded.size(2) - reach :]
    else:
        places = lengths[:, None, None] + torch.arange(reach, device=x.device)
        after = padded.take_along_dim(places, 2)
    return F.relu(convolution(padded)), after


def _reversed(x: Tensor, lengths: Tensor | None) -> Tensor:
    return x.flip(0) if lengths is None else reverse_valid(x, lengths, batch_first=False)
