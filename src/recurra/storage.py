"""Writing files whole or not at all, and saying what is missing.

The bytes go to a file beside the target, are synced, and take the target's name in one rename; then the
folder is synced. A process killed at any moment, a full disk or a lost permission leaves the old file.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from recurra.errors import DataError, RunError, StorageError

LARGEST_TEXT = 64 * 2**20  # bytes


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content`, whole or not at all.

    Raises:
        StorageError: no space, no permission, or another failure of the file system; the old file stays.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise storage_error(error, path) from error
    finally:
        with suppress(OSError):  # it is gone already, or its folder never was
            beside.unlink()


def write_json(path: Path, content: Any) -> None:
    """Replace the file at `path` by `content` as JSON, whole or not at all; NaN and infinity are refused.

    A name of a file that is no UTF-8 is escaped, and read back as it was.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def append_line(path: Path, content: Any) -> None:
    """Add one line of JSON at the end of the file at `path`."""
    try:
        with Path(path).open("ab") as stream:
            stream.write((json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n").encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise storage_error(error, Path(path)) from error


def make_folder(path: Path) -> None:
    """Create the folder at `path` and its parents."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, Path(path)) from error


def read_text(path: Path) -> str:
    """The UTF-8 text in the file at `path`, whose size is looked at before it is read.

    Raises:
        RunError: the file is missing, cannot be read, is larger than 64 MiB, or is not UTF-8.
    """
    problem = f"the file is larger than {LARGEST_TEXT >> 20} MiB"
    try:
        if Path(path).stat().st_size <= LARGEST_TEXT:
            return Path(path).read_bytes().decode()
    except OSError as error:
        raise reading_error(error, path) from error
    except UnicodeDecodeError:
        problem = "the file is not UTF-8"
    raise RunError(problem, where=str(path), fix="Restore it, or train the run again.")


def read_json(path: Path) -> Any:
    """The JSON in the file at `path`.

    Raises:
        RunError: the file is missing, cannot be read, or is not JSON.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise reading_error(error, path) from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RunError(
            f"the file is not valid JSON ({error})",
            where=str(path),
            fix="Restore it, or train the run again.",
        ) from error


def sha256(path: Path) -> str:
    """The SHA-256 of the file at `path`, in hexadecimal.

    Raises:
        RunError: it cannot be read.
    """
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise reading_error(error, path) from error


def reading_error(error: OSError, path: Path) -> RunError:
    """`error` as a RunError that names the file."""
    if isinstance(error, FileNotFoundError):
        return RunError("the file is missing", where=str(path), fix="Restore it, or train the run again.")
    return RunError(f"the file cannot be read ({error.strerror})", where=str(path))


def storage_error(error: OSError, path: Path) -> StorageError:
    """`error` as a StorageError that names the file, the cause and the remedy."""
    advice = {
        errno.ENOSPC: ("there is no space left on the disk", "Free some space"),
        errno.EDQUOT: ("the disk quota is used up", "Free some space"),
        errno.EACCES: (
            "there is no permission to write here",
            "Choose another place with --out, or change the permissions",
        ),
        errno.EPERM: (
            "there is no permission to write here",
            "Choose another place with --out, or change the permissions",
        ),
        errno.EROFS: ("the file system is read-only", "Choose another place with --out"),
        errno.ENOENT: ("there is no such folder", "Make it first, or choose another place with --out"),
        errno.ENOTDIR: ("a part of this path is a file, not a folder", "Choose another place with --out"),
        errno.EEXIST: ("a file is in the way", "Choose another place with --out"),
    }
    problem, fix = advice.get(
        error.errno or 0, (f"the file could not be written ({error.strerror or error})", "Check the disk")
    )
    return StorageError(problem, where=str(path), fix=f"{fix}; what was written before is untouched.")


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows has no handle for a folder to sync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_there(*sources: str | None) -> None:
    """Refuse names of files or folders that are not there, before anything slow is done.

    Raises:
        DataError: naming the first that is missing; None and "-" (standard input) are passed over.
    """
    for source in sources:
        if source not in (None, "-") and not os.path.lexists(source):
            raise missing_file(Path(source))


def missing_file(path: Path) -> DataError:
    """The error for a file that is not there, naming what stands beside it under a like name."""
    beside = []
    if path.parent.is_dir():
        beside = sorted(p.name for p in path.parent.iterdir() if p.name.startswith(path.name[:3]))[:5]
    return DataError(
        "there is no such file",
        where=str(path),
        fix=f"Beside it there is: {', '.join(beside)}."
        if beside
        else "Check the path; relative paths start at the folder the command runs in.",
    )
