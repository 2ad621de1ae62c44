"""Whose a stream's folder is, so that a copy of it is not written on.

Two copies of a folder that both go on numbering would hold different events under one number. So a
folder remembers where it was made: in which boot of which machine, on which device, as which inode.
A worker that finds another place than that begins a new stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from events.errors import EventsError
from events.filesystem import UNKNOWN_BOOT

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import FileSystem

OWNER_NAME = "owner"
_MOST_BYTES = 4096


class Owner(msgspec.Struct, frozen=True):
    """Where a stream's folder was made.

    Attributes:
        boot_id: The machine's boot, see `events.filesystem.boot_id`.
        device: Device number of the folder.
        inode: Inode number of the folder.
    """

    boot_id: str
    device: int
    inode: int


def read_owner(folder: Path, fs: FileSystem) -> Owner | None:
    """What the folder says of itself; ``None`` if it says nothing, or nothing that makes sense."""
    try:
        with fs.open_read(folder / OWNER_NAME) as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=Owner)
    except (FileNotFoundError, EventsError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    except RecursionError:  # nested deeper than any owner is
        return None


def write_owner(folder: Path, fs: FileSystem, boot_id: str) -> Owner:
    """Note where the folder is, durably. For a new stream only: it is written once.

    Raises:
        FileExistsError: The folder has an owner already.
        OSError: It cannot be written.
    """
    owner = Owner(boot_id, *fs.identity(folder))
    fs.write_new(folder / OWNER_NAME, msgspec.json.encode(owner) + b"\n")
    return owner


def owns(folder: Path, fs: FileSystem, boot_id: str) -> bool:
    """Whether the folder is where it was made, in this boot, so that its numbering may go on.

    A machine whose boots cannot be told apart owns nothing: a new stream costs little, a number
    given twice loses an event.
    """
    if boot_id == UNKNOWN_BOOT or not fs.is_folder(folder):
        return False
    return read_owner(folder, fs) == Owner(boot_id, *fs.identity(folder))
