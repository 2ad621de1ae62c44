"""Write a sidecar beside a media file: atomically, and as the media file's own."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from typing import TYPE_CHECKING, Literal

from events.filesystem import RealFileSystem
from worker.errors import PermanentError
from worker.handlers.nfo_document import MARK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Written = Literal["written", "unchanged", "kept"]

_PERMISSIONS = 0o777
_MARK_WITHIN = 1_024


def write_sidecar(
    media: Path,
    document: bytes,
    *,
    overwrite: bool = False,
    sweep: bool = False,
    token: Callable[[], str] = lambda: secrets.token_hex(8),
) -> Written:
    """Put ``document`` beside ``media``, under its name with the suffix ``.nfo``.

    It gets the media file's permissions and, as far as the system lets us, its owner, before it
    has its name.

    Args:
        media: The media file, in a folder that is resolved.
        document: The whole sidecar.
        overwrite: Whether a sidecar that is not ours is replaced.
        sweep: Whether temporary files are removed that a killed attempt for this sidecar may have
            left. Should one be in use by another attempt just now, that one fails and is retried.
        token: Makes the temporary file's name unlike any other.

    Returns:
        ``written``; ``unchanged``: ours is there and says the same; ``kept``: there is one that
        we did not write.

    Raises:
        PermanentError: Something that is no file bears the sidecar's name.
        OSError: It cannot be written.
    """
    sidecar = media.with_suffix(".nfo")
    prefix = f".syncstats-{hashlib.blake2b(os.fsencode(sidecar.name), digest_size=6).hexdigest()}-"
    if sweep:
        _sweep(sidecar.parent, prefix)
    wanted = media.stat()
    there = _look(sidecar)
    if there == "theirs" and not overwrite:
        return "kept"
    if there == (document, wanted.st_mode & _PERMISSIONS):
        return "unchanged"  # media servers take a new time of change for new metadata
    temporary = sidecar.with_name(f"{prefix}{token()}.tmp")
    descriptor = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        try:
            _write_all(descriptor, document)
            _take_owner(descriptor, wanted)
            with contextlib.suppress(PermissionError):  # file systems without permissions
                os.fchmod(descriptor, wanted.st_mode & _PERMISSIONS)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(sidecar)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    RealFileSystem().sync_folder(sidecar.parent)
    return "written"


def _look(sidecar: Path) -> tuple[bytes, int] | Literal["theirs"] | None:
    """Content and permissions of a sidecar that we wrote; or that it is theirs, or not there.

    Asked once: between two questions another thread may have written ours.
    """
    try:
        status = os.lstat(sidecar)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise PermanentError(f"{str(sidecar)!r} is a folder: no sidecar can be written there")
    if not stat.S_ISREG(status.st_mode):
        return "theirs"
    try:
        with sidecar.open("rb") as file:
            head = file.read(_MARK_WITHIN)
            if MARK.encode() not in head:
                return "theirs"
            content = head + file.read()
    except PermissionError:
        return "theirs"
    return content, status.st_mode & _PERMISSIONS


def _take_owner(descriptor: int, wanted: os.stat_result) -> None:
    """Give a file the media file's owner and group, or the group alone, or neither."""
    ours = os.fstat(descriptor)
    if (ours.st_uid, ours.st_gid) == (wanted.st_uid, wanted.st_gid):
        return
    for owner in (wanted.st_uid, -1):
        # Only root gives files away; a group of ours can be given by anyone.
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, owner, wanted.st_gid)
            return


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sweep(folder: Path, prefix: str) -> None:
    for path in folder.iterdir():
        if path.name.startswith(prefix) and path.suffix == ".tmp":
            with contextlib.suppress(OSError):
                path.unlink()
