"""What can go wrong, told so that a person can mend it.

Every error says what was expected, what was found, where, and what to do. `exit_status` is what the
command line returns: 2 when the call or the input was wrong, 1 when the work itself failed.
"""

from __future__ import annotations


class RecurraError(Exception):
    """Base of all errors that Recurra raises on purpose.

    Args:
        problem: what was expected and what was found, one sentence.
        where: file, row, column or argument; put in front of the sentence.
        fix: what to do about it; put behind the sentence.

    >>> str(RecurraError("there is no column 'lable'", where="reviews.csv", fix="Take one of: text, label."))
    "reviews.csv: there is no column 'lable'. Take one of: text, label."
    """

    exit_status = 1

    def __init__(self, problem: str, *, where: str | None = None, fix: str | None = None):
        self.problem, self.where, self.fix = problem, where, fix
        text = f"{where}: {problem}" if where else problem
        if fix:
            text = f"{text} {fix}" if text.endswith((".", "?")) else f"{text}. {fix}"
        super().__init__(text)

    def __reduce__(self):
        return (_rebuild, (type(self), self.problem, self.where, self.fix))


def _rebuild(cls: type[RecurraError], problem: str, where: str | None, fix: str | None) -> RecurraError:
    return cls(problem, where=where, fix=fix)


class InputError(RecurraError, ValueError):
    """An argument or option cannot be used as given."""

    exit_status = 2


class DataError(InputError):
    """A data file or table cannot be used as it is."""


class RunError(InputError):
    """A run folder is missing, incomplete, altered, or of another version."""


class TrainingError(RecurraError, RuntimeError):
    """Training had to stop: the loss is not finite, or nothing could be learned from the data."""


class StorageError(RecurraError, OSError):
    """Something could not be written: no space, no permission. What was there before is untouched."""


class BackendError(RecurraError, RuntimeError):
    """A backend was asked for by name and cannot run this configuration."""

    exit_status = 2
