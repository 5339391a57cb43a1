"""From the shapes a caller may give to the one that layers compute in, and back, with torch's errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from ..errors import InputError


class Border(NamedTuple):
    """What a caller gave, in the form that layers compute in.

    Args:
        x: (T, B, I).
        lengths: (B,) int64 on the device of x, or None when every sequence has T steps.
        packed: the packed sequence that was given, if one was.
        unbatched: the input had no batch axis.
        batch_first: results go back as (B, T, ...).
    """

    x: Tensor
    lengths: Tensor | None
    packed: PackedSequence | None
    unbatched: bool
    batch_first: bool

    def output(self, output: Tensor) -> Tensor | PackedSequence:
        """(T, B, F) in the layout that was given."""
        if self.packed is not None:
            return _repack(output, self.lengths, self.packed)
        if self.unbatched:
            return output.squeeze(1)
        return output.transpose(0, 1) if self.batch_first else output

    def state(self, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """(L*D, B, units) tensors, without the batch axis when the input had none."""
        return tuple(s.squeeze(1) for s in state) if self.unbatched else state

    def gates(self, gates: dict[str, Tensor]) -> dict[str, Tensor]:
        """(L*D, T, B, units) tensors as (L*D, B, T, units), or (L*D, T, units) when unbatched."""
        return {
            name: g.squeeze(2) if self.unbatched else g.transpose(1, 2).contiguous()
            for name, g in gates.items()
        }


def take_input(
    input: Tensor | PackedSequence,
    lengths: Tensor | Sequence[int] | int | None,
    *,
    batch_first: bool,
    name: str,
) -> Border:
    """Accept (B, T, I), (T, B, I), (T, I) or a packed sequence.

    Args:
        lengths: valid steps of each sequence, on any device, of any integer dtype.
        name: of the layer, for messages.

    Raises:
        ValueError: the input has neither two nor three axes (torch's words); lengths beside a packed
            sequence; lengths that are not (B,) whole numbers from 0 to T.
        RuntimeError: there are no steps at all (torch's words).
    """
    if isinstance(input, PackedSequence):
        if lengths is not None:
            raise InputError(
                "a PackedSequence knows its lengths, but lengths were given beside it",
                where="lengths",
                fix="Leave lengths out, or give a padded tensor.",
            )
        if input.data.dim() != 2:
            raise RuntimeError(f"input must have 2 dimensions, got {input.data.dim()}")
        x, found = pad_packed_sequence(input)
        return Border(x, _unequal(found, x), input, False, batch_first)
    if input.dim() not in (2, 3):
        ending = "D tensor instead" if name == "RNN" else "D instead"
        raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.dim()}{ending}")
    unbatched = input.dim() == 2
    x = input.unsqueeze(1) if unbatched else input.transpose(0, 1) if batch_first else input
    if x.size(0) == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    return Border(x, _checked_lengths(lengths, x), None, unbatched, batch_first)


def _checked_lengths(lengths: Tensor | Sequence[int] | int | None, x: Tensor) -> Tensor | None:
    if lengths is None:
        return None
    steps, batch = x.size(0), x.size(1)
    empty = isinstance(lengths, Sequence) and not lengths  # torch would take it for floats
    lengths = torch.as_tensor(lengths, dtype=torch.int64 if empty else None)
    fix = f"Give one whole number from 0 to {steps} for each sequence of the batch."
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise InputError(f"expected whole numbers, got {lengths.dtype}", where="lengths", fix=fix)
    if lengths.dim() == 0:
        lengths = lengths.unsqueeze(0)
    if lengths.shape != (batch,):
        raise InputError(f"expected shape ({batch},), got {tuple(lengths.shape)}", where="lengths", fix=fix)
    lengths = lengths.to(torch.int64)
    traced = torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
    if traced or torch.compiler.is_compiling() or is_functorch_wrapped_tensor(lengths):
        # A look at the numbers would break the graph, a trace would keep the answer, and under vmap there is none.
        return lengths.to(x.device)
    if batch:
        least, most = (int(end) for end in lengths.aminmax())
        if least < 0 or most > steps:
            wrong = least if least < 0 else most
            row = int((lengths == wrong).nonzero()[0])
            raise InputError(
                f"sequence {row} has length {wrong}, and the input has {steps} steps",
                where="lengths",
                fix=fix,
            )
    return _unequal(lengths, x)


def _unequal(lengths: Tensor, x: Tensor) -> Tensor | None:
    """`lengths` beside x, or None when there is no padding at all."""
    return lengths.to(x.device) if bool((lengths < x.size(0)).any()) else None


def _repack(output: Tensor, lengths: Tensor | None, packed: PackedSequence) -> PackedSequence:
    """`output` (T, B, F) packed in the order of the sequence that came in."""
    if lengths is None:
        lengths = torch.full((output.size(1),), output.size(0))
    if packed.sorted_indices is not None:
        output = output.index_select(1, packed.sorted_indices)
        lengths = lengths.to(packed.sorted_indices.device)[packed.sorted_indices]
    data = pack_padded_sequence(output, lengths.cpu()).data
    return PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
