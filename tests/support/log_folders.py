"""Event logs as files: segments that are appended to, compressed, and looked at."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING, Any

import zstandard

from events.filesystem import RealFileSystem

if TYPE_CHECKING:
    from pathlib import Path


def segment(data: Path, stream: str = "a", first: int = 0, suffix: str = "") -> Path:
    """A segment's path; its folder is made."""
    path = data / "events" / stream / f"{first:020d}.jsonl{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def append(path: Path, *lines: bytes) -> Path:
    """Add bytes to the end of a file."""
    with path.open("ab") as file:
        file.write(b"".join(lines))
    return path


def compress(path: Path, suffix: str = ".gz", *, keep: bool = False) -> Path:
    """Put a compressed file in the place of a plain one, at once, or beside it."""
    text = path.read_bytes()
    packed = gzip.compress(text) if suffix == ".gz" else zstandard.compress(text)
    target = path.with_name(path.name + suffix)
    (temporary := path.with_suffix(".tmp")).write_bytes(packed)
    temporary.replace(target)
    if not keep:
        path.unlink()
    return target


class QuickFileSystem(RealFileSystem):
    """Syncs nothing, so that tests of many steps take no time; counts what would be synced."""

    def __init__(self) -> None:
        self.synced: list[str] = []

    def sync_file(self, path: Any) -> None:
        self.size(path)
        self.synced.append(str(path))

    def sync_folder(self, path: Any) -> None:
        pass

    def replace_file(self, path: Any, data: bytes, mode: int | None = None) -> None:
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_bytes(data)
        temporary.chmod(0o666 if mode is None else mode)
        shutil.move(temporary, path)
