"""Where runs are written: what may be overwritten, and what must not be touched."""

from __future__ import annotations

from pathlib import Path

from recurra.errors import InputError
from recurra.runs.config import read_kind
from recurra.runs.run import clear_run, is_run


def check_place(out: Path, *, overwrite: bool, resume: bool) -> None:
    """Refuse a place that holds something else than what is asked for.

    Raises:
        InputError: it is taken, there is nothing to resume, or both are asked for.
        RunError: what is to be resumed is not a run. (Of one, `config.json` is written first.)
    """
    if overwrite and resume:
        raise InputError(
            "--resume goes on with a run, --overwrite replaces it", where=str(out), fix="Give one of them."
        )
    taken = out.exists() and (not out.is_dir() or any(out.iterdir()))
    if resume:
        if not taken:
            raise InputError("there is nothing to resume here", where=str(out), fix="Leave --resume out.")
        read_kind(out)
    elif taken and not overwrite:
        raise InputError(
            "this place is taken", where=str(out), fix="Choose another --out, or add --overwrite or --resume."
        )
    elif taken and not is_run(out):
        raise InputError(
            "this is not a run folder, so it is not overwritten", where=str(out), fix="Choose another --out."
        )


def check_folder_of_runs(out: Path, names: tuple[str, ...], others: tuple[str, ...] = ()) -> None:
    """Refuse a folder that holds anything but the runs `names`, which belong together.

    Args:
        others: what may stand beside the runs and `summary.json`, by name.

    Raises:
        InputError: something else is there.
    """
    if not out.exists():
        return
    known = {"summary.json", *others}
    foreign = [out]
    if out.is_dir():
        foreign = [
            path
            for path in sorted(out.iterdir())
            if path.name not in known and not (path.name in names and is_run(path))
        ]
    if foreign:
        raise InputError(
            f"this place is taken (by {foreign[0].name})", where=str(out), fix="Choose another --out."
        )


def clear_folder_of_runs(out: Path, names: tuple[str, ...], others: tuple[str, ...] = ()) -> None:
    """Clear away the runs `names` of a folder; a folder that `check_folder_of_runs` refuses is not touched."""
    check_folder_of_runs(out, names, others)
    for name in names:
        clear_run(out / name)
