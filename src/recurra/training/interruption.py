"""Ctrl-C, or the end that a system asks for, between two steps, never within one."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Interruption:
    """While active, the first Ctrl-C (SIGINT) or SIGTERM only raises a flag; the second one acts at once.

    Ctrl-C is for this training alone: what called it goes on with what was trained so far. SIGTERM is for the whole
    process: once this is left, and a checkpoint with it, the signal is sent again to whom it was meant for, which is
    the end of the process unless the program has a handler of its own. A signal that is ignored stays so.

    Outside the main thread signals cannot be caught; there it does nothing.
    """

    def __init__(self) -> None:
        self.requested = False
        self._terminated = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) not in (signal.SIG_IGN, None):  # None: installed by no Python
                    self._before[number] = signal.signal(number, self._request)
        return self

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            self._restore()
            signal.raise_signal(number)
        self._terminated = self._terminated or number == signal.SIGTERM
        self.requested = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()
        if self._terminated:
            signal.raise_signal(signal.SIGTERM)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
