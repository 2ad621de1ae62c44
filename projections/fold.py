"""Events to statistics: a pure fold, the same for live, replayed and split logs.

What a set of lines adds up to does not depend on their order or on how they were cut into
blocks: each line counts once by its stream and seq, a line that is seen again is a duplicate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from events.codec import decode
from events.errors import InvalidLineError
from events.json_text import is_blank
from events.kernel.tallies import kernel
from events.limits import MAX_LINE_BYTES
from events.model import OUTCOMES
from events.reporting import ignore, too_long
from projections.entry import LOOSE
from projections.kernel_lines import take_runs
from projections.scanning import FEW_BYTES, scan, scan_plainly
from projections.stream_state import StreamState
from projections.tallying import tally_with_newest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from events.model import Line
    from events.reporting import Report
    from projections.entry import Entry
    from projections.scanning import Group, Scan
    from worker.tally import OutcomeTally


class Fold:
    """Folds blocks of lines, of one stream's folder or of many streams mixed.

    Args:
        entries: What was folded before.
        scan: Tallies many lines at once, where that can be done.
    """

    def __init__(self, entries: Mapping[str, Entry] | None = None, *, scan: Scan = scan) -> None:
        self._scan = scan
        self._states = {name: StreamState(entry) for name, entry in (entries or {}).items()}

    def entries(self) -> dict[str, Entry]:
        """What has been folded so far, as values."""
        return {name: state.entry() for name, state in self._states.items()}

    def entry(self, stream: str) -> Entry:
        """What has been folded of ``stream``."""
        return self._state(stream).entry()

    def _state(self, stream: str) -> StreamState:
        state = self._states.get(stream)
        if state is None:
            state = self._states[stream] = StreamState()
        return state

    def position(self, stream: str) -> tuple[int | None, int | None]:
        """The segment (its first seq) and byte offset at which the last line read ends."""
        state = self._states.get(stream)
        return (state.segment, state.offset) if state is not None else (None, None)

    def forks(self) -> dict[str, int]:
        """The streams of which two histories were folded, each with a number that shows it."""
        return {name: state.fork for name, state in self._states.items() if state.fork is not None}

    def forget(self, stream: str) -> None:
        """Drop what was folded of ``stream``, to fold it again from its start."""
        self._states.pop(stream, None)

    def begin(self, stream: str, entry: Entry) -> None:
        """Go on from ``entry`` with ``stream``, whatever was folded of it before."""
        self._states[stream] = StreamState(entry)

    def absorb(self, stream: str, entry: Entry) -> bool:
        """Add what some lines of ``stream`` add up to, as if they were folded.

        Returns:
            Whether that could be done: not if some of its events were seen before, and others not.
        """
        state = self._states.get(stream)
        if state is None:
            self.begin(stream, entry)
            return True
        return state.absorb(entry)

    def follow(self, stream: str, entry: Entry) -> bool:
        """Add what the next lines of ``stream`` add up to, with the place at which they end.

        Returns:
            Whether that could be done: not if some of their events were seen before. Then they have
            to be folded one by one.
        """
        return self._state(stream).follow(entry)

    def place(self, stream: str, segment: int, offset: int) -> None:
        """Say that the last line read of ``stream`` ends at ``offset`` of ``segment``."""
        state = self._state(stream)
        state.segment, state.offset = segment, offset

    def displace(self, stream: str) -> None:
        """Say that the lines of ``stream`` stand in no one place."""
        state = self._states.get(stream)
        if state is not None:
            state.segment = state.offset = None

    def end(self, stream: str) -> int:
        """The next seq of a stream whose lines are numbered as they are read."""
        state = self._states.get(stream)
        return 0 if state is None else state.seen.end

    def open(self, stream: str, epoch: str, seq: int) -> None:
        """Note that a process went on with ``stream`` at ``seq``, which was folded since."""
        self._state(stream).open(epoch, seq)

    def lines(
        self,
        data: bytes,
        offset: int = 0,
        *,
        folder: str | None = None,
        loose: str = LOOSE,
        report: Report = ignore,
    ) -> int:
        r"""Fold whole lines.

        Args:
            data: Lines, each ended by ``\n``.
            offset: Where ``data`` starts in its file, in bytes; for the report only.
            folder: The stream whose folder the lines stand in; None for lines from anywhere.
            loose: Where lines without stream and seq count; each takes the next seq there, except
                under ``LOOSE``.
            report: Told of each invalid line.

        Returns:
            How many lines there were.
        """
        scanned = self._scan(data, folder)
        if scanned is None:
            self._each_line(data, offset, folder, loose, report)
            return data.count(b"\n")
        lines, groups = scanned
        self.groups(
            groups,
            lambda begin, end: data[begin:end],
            offset,
            folder=folder,
            loose=loose,
            report=report,
        )
        return lines

    def groups(
        self,
        groups: Iterable[Group],
        text: Callable[[int, int], bytes],
        offset: int = 0,
        *,
        folder: str | None = None,
        loose: str = LOOSE,
        report: Report = ignore,
    ) -> None:
        """Fold whole lines that the kernel has tallied; see `lines`.

        Args:
            groups: What it has made of them.
            text: Gives the lines between two places, in bytes from where they start.
            offset: Where they start in their file.
            folder: As of `lines`, and as the kernel was told.
            loose: As of `lines`.
            report: As of `lines`.
        """
        for begin, end, runs in groups:
            if runs is not None and take_runs(runs, self._state, loose):
                continue
            data = text(begin, end)
            if FEW_BYTES <= len(data) <= MAX_LINE_BYTES and kernel() is not None:
                self._plainly(data, offset + begin, folder, loose, report)
                continue
            if runs is None and len(data) > MAX_LINE_BYTES:
                data = data.lstrip(b"\0")  # the hole of a file that was cut is no text
                if len(data) > MAX_LINE_BYTES:
                    at = offset + end - len(data)
                    self.overlong(at, len(data), folder=folder, loose=loose, report=report)
                    continue
            self._each_line(data, offset + end - len(data), folder, loose, report)

    def _plainly(
        self, data: bytes, offset: int, folder: str | None, loose: str, report: Report
    ) -> None:
        """Fold many lines that are odd to the compiled kernel: to Python most of them are not."""
        _, groups = scan_plainly(data, folder)
        for begin, end, runs in groups:
            if runs is None or not take_runs(runs, self._state, loose):
                self._each_line(data[begin:end], offset + begin, folder, loose, report)

    def _each_line(
        self, data: bytes, offset: int, folder: str | None, loose: str, report: Report
    ) -> None:
        """Fold lines one by one."""
        touched: dict[str, StreamState] = {}
        for line in data.split(b"\n"):
            at = offset
            offset += len(line) + 1
            if not line:
                continue
            try:
                event = decode(line)
                name = folder if event.stream == folder else _home(event, folder, loose)
            except InvalidLineError as error:
                if not is_blank(line):
                    self._invalid(error, folder, loose)
                    report(at, error.reason)
                continue
            if name is not None:
                state = touched.get(name)
                if state is None:
                    state = touched[name] = self._state(name)
                state.take(event)
                if event.seq is UNSET and name != LOOSE:
                    state.seen.add(state.seen.end)
        for state in touched.values():
            state.add_up()

    def foreign(
        self, stream: str, outcomes: Sequence[Line], *, lines: int, invalid: int = 0
    ) -> None:
        """Fold outcomes without seq, which lines of another program's log tell of.

        Args:
            stream: Where they count.
            outcomes: The outcomes; one without timestamp counts, and moves no moment.
            lines: How many lines were read for them. Each takes the next seq of ``stream``, so
                that the entry that has read more is further along; except under ``LOOSE``.
            invalid: How many of these lines could not be believed.
        """
        self.tallied(stream, *tally_with_newest(outcomes), lines=lines, invalid=invalid)

    def tallied(
        self,
        stream: str,
        tally: OutcomeTally,
        newest_us: int | None,
        *,
        lines: int,
        invalid: int = 0,
    ) -> None:
        """Fold such outcomes that were added up, of which the newest ended then; see `foreign`."""
        ended = tally.succeeded + tally.failed + tally.skipped
        if not (ended or invalid or (lines and stream != LOOSE)):
            return  # nothing to say, not even that the stream is there
        state = self._state(stream)
        state.add_tally(tally, newest_us)
        state.invalid_lines += invalid
        if stream != LOOSE and lines:
            state.number(lines)

    def overlong(
        self,
        offset: int,
        length: int,
        *,
        folder: str | None = None,
        loose: str = LOOSE,
        report: Report = ignore,
    ) -> None:
        """Count a line that was too long to be read (``length`` bytes)."""
        self._invalid(InvalidLineError("too long"), folder, loose)
        report(offset, too_long(length))

    def _invalid(self, error: InvalidLineError, folder: str | None, loose: str) -> None:
        numbered = error.stream is not None and error.seq is not None
        name = folder if folder is not None else (error.stream if numbered else None)
        state = self._state(name or loose)
        state.invalid_lines += 1
        if numbered and error.seq is not None and (folder is None or error.stream == folder):
            state.spoilt.add(error.seq)
        elif name is None and loose != LOOSE:
            state.number(1)


def _home(line: Line, folder: str | None, loose: str) -> str | None:
    """The stream that a line belongs to; None where it is carried, and not counted.

    Raises:
        InvalidLineError: It does not belong in the stream's folder in which it stands.
    """
    if line.stream is UNSET:
        if line.event not in OUTCOMES:
            return None
        if folder is not None:
            raise InvalidLineError(f"an outcome without stream and seq in the folder of {folder!r}")
        return loose
    if folder is not None and line.stream != folder:
        raise InvalidLineError(f"the line is of stream {line.stream!r}, the folder of {folder!r}")
    return line.stream
