"""Names of streams and where their folders are: ``<data>/events/<stream>/``."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from events.log.segment import list_segments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from events.filesystem import FileSystem

EVENTS_FOLDER = "events"
SUMMARY_NAME = "summary.json"
"""What the pruned segments of a stream add up to, see `events.log.pruned`."""
LOCK_NAME = "lock"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_RANDOM_BYTES = 5  # eight characters: about 10^12 names for one host
_MOST_HOST = 32


def new_stream_id(host: str, random: Callable[[int], bytes] = os.urandom) -> str:
    """A readable name that no other stream has, such as ``nas-1-x7f2k3ab``.

    Args:
        host: The machine's name; what is not a letter, digit or hyphen becomes a hyphen.
        random: Gives so many random bytes.
    """
    import base64

    readable = re.sub(r"[^a-z0-9]+", "-", host.lower())[:_MOST_HOST].strip("-") or "worker"
    return f"{readable}-{base64.b32encode(random(_RANDOM_BYTES)).decode().lower()}"


def valid_stream_name(name: str) -> bool:
    """Whether a folder of this name is a stream: letters, digits, ``.``, ``_``, ``-``, up to 100.

    It does not begin with a dot.
    """
    return _NAME.fullmatch(name) is not None


def stream_folder(data: Path, stream: str) -> Path:
    """The folder of a stream in a data folder."""
    return data / EVENTS_FOLDER / stream


def misnamed_streams(data: Path, fs: FileSystem) -> list[str]:
    """Folders of segments in the log that are no streams for their names; nothing reads them."""
    folder = data / EVENTS_FOLDER
    found = []
    for name in fs.list_folder(folder) if fs.is_folder(f"{folder}/.") else ():
        with suppress(OSError):  # no folder, or none of ours: a disk's lost+found
            if not valid_stream_name(name) and list_segments(folder / name, fs):
                found.append(name)
    return found


def list_streams(data: Path, fs: FileSystem) -> list[str]:
    """The streams of a data folder, sorted; none if it has no log yet.

    A link to a folder elsewhere is listed, since it can be read; `recover` and the writer refuse
    it.
    """
    folder = data / EVENTS_FOLDER
    try:
        names = fs.list_folder(folder)
    except FileNotFoundError:
        return []
    # With "/." a link is followed.
    return [
        name for name in names if valid_stream_name(name) and fs.is_folder(f"{folder / name}/.")
    ]
