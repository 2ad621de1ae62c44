"""From the lines that a watch gives to a state that is saved: each line counts exactly once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from events.log.reader import Overlong
from projections.errors import SaveError
from projections.fold import Fold
from projections.ingest.held import Held
from projections.ingest.intakes import Intakes
from projections.ingest.places import kept_back, places_of
from projections.ingest.remembered import FormatsNow, remembered_state
from projections.ingest.state import State
from projections.ingest.unrecognised import Unrecognised
from projections.ingest.watching import reads_of
from projections.problems import Problem, nothing
from projections.snapshot import Snapshot
from projections.sources import STDIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from events.follow.record import FileRecord
    from events.log.reader import Block
    from projections.choosing import Choice
    from projections.entry import Entry
    from projections.ingest.piece import Piece
    from projections.ingest.store import StateStore
    from projections.ingest.watching import Read, Watch
    from projections.intake import Intake


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
        name: Gives what a log is called in messages.

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
        name: Callable[[str], str] = str,
    ) -> None:
        formats = FormatsNow(choice)
        remembered = remembered_state(state, formats, told, name)
        self.lines = 0
        self._recognised = bool(remembered.entries)
        self._watch = watch
        self._store = store
        self._stream = state.stream
        self._epoch: str | None = epoch
        self._problem = problem
        self._fold = Fold(remembered.entries)
        self._intakes = Intakes(self._fold, state.stream, formats, remembered.logs)
        self._held = Held()
        self._unknown = Unrecognised(self._held, choice, told=told, name=name)
        self._intakes.finish(STDIN, problem)  # no run goes on with what an earlier one was given
        self._saved: State | None = None
        self._saved_files: Sequence[FileRecord] | None = None
        self._changed = True

    def look(self) -> Iterator[None]:
        """Take what is there now; the state may be saved each time that this yields.

        Raises:
            WatchError: The files cannot be followed any longer; what was taken may be saved.
        """
        for read in reads_of(self._watch):
            self.take(read)
            yield

    def pass_over(self) -> None:
        """Take what is there now for read, and count nothing of it.

        Raises:
            WatchError: The files cannot be followed any longer.
        """
        for _ in reads_of(self._watch):
            pass

    def take(self, read: Read) -> None:
        """Take the next lines of a log."""
        self._changed = True
        log, path = read.log, read.path
        piece = self._held.continued(read.text)
        if piece is not None and piece.log != log and not self._held.is_given_up(piece.log):
            self._move(piece, log)
        is_passed_over = piece is not None and self._held.is_given_up(piece.log)
        intake = None if is_passed_over else self._intakes.of(log, path)
        if intake is not None:
            self._count(intake, path, read.block)
        else:
            self._recognise(self._unknown.hold(read))

    def finish(self, log: str) -> None:
        """Count what waits in a log as it stands: no run goes on with it (standard input)."""
        self._held.release(log)
        self._intakes.finish(log, self._problem)
        self._changed = True

    def tell_overdue(self, now_ns: int) -> None:
        """Tell, once, of each log that has shown no format for some seconds; it may yet.

        Args:
            now_ns: The monotonic clock.
        """
        self._unknown.tell_overdue(now_ns)

    @property
    def unrecognised(self) -> list[str]:
        """The logs of which lines were read, and the format is not known."""
        return [log for log in self._held if self._held.says_anything(log)]

    @property
    def recognised(self) -> bool:
        """Whether the format of any log was known, in this run or an earlier one."""
        return self._recognised or len(self._intakes) > 0

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
        texts = self._watch.texts()
        files = [record for _, record in texts]
        if not (last or self._changed) and files == self._saved_files:
            return
        try:
            self._watch.sync()
        except OSError as error:
            raise SaveError(
                f"{self._store.path} is not saved, as a log that it covers cannot be brought to "
                f"the disk: {error.strerror or error}"
            ) from error
        places = self._find_moved(texts)
        known = {STDIN, *(record.log for record in files)}
        self._intakes.forget(known, self._problem)
        self._held.forget(known.union(piece.log for piece in places))
        entries, settled = self._entries()
        state = State(
            stream=self._stream,
            entries=entries,
            settled=settled,
            files=tuple(kept_back(files, self._held.pieces(), places)),
            logs=self._intakes.states(),
            searched_us=self._watch.searched_us,
        )
        saved = self._saved
        if saved is not None and not last:
            saved = replace(saved, searched_us=state.searched_us)
        if state != saved:
            self._store.save(state.to_bytes())
            self._saved = state
        self._saved_files, self._changed = files, False

    def _entries(self) -> tuple[dict[str, Entry], Entry | None]:
        """The entries as they are shown; and that of the state's stream without what waits."""
        entries = self._fold.entries()
        waiting = self._intakes.waiting()
        if not waiting:
            return entries, None
        settled = self._fold.entry(self._stream)
        shown = Fold({self._stream: settled})
        shown.foreign(self._stream, waiting, lines=0)
        return {**entries, **shown.entries()}, settled

    def _recognise(self, log: str) -> None:
        """Look whether the lines that are held of a log show its format; then they count."""
        format_ = self._unknown.recognise(log)
        if format_ is not None:
            intake = self._intakes.begin(log, Path(log), format_)
            for path, block in self._held.release(log):
                self._count(intake, path, block)

    def _find_moved(self, texts: Sequence[tuple[object, FileRecord]]) -> Mapping[Piece, FileRecord]:
        """Find where the lines stand that are held, and take those whose log is another one now."""
        places = places_of(self._held.pieces(), texts)
        for piece, record in places.items():
            has_moved = piece.log != record.log and self._held.has(piece)
            if has_moved and not self._held.is_given_up(piece.log):
                self._move(piece, record.log)
                if record.log in self._held:
                    self._recognise(record.log)
        return places

    def _move(self, piece: Piece, log: str) -> None:
        """The file of some lines that are held has become one of another log."""
        intake = self._intakes.of(log, piece.path)
        if intake is None:
            self._held.move(piece, log)
            return
        for block in self._held.take_out(piece):
            self._count(intake, piece.path, block)

    def _count(self, intake: Intake, path: Path, block: Block | Overlong) -> None:
        begin = self._fold.end(self._stream)

        def report(offset: int, reason: str) -> None:
            self._problem(Problem(str(path), None, offset, reason))

        self._recognised = True
        self.lines += 1 if isinstance(block, Overlong) else block.data.count(b"\n")
        intake.take(block, report, source=str(path))
        if self._epoch is not None and self._fold.end(self._stream) > begin:
            self._fold.open(self._stream, self._epoch, begin)
            self._epoch = None
