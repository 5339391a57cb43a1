"""A trained network fed step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from recurra.errors import InputError
from recurra.ops.streaming.stages import Stage
from recurra.ops.streaming.stream import Stream


class RunStream(Stream):
    """A run fed step by step; `step(x)` gives what the run says of all steps so far. See `Stream`.

    Args:
        encode: from a text to the ids of its tokens, of a run that reads texts.
        stages, batch, precision, backend: see `Stream`.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        encode: Callable[[str], np.ndarray] | None = None,
        *,
        batch: int = 1,
        precision: str | None = None,
        backend: str = "auto",
    ):
        super().__init__(stages, batch=batch, precision=precision, backend=backend)
        self._encode = encode

    def read(self, text: str) -> np.ndarray:
        """Step through the tokens of a text; what the last of them gives, (outputs,).

        Words and subwords must not be cut in two: give whole ones, with the blank before them.

        Raises:
            InputError: the run reads no text, the stream has several sequences, or there is no token in the text.
        """
        if self._encode is None:
            raise InputError("this run reads numbers, not texts", fix="Use step.")
        if self.batch > 1:
            raise InputError(
                f"a text is of one sequence, the stream has {self.batch}",
                fix="Give step the ids, one of each.",
            )
        ids = self._encode(text).astype(np.int64)
        if not len(ids):
            raise InputError("expected a token or more, found none", where=f"{text!r:.40}")
        for token in ids:
            answer = self.step(token.reshape(()))
        return answer
