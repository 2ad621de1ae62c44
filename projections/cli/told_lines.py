"""Lines of several logs, each in its format, to what they tell: for people who watch them."""

from __future__ import annotations

from collections import defaultdict, deque
from pathlib import Path
from typing import TYPE_CHECKING

from events.log.segment import open_source
from projections.choosing import SAMPLE_BYTES, read_head, unrecognised, whole_lines
from projections.cli.event_view import ReadEvent, by_time, read_event
from projections.intake import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from events.filesystem import FileSystem
    from events.formats.outcome import Foreign
    from projections.choosing import Choice
    from projections.following import Follower


class ToldLines:
    """Reads lines as they come, those of each source in their order.

    Args:
        choice: What was said of their format.
        fs: Where files are looked into whose format is to be recognised.
        invalid: Whether to tell of invalid lines of other programs' logs.
        told: Told of each source whose format was recognised.
    """

    def __init__(
        self, choice: Choice, *, fs: FileSystem, invalid: bool, told: Callable[[str], None]
    ) -> None:
        self._choice = choice
        self._fs = fs
        self._invalid = invalid
        self._told = told
        self._logs: dict[str, _Log] = {}
        self._unknown: dict[str, list[bytes]] = {}  # lines of those not yet recognised
        self._touched: set[str] = set()

    def read(self, source: str, line: bytes) -> Iterable[ReadEvent]:
        r"""Read the next line of a source.

        Args:
            source: Its name, or its path.
            line: The line, without its ``\n``.

        Returns:
            What is known now; of other programs' logs outcomes only, perhaps of earlier lines.

        Raises:
            SourceError: Its format cannot be recognised.
        """
        self._touched.add(source)
        log = self._logs.get(source)
        if log is not None:
            return log.read(line)
        lines = self._unknown.setdefault(source, [])
        lines.append(line)
        format_ = self._choice.known or self._recognise(source, lines)
        if format_ is None:
            return ()
        if self._choice.known is None:
            self._told(f"{source}: {format_}")
        log = self._logs[source] = _Log(format_, invalid=self._invalid)
        del self._unknown[source]
        return [told for each in lines for told in log.read(each)]

    def _recognise(self, source: str, lines: list[bytes]) -> Format | None:
        count = len(lines)
        if count & (count - 1):  # a pipe's lines are looked at when there are twice as many
            return None
        path = Path(source)
        if path.is_file():
            with open_source(path, self._fs) as file:
                sample = whole_lines(read_head(file))
        else:
            sample = b"".join(line + b"\n" for line in lines)[:SAMPLE_BYTES]
            sample = whole_lines(sample)
        found = self._choice.recognise(sample) if sample else None
        if found is None and (path.is_file() or len(sample) > SAMPLE_BYTES // 2):
            raise unrecognised(source)
        return found

    def look(self, lines: Iterable[tuple[str, bytes]]) -> Iterator[ReadEvent]:
        """Read what came since the last look; of sources that rest now, give what waits, too.

        An outcome that waits for the line that would complete it is not held back for as long as
        nothing comes. If that line comes after all, and says more, it is told again.
        """
        self._touched.clear()
        for source, line in lines:
            yield from self.read(source, line)
        for source, log in self._logs.items():
            if source not in self._touched:
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

        Raises:
            SourceError: The format of a source cannot be recognised.
        """
        if self._choice.known == Format():  # only the ends of our own logs need be read
            keep = None if passes is None else lambda line: passes(read_event(line))
            found = [*map(read_event, follower.newest(limit, pipes=pipes, keep=keep))]
        else:
            last: dict[str, deque[ReadEvent]] = defaultdict(lambda: deque(maxlen=limit))
            for source, line in follower.lines(pipes=pipes):
                last[source].extend(filter(passes, self.read(source, line)))
            found = [told for ended in last.values() for told in ended]
            found += filter(passes, self.rest())
        return by_time(found)[-limit:] if limit else []

    def rest(self) -> Iterator[ReadEvent]:
        """Give what waits.

        Raises:
            SourceError: The format of a source cannot be recognised by what came of it.
        """
        for source in self._unknown:
            raise unrecognised(source)
        for log in self._logs.values():
            yield from log.early()


class _Log:
    """One log, and what waits in it."""

    def __init__(self, format_: Format, *, invalid: bool) -> None:
        from events.formats.translator import Translator
        from events.formats.wrappings.unwrapping import Unwrapper

        self._unwrapper = None if format_.wrapping is None else Unwrapper(format_.wrapping)
        self._translator = None if format_.mapping is None else Translator(format_.mapping)
        self._invalid = invalid
        self._early: list[Foreign] = []  # what was told while it waited

    def read(self, line: bytes) -> Iterable[ReadEvent]:
        if self._unwrapper is None and self._translator is None:
            return (read_event(line),)
        found: list[ReadEvent] = []

        def report(offset: int, reason: str) -> None:  # noqa: ARG001 - the shape of a Report
            if self._invalid:
                found.append(ReadEvent(line, None, reason))

        data = line + b"\n"
        if self._unwrapper is not None:
            data = self._unwrapper.lines(data, 0, report).data
        if self._translator is None:
            found += [read_event(inner) for inner in data.split(b"\n") if inner]
            return found
        for outcome in self._translator.lines(data, 0, report):
            found += self._settled(outcome)
        return found

    def _settled(self, outcome: Foreign) -> Iterator[ReadEvent]:
        key = (outcome.timestamp, outcome.job)
        for place, early in enumerate(self._early):
            if (early.timestamp, early.job) == key:
                del self._early[place]
                if early != outcome:
                    yield ReadEvent(b"", outcome, again=True)
                return
        yield ReadEvent(b"", outcome)

    def early(self) -> Iterator[ReadEvent]:
        if self._translator is None:
            return
        for outcome in self._translator.waiting():
            if outcome not in self._early:
                self._early.append(outcome)
                yield ReadEvent(b"", outcome)
