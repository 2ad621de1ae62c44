"""Which files are one log: rotated ones beside the current one, and none of them twice."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from events.errors import EventsError
from events.follow.names import is_archive, parse_name
from events.log.reader import BLOCK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from projections.sources import Source

    Open = Callable[[Source], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True)
class Log:
    """Files that are one log.

    Attributes:
        name: What it is called in messages.
        sources: The files, the oldest first.
    """

    name: str
    sources: tuple[Source, ...]


def group_logs(sources: Iterable[Source]) -> list[Log]:
    """Put the rotated files of one log together, by their names; the logs stay in their order."""
    groups: dict[object, list[Source]] = {}
    for source in sources:
        key: object = source
        if source.kind == "file":
            folder = os.path.realpath(source.path.parent)
            key = (folder, parse_name(source.path.name).base)
        groups.setdefault(key, []).append(source)
    return [_log(group) for group in groups.values()]


def _log(group: list[Source]) -> Log:
    if len(group) == 1:
        return Log(source_text(group[0]), tuple(group))
    ordered = sorted(group, key=lambda source: parse_name(source.path.name).order)
    path = ordered[0].path
    return Log(str(path.with_name(parse_name(path.name).base)), tuple(ordered))


def source_text(source: Source) -> str:
    """A source's name, for messages."""
    return "standard input" if source.kind == "stdin" else str(source.path)


def without_twins(log: Log, open_: Open) -> Log:
    """Leave out a compressed file that holds the text, or its beginning, of its plain twin.

    Both are there while one is made of the other, or were left so.
    """
    plain = {source.path: source for source in log.sources if not is_archive(source.path.name)}

    def is_twin(source: Source) -> bool:
        if not is_archive(source.path.name):
            return False
        twin = plain.get(source.path.with_suffix(""))
        return twin not in {None, source} and _begins_with(twin, source, open_)

    return replace(log, sources=tuple(source for source in log.sources if not is_twin(source)))


def _begins_with(one: Source, other: Source, open_: Open) -> bool:
    with open_(one) as whole, open_(other) as beginning:
        try:
            while data := beginning.read(BLOCK_BYTES):
                if whole.read(len(data)) != data:
                    return False
        except EventsError:  # it is not finished yet
            pass
    return True
