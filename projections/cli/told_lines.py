"""Lines of several logs, each in its format, to what they tell: for people who watch them."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

from events.json_text import is_blank
from projections.choosing import SAMPLE_BYTES, whole_lines
from projections.cli.event_view import ReadEvent, by_time, read_event
from projections.intake import Format, translator_of, unwrapper_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from events.formats.outcome import Foreign
    from projections.choosing import Choice
    from projections.following import Follower, Kind

HELD_LINES = 200
"""So many lines of a log are looked at, at most, to tell its format; and `SAMPLE_BYTES`."""


class ToldLines:
    """Reads lines as they come, those of each source in their order.

    The lines of a log whose format is to be recognised are held until they show it. If that has not
    happened after `HELD_LINES`, they and what comes of that log are passed over.

    Args:
        choice: What was said of their format.
        kind: Tells what a source is.
        invalid: Whether to tell of invalid lines of other programs' logs.
        told: Told of each source whose format was recognised.
        unknown: Told, once, the name of each source whose lines show no format.
    """

    def __init__(
        self,
        choice: Choice,
        *,
        kind: Callable[[str], Kind],
        invalid: bool,
        told: Callable[[str], None],
        unknown: Callable[[str], None],
    ) -> None:
        self._choice = choice
        self._kind = kind
        self._invalid = invalid
        self._told = told
        self._tell_unknown = unknown
        self._logs: dict[str, _Log] = {}
        self._held: dict[str, _Held] = {}
        self._unknown: dict[str, None] = {}  # in their order

    @property
    def unknown(self) -> list[str]:
        """The sources whose lines have shown no format so far, and of which that was told."""
        return [name for name in self._unknown if name not in self._logs]

    @property
    def knows_any(self) -> bool:
        """Whether the format of any source is known."""
        return bool(self._logs)

    def look(self, lines: Iterable[tuple[str, bytes]]) -> Iterator[ReadEvent]:
        """Read what came since the last look; of sources that rest now, give what waits, too.

        An outcome that waits for the line that would complete it is not held back for as long as
        nothing comes. If that line comes after all, and says more, it is told again. So also a log
        whose lines have shown no format is told when it rests, and may show one later.

        Args:
            lines: Of each line its source, and the line without its end.

        Yields:
            What is known now; of other programs' logs outcomes only, perhaps of earlier lines.
        """
        touched = set()
        for source, line in lines:
            touched.add(source)
            yield from self._read(source, line)
        yield from self._recognised([source for source in self._held if source in touched])
        for source in self._held.keys() - touched:
            self._give_notice(source)
        for source, log in self._logs.items():
            if source not in touched:
                yield from log.early()

    def newest(
        self,
        follower: Follower,
        limit: int,
        passes: Callable[[ReadEvent], bool] | None,
        *,
        pipes: bool,
    ) -> list[ReadEvent]:
        """Give the newest events of all sources by their time; before `look`.

        Args:
            follower: Gives their lines.
            limit: How many at most.
            passes: Which ones count; None for all.
            pipes: Whether to read pipes, too, to their ends.
        """
        if self._choice.known == Format():  # only the ends of our own logs need be read
            keep = None if passes is None else lambda line: passes(read_event(line))
            found = [*map(read_event, follower.newest(limit, pipes=pipes, keep=keep))]
        else:
            last: dict[str, deque[ReadEvent]] = defaultdict(lambda: deque(maxlen=limit))
            for source, line in follower.lines(pipes=pipes):
                last[source].extend(filter(passes, self._read(source, line)))
            for source in [*self._held]:
                last[source].extend(filter(passes, self._recognised([source])))
            found = [told for ended in last.values() for told in ended]
            found += filter(passes, self.rest())
        return by_time(found)[-limit:] if limit else []

    def rest(self) -> Iterator[ReadEvent]:
        """Give what waits, and tell of sources whose lines have shown no format so far."""
        yield from self._recognised([*self._held])
        for source in self._held:
            self._give_notice(source)
        for log in self._logs.values():
            yield from log.early()

    def _read(self, source: str, line: bytes) -> Iterable[ReadEvent]:
        log = self._logs.get(source)
        if log is not None:
            return log.read(line)
        held = self._held.get(source)
        if held is None:
            if source in self._unknown:
                return ()
            kind = self._kind(source)
            known = Format() if kind == "stream" else self._choice.known
            if known is not None:
                return self._begin(source, known).read(line)
            held = self._held[source] = _Held(from_pipe=kind == "pipe")
        held.add(line)
        return self._recognised([source]) if held.is_due else ()

    def _recognised(self, sources: Iterable[str]) -> Iterator[ReadEvent]:
        """Look at what is held of some sources; give what it tells where it shows a format."""
        for source in sources:
            held = self._held[source]
            sample = whole_lines(held.sample())
            found = self._choice.recognise(sample) if sample else None
            if found is not None:
                self._told(f"{source}: {found}")
                del self._held[source]
                log = self._begin(source, found)
                for line in held.lines:
                    yield from log.read(line)
            elif held.is_full:
                del self._held[source]
                self._give_notice(source)

    def _begin(self, source: str, format_: Format) -> _Log:
        log = self._logs[source] = _Log(format_, invalid=self._invalid)
        return log

    def _give_notice(self, source: str) -> None:
        if source not in self._unknown:
            self._unknown[source] = None
            self._tell_unknown(source)


class _Held:
    """The first lines of a source, until they show its format.

    Args:
        from_pipe: Whether they are to be looked at as they come: nobody knows when more will.
    """

    def __init__(self, *, from_pipe: bool) -> None:
        self.lines: list[bytes] = []
        self._size = 0
        self._from_pipe = from_pipe

    def add(self, line: bytes) -> None:
        self.lines.append(line)
        self._size += len(line) + 1

    @property
    def is_full(self) -> bool:
        return len(self.lines) >= HELD_LINES or self._size >= SAMPLE_BYTES

    @property
    def is_due(self) -> bool:
        """Whether to look at them: all of them, or of a pipe's when there are twice as many."""
        count = len(self.lines)
        return self.is_full or (self._from_pipe and count & (count - 1) == 0)

    def sample(self) -> bytes:
        return b"".join(line + b"\n" for line in self.lines)[:SAMPLE_BYTES]


class _Log:
    """One log, and what waits in it."""

    def __init__(self, format_: Format, *, invalid: bool) -> None:
        self._unwrapper = unwrapper_of(format_)
        self._translator = translator_of(format_)
        self._invalid = invalid
        self._early: dict[int, Foreign] = {}  # by their lines, what was told while it waited
        self._has_rested = True  # since its last line what waits was told

    def read(self, line: bytes) -> Iterable[ReadEvent]:
        if self._unwrapper is None and self._translator is None:
            return (read_event(line),)
        self._has_rested = False
        found: list[ReadEvent] = []

        def report(offset: int, reason: str) -> None:  # noqa: ARG001 - the shape of a Report
            if self._invalid:
                found.append(ReadEvent(line, None, reason))

        inner = [line]
        if self._unwrapper is not None:
            inner = self._unwrapper.lines(line + b"\n", 0, report).data.split(b"\n")
        for each in inner:
            if is_blank(each):
                continue
            if self._translator is None:
                found.append(read_event(each))
            else:
                for settled in self._translator.line(each, report):
                    found += _news(settled.outcome, self._early.pop(settled.line, None))
        return found

    def early(self) -> Iterator[ReadEvent]:
        if self._translator is None or self._has_rested:
            return
        self._has_rested = True
        for waiting in self._translator.unsettled():
            yield from _news(waiting.outcome, self._early.get(waiting.line))
            self._early[waiting.line] = waiting.outcome


def _news(outcome: Foreign, before: Foreign | None) -> Iterable[ReadEvent]:
    """What is to be told of an outcome of which ``before`` was told."""
    return () if outcome == before else (ReadEvent(b"", outcome, again=before is not None),)
