"""What is kept of a file between two runs: which one it is, and how far it was handed out."""

from __future__ import annotations

import os
import re
from typing import TypeAlias

import msgspec

Identity: TypeAlias = tuple[int, int]  # device and inode


class FileRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file, or what was read of one that is gone.

    A file is known by device and inode as long as its content agrees; what is remembered of its
    content (`marks`, `crc`, the tail) tells it apart from another file that was given the same
    inode, and finds it again under another one: copied, compressed, restored.

    Attributes:
        log: The key of its log.
        path: Where it was seen last; see `path_text`.
        device: With ``inode``, which file it was; 0 and 0 where only its content is remembered.
        inode: See there.
        offset: End of the last whole line handed out, in bytes of the uncompressed text.
        marks: The crc32 of the text's first 16, 32, 64, … (powers of 2) bytes, as far as
            ``offset``; of a file that is not to be read, as far as 4,096.
        crc: The crc32 of all ``offset`` bytes.
        tail_length: How many bytes before ``offset`` the next one covers.
        tail_crc: The crc32 of the last bytes before ``offset``.
        ends: Where the last lines of the first 4,096 bytes end, and the crc32 of all up to there.
        size: Bytes in the file (compressed, if it is) when it was last looked at.
        mtime_ns: When it had been written to then.
        done: An archive that was handed out whole.
        old: It was there before its log was first looked at, and is not to be read.
        copy: It holds what was handed out from another file.
    """

    log: str
    path: str
    device: int = 0
    inode: int = 0
    offset: int = 0
    marks: tuple[int, ...] = ()
    crc: int = 0
    tail_length: int = 0
    tail_crc: int = 0
    ends: tuple[tuple[int, int], ...] = ()
    size: int = 0
    mtime_ns: int = 0
    done: bool = False
    old: bool = False
    copy: bool = False


def path_text(path: str | os.PathLike[str]) -> str:
    r"""A path as text that JSON can hold: bytes that are no UTF-8 become ``\0`` and two digits."""
    text = os.fspath(path)
    if text.isascii():
        return text
    return re.sub("[\udc80-\udcff]", lambda found: f"\0{ord(found[0]) - 0xDC00:02x}", text)


def text_path(text: str) -> str:
    """The path that `path_text` was given."""
    return re.sub("\0([0-9a-f]{2})", lambda found: chr(0xDC00 + int(found[1], 16)), text)
