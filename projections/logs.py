"""Reading the logs of other programs once, from their starts: replay's way through them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from events.errors import EventsError
from events.follow.names import is_archive, parse_name
from events.log.reader import BLOCK_BYTES
from projections.choosing import read_head, unrecognised, whole_lines
from projections.errors import SourceError
from projections.intake import Format, Intake
from projections.reading import nothing, read_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from projections.choosing import Choice
    from projections.fold import Fold
    from projections.reading import Problem
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


def refuse_streams(sources: Iterable[Source], choice: Choice) -> None:
    """Refuse to read an event log as if it were another program's log.

    Raises:
        SourceError: That was asked for.
    """
    for source in sources:
        if source.kind == "stream" and not choice.may_be_native:
            raise SourceError(
                f"{source.path} is a stream of an event log, whose lines are always syncstats' "
                "own: read it by itself, with --format native or auto"
            )


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Say what could not be read."""
    try:
        yield
    except EventsError as error:  # it names the file
        raise SourceError(str(error)) from error
    except OSError as error:
        raise unreadable(error, str(error.filename or name)) from error


def unreadable(error: OSError, name: str) -> SourceError:
    """What is said of what the system does not let us read."""
    return SourceError(f"{name} cannot be read: {error.strerror or error}")


def read_logs(
    fold: Fold,
    sources: Iterable[Source],
    choice: Choice,
    open_: Open,
    *,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
    told: Callable[[str], None] = nothing,
) -> None:
    """Fold all that some logs hold, under the stream `LOOSE`; see `read_log`.

    Raises:
        SourceError: A file cannot be read, or a log's format cannot be recognised.
    """
    for log in group_logs(sources):
        with naming(log.name):
            read_log(fold, log, choice, open_, problem=problem, progress=progress, told=told)


def read_log(
    fold: Fold,
    log: Log,
    choice: Choice,
    open_: Open,
    *,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
    told: Callable[[str], None] = nothing,
) -> None:
    """Fold all that a log holds; what waits at its end counts as it stands.

    Args:
        fold: Where it counts, under the stream `LOOSE`.
        log: The log.
        choice: What was said of its format.
        open_: Opens one of its files, as the text that it holds.
        problem: Told of each invalid line, and of unfinished last ones.
        progress: Told how many bytes of text were read.
        told: Told of a format that was recognised.

    Raises:
        SourceError: Its format cannot be recognised.
    """
    intake: Intake | None = None
    log = without_twins(log, open_)
    format_ = choice.known or _recognise_files(log, choice, open_)
    for source in log.sources:
        with open_(source) as opened:
            file = opened
            if format_ is None:
                head = read_head(file)
                file = cast("BinaryIO", Peeked(head, file))
                format_ = _recognise(log, choice, head)
            if intake is None:
                if choice.known is None:
                    told(f"{log.name}: {format_}")
                intake = Intake(fold, format_)
            for _ in read_blocks(
                intake.take,
                file,
                source_text(source),
                problem=problem,
                progress=progress,
            ):
                pass
    if intake is not None:
        intake.finish()


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


def _recognise_files(log: Log, choice: Choice, open_: Open) -> Format | None:
    """Recognise the format of a log whose files can be read again; None for a pipe."""
    if any(source.kind != "file" for source in log.sources):
        return None
    empty = True
    for source in log.sources:
        with open_(source) as file:
            sample = whole_lines(read_head(file))
        if sample:
            empty = False
            found = choice.recognise(sample)
            if found is not None:
                return found
    if empty:
        return Format()
    raise unrecognised(log.name)


def _recognise(log: Log, choice: Choice, head: bytes) -> Format:
    sample = whole_lines(head)
    found = choice.recognise(sample) if sample else Format()
    if found is None:
        raise unrecognised(log.name)
    return found


class Peeked(RawIOBase):
    """A file of which the first bytes were read already."""

    def __init__(self, head: bytes, file: BinaryIO) -> None:
        self._head = memoryview(head)
        self._file: Any = file

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is of the first bytes, then the others."""
        if not self._head:
            count: int = self._file.readinto(buffer)
            return count
        piece = self._head[: len(buffer)]
        buffer[: len(piece)] = piece
        self._head = self._head[len(piece) :]
        return len(piece)
