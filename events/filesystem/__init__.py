"""The few file operations that the program stands on: append, atomic replace, locks.

Standard library only, so that who needs one lock or one atomic save loads nothing else.
"""

from __future__ import annotations

from events.filesystem.locks import lock, try_lock
from events.filesystem.machine import UNKNOWN_BOOT, boot_id, is_network_filesystem
from events.filesystem.protocol import AppendFile, FileStatus, FileSystem, Lock, StrPath
from events.filesystem.real import REAL, RealFileSystem, replace_file, status_of

__all__ = [
    "REAL",
    "UNKNOWN_BOOT",
    "AppendFile",
    "FileStatus",
    "FileSystem",
    "Lock",
    "RealFileSystem",
    "StrPath",
    "boot_id",
    "is_network_filesystem",
    "lock",
    "replace_file",
    "status_of",
    "try_lock",
]
