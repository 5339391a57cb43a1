"""A network from elsewhere, made of this project's layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from recurra.axes import zero_padding
from recurra.errors import InputError
from recurra.exchange.description import Description
from recurra.exchange.modules import Layer, Passed, make_layer
from recurra.exchange.specs import (
    ActivationSpec,
    EmbeddingSpec,
    MaskingSpec,
    RecurrentSpec,
)
from recurra.ops.streaming.stages import Affine, Numbers, Stage, Tokens
from recurra.ops.streaming.stream import Stream


class ImportedNetwork(nn.Module):
    """A network read from the file of another program, to be asked, streamed and trained on.

    It computes what the network computed there, masks and all: steps that Keras skips (id 0 of an embedding with
    `mask_zero`, a step of `Masking`) are skipped, wherever they stand. Beside that it knows `lengths`, as all layers
    here do: what stands behind them is never read.

    Args:
        description: its layers; their weights are drawn at random until others are loaded.
        origin: where it came from, name to words.
        notes: what was to be said when it was read.

    Shapes:
        input (B, T) ids or (B, T, I) numbers, lengths (B,) -> (B, outputs), or (B, T, outputs) of a network that
        answers at every step; 0 past `lengths`.

    Raises:
        InputError: a layer cannot read what the one before gives.

    >>> from recurra.exchange.specs import EmbeddingSpec, LinearSpec, RecurrentSpec
    >>> network = ImportedNetwork(
    ...     Description(
    ...         layers=(
    ...             EmbeddingSpec(name="words", ids=10, size=4, zero_masks=True),
    ...             RecurrentSpec(name="lstm", cell="lstm", inputs=4, units=5),
    ...             LinearSpec(name="dense", inputs=5, units=2),
    ...         )
    ...     )
    ... )
    >>> padded, bare = torch.tensor([[0, 0, 3, 7]]), torch.tensor([[3, 7]])
    >>> bool(torch.allclose(network(padded), network(bare)))
    True
    """

    def __init__(
        self, description: Description, *, origin: dict[str, str] | None = None, notes: Sequence[str] = ()
    ):
        super().__init__()
        self.shapes = description.shapes()
        self.description, self.origin, self.notes = description, dict(origin or {}), list(notes)
        self.layers = nn.ModuleList(make_layer(spec) for spec in description.layers)

    def forward(self, input: Tensor, lengths: Tensor | Sequence[int] | None = None) -> Tensor:
        """What the network answers.

        Args:
            input: (B, T) ids, of any integer type, or (B, T, I) numbers.
            lengths: (B,) valid steps of each sequence; None: all T.

        Raises:
            InputError: a shape that does not fit, or lengths for a network that reads a fixed number of steps.
        """
        return self._run(input, lengths, list(self.layers))

    def logits(self, input: Tensor, lengths: Tensor | Sequence[int] | None = None) -> Tensor:
        """The same without the softmax, sigmoid or other function at the very end: what losses of torch take."""
        layers = list(self.layers)
        ends_in_function = isinstance(self.description.layers[-1], ActivationSpec)
        return self._run(input, lengths, layers[:-1] if ends_in_function else layers)

    def _run(self, input: Tensor, lengths: Any, layers: list[nn.Module]) -> Tensor:
        self._check(input)
        if lengths is not None:
            lengths = torch.as_tensor(lengths, device=input.device)
            if lengths.shape != input.shape[:1] or not bool(
                ((lengths >= 0) & (lengths <= input.size(1))).all()
            ):
                raise InputError(
                    f"expected {input.size(0)} whole numbers from 0 to {input.size(1)}, found {lengths.tolist()}",
                    where="lengths",
                )
            if bool((lengths == input.size(1)).all()):
                lengths = None
        if lengths is not None:
            input = zero_padding(input, lengths)
        self._check_ids(input)
        passed = Passed(input, lengths)
        for layer in layers:
            passed = layer(passed)
        return passed.x if passed.lengths is None else zero_padding(passed.x, passed.lengths)

    def _check(self, input: Tensor) -> None:
        wanted = self.description.input
        shape = f"(B, {wanted.steps or 'T'}" + (")" if wanted.kind == "ids" else f", {wanted.width})")
        if wanted.kind == "ids":
            fits = (
                input.dim() == 2
                and not input.is_floating_point()
                and not input.is_complex()
                and input.dtype != torch.bool
            )
        else:
            fits = input.dim() == 3 and input.size(2) == wanted.width and input.is_floating_point()
        if not fits or (wanted.steps is not None and self._fixed and input.size(1) != wanted.steps):
            raise InputError(
                f"expected {'whole numbers' if wanted.kind == 'ids' else 'floats'} of shape {shape}, "
                f"found {str(input.dtype).removeprefix('torch.')} of shape {tuple(input.shape)}",
                where="input",
            )
        if input.size(1) == 0:
            raise InputError("expected one step or more, found none", where="input")

    def _check_ids(self, input: Tensor) -> None:
        first = self.description.layers[0]
        if isinstance(first, EmbeddingSpec) and input.numel():
            least, most = (int(end) for end in input.aminmax())
            if least < 0 or most >= first.ids:
                raise InputError(
                    f"expected ids from 0 to {first.ids - 1}, found {least if least < 0 else most}",
                    where="input",
                )

    @property
    def _fixed(self) -> bool:
        """Whether another number of steps than the file names cannot be read."""
        return any(spec.kind == "flatten" for spec in self.description.layers)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write it into a folder that `recurra.load_network` reads; see `recurra.exchange.folder`.

        Args:
            overwrite: replace an imported network that is there.

        Raises:
            InputError: the place is taken.
            StorageError: it could not be written.
        """
        from recurra.exchange.folder import save_network

        return save_network(self, folder, overwrite=overwrite)

    # -- step by step --------------------------------------------------------------------------------------

    def stages(self) -> list[Stage]:
        """The network as stages of a stream.

        Raises:
            InputError: it cannot run step by step; the message names the layer.
        """
        specs, before = self.description.layers, self.description.input
        stages: list[Stage] = [] if before.kind == "ids" else [Numbers(before.width)]
        recurrent = 0
        for spec, layer, after in zip(specs, self.layers, self.shapes, strict=True):
            assert isinstance(layer, Layer)
            if isinstance(spec, MaskingSpec) and spec is not specs[0]:
                raise InputError(
                    "steps masked behind another layer cannot be left out of a stream", where=spec.name
                )
            last = stages[-1] if stages else None
            if isinstance(spec, ActivationSpec) and spec.function == "relu" and isinstance(last, Affine):
                stages[-1] = Affine(last.weight, last.bias, relu=True)
            else:
                stages += layer.stages(before.width, recurrent)
            recurrent += isinstance(spec, RecurrentSpec)
            before = after
        return stages

    def why_no_stream(self) -> str | None:
        """Why it cannot run step by step, in words; None: it can."""
        try:
            self.stages()
        except InputError as error:
            return str(error)
        return None

    def stream(
        self, batch: int = 1, *, precision: str | None = None, backend: str = "auto"
    ) -> ImportedStream:
        """The network fed step by step; a step gives what the whole sequence up to there gives.

        Args:
            batch, precision, backend: see `recurra.ops.streaming.stream.Stream`.

        Raises:
            InputError: it cannot run step by step, and why; or an argument that cannot be.
            BackendError: the backend asked for cannot run the network.

        >>> from recurra.exchange.specs import RecurrentSpec
        >>> gru = RecurrentSpec(name="gru", cell="gru", inputs=3, units=5)
        >>> network = ImportedNetwork(Description(features=3, layers=(gru,)))
        >>> stream, x = network.stream(), torch.randn(4, 3)
        >>> answers = [stream.step(step) for step in x]
        >>> bool(torch.allclose(answers[-1], network(x[None])[0], atol=1e-6))
        True
        """
        return ImportedStream(
            self.stages(), self._skipped(), batch=batch, precision=precision, backend=backend
        )

    def _skipped(self) -> float | None:
        """The id, or the value of all features, of steps that the network skips."""
        first = self.description.layers[0]
        if isinstance(first, EmbeddingSpec) and first.zero_masks:
            return 0
        return first.value if isinstance(first, MaskingSpec) else None


class ImportedStream(Stream):
    """An imported network fed step by step. A step that the network skips is refused: there is nothing to feed.

    Args:
        stages, batch, precision, backend: see `Stream`.
        skipped: id, or value of all features, of such steps; None: it skips none.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        skipped: float | None,
        *,
        batch: int = 1,
        precision: str | None = None,
        backend: str = "auto",
    ):
        super().__init__(stages, batch=batch, precision=precision, backend=backend)
        self._skips, self._ids = skipped, isinstance(stages[0], Tokens)

    def step(self, x: Any, out: Any = None) -> Any:
        """See `Stream.step`.

        Raises:
            InputError: as there, or one of the sequences is given a step that the network skips.
        """
        if self._skips is not None and type(x) is np.ndarray:
            same = x == self._skips
            if bool(np.any(same if self._ids else same.all(-1))):
                what = "id 0" if self._ids else f"a step of {self._skips:g} in every feature"
                raise InputError(
                    f"the network skips {what}, which is there to fill sequences up",
                    where="x",
                    fix="Leave such steps out of a stream.",
                )
        return super().step(x, out)
