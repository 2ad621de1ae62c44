"""The way by which a worker's events get into its stream.

Nothing beside this path can break it: an outcome is always encoded, numbered and handed to the
writer, whatever a handler configures, binds or forks, and whatever its errors hold.
"""

from __future__ import annotations

import os
import threading
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from events.clock import Clock, Timestamps
from events.encodable import to_plain
from events.errors import LogWriteError
from events.model import (
    FIRST_US,
    HIGH,
    LAST_US,
    OUTCOMES,
    SCHEMA_VERSION,
    STREAM_OPENED,
    Failed,
    Line,
    Skipped,
    Succeeded,
    outcome_fields,
)
from events.redaction import Redactor, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    OutcomeEvent = Succeeded | Failed | Skipped

_SAYS_WHO = frozenset({"queue_id", "host", "pid", "version"})
RESERVED = frozenset(Line.__struct_fields__) - _SAYS_WHO
"""Names that mean something in an outcome: a context cannot bring them in."""


class Writer(Protocol):
    """What the emitter asks of `events.log.writer.StreamWriter`."""

    next_seq: int

    def append(self, data: bytes, count: int) -> None:
        """Write ``count`` whole lines in one write."""
        ...

    def sync(self) -> None:
        """Make durable what was appended."""
        ...


class Numbered(NamedTuple):
    """What the emitter gave an outcome, as its line says it.

    Attributes:
        seq: Its number in the stream.
        at_us: Its timestamp, microseconds since 1970 UTC.
    """

    seq: int
    at_us: int


class Emitter:
    """Numbers, renders and buffers the events of one epoch; `commit` makes them durable.

    The first outcome is preceded by ``stream.opened`` and by the events that were held back, so
    that a worker that finds nothing to do writes nothing. Safe to use from several threads. A
    forked child must not use it, and cannot commit.

    Args:
        writer: Takes the lines; nobody else writes to it.
        stream: Id of the stream.
        epoch: Random name of this opening of the stream.
        opened: What ``stream.opened`` says beside the epoch: ``queue_id``, ``host``, ``pid``,
            ``version``.
        clock: Gives the events' timestamps.
        redactor: Masks secrets in error texts, tracebacks and other events.
        context: What every event says besides. Names that mean something in an outcome are
            left out.

    Attributes:
        stream: Id of the stream.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        stream: str,
        epoch: str,
        opened: Mapping[str, Any],
        clock: Clock,
        redactor: Redactor,
        context: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        from events.pipeline import LineBuffer, make_logger  # it imports structlog: 0.18 s

        self.stream = stream
        self._writer = writer
        self._clock = clock
        self._next_seq = writer.next_seq
        self._timestamps = Timestamps()
        self._buffer = LineBuffer()
        self._redactor = redactor
        self._opening: dict[str, Any] = {"epoch": epoch, **_plain(opened)}
        self._held: list[dict[str, Any]] | None = []
        self._lock = threading.Lock()
        self._committing = threading.Lock()
        self._process = os.getpid()
        said = {name: value for name, value in _plain(context).items() if name not in RESERVED}
        masked = guarded(redactor.value, said)
        frame = {  # the reserved fields first, as one reads a line; each event sets them
            "event": "",
            "v": SCHEMA_VERSION,
            "stream": stream,
            "seq": 0,
            "timestamp": "",
            "level": "",
        }
        frame |= masked if isinstance(masked, dict) else {"context": masked}
        self._write = make_logger(self._buffer, redactor, frame).write
        self._write_clean = make_logger(self._buffer, None, frame).write
        self._reserved = {"v": SCHEMA_VERSION, "stream": stream}

    @property
    def next_seq(self) -> int:
        """The number of the next event."""
        return self._next_seq

    def outcome(self, event: OutcomeEvent) -> Numbered:
        """Buffer an outcome, and tell its number and time; it is durable after `commit`."""
        write, fields = self._say(event)
        with self._lock:
            if self._held is not None:
                self._open(self._held)
            at_us = self._now_us()
            fields["timestamp"] = self._timestamps.format(at_us)
            fields["seq"] = seq = self._next_seq
            write(fields)
            self._next_seq = seq + 1
        return Numbered(seq, at_us)

    def outcomes(self, events: Sequence[OutcomeEvent]) -> Numbered:
        """Buffer outcomes that are recorded at one time, one after the other.

        Returns:
            The number of the first one, and the time of all; the others' numbers follow.
        """
        if len(events) == 1:  # a tenth of its time would go into lists of one
            return self.outcome(events[0])
        said = [self._say(event) for event in events]
        with self._lock:
            if self._held is not None and said:
                self._open(self._held)
            at_us = self._now_us()
            timestamp = self._timestamps.format(at_us)
            first = seq = self._next_seq
            for write, fields in said:
                fields["timestamp"] = timestamp
                fields["seq"] = seq
                write(fields)
                self._next_seq = seq = seq + 1
        return Numbered(first, at_us)

    def _say(self, event: OutcomeEvent) -> tuple[Callable[[dict[str, Any]], None], dict[str, Any]]:
        """What an outcome says, and which way it goes."""
        fields = outcome_fields(event)
        kind = fields["kind"]  # the job's sender chose it
        redact = self._redactor.text if type(kind) is str else self._redactor.value
        fields["kind"] = guarded(redact, kind)
        if isinstance(event, Succeeded):
            is_clean = event.confidence is HIGH
        else:
            is_clean = isinstance(event, Skipped) or event.is_redacted
        return self._write_clean if is_clean else self._write, fields

    def emit(self, event: str, /, level: str = "info", **fields: Any) -> None:
        """Buffer any other event, or hold it back until the first outcome of this epoch.

        Args:
            event: Its name.
            level: Severity, for people.
            fields: What it says, in any values. Reserved names are overwritten.

        Raises:
            ValueError: ``event`` is an outcome: those go through `outcome`.
        """
        if event in OUTCOMES:
            raise ValueError(f"{event} is an outcome: use Emitter.outcome")
        said = _plain(fields)
        said |= self._reserved
        said["event"] = event
        said["level"] = level
        with self._lock:
            said["timestamp"] = self._timestamps.format(self._now_us())
            if self._held is not None:
                self._held.append(said)
            else:
                self._number(said)

    def commit(self) -> None:
        """Make all that is buffered durable: one write, one sync; without any, neither.

        Raises:
            LogWriteError: The lines may not be durable; the writer keeps them and writes no more,
                so every later commit raises too, also with nothing to write, until `renew`.
        """
        if os.getpid() != self._process:
            raise LogWriteError(
                "a forked child may not write to its parent's stream; end it with os._exit"
            )
        with self._committing:
            with self._lock:
                lines = self._buffer.take()
            if lines:
                self._writer.append(b"".join(lines), len(lines))
            self._writer.sync()

    def renew(self, writer: Writer, epoch: str) -> None:
        """Go on with another writer after an error, in a new epoch.

        Args:
            writer: Has all that the last one was given, durably, and the same next number.
            epoch: Random name of the new opening, which the next outcome begins.
        """
        with self._committing, self._lock:
            self._writer = writer
            self._opening["epoch"] = epoch
            if self._held is None:
                self._held = []

    def _open(self, held: list[dict[str, Any]]) -> None:
        self._held = None
        opened = {**self._opening, **self._reserved, "event": STREAM_OPENED, "level": "info"}
        opened["timestamp"] = self._timestamps.format(self._now_us())
        self._number(opened)
        for event in held:
            self._number(event)

    def _number(self, fields: dict[str, Any]) -> None:
        fields["seq"] = seq = self._next_seq
        self._write(fields)
        self._next_seq = seq + 1

    def _now_us(self) -> int:
        """The time; beyond the years 1 to 9999, the nearest moment that can be written."""
        now_us = self._clock.now_us()
        return now_us if FIRST_US <= now_us <= LAST_US else min(max(now_us, FIRST_US), LAST_US)


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as plain JSON types now: what they refer to may change before they are written."""
    plain = to_plain(dict(fields))
    return plain if isinstance(plain, dict) else {"fields": plain}
