"""One event on one line, for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from events.clock import EPOCH, format_timestamp, to_us
from events.codec import decode, encode
from events.errors import InvalidLineError
from events.formats.outcome import Foreign
from events.model import HIGH, JOB_FAILED, JOB_SKIPPED, JOB_SUCCEEDED, elapsed_ns
from projections.cli.output import duration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.model import Line

ENDS = ("succeeded", "failed", "dead", "skipped")
"""How an attempt may end; one that is dead failed, too."""
_MARK = 8  # columns
_OF_EVERY_EVENT = frozenset({"event", "v", "stream", "seq", "timestamp", "level"})
_SHOWN_VALUE = 60  # characters
_LONGEST_ID = 16  # characters
_KEPT_OF_ID = 12


@dataclass(frozen=True, slots=True)
class ReadEvent:
    r"""An event as it was read, with the line that tells of it; of an invalid line, why it is one.

    Attributes:
        line: The line, without its ``\n``; b"" for an outcome of another program's log, which
            several lines may have told of.
        event: The event; None if the line is invalid.
        reason: Why it is invalid; "" if it is not.
        stream: Its stream; "" if it has none.
        again: Whether it was told before, when less was known of it.
    """

    line: bytes
    event: Line | None
    reason: str = ""
    stream: str = ""
    again: bool = False

    @property
    def written(self) -> bytes:
        """The line as it is; of an outcome of another program's log, that as JSON."""
        return foreign_line(self.event) if isinstance(self.event, Foreign) else self.line

    @property
    def names_event(self) -> bool:
        """Whether it says what happened, as each line of ours does."""
        return self.event is not None and bool(self.event.event)

    @property
    def end(self) -> str | None:
        """Which of `ENDS` it tells of; None if it is no outcome."""
        if self.event is None:
            return None
        if self.event.event == JOB_FAILED:
            return "dead" if self.event.to_dlq else "failed"
        return _OTHER_ENDS.get(self.event.event)


_OTHER_ENDS = {JOB_SUCCEEDED: "succeeded", JOB_SKIPPED: "skipped"}


_BLANK = Foreign()


def foreign_line(outcome: Foreign) -> bytes:
    r"""Write an outcome of another program's log as an event of ours, without ``\n``.

    What the log does not say is left out.
    """
    fields: dict[str, Any] = {"event": outcome.event, "v": outcome.v}
    for name in Foreign.__struct_fields__:
        value = getattr(outcome, name)
        if value is not UNSET and value != getattr(_BLANK, name) and name not in fields:
            is_moment = isinstance(value, datetime)
            fields[name] = format_timestamp(to_us(value)) if is_moment else value
    return encode(fields).rstrip(b"\n")


@dataclass(frozen=True, slots=True)
class View:
    """An event as it is shown.

    Attributes:
        moment: When it happened; None if it does not say.
        stream: Its stream; "" if it has none.
        mark: One word for what happened.
        style: How the mark is coloured: a colour, ``bold`` before it or not, or ``dim``.
        text: The rest.
    """

    moment: datetime | None
    stream: str
    mark: str
    style: str
    text: str

    def line(self) -> str:
        """Put it on one line; the day is told elsewhere."""
        time = "--:--:--" if self.moment is None else f"{self.moment:%H:%M:%S}"
        return f"{time} {self.mark:<{_MARK}} {self.text}"


def read_event(line: bytes) -> ReadEvent:
    """Read a line of our own log."""
    try:
        event = decode(line)
    except InvalidLineError as error:
        return ReadEvent(line, None, error.reason, error.stream or "")
    return ReadEvent(line, event, stream="" if event.stream is UNSET else event.stream)


def view(line: bytes) -> View:
    """Read a line and say what it tells."""
    return view_of(read_event(line))


def view_of(told: ReadEvent, *, full: bool = True) -> View:
    """Say what a line tells.

    Args:
        told: The line.
        full: Whether to keep long job ids of other programs whole.
    """
    event = told.event
    if event is None:
        return View(None, told.stream, "invalid", "yellow", told.reason)
    mark, style, text = _told(event, told.line, full=full)
    return View(moment_of(told), told.stream, mark, style, text)


def moment_of(told: ReadEvent) -> datetime | None:
    """When it happened, in UTC; None if the line does not say."""
    if told.event is None or told.event.timestamp is UNSET:
        return None
    return told.event.timestamp.astimezone(UTC)


def by_time(events: Iterable[ReadEvent]) -> list[ReadEvent]:
    """Sort events by when they happened; one without a time stays behind the one before it."""
    latest = EPOCH
    timed = []
    for told in events:
        latest = moment_of(told) or latest
        timed.append((latest, told))
    return [told for _, told in sorted(timed, key=lambda pair: pair[0])]


def _told(event: Line, line: bytes, *, full: bool) -> tuple[str, str, str]:
    text = partial(_text, event, full=full)
    if event.event == JOB_SUCCEEDED:
        sure = event.confidence == HIGH
        rest = [duration(elapsed_ns(event) / 1e9), "" if sure else "low confidence"]
        if event.warnings:
            rest.append(f"{event.warnings} warned")
        return "done", "green" if sure else "cyan", text(*rest)
    if event.event == JOB_SKIPPED:
        return "skipped", "dim", text()
    if event.event == JOB_FAILED:
        cause = event.error_type  # first: what comes last is cut where there is no room
        if not event.to_dlq and event.retry_at is not UNSET:
            cause += f" (again at {event.retry_at.astimezone(UTC):%H:%M:%S})"
        if event.error:
            cause += f": {event.error}"
        mark, style = ("dead", "bold red") if event.to_dlq else ("failed", "red")
        return mark, style, text(duration(elapsed_ns(event) / 1e9), cause)
    return "-", "dim", " ".join([event.event or "(no event)", *_others(line)])


def _text(event: Line, *rest: str, full: bool) -> str:
    words = [] if event.job_id is UNSET else [f"job {event.job_id}"]
    if isinstance(event, Foreign):  # the id is as that program writes it; its jobs have names
        words = [f"job {event.job if full else _cut_id(event.job)}"] if event.job else words
        words += [event.kind] if event.kind else []
    if event.scene_id is not UNSET:
        words.append(f"scene {event.scene_id}")
    if event.attempt > 1:
        words.append(f"attempt {event.attempt}")
    return "  ".join([" ".join(words), *(word for word in rest if word)]).strip()


def _cut_id(job: str) -> str:
    """Leave room for what happened to it: other programs' ids are long, and random from the start.

    >>> _cut_id("51b7e5fdb28e6f819481abe8"), _cut_id("sync-2026-11-24")
    ('51b7e5fdb28e…', 'sync-2026-11-24')
    """
    return job if len(job) <= _LONGEST_ID else f"{job[:_KEPT_OF_ID]}…"


def _others(line: bytes) -> list[str]:
    """Say what an event of another kind brings along."""
    import json

    try:
        fields: dict[str, Any] = json.loads(line)
    except (ValueError, RecursionError):
        return []
    return [
        f"{name}={_short(value)}" for name, value in fields.items() if name not in _OF_EVERY_EVENT
    ]


def _short(value: Any) -> str:
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    text = str(value)
    return text if len(text) <= _SHOWN_VALUE else f"{text[:_SHOWN_VALUE]}…"
