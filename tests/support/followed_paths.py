"""Paths that are followed: their lines, what a look at them asks, and hints given by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from events.filesystem import RealFileSystem
from tests.support.outcome_lines import succeeded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def whole(looks: Iterable[Iterable[Any]]) -> list[Any]:
    """What all looks gave."""
    return [item for look in looks for item in look]


def seqs(got: Iterable[tuple[str, bytes]]) -> list[tuple[str, int]]:
    """The streams and numbers of lines."""
    return [(name, int(line.rpartition(b'"seq": ')[2].partition(b",")[0])) for name, line in got]


def lines(*numbers: int, stream: str = "a") -> bytes:
    """Lines of these numbers."""
    return b"".join(succeeded(n, stream) for n in numbers)


class Listing(RealFileSystem):
    """Remembers which folders were listed, and what was asked for its status."""

    def __init__(self) -> None:
        self.listed: list[str] = []
        self.asked: list[str] = []

    def status(self, path: Any) -> Any:
        self.asked.append(Path(path).name)
        return super().status(path)

    def list_folder(self, path: Any) -> Any:
        self.listed.append(Path(path).name)
        return super().list_folder(path)


class Told:
    """Hints that are given by hand."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.folders: set[str] = set()

    def watch(self, folders: Collection[str]) -> None:
        self.folders = set(folders)

    def changed(self) -> set[str]:
        paths, self.paths = self.paths, set()
        return paths

    def close(self) -> None:
        pass
