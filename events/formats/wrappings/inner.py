"""The lines inside of other lines, and the records that hold only a part of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from events.errors import EventsError, InvalidLineError
from events.formats.lines.objects import read_object
from events.json_text import is_blank
from events.limits import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.reporting import Report

MAX_WAITING = 16
"""Writers whose line may be unfinished at one time; of more, the oldest one's is given up."""
_TOO_LONG = "a line of several records is longer than the limit of 1 MiB"
_NO_REST = "the rest of this line is missing: a whole one stands in its place"
_GIVEN_UP = f"the rest of this line is missing: {MAX_WAITING} others were begun since"


class Inner:
    """The inner lines of a block, as they are found.

    Args:
        report: Told of each invalid line.
        is_shared: Whether programs that write plain text write there, too: that is passed over.
        source: The file of the block, for what is told of a line that it begins.

    Attributes:
        lines: The inner lines without their ends; none is blank.
        offsets: Where each one's record begins in the outer text.
    """

    def __init__(self, report: Report, *, is_shared: bool = False, source: str = "") -> None:
        self.lines: list[bytes] = []
        self.offsets: list[int] = []
        self.report = report
        self.source = source
        self._is_shared = is_shared

    def add(self, text: bytes, at: int) -> None:
        """Take a text of whole lines, whose last one may lack its end."""
        for line in text.split(b"\n") if b"\n" in text else (text,):
            if not self.is_nothing(line):
                self.lines.append(line)
                self.offsets.append(at)

    def is_nothing(self, line: bytes) -> bool:
        """Whether a line, or the beginning of one, is passed over."""
        return is_blank(line) or (self._is_shared and not _may_be_object(line))


def _may_be_object(line: bytes) -> bool:
    return line.lstrip(b" \t\r")[:1] == b"{"


def _is_object(line: bytes) -> bool:
    try:
        read_object(line)
    except InvalidLineError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A line of which the record with its end has not come.

    Attributes:
        source: The file in which it begins; "" if that is not known any more.
        offset: Where its first record begins there, in bytes; None if that is not known any more.
        size: Its bytes so far.
    """

    source: str
    offset: int | None
    size: int


class _Part:
    """The beginning of a line; its pieces are dropped when it is too long."""

    def __init__(self, at: int, pieces: list[bytes] | None, source: str = "") -> None:
        self.at = at
        self.pieces = pieces
        self.size = sum(map(len, pieces or ()))
        self.source = source
        self.is_earlier = at < 0  # it began in a file before the one that is read

    def place(self, at: int) -> int:
        """Where it began in the file that is read; ``at`` if that was an earlier one."""
        return at if self.is_earlier else self.at

    def tell(self, at: int, reason: str, inner: Inner) -> None:
        """Report it at its beginning, or at a place in the file that is read."""
        if self.is_earlier:
            known = f"{self.source}, byte {self.at}" if self.source else "an earlier file"
            reason += f" (the line begins in {known})"
        inner.report(self.place(at), reason)


class Partials:
    """The unfinished lines of each writer, in memory that is bounded.

    Args:
        state: What `state` gave; None if nothing waits.

    Raises:
        EventsError: The state is none of ours.
    """

    def __init__(self, state: object = None) -> None:
        self._parts: dict[str, _Part] = {}
        try:
            kept = msgspec.convert(state or {}, dict[str, tuple[int, str | None]])
            for writer, (at, text) in kept.items():
                pieces = None if text is None else [text.encode("latin-1")]
                self._parts[writer] = _Part(at, pieces)
        except ValueError as error:
            raise EventsError(f"what waits of an unfinished line cannot be read: {error}") from None

    def enter(self, offset: int, source: str) -> None:
        """Go on with a block: what did not begin before it began in an earlier file."""
        for part in self._parts.values():
            if part.at >= offset:
                part.is_earlier = True
            elif not part.is_earlier:
                part.source = source

    def __contains__(self, writer: str) -> bool:
        return writer in self._parts

    def __bool__(self) -> bool:
        return bool(self._parts)

    def begin(self, writer: str, text: bytes, at: int, inner: Inner) -> None:
        """Take a piece of a line that goes on in the writer's next record."""
        part = self._parts.get(writer)
        if part is None:
            self._make_room(at, inner)
            part = self._parts[writer] = _Part(at, [], inner.source)
        self._extend(part, text, at, inner)

    def end(self, writer: str, text: bytes, at: int, inner: Inner) -> None:
        """Take a text of whole lines, the first of which may have begun before.

        If it is an object, and not with what came before, that has lost its end: its writer was
        killed, or the file in which it went on is gone.
        """
        part = self._parts.pop(writer, None)
        if part is None:
            inner.add(text, at)
            return
        first, _, more = text.partition(b"\n")
        if _may_be_object(first) and part.pieces is not None and _is_object(first):
            before = b"".join(part.pieces)
            if not _is_object(before + first):
                if not inner.is_nothing(before):
                    part.tell(at, _NO_REST, inner)
                inner.add(text, at)
                return
        self._extend(part, first, at, inner)
        if part.pieces is not None:
            inner.add(b"".join(part.pieces), part.place(at))
        inner.add(more, at)

    def lose(self, writer: str, at: int, inner: Inner, reason: str, *, goes_on: bool) -> None:
        """Give up a line of which a piece cannot be had; it is reported once, for all its pieces.

        Args:
            writer: Whose line it is.
            at: Where the record of the piece begins.
            inner: Told of it.
            reason: Why.
            goes_on: Whether more pieces come.
        """
        part = self._parts.pop(writer, None) or _Part(at, [], inner.source)
        if part.pieces is not None:
            part.pieces = None
            part.tell(at, reason, inner)
        if goes_on:
            self._make_room(at, inner)
            self._parts[writer] = part

    def _extend(self, part: _Part, text: bytes, at: int, inner: Inner) -> None:
        if part.pieces is None:
            return
        part.pieces.append(text)
        part.size += len(text)
        if part.size >= MAX_LINE_BYTES:
            part.pieces = None
            part.tell(at, _TOO_LONG, inner)

    def _make_room(self, at: int, inner: Inner) -> None:
        if len(self._parts) < MAX_WAITING:
            return
        part = self._parts.pop(next(iter(self._parts)))
        if part.pieces is not None:  # else it was reported
            part.tell(at, _GIVEN_UP, inner)

    def unfinished(self) -> list[Unfinished]:
        """Give the lines that wait for their ends; not those that were reported already."""
        return [
            Unfinished(
                part.source,
                None if part.is_earlier and not part.source else part.at,
                part.size,
            )
            for part in self._parts.values()
            if part.pieces is not None
        ]

    def state(self) -> dict[str, tuple[int, str | None]] | None:
        """Give what waits, for JSON; each byte is the character of its number (Latin-1).

        Of what began in an earlier file the place is -1: that file may have another name by now.
        """
        found: Iterable[tuple[str, _Part]] = self._parts.items()
        return {
            writer: (
                part.place(-1),
                None if part.pieces is None else b"".join(part.pieces).decode("latin-1"),
            )
            for writer, part in found
        } or None
