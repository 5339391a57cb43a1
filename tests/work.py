"""How much work a call is, without a clock: calls of functions, as the interpreter counts them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def calls_of(work: Callable[[], Any]) -> int:
    """Calls of functions, Python's and C's, while `work` runs: what a loop over rows would make many of.

    >>> calls_of(lambda: [abs(n) for n in range(1000)]) > 1000 > calls_of(lambda: sum(range(1000)))
    True
    """
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
