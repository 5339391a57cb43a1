"""A network fed step by step."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as from_safetensors
from safetensors.numpy import save as to_safetensors
from torch import Tensor

from ...errors import BackendError, InputError
from ...storage import reading_error, write_bytes
from .cores import Core, ReferenceCore, a_weight, features_read, floats_read, native_core, native_obstacle
from .precision import checked_precision
from .stages import Scaling, Stage, Tokens, copied, fingerprint

BACKENDS = ("auto", "native", "reference")
_DRAWN_STEPS = 100
_NETWORK = "network"  # where a saved state has the fingerprint of it
_MEASURED = (np.float32, np.float64)


class Deviation(NamedTuple):
    """How far a stream with weights of fewer bits is from the same with 32-bit floats, over some steps.

    Args:
        largest: of all differences of outputs.
        relative: root mean square of the differences over that of the outputs.
    """

    largest: float
    relative: float


class Stream:
    """A network fed step by step: every step takes the same time and memory, however many came before.

    `batch` sequences run at once, each with its own state. What a step gives is what the whole sequence up to there
    gives in evaluation mode. The weights are copied: training the network on does not change a stream.

    Args:
        stages: the network, see `recurra.ops.streaming.stages`.
        batch: B, sequences at once.
        precision: of the matrices of weights: "float32"; "bfloat16" or "int8" (a scale for each row), which are
            smaller and, from 256 units on, faster; "float64". None: that of the weights. States and outputs are
            32-bit floats all the same (64-bit ones in "float64").
        backend: "native" (our own code for a CPU), "reference" (plain PyTorch), or "auto".

    Raises:
        InputError: no sequences, or a precision or a backend that there is not.
        BackendError: the backend asked for cannot run these stages; the message says why.

    >>> import numpy as np, recurra
    >>> gru = recurra.GRU(3, 5, num_layers=2)
    >>> stream = gru.stream()
    >>> x = np.ones((4, 3), dtype=np.float32)
    >>> by_steps = np.stack([stream.step(step) for step in x])
    >>> whole, _ = gru(torch.from_numpy(x))
    >>> np.allclose(by_steps, whole.detach(), atol=1e-6)
    True
    >>> stream.reset()
    >>> bool(np.array_equal(stream.step(x[0]), by_steps[0]))
    True
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        batch: int = 1,
        precision: str | None = None,
        backend: str = "auto",
    ):
        if not isinstance(batch, int | np.integer) or batch < 1:
            raise InputError(f"expected 1 or more sequences, found {batch!r}", where="batch")
        stages = [copied(stage) for stage in stages]
        self.batch = batch = int(batch)
        self.precision = checked_precision(precision, _dtype(stages))
        self.backend, self.backend_reason = _chosen(backend, stages, self.precision)
        self._stages = tuple(stages)
        self._width = stages[-1].width
        self._dtype = np.float64 if self.precision == "float64" else np.float32
        self._first: dict[str, np.ndarray] = {
            name: tensor.cpu().numpy()
            for stage in stages
            for name, tensor in stage.in_precision(self.precision).begin(batch).items()
        }
        self._core: Core = self._make(self.backend)
        self.reset()

    def step(self, x: Any, out: Any = None) -> Any:
        """One step of every sequence.

        Args:
            x: (B, I) 32-bit floats (of a run that scales them any numbers, in the units of its data), or (B,) ids of
                tokens; NumPy or torch. With one sequence the first axis may be left out.
            out: where the result goes, (B, outputs) 32-bit floats; None: a new array.

        Returns:
            (B, outputs), or (outputs,) where x had no first axis; of the kind of x. A run gives what its
            `predict_proba` (of a regression: `predict`) would give for all steps so far.

        Raises:
            InputError: a shape or a number type that does not fit, or an id that there is not; the state is as it was.
        """
        if type(x) is not np.ndarray:
            return self._step_of_others(x, out)
        if out is None:
            bare = x.ndim == (0 if isinstance(self._stages[0], Tokens) else 1)
            out = np.empty(self._width if bare else (self.batch, self._width), self._dtype)
        try:
            self._core.step(x, out)
        except ValueError as error:
            return self._second_try(x, out, error)
        return out

    def _step_of_others(self, x: Any, out: Any) -> Any:
        if isinstance(x, Tensor):
            place = out.numpy() if isinstance(out, Tensor) else out
            given = x.detach().cpu()
            given = given.float() if given.dtype == torch.bfloat16 else given  # NumPy has no such type
            return torch.from_numpy(self.step(given.numpy(), place))
        return self.step(self._as_read(x), out)

    def _as_read(self, x: Any) -> np.ndarray:
        """In the number type that goes in. None is a missing value; nothing is cut off to be an id."""
        first = self._stages[0]
        try:
            if not isinstance(first, Tokens):
                return np.asarray(x, dtype=floats_read(first, self.precision)[-1])
            ids = np.asarray(x)
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"expected numbers, found {x!r:.60}", where="x") from error
        if ids.dtype.kind not in "iu":
            raise InputError(f"expected ids of tokens, whole numbers, found {x!r:.60}", where="x")
        return ids.astype(np.int64)

    def _second_try(self, x: np.ndarray, out: np.ndarray, error: ValueError) -> np.ndarray:
        """Arrays with gaps or of another type that holds the same are copied first; then what is wrong is wrong."""
        first = self._stages[0]
        if isinstance(first, Tokens):
            other = x.dtype.kind in "iu" and x.dtype != np.int64
        else:  # who reads numbers as people measure them takes counts, too
            other = isinstance(first, Scaling) and x.dtype.kind in "biufO" and x.dtype not in _MEASURED
        if other:
            return self.step(self._as_read(x), out)
        if not x.flags.c_contiguous:
            return self.step(np.ascontiguousarray(x).reshape(x.shape), out)
        if not out.flags.c_contiguous:
            out[...] = self.step(x)
            return out
        raise InputError(
            str(error),
            fix=f"The stream has {self.batch} sequences and reads {self._reads()}.",
        ) from error

    def _reads(self) -> str:
        first = self._stages[0]
        if isinstance(first, Tokens):
            return "an id of a token for each"
        if isinstance(first, Scaling):
            return f"{features_read(first)} numbers for each"
        return f"{features_read(first)} 32-bit floats for each: x.astype('float32')"

    # -- the state -----------------------------------------------------------------------------------------

    @property
    def state(self) -> dict[str, np.ndarray]:
        """A copy of all that is carried from step to step: name -> (B, width).

        `h_l0` and, of a LSTM, `c_l0` of the first layer, and so on. Of a run also what its pooling carries, and the
        token before. Assigning one puts it back, into this stream or another one of the same network and batch.
        """
        arrays = {name: np.empty_like(array) for name, array in self._first.items()}
        self._core.read(list(arrays.values()))
        return arrays

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        if state.keys() != self._first.keys():
            raise InputError(
                f"expected {', '.join(self._first) or 'nothing'}, found {', '.join(state) or 'nothing'}",
                where="state",
            )
        arrays = []
        for name, like in self._first.items():
            given = state[name]
            array = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given)
            if array.shape != like.shape or array.dtype.kind != like.dtype.kind:
                raise InputError(
                    f"expected {like.dtype} of shape {like.shape}, found {array.dtype} of shape {array.shape}",
                    where=f"state[{name!r}]",
                )
            arrays.append(np.ascontiguousarray(array, dtype=like.dtype))
        self._core.write(arrays)

    def reset(self, rows: Sequence[int] | np.ndarray | None = None) -> None:
        """Begin anew: all sequences, or those of the given `rows`.

        Args:
            rows: their numbers, counted from 0; or (B,) true where one begins anew.

        Raises:
            InputError: a row that there is not.
        """
        if rows is None:
            self._core.write(list(self._first.values()))
            return
        chosen = np.asarray(rows)
        if chosen.dtype == bool and chosen.shape == (self.batch,):
            chosen = np.flatnonzero(chosen)
        whole = chosen.dtype.kind in "iu" or not chosen.size
        if not whole or (chosen.size and not 0 <= chosen.min() <= chosen.max() < self.batch):
            raise InputError(f"expected rows from 0 to {self.batch - 1}, found {rows}", where="rows")
        chosen = chosen.astype(np.int64).reshape(-1)
        state = self.state
        for name, array in state.items():
            array[chosen] = self._first[name][chosen]
        self._core.write(list(state.values()))

    def save(self, path: str | Path) -> Path:
        """Write the state to a safetensors file, whole or not at all; with a fingerprint of the network.

        Raises:
            StorageError: it could not be written.
        """
        told = {"format": "np", _NETWORK: self._fingerprint}
        write_bytes(Path(path), to_safetensors(self.state, metadata=told))
        return Path(path)

    def restore(self, path: str | Path) -> None:
        """Take the state that `save` wrote, here or in another process, in the same precision or another one.

        Raises:
            InputError: there is no such file, it is not one of `save`, or it is of another network or batch.
        """
        try:
            content = Path(path).read_bytes()
            found = from_safetensors(content)
        except OSError as error:
            raise reading_error(error, Path(path)) from error
        except SafetensorError as error:
            raise InputError(f"expected a file of `save`, found none ({error})", where=str(path)) from error
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        told = header.get("__metadata__", {}).get(_NETWORK)
        if told is None:
            raise InputError("expected a file of `save`, found other arrays", where=str(path))
        try:
            if told != self._fingerprint:
                raise InputError("it is the state of another network", where="state")
            self.state = found
        except InputError as error:
            raise InputError(
                f"{error.where}: {error.problem}",
                where=str(path),
                fix="Restore it into a stream of the same network and batch.",
            ) from error

    @cached_property
    def _fingerprint(self) -> str:
        return fingerprint(self._stages)

    # -- how exact -----------------------------------------------------------------------------------------

    def deviation(self, inputs: Any = None) -> Deviation:
        """How far outputs are from those with 32-bit floats as weights; this stream's own state is left alone.

        Args:
            inputs: (T, B, I) or (T, B) steps as `step` takes them, from the beginning of sequences. None: 100 steps
                drawn at random, standard normal features or tokens; measure on your own data before you trust it.
        """
        given = self._drawn() if inputs is None else inputs
        ours = Stream(self._stages, batch=self.batch, precision=self.precision, backend=self.backend)
        exact = Stream(self._stages, batch=self.batch, precision="float32")
        pairs = [(ours.step(x), exact.step(x)) for x in given]
        if not pairs:
            raise InputError("expected a step or more, found none", where="inputs")
        found, expected = (np.asarray(side, dtype=np.float64) for side in zip(*pairs, strict=True))
        off = found - expected
        size = float(np.sqrt(np.mean(expected**2)))
        return Deviation(float(np.abs(off).max()), float(np.sqrt(np.mean(off**2))) / (size or 1.0))

    def _drawn(self) -> np.ndarray:
        draw, first = np.random.default_rng(0), self._stages[0]
        if isinstance(first, Tokens):
            return draw.integers(0, len(first.table), (_DRAWN_STEPS, self.batch))
        if isinstance(first, Scaling):
            normal = draw.standard_normal((_DRAWN_STEPS, self.batch, len(first.means)))
            return normal * first.scales + first.means
        return draw.standard_normal((_DRAWN_STEPS, self.batch, first.width), dtype=np.float32)

    def _make(self, backend: str) -> Core:
        if backend == "native":
            return native_core(self._stages, self.batch, self.precision)
        return ReferenceCore(self._stages, self.batch, self.precision)

    def __repr__(self) -> str:
        stages = ", ".join(type(stage).__name__ for stage in self._stages)
        return f"Stream({stages}; batch={self.batch}, precision={self.precision}, backend={self.backend})"


def _dtype(stages: Sequence[Stage]) -> torch.dtype:
    weights = (weight for stage in stages if (weight := a_weight(stage)) is not None)
    return next((weight.dtype for weight in weights), torch.float32)


def _chosen(asked: str, stages: Sequence[Stage], precision: str) -> tuple[str, str]:
    if asked not in BACKENDS:
        raise InputError(
            f"expected one of {', '.join(BACKENDS)}, found {asked!r}",
            where="backend",
            fix="Take one of these.",
        )
    if asked == "reference":
        return "reference", "asked for"
    obstacle = native_obstacle(stages, precision)
    if obstacle is None:
        return "native", "asked for" if asked == "native" else "our native code knows every stage"
    if asked == "native":
        raise BackendError(obstacle, where='backend="native"', fix='Take backend="auto".')
    return "reference", obstacle
