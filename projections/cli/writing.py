"""Writing a result to the file that `--out` names."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from events.calls import call
from projections.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from events.filesystem import FileSystem
    from projections.sources import Source


def write_out(out: Path, data: bytes) -> None:
    """Put ``data`` in the file's place, all or nothing.

    Raises:
        CommandError: It is a data folder's own stats.json, or cannot be written.
    """
    from events.filesystem import replace_file

    refuse_own(out)
    try:
        replace_file(out, data)
    except OSError as error:
        raise _unwritable(out, error) from error


@contextmanager
def writing_out(out: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of ``out`` when all is written; if that fails, nothing does.

    What is no regular file (a pipe, ``/dev/null``) is written to as it stands.

    Raises:
        CommandError: It is a data folder's own stats.json, or cannot be written.
    """
    refuse_own(out)
    if out.exists() and not out.is_file():
        with _opened(out, out, "wb") as file:
            yield file
        return
    temporary = out.parent / f".syncstats-{os.urandom(8).hex()}.tmp"
    try:
        with _opened(temporary, out, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(out)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _opened(path: Path, out: Path, mode: str) -> BinaryIO:
    try:
        file: BinaryIO = path.open(mode)  # type: ignore[assignment]  # the mode is a binary one
    except OSError as error:
        raise _unwritable(out, error) from error
    return file


def _unwritable(out: Path, error: OSError) -> CommandError:
    return CommandError(
        f"{out} cannot be written: {error.strerror}; name a file in a folder that is there"
    )


def refuse_read(out: Path, sources: Iterable[Source], fs: FileSystem) -> None:
    """Refuse to put a result in the place of what it is read from: a log is not made anew.

    Raises:
        CommandError: ``out`` is one of the files, or stands in the folder of one of the streams.
    """
    folder = os.path.realpath(out.absolute().parent)
    for source in sources:
        if source.kind == "stream":
            is_read = os.path.realpath(source.path) == folder
        else:
            is_read = source.kind == "file" and fs.exists(out) and _is_one(source.path, out, fs)
        if is_read:
            raise CommandError(f"{out} is among the logs that are read: name another file")


def _is_one(path: Path, other: Path, fs: FileSystem) -> bool:
    try:
        return fs.identity(path) == fs.identity(other)
    except FileNotFoundError:  # it has just been rotated
        return False


def refuse_own(out: Path) -> None:
    """Refuse to write where a data folder's workers keep its stats.

    Raises:
        CommandError: ``out`` is that file.
    """
    folder = out.absolute().parent
    if out.name == "stats.json" and (
        (folder / "queue.db").exists() or (folder / "events").is_dir()
    ):
        raise CommandError(
            f"{out} belongs to the data folder {folder}, whose workers keep it: write to another "
            f"file (to make this one anew, run {call('rebuild', out.parent)})"
        )
