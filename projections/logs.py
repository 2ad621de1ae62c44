"""Reading the logs of other programs once, from their starts: replay's way through them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from events.errors import EventsError
from projections.choosing import read_head, whole_lines
from projections.errors import SourceError
from projections.intake import Format, Intake
from projections.log_files import group_logs, source_text, without_twins
from projections.problems import nothing
from projections.reading import read_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from projections.choosing import Choice, Head
    from projections.fold import Fold
    from projections.log_files import Log, Open
    from projections.problems import Problem
    from projections.sources import Source


Found = Literal["known", "unknown", "empty"]
"""Whether a log's format is known, by what was said or by its first lines; or it has no lines."""


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
) -> dict[str, Found]:
    """Fold all that some logs hold, under the stream `LOOSE`; see `read_log`.

    Returns:
        What was found of each log, by its name.

    Raises:
        SourceError: A file cannot be read.
    """
    found: dict[str, Found] = {}
    for log in group_logs(sources):
        with naming(log.name):
            found[log.name] = read_log(
                fold, log, choice, open_, problem=problem, progress=progress, told=told
            )
    return found


def read_log(
    fold: Fold,
    log: Log,
    choice: Choice,
    open_: Open,
    *,
    problem: Callable[[Problem], None] = nothing,
    progress: Callable[[int], None] = nothing,
    told: Callable[[str], None] = nothing,
) -> Found:
    """Fold all that a log holds; what waits at its end counts as it stands.

    Args:
        fold: Where it counts, under the stream `LOOSE`.
        log: The log.
        choice: What was said of its format.
        open_: Opens one of its files, as the text that it holds.
        problem: Told of each invalid line, and of unfinished last ones.
        progress: Told how many bytes of text were read.
        told: Told of a format that was recognised.

    Returns:
        Whether its format is known; nothing of it is folded if its lines show none.
    """
    log = without_twins(log, open_)
    # A pipe, which is read but once, is a log by itself.
    again = all(source.kind == "file" for source in log.sources)
    shown = _recognise(_heads(log, open_), choice) if again or choice.known else None
    intake: Intake | None = None
    for source in log.sources:
        with open_(source) as opened:
            file = opened
            if shown is None:
                head = read_head(file)
                file = cast("BinaryIO", Peeked(head, file))
                shown = _recognise([head.data], choice)
            if shown.found == "unknown":
                return shown.found
            if intake is None:
                if choice.known is None and shown.found == "known":
                    told(f"{log.name}: {shown.format}")
                intake = Intake(fold, shown.format)
            for _ in read_blocks(
                partial(intake.take, source=source_text(source)),
                file,
                source_text(source),
                problem=problem,
                progress=progress,
            ):
                pass
    if intake is not None:
        intake.finish(problem)
    return "empty" if shown is None else shown.found


@dataclass(frozen=True)
class _Shown:
    """What a log's first lines show, and how it is read then."""

    found: Found
    format: Format


def _heads(log: Log, open_: Open) -> Iterator[bytes]:
    for source in log.sources:
        with open_(source) as file:
            yield read_head(file).data


def _recognise(heads: Iterable[bytes], choice: Choice) -> _Shown:
    if choice.known is not None:
        return _Shown("known", choice.known)
    found: Found = "empty"
    for head in heads:
        sample = whole_lines(head)
        if sample:
            format_ = choice.recognise(sample)
            if format_ is not None:
                return _Shown("known", format_)
            found = "unknown"
    return _Shown(found, Format())


class Peeked(RawIOBase):
    """A file of which the first bytes were read already."""

    def __init__(self, head: Head, file: BinaryIO) -> None:
        self._hole = head.hole
        self._head = memoryview(head.data)
        self._file: Any = file

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what there is of the first bytes, then the others."""
        if self._hole:
            zeros = min(self._hole, len(buffer))
            buffer[:zeros] = bytes(zeros)
            self._hole -= zeros
            return zeros
        if not self._head:
            count: int = self._file.readinto(buffer)
            return count
        piece = self._head[: len(buffer)]
        buffer[: len(piece)] = piece
        self._head = self._head[len(piece) :]
        return len(piece)
