"""What libraries raise on a damaged file, as one error of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from recurra.errors import DataError, RecurraError


def not_numbers(name: str, where: str) -> DataError:
    """For weights that are NaN: a network with them answers nothing else."""
    return DataError(
        f"{name} holds NaN",
        where=where,
        fix="The training that left them went astray, or the file is broken: take an earlier one.",
    )


@contextmanager
def guarded(told: Callable[[str], DataError]) -> Iterator[None]:
    """Raise `told` of the first line of whatever a library raises in the body; our own errors pass.

    On a stranger's bytes that is anything: struct.error, IndexError, NotImplementedError, LZMAError ...

    >>> with guarded(lambda line: DataError(f"it is broken ({line})", where="weights.pt")):
    ...     [][0]
    Traceback (most recent call last):
        ...
    recurra.errors.DataError: weights.pt: it is broken (list index out of range)
    """
    try:
        yield
    except RecurraError:
        raise
    except Exception as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise told(f"{line:.200}") from error
