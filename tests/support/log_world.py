"""A data folder whose log is written, rotated, compressed and pruned, while its stats are kept.

Each step may be cut short where it changes a file, as when its process is killed there. At any time
all counts must be those of all lines ever written.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from events.log.sealing import clear_leftovers, compress_segment, sealed_segments
from events.log.segment import list_segments
from projections.fold import Fold
from projections.prune import prune
from projections.replay import replay
from projections.runner import Runner
from projections.verify import verify
from tests.support.held_clock import HeldClock
from tests.support.log_folders import QuickFileSystem, append, compress, segment
from tests.support.outcome_lines import BEGIN_US, failed, opened, skipped, succeeded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from projections.pruned import Keep

STREAMS = ("a", "b")
KINDS = 9


class Dies(BaseException):
    """The process is gone."""


class MortalFileSystem(QuickFileSystem):
    """Does nothing more from its n-th change of a file on, whatever still asks it to.

    Args:
        life: How many changes it makes; None: any number.
    """

    def __init__(self, life: int | None = None) -> None:
        super().__init__()
        self.life = life
        self.changes = 0

    def _change(self) -> None:
        if self.life is not None and self.changes >= self.life:
            raise Dies
        self.changes += 1

    def write_new(self, path: Any, data: bytes | Iterable[bytes]) -> None:
        self._change()
        with open(path, "xb") as file:  # noqa: PTH123 - a path of any kind
            file.writelines([data] if isinstance(data, bytes) else data)

    def replace_file(self, path: Any, data: bytes, mode: int | None = None) -> None:
        self._change()
        super().replace_file(path, data, mode)

    def rename(self, source: Any, target: Any) -> None:
        self._change()
        super().rename(source, target)

    def remove(self, path: Any) -> None:
        self._change()
        super().remove(path)

    def sync_folder(self, path: Any) -> None:
        self._change()
        super().sync_folder(path)


class LogWorld:
    """A data folder, two runners on it, and what may happen to them.

    Args:
        data: The data folder.
        loses: Whether a test takes lines out of the log, so that it holds less than was written.

    Attributes:
        notices: What runners and prunes told: nothing, as long as nothing was lost.
        leases: The smallest ``lease_seq`` of each stream that has leased jobs.
    """

    def __init__(self, data: Path, *, loses: bool = False) -> None:
        self.data = data
        self.loses = loses
        self.fs = QuickFileSystem()
        self.next = dict.fromkeys(STREAMS, 0)
        self.tail = dict.fromkeys(STREAMS, 0)
        self.last = dict.fromkeys(STREAMS, b"\n")
        self.notices: list[str] = []
        self.leases: dict[str, int] = {}
        self._all = Fold()  # of each line as it was written
        self.runners = [self.runner(), self.runner()]

    def runner(self) -> Runner:
        runner = Runner(self.data, fs=self.fs, clock=HeldClock(), notice=self.notices.append)
        runner.start()
        return runner

    def append(self, stream: str, kind: int) -> None:
        seq = self.next[stream]
        line = [
            opened(seq, f"epoch{seq}", stream),
            succeeded(seq, stream, duration_ns=seq * 1000),
            failed(seq, stream, to_dlq=seq % 2 == 0),
            skipped(seq, stream),
            succeeded(seq, stream, duration_ns="soon"),  # invalid, and takes its seq up
            b"not json\n",
            b"\n",
            self.last[stream],  # often a duplicate
            b'{"unfinished":',
        ][kind]
        self.mend(stream)
        append(segment(self.data, stream, self.tail[stream]), line)
        if kind < 5:
            self.next[stream] += 1
            self.last[stream] = line
        if line.endswith(b"\n"):
            self._all.lines(line, folder=stream)

    def fill(self, stream: str, kinds: list[int], suffix: str | None) -> None:
        """Write a segment, and begin the next."""
        for kind in kinds:
            self.append(stream, kind)
        self.rotate(stream, suffix)

    def skip(self, stream: str) -> None:
        """Leave a hole in the numbers."""
        self.next[stream] += 2

    def repeat(self, stream: str) -> None:
        """Begin a new segment with the last line of the one before, under that line's number.

        As a writer does whose last sync failed.
        """
        self.mend(stream)
        path = segment(self.data, stream, self.tail[stream])
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        first = self.next[stream] - 1
        if not lines or first <= self.tail[stream] or b'"seq": %d,' % first not in lines[-1]:
            return
        self.tail[stream] = first
        append(segment(self.data, stream, first), lines[-1])
        self._all.lines(lines[-1], folder=stream)

    def mend(self, stream: str) -> None:
        """Cut an unfinished line off, as a new writer would."""
        path = segment(self.data, stream, self.tail[stream])
        if path.exists():
            text = path.read_bytes()
            path.write_bytes(text[: text.rfind(b"\n") + 1])

    def rotate(self, stream: str, suffix: str | None) -> None:
        """Begin a new segment, at times an empty one; and compress the one before."""
        self.mend(stream)
        path = segment(self.data, stream, self.tail[stream])
        if not path.exists() or self.next[stream] == self.tail[stream]:
            return
        if suffix is not None:
            append(segment(self.data, stream, self.next[stream]))
            compress(path, suffix)
        else:
            segment(self.data, stream, self.next[stream]).touch()
        self.tail[stream] = self.next[stream]

    def lease(self, stream: str, back: int | None) -> None:
        """Let jobs be leased since so many numbers before the next one; None: none are."""
        if back is None:
            self.leases.pop(stream, None)
        else:
            self.leases[stream] = max(self.next[stream] - back, 0)

    def compress(self, stream: str, life: int | None) -> None:
        folder = segment(self.data, stream).parent
        fs = MortalFileSystem(life)
        try:
            clear_leftovers(folder, fs)
            for each in sealed_segments(folder, fs):
                compress_segment(each, fs)
        except Dies:
            pass

    def prune(self, keep: Keep | None, day: int, life: int | None, *, pack: bool) -> None:
        clock = HeldClock(BEGIN_US + day * 1_000_000)
        try:
            prune(
                self.data,
                keep,
                compress=pack,
                lease_seq=self.leases.get,
                fs=MortalFileSystem(life),
                clock=clock,
                notice=self.notices.append,
            )
        except Dies:
            return
        for stream in STREAMS:
            listed = list_segments(segment(self.data, stream).parent, self.fs)
            assert all(each.compression for each in listed[:-1]) or not pack

    def save(self, number: int) -> None:
        self.runners[number].catch_up()
        self.runners[number].save()
        self.check()

    def restart(self, number: int) -> None:
        self.runners[number] = self.runner()

    def delete(self) -> None:
        (self.data / "stats.json").unlink(missing_ok=True)

    def rebuild(self) -> None:
        Runner(self.data, fs=self.fs, notice=self.notices.append).rebuild()
        self.check()

    def replay(self) -> Any:
        """Fold the folder anew, and hold the fold of all lines ever written against it."""
        (self.data / "queue.db").touch()
        again = replay([str(self.data)], stdin=io.BytesIO(), fs=self.fs).snapshot
        written, read = self._all.entries(), again.streams
        if self.loses:
            return again
        for name in {*written, *read}:
            if name in written or read[name].position.seq:
                one, other = written[name], read[name]
                assert one.stats == other.stats
                assert (one.seen, one.spoilt, one.epochs) == (
                    other.seen,
                    other.spoilt,
                    other.epochs,
                )
                assert (one.as_of_us, one.invalid_lines, one.duplicates) == (
                    other.as_of_us,
                    other.invalid_lines,
                    other.duplicates,
                )
        return again

    def check(self) -> None:
        """stats.json is the log replayed, to the byte."""
        again = self.replay()
        path = self.data / "stats.json"
        if path.exists() or again.streams:
            assert path.read_bytes() == again.to_bytes()
        found = verify(self.data, fs=self.fs)
        assert found.differences == found.breaks == found.wrong_summaries == ()
        assert found.behind == 0
