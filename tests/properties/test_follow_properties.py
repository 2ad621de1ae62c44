"""Whatever is done to logs, and whenever it is looked: each complete line is handed out once.

A machine of states does to real files what writers, logrotate and people do. Each line is unique
(but for equal first lines of files), so that what was handed out can be compared with what stood in
the files. What existed at a look is owed; what came and went between two looks is not, and may come
once nevertheless, from a file that is still open.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
from pathlib import Path

import msgspec
import zstandard
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from events.filesystem import REAL
from events.follow.fingerprint import HEAD_BYTES
from events.follow.watch import FileRecord, Named, Watch
from events.log.reader import Block
from tests.support.following.file_times import LONG_AGO_US, stamp
from tests.support.held_clock import HeldClock

HEADER = b"the same first line in all\n"
SUFFIXES = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}
counts = st.integers(1, 4)
padding = st.sampled_from([0, 0, 0, 40, 300, 5000])


class FollowedLogs(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.folder = Path(self.place.name)
        self.log = self.folder / "app.log"
        self.link = self.folder / "current"
        self.clock = HeldClock(LONG_AGO_US)
        self.written = 0
        self.renamed = False  # whether app.log.1 is the file that was app.log
        self.rest = b""  # of the line that the log's last writer has begun
        self.handed = []
        self.owed = set()
        self.old = set()
        self.unfinished = None  # an archive that is being made: source, target, its bytes
        self.watch = None
        self.told = []
        self.saved = None

    def teardown(self):
        try:
            if self.watch is not None:
                if self.unfinished is not None:
                    self.finish_compressing()
                self.settle()
                self.check(ended=True)
        finally:
            if self.watch is not None:
                self.watch.close()
            self.place.cleanup()

    # What is followed

    def find(self):
        """As `ingest app.log current 'other*' 'new-*.log'` does."""
        globbed = [*self.folder.glob("other*"), *self.folder.glob("new-*.log")]
        return [Named(path, with_rotated=True) for path in [self.log, self.link, *sorted(globbed)]]

    def begin(self, records=(), searched_us=None):
        self.watch = Watch(
            self.find,
            fs=REAL,
            clock=self.clock,
            records=records,
            follow=True,
            notice=self.told.append,
            max_open=self.most_open,
            searched_us=searched_us,
        )

    def move(self, seconds):
        stamp(self.folder, self.clock)
        self.clock.move_s(seconds)

    def take(self):
        stamp(self.folder, self.clock)
        for read in self.watch.look():
            assert isinstance(read.block, Block)
            assert read.block.data.endswith(b"\n")
            self.handed += read.block.data.splitlines(keepends=True)

    def settle(self):
        for _ in range(4):
            self.move(2.5)
            self.take()
        assert not self.watch.settle()
        self.note_owed()

    def check(self, *, ended):
        unique = [line for line in self.handed if line != HEADER]
        twice = {line for line in unique if unique.count(line) > 1}
        assert not twice, {line[:7] for line in twice}
        assert self.old.isdisjoint(unique)
        if ended:
            missing = self.owed - {*unique}
            assert not missing, {line[:7] for line in missing}

    def note_owed(self):
        """All complete lines that stand in followed files are owed from now on."""
        for path in self.followed():
            if self.unfinished is not None and path == self.unfinished[1]:
                continue
            lines = text_of(path).splitlines(keepends=True)
            self.owed |= {line for line in lines if line.endswith(b"\n") and line != HEADER}
        self.owed -= self.old

    def followed(self):
        names = [path for path in self.folder.glob("app.log*") if path.is_file()]
        names += self.folder.glob("new-*")
        return [*names, *self.folder.glob("other*"), *([self.link] if self.link.exists() else [])]

    # What happens

    @initialize(old=st.integers(0, 3), most_open=st.sampled_from([1, 2, 256]))
    def start(self, old, most_open):
        self.most_open = most_open
        if old:
            text = self.lines(old, 40)
            self.old = {*text.splitlines(keepends=True)}
            (self.folder / "app.log.1").write_bytes(text)
        self.begin()
        self.take()  # what stands beside the log before this is old

    def lines(self, count, pad=0):
        begin, self.written = self.written, self.written + count
        return b"".join(
            b"<%06d%s|%06d>\n" % (number, b"." * pad, number)
            for number in range(begin, self.written)
        )

    @rule(count=counts, pad=padding)
    def append(self, count, pad):
        with self.log.open("ab") as file:
            file.write(self.rest + self.lines(count, pad))
        self.rest = b""

    @precondition(lambda self: not self.rest)
    @rule(pad=padding)
    def append_half(self, pad):
        line = self.lines(1, pad)
        cut = line.index(b"|")
        self.rest = line[cut:]
        with self.log.open("ab") as file:
            file.write(line[:cut])

    @rule(count=counts)
    def append_beside(self, count):
        with (self.folder / "other.log").open("ab") as file:
            file.write(self.lines(count))

    @rule(count=counts, name=st.sampled_from("ab"), switch=st.booleans())
    def append_behind_link(self, count, name, switch):
        target = self.folder / f"target-{name}"
        with target.open("ab") as file:
            file.write(self.lines(count))
        if switch or not self.link.is_symlink():
            switched = self.folder / "switched"
            switched.symlink_to(target.name)
            switched.rename(self.link)

    @rule()
    def look(self):
        self.take()
        self.check(ended=False)

    @rule()
    def look_later(self):
        """Everything is due by then, and files are searched for."""
        self.move(2.5)
        self.look()
        if not self.watch.settle():
            self.note_owed()

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.5, 61]))
    def wait(self, seconds):
        self.move(seconds)

    def shift(self):
        """Make room for app.log.1, as logrotate does."""
        for number in range(6, 0, -1):
            for suffix in ("", *SUFFIXES):
                path = self.folder / f"app.log.{number}{suffix}"
                if not path.exists():
                    continue
                if number == 6:
                    path.unlink()
                else:
                    path.rename(self.folder / f"app.log.{number + 1}{suffix}")

    def may_shift(self):
        return self.log.exists() and self.unfinished is None

    @precondition(may_shift)
    @rule(create=st.booleans(), header=st.booleans())
    def rotate(self, create, header):
        self.shift()
        self.log.rename(self.folder / "app.log.1")
        self.renamed = True
        self.rest = b""
        if create:
            self.create(header)

    def create(self, header):
        with self.log.open("wb") as file:
            if header:
                file.write(HEADER + self.lines(1))

    @precondition(lambda self: (self.folder / "app.log.1").exists())
    @rule(count=counts)
    def append_to_rotated(self, count):
        """By a writer that has not heard of the rotation yet."""
        path = self.folder / "app.log.1"
        if (
            self.renamed
            and self.unfinished is None
            and not self.old & {*text_of(path).splitlines(keepends=True)}
        ):
            ended = not path.stat().st_size or path.read_bytes().endswith(b"\n")
            with path.open("ab") as file:
                file.write((b"" if ended else b"\n") + self.lines(count))

    @precondition(may_shift)
    @rule(late=st.booleans(), look=st.booleans())
    def copytruncate(self, late, look):
        self.shift()
        shutil.copyfile(self.log, self.folder / "app.log.1")
        self.renamed = False
        if late and self.log.stat().st_size > 100:  # else what is left looks like first lines only
            self.append(1, 0)
        if look:
            self.take()
        self.log.open("wb").close()

    @precondition(lambda self: self.log.exists())
    @rule(count=counts, pad=padding, header=st.booleans())
    def rewrite(self, count, pad, header):
        self.rest = b""
        with self.log.open("wb") as file:
            file.write((HEADER if header else b"") + self.lines(count, pad))

    @precondition(lambda self: self.log.exists())
    @rule(count=counts, recreate=st.booleans(), header=st.booleans())
    def delete(self, count, recreate, header):
        self.log.unlink()
        self.rest = b""
        if recreate:
            self.create(header)
            self.append(count, 0)

    @precondition(lambda self: self.log.exists())
    @rule(count=st.integers(0, 2))
    def replace_by_longer_copy(self, count):
        changed = self.folder / "changed"
        shutil.copyfile(self.log, changed)
        changed.rename(self.log)
        if count:
            self.append(count, 0)

    @precondition(lambda self: self.log.exists())
    @rule(name=st.sampled_from(["other-copy", "other-copy.1", "app.log-20261124"]))
    def copy(self, name):
        """Of a log with more in it than equal first lines may be."""
        if not (self.folder / name).exists():
            if self.log.stat().st_size < HEAD_BYTES:
                self.append(1, HEAD_BYTES)
            shutil.copyfile(self.log, self.folder / name)

    @rule(name=st.sampled_from(["other-copy", "other.log", "app.log-20261124"]))
    def remove(self, name):
        (self.folder / name).unlink(missing_ok=True)

    @precondition(lambda self: (self.folder / "other.log").exists())
    @rule()
    def rotate_beside(self):
        (self.folder / "other.log").rename(self.folder / "other.log.1")

    @rule(number=st.integers(1, 6), suffix=st.sampled_from([*SUFFIXES]), at_once=st.booleans())
    def compress(self, number, suffix, at_once):
        source = self.folder / f"app.log.{number}"
        target = self.folder / f"app.log.{number}{suffix}"
        if self.unfinished is not None or not source.exists() or target.exists():
            return
        data = SUFFIXES[suffix](source.read_bytes())
        self.unfinished = source, target, data
        target.write_bytes(data[: len(data) // 2])
        if at_once:
            self.finish_compressing()

    @precondition(lambda self: self.unfinished is not None)
    @rule()
    def finish_compressing(self):
        source, target, data = self.unfinished
        with target.open("ab") as file:
            file.write(data[len(data) // 2 :])
        source.unlink()
        self.unfinished = None

    @rule(rotations=st.integers(0, 2), count=counts)
    def new_log(self, rotations, count):
        """It comes, and is rotated so often before anybody looks."""
        log = self.folder / f"new-{self.written}.log"
        for number in range(rotations, 0, -1):
            log.with_name(f"{log.name}.{number}").write_bytes(self.lines(count))
        log.write_bytes(self.lines(count))

    @rule()
    def save(self):
        self.saved = (
            msgspec.json.encode(msgspec.to_builtins(self.watch.records())),
            self.watch.searched_us,
            len(self.handed),
            {*self.owed},
        )

    @rule()
    def restart(self):
        self.save()
        self.start_again()

    @precondition(lambda self: self.saved is not None)
    @rule()
    def start_again(self):
        """Go on from what was saved: what was handed out since is not counted."""
        records, searched_us, count, owed = self.saved
        del self.handed[count:]
        self.owed = {*owed}
        self.watch.close()
        self.begin(msgspec.json.decode(records, type=list[FileRecord]), searched_us)


def text_of(path):
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().decompress(data)
    return data


TestFollowedLogs = FollowedLogs.TestCase
