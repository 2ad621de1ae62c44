"""Logs of sealed segments whose summaries are there, or are spoilt; and what a rebuild reads."""

from __future__ import annotations

import json
import os
import zlib
from typing import TYPE_CHECKING, Any, Final

from events.filesystem import RealFileSystem
from projections.runner import Runner
from tests.support.log_folders import QuickFileSystem, append, segment
from tests.support.outcome_lines import failed, opened, succeeded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from projections.problems import Problem


LAST: Final = "20.jsonl"
"""The last of the segments that `summed` writes."""


class ReadingFileSystem(RealFileSystem):
    """Remembers which segments were opened.

    Attributes:
        opened: Their names, in order.
    """

    def __init__(self) -> None:
        self.opened: list[str] = []

    def open_read(self, path: Any) -> Any:
        if ".jsonl" in path.name:
            self.opened.append(path.name)
        return super().open_read(path)


def write_segments(data: Path, count: int, stream: str = "a", size: int = 4) -> None:
    """Write so many sealed segments of so many lines, and a last one."""
    for first in range(0, (count + 1) * size, size):
        lines = [opened(first, f"e{first}", stream), failed(first + 1, stream)]
        lines += [succeeded(first + at, stream, duration_ns=first + at) for at in range(2, size)]
        append(segment(data, stream, first), *lines)


def summed(data: Path) -> Path:
    """Five sealed segments of four lines (0, 4, 8, 12, 16) and a last one, and their summaries."""
    write_segments(data, 5)
    _, read = rebuilt_and_read(data)
    assert read == ["0.jsonl", "12.jsonl", "16.jsonl", LAST, "4.jsonl", "8.jsonl"]
    return data


def touch(path: Path) -> None:
    """Let a file have been written to just now."""
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 1))


def rebuilt(data: Path, **options: Any) -> bytes:
    """stats.json, made anew."""
    Runner(data, **options).rebuild()
    return (data / "stats.json").read_bytes()


def rebuilt_and_read(data: Path, **options: Any) -> tuple[bytes, list[str]]:
    """The same, and which segments were opened for it; the number at the end of their names."""
    fs = ReadingFileSystem()
    made = rebuilt(data, fs=fs, **options)
    return made, sorted({f"{int(name[:20])}{name[20:]}" for name in fs.opened})


def read_by_rebuild(data: Path) -> list[str]:
    """The segments that a rebuild opens, as it makes what one without summaries makes too."""
    made, read = rebuilt_and_read(data)
    told, told_without = told_by(data), told_by(data, summed=False, fs=Forgetful())
    assert told == told_without
    assert rebuilt(data, summed=False, fs=Forgetful()) == made
    return read


class Forgetful(QuickFileSystem):
    """Keeps no summaries: what is there stays as it is."""

    def try_lock(self, path: Any) -> Any:
        return None if path.name == "housekeeping.lock" else super().try_lock(path)


def told_by(data: Path, **options: Any) -> list[str]:
    """The invalid lines that a rebuild tells of."""
    told: list[Problem] = []
    Runner(data, problem=told.append, **options).rebuild()
    return [str(problem) for problem in told]


def summary_files(data: Path) -> list[Path]:
    """Where the summaries are."""
    return sorted(data.glob("summaries/*/*.json"))


def false_summary(path: Path, line: int, change: Callable[[dict[str, Any]], None]) -> None:
    """Let a line of a file of summaries say something else, with a checksum that is right."""
    lines = path.read_bytes().splitlines(keepends=True)
    content = json.loads(lines[line])["summary"]
    change(content)
    data = json.dumps(content, separators=(",", ":")).encode()
    lines[line] = b'{"crc32":%d,"summary":%b}\n' % (zlib.crc32(data), data)
    path.write_bytes(b"".join(lines))


def one_more_duplicate(content: dict[str, Any]) -> None:
    """A change that a summary shows."""
    content["entry"]["duplicates"] += 1
