"""One log's lines into a fold: unwrapped, decoded or translated, and counted once each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from events.formats.names import NATIVE
from events.log.reader import Overlong
from events.reporting import ignore, too_long
from projections.entry import LOOSE
from projections.foreign_sums import tally_sums
from projections.problems import Problem, nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from events.formats.mapping import Mapping
    from events.formats.translator import Translator
    from events.formats.wrappings.inner import Unfinished
    from events.formats.wrappings.unwrapping import Unwrapper
    from events.log.reader import Block
    from events.model import Line
    from events.reporting import Report
    from projections.fold import Fold


@dataclass(frozen=True)
class Format:
    """How the lines of a log are understood.

    Attributes:
        name: What the format is called: ``native``, or its mapping's name.
        mapping: How lines of another program become outcomes; None for our own lines.
        wrapping: What has wrapped each line (``docker``, ``cri``, ``journald``, ``syslog``), if
            anything.
    """

    name: str = NATIVE
    mapping: Mapping | None = None
    wrapping: str | None = None

    def __str__(self) -> str:
        wrapped = "" if self.wrapping is None else f" in {self.wrapping}'s wrapping"
        return f"{self.name} lines{wrapped}"

    @property
    def key(self) -> str:
        """The same for formats that understand each line alike: what waits fits no other."""
        from events.formats.canonical import VERSION, canonical

        rules = "" if self.mapping is None else canonical(self.mapping)
        return f"{VERSION}:{_digest(json.dumps([VERSION, self.name, rules, self.wrapping]))}"

    def has_key(self, key: str) -> bool:
        """Whether a key that was kept is this format's, also one of an earlier way to make them."""
        if ":" in key:
            return key == self.key
        return key == _digest(repr((self.name, self.mapping, self.wrapping)))


def _digest(text: str) -> str:
    import hashlib

    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class Intake:
    """Takes the lines of one log, block by block in their order, into a fold.

    Args:
        fold: Where they count.
        format_: How they are understood.
        stream: Under which stream lines without one count.
        state: What `state` of an earlier intake of the same log and format gave.
    """

    def __init__(
        self, fold: Fold, format_: Format, *, stream: str = LOOSE, state: object = None
    ) -> None:
        waiting = state if isinstance(state, dict) else {}
        self.format = format_
        self._fold = fold
        self._stream = stream
        self._unwrapper = unwrapper_of(format_, waiting.get("unwrapper"))
        self._translator = translator_of(format_, waiting.get("translator"))

    def take(
        self,
        block: Block | Overlong,
        report: Report = ignore,
        *,
        folder: str | None = None,
        source: str = "",
    ) -> None:
        """Take the next lines of the log.

        Args:
            block: They.
            report: Told once of each invalid line, with its place in the log; not always in the
                order of the lines.
            folder: The stream in whose folder they stand, if they are in one.
            source: The file in which they stand, for what is told of a line that never ends.
        """
        if isinstance(block, Overlong):
            if self._unwrapper is not None:
                self._unwrapper.lines(b"", block.offset, report, source)
            self._pass_over(block, report, folder)
            return
        invalid = _Counted(report)
        data, offset, tell = block.data, block.offset, invalid.told
        if self._unwrapper is not None:
            unwrapped = self._unwrapper.lines(data, offset, invalid.told, source)
            data, offset = unwrapped.data, 0
            tell = _Outer(data, unwrapped.offsets, invalid.told).report
        if self._translator is None:
            # Those that the fold itself finds invalid it counts itself.
            if invalid.count:
                self._fold.foreign(self._stream, (), lines=invalid.count, invalid=invalid.count)
            self._fold.lines(data, offset, folder=folder, loose=self._stream, report=tell)
            return
        tally, newest_us = tally_sums(self._translator.sums(data, offset, tell))
        lines = block.data.count(b"\n")
        self._fold.tallied(self._stream, tally, newest_us, lines=lines, invalid=invalid.count)

    def _pass_over(self, line: Overlong, report: Report, folder: str | None) -> None:
        if self._translator is None:
            self._fold.overlong(
                line.offset, line.length, folder=folder, loose=self._stream, report=report
            )
            return
        report(line.offset, too_long(line.length))
        self._fold.foreign(self._stream, self._translator.overlong(), lines=1, invalid=1)

    def waiting(self) -> Sequence[Line]:
        """The outcomes that still wait for another line, as they would be counted now."""
        return () if self._translator is None else self._translator.waiting()

    def finish(self, problem: Callable[[Problem], None] = nothing) -> Sequence[Line]:
        """Count what waits as it stands: no more lines come.

        Args:
            problem: Told of each line that was begun in a wrapping and has no end.

        Returns:
            The outcomes that were counted so.
        """
        for each in () if self._unwrapper is None else self._unwrapper.unfinished():
            problem(_incomplete(each))
        outcomes = self.waiting()
        if outcomes:
            self._fold.foreign(self._stream, outcomes, lines=0)
        self._unwrapper = unwrapper_of(self.format)
        self._translator = translator_of(self.format)
        return outcomes

    def state(self) -> object:
        """What an intake that goes on with the log needs; None where nothing waits."""
        parts = {
            "unwrapper": None if self._unwrapper is None else self._unwrapper.state(),
            "translator": None if self._translator is None else self._translator.state(),
        }
        return {name: part for name, part in parts.items() if part is not None} or None


def _incomplete(line: Unfinished) -> Problem:
    why = (
        f"the line that begins here is incomplete ({line.size} bytes; the record with its end is "
        "missing); it is not counted"
    )
    if line.offset is None:
        return Problem("an earlier file", None, 0, why, incomplete=True)
    return Problem(line.source, None, line.offset, why, incomplete=True)


def unwrapper_of(format_: Format, state: object = None) -> Unwrapper | None:
    """What takes off the wrapping of a log's lines; None where there is none."""
    if format_.wrapping is None:
        return None
    from events.formats.wrappings.unwrapping import Unwrapper

    return Unwrapper(format_.wrapping, state)


def translator_of(format_: Format, state: object = None) -> Translator | None:
    """What makes outcomes of another program's lines; None where the lines are ours."""
    if format_.mapping is None:
        return None
    from events.formats.translator import Translator

    return Translator(format_.mapping, state)


class _Counted:
    """Counts the invalid lines that it passes on."""

    def __init__(self, report: Report) -> None:
        self.count = 0
        self._report = report

    def told(self, offset: int, reason: str) -> None:
        self.count += 1
        self._report(offset, reason)


class _Outer:
    """Tells of inner lines by where the outer ones stand."""

    def __init__(self, data: bytes, offsets: Sequence[int], report: Report) -> None:
        self._data = data
        self._offsets = offsets
        self._report = report
        self._at = self._line = 0  # the last one told of: most come in their order

    def report(self, offset: int, reason: str) -> None:
        if offset < self._at:
            self._at = self._line = 0
        self._line += self._data.count(b"\n", self._at, offset)
        self._at = offset
        self._report(self._offsets[self._line], reason)
