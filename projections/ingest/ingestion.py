"""From the lines that a watch gives to a state that is saved: each line counts exactly once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from events.follow.record import FileRecord
from events.log.reader import Block, Overlong
from events.log.segment import parse_segment
from events.log.stream import EVENTS_FOLDER
from projections.choosing import SAMPLE_BYTES, whole_lines
from projections.errors import SaveError, WatchError
from projections.fold import Fold
from projections.ingest.remembered import format_now, remembered_state
from projections.ingest.state import LogState, State
from projections.intake import Format, Intake
from projections.reading import Problem, nothing
from projections.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from events.model import Line
    from projections.choosing import Choice
    from projections.entry import Entry
    from projections.ingest.state import StateStore

_TRY_EACH = 1 << 16  # bytes of a log that is not recognised, up to which each line is looked at


class Read(Protocol):
    """Lines that a watch gives, see `events.follow.watch.Read`."""

    @property
    def log(self) -> str:
        """The key of their log."""
        ...

    @property
    def path(self) -> Path:
        """Where they stand."""
        ...

    @property
    def block(self) -> Block | Overlong:
        """The lines."""
        ...


class Watch(Protocol):
    """What is asked of `events.follow.watch.Watch`."""

    def look(self) -> Iterator[Read]:
        """Give what is there and was not given before."""
        ...

    def records(self) -> list[FileRecord]:
        """Tell how far each file was given."""
        ...

    def sync(self) -> None:
        """Bring what was given to the disk."""
        ...

    @property
    def searched_us(self) -> int | None:
        """When files were last searched for, in microseconds since 1970; None: never."""
        ...


@dataclass
class _Held:
    """The first lines of a log, until they show its format.

    Attributes:
        reads: The lines.
        size: Bytes of them.
        tried: Of how many bytes was seen that they show none.
        given_up: No more is looked at; later lines are passed over, and read by a later run.
    """

    reads: list[tuple[Path, Block | Overlong]] = field(default_factory=list)
    size: int = 0
    tried: int = 0
    given_up: bool = False


class Ingestion:
    """Takes lines into a fold, and keeps the state file.

    Args:
        watch: Gives the lines.
        store: The state file; its lock is held.
        state: What the file holds.
        choice: In which format the logs are.
        epoch: A random name of this process's part in the state.
        told: Told of formats that were recognised, or changed.
        problem: Told of each invalid line.

    Attributes:
        lines: Lines counted by this ingestion, whatever they tell.
    """

    def __init__(
        self,
        watch: Watch,
        store: StateStore,
        state: State,
        choice: Choice,
        *,
        epoch: str,
        told: Callable[[str], None] = nothing,
        problem: Callable[[Problem], None] = nothing,
    ) -> None:
        remembered = remembered_state(state, choice, told)
        self.lines = 0
        self._watch = watch
        self._store = store
        self._stream = state.stream
        self._choice = choice
        self._epoch: str | None = epoch
        self._told = told
        self._problem = problem
        self._fold = Fold(remembered.entries)
        self._logs = dict(remembered.logs)
        self._before: dict[str, list[FileRecord]] = {}
        for record in state.files:
            self._before.setdefault(record.log, []).append(record)
        self._held: dict[str, _Held] = {}
        self._intakes: dict[str, Intake] = {}
        for log, kept in self._logs.items():
            if kept.waiting is not None:
                format_ = format_now(kept, choice)
                if format_ is not None:
                    self._begin(log, format_, kept.waiting)
        self._saved: State | None = None
        self._saved_files: Sequence[FileRecord] | None = None
        self._changed = True

    def look(self) -> Iterator[None]:
        """Take what is there now; the state may be saved each time that this yields.

        Raises:
            WatchError: The files cannot be followed any longer; what was taken may be saved.
        """
        for read in self._reads():
            self.take(read.log, read.path, read.block)
            yield

    def pass_over(self) -> None:
        """Take what is there now for read, and count nothing of it.

        Raises:
            WatchError: The files cannot be followed any longer.
        """
        for _ in self._reads():
            pass

    def _reads(self) -> Iterator[Read]:
        """What the watch gives; an error of its own, not of who takes that, ends the reading."""
        reads = iter(self._watch.look())
        while True:
            try:
                read = next(reads, None)
            except OSError as error:
                where = "" if error.filename is None else f" (at {os.fsdecode(error.filename)})"
                raise WatchError(
                    f"the logs cannot be read on: {error.strerror or error}{where}; start it again"
                ) from error
            if read is None:
                return
            yield read

    def take(self, log: str, path: Path, block: Block | Overlong) -> None:
        """Take the next lines of a log."""
        self._changed = True
        intake = self._intakes.get(log)
        if intake is None:
            format_ = self._format_of(log, path)
            if format_ is None:
                self._hold(log, path, block)
                return
            intake = self._begin(log, format_, None, kept=not _is_in_event_log(path))
        self._count(intake, path, block)

    def finish(self, log: str) -> None:
        """Count what waits in a log as it stands: no run goes on with it (standard input)."""
        if log in self._held:
            self._held.pop(log)
        intake = self._intakes.pop(log, None)
        if intake is not None:
            intake.finish(self._problem)
        self._logs.pop(log, None)
        self._changed = True

    @property
    def unrecognised(self) -> list[str]:
        """The logs of which lines were read, and the format is not known."""
        return [log for log, held in self._held.items() if held.given_up or _sample(held)]

    @property
    def recognised(self) -> bool:
        """Whether any log is taken into account, also one without new lines."""
        return bool(self._logs) or self.lines > 0

    def snapshot(self) -> Snapshot:
        """What all adds up to, with what waits as it stands."""
        entries, _ = self._entries()
        return Snapshot(entries)

    def save(self, *, last: bool = False) -> None:
        """Save the state if it changed; what it covers is on the disk first.

        Args:
            last: Save it also where nothing has changed but when files were searched for: else who
                follows would write each second.

        Raises:
            SaveError: That cannot be done; the file holds what it held, and nothing is lost.
        """
        files = self._watch.records()
        if not (last or self._changed) and files == self._saved_files:
            return
        try:
            self._watch.sync()
        except OSError as error:
            raise SaveError(
                f"{self._store.path} is not saved, as a log that it covers cannot be brought to "
                f"the disk: {error.strerror or error}"
            ) from error
        entries, settled = self._entries()
        known = [*self._counted(files)]
        logs = {record.log for record in known}
        state = State(
            stream=self._stream,
            entries=entries,
            settled=settled,
            files=tuple(known),
            logs={log: kept for log, kept in self._log_states() if log in logs or kept.waiting},
            searched_us=self._watch.searched_us,
        )
        saved = self._saved
        if saved is not None and not last:
            saved = replace(saved, searched_us=state.searched_us)
        if state != saved:
            self._store.save(state.to_bytes())
            self._saved = state
        self._saved_files, self._changed = files, False

    def _counted(self, files: Sequence[FileRecord]) -> Iterator[FileRecord]:
        """How far files were counted: of a log that is held, not further than before this run.

        It stays known as a log: what was rotated since is to be read.
        """
        for record in files:
            if record.log not in self._held:
                yield record
            elif record.log not in self._before and not record.copy:
                yield (
                    record
                    if record.old
                    else FileRecord(
                        log=record.log, path=record.path, device=record.device, inode=record.inode
                    )
                )
        for log in self._held:
            yield from self._before.get(log, ())

    def _entries(self) -> tuple[dict[str, Entry], Entry | None]:
        """The entries as they are shown; and that of the state's stream without what waits."""
        entries = self._fold.entries()
        waiting: list[Line] = []
        for _, intake in sorted(self._intakes.items()):
            waiting += intake.waiting()
        if not waiting:
            return entries, None
        settled = entries[self._stream]
        shown = Fold({self._stream: settled})
        shown.foreign(self._stream, waiting, lines=0)
        return {**entries, **shown.entries()}, settled

    def _log_states(self) -> Iterator[tuple[str, LogState]]:
        for log, kept in self._logs.items():
            intake = self._intakes.get(log)
            if intake is None:
                yield log, kept
            else:
                yield log, LogState(kept.format, kept.wrapping, kept.key, intake.state())

    def _begin(self, log: str, format_: Format, waiting: object, *, kept: bool = True) -> Intake:
        intake = Intake(self._fold, format_, stream=self._stream, state=waiting)
        self._intakes[log] = intake
        if kept:  # a segment of an event log is known by its place
            self._logs[log] = LogState(format_.name, format_.wrapping, format_.key, waiting)
        return intake

    def _format_of(self, log: str, path: Path) -> Format | None:
        """The format of a log, where no line has to be looked at."""
        if _is_in_event_log(path):
            return Format()
        if log in self._held:
            return None
        kept = self._logs.get(log)
        return self._choice.known or (None if kept is None else format_now(kept, self._choice))

    def _hold(self, log: str, path: Path, block: Block | Overlong) -> None:
        """Keep lines of a log until its format is known."""
        held = self._held.setdefault(log, _Held())
        if held.given_up:
            return
        held.reads.append((path, block))
        held.size += block.end - block.offset
        if _TRY_EACH < held.size < min(2 * held.tried, SAMPLE_BYTES):
            return
        held.tried = held.size
        sample = _sample(held)
        format_ = self._choice.recognise(sample) if sample else None
        if format_ is not None:
            del self._held[log]
            self._told(f"{log}: {format_}")
            intake = self._begin(log, format_, None)
            for place, each in held.reads:
                self._count(intake, place, each)
        elif held.size >= SAMPLE_BYTES:
            held.given_up = True
            held.reads.clear()
            self._told(
                f"{log}: its lines are in no format that is known and are not counted: stop, and "
                "say which with --format, or describe them with --mapping FILE; they are read then"
            )

    def _count(self, intake: Intake, path: Path, block: Block | Overlong) -> None:
        begin = self._fold.end(self._stream)

        def report(offset: int, reason: str) -> None:
            self._problem(Problem(str(path), None, offset, reason))

        self.lines += 1 if isinstance(block, Overlong) else block.data.count(b"\n")
        intake.take(block, report, source=str(path))
        if self._epoch is not None and self._fold.end(self._stream) > begin:
            self._fold.open(self._stream, self._epoch, begin)
            self._epoch = None


def _sample(held: _Held) -> bytes:
    """The lines that were held, as many as a sample has."""
    data = b"".join(block.data for _, block in held.reads if isinstance(block, Block))
    return whole_lines(data[:SAMPLE_BYTES])


def _is_in_event_log(path: Path) -> bool:
    return parse_segment(path) is not None and path.parent.parent.name == EVENTS_FOLDER
