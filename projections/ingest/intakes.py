"""What takes the lines of each log, kept only as long as something waits in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from events.log.segment import parse_segment
from events.log.stream import EVENTS_FOLDER
from projections.intake import Format, Intake

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping
    from pathlib import Path

    from events.model import Line
    from projections.fold import Fold
    from projections.ingest.remembered import FormatsNow
    from projections.ingest.state import LogState
    from projections.problems import Problem


class Intakes:
    """The intakes of all logs. Its length is the number of logs whose format is known.

    Args:
        fold: Where lines count.
        stream: Under which stream those without one do.
        formats: The formats of the logs.
        logs: What was kept of each log.
    """

    def __init__(
        self, fold: Fold, stream: str, formats: FormatsNow, logs: Mapping[str, LogState]
    ) -> None:
        self._fold = fold
        self._stream = stream
        self._formats = formats
        self._logs = dict(logs)  # what is kept of each, but for what waits
        self._intakes: dict[str, Intake] = {}
        for log, kept in logs.items():
            format_ = formats.of(kept)
            if kept.waiting is not None and format_ is not None:
                self._intakes[log] = self._make(format_, kept.waiting)
                self._logs[log] = formats.kept(format_)

    def __len__(self) -> int:
        return len(self._logs)

    def of(self, log: str, path: Path) -> Intake | None:
        """What takes a log's lines; None if its format is to be recognised.

        Args:
            log: The log.
            path: Where the lines stand.
        """
        intake = self._intakes.get(log)
        if intake is not None:
            return intake
        format_ = Format() if _is_in_event_log(path) else self._formats.known(self._logs.get(log))
        return None if format_ is None else self.begin(log, path, format_)

    def begin(self, log: str, path: Path, format_: Format) -> Intake:
        """Make what takes a log's lines, now that its format is known."""
        intake = self._intakes[log] = self._make(format_)
        if not _is_in_event_log(path):  # a segment of an event log is known by its place
            self._logs[log] = self._formats.kept(format_)
        return intake

    def finish(self, log: str, problem: Callable[[Problem], None]) -> None:
        """Count what waits in a log as it stands, and forget the log.

        Args:
            log: It.
            problem: Told of a line of which only a part came.
        """
        intake = self._intakes.pop(log, None)
        if intake is not None:
            intake.finish(problem)
        self._logs.pop(log, None)

    def forget(self, known: Container[str], problem: Callable[[Problem], None]) -> None:
        """Finish all logs but those that are known; keep no intake in which nothing waits."""
        for log in [log for log in self._logs.keys() | self._intakes.keys() if log not in known]:
            self.finish(log, problem)
        for log in [log for log, each in self._intakes.items() if each.state() is None]:
            del self._intakes[log]

    def waiting(self) -> list[Line]:
        """The outcomes that wait for other lines, of all logs, as they would be counted now."""
        return [line for _, intake in sorted(self._intakes.items()) for line in intake.waiting()]

    def states(self) -> dict[str, LogState]:
        """What is to be kept of each log."""
        states = dict(self._logs)
        for log, intake in self._intakes.items():
            if log in states:
                states[log] = msgspec.structs.replace(states[log], waiting=intake.state())
        return states

    def _make(self, format_: Format, waiting: object = None) -> Intake:
        return Intake(self._fold, format_, stream=self._stream, state=waiting)


def _is_in_event_log(path: Path) -> bool:
    return parse_segment(path) is not None and path.parent.parent.name == EVENTS_FOLDER
