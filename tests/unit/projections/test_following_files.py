"""Files that are rotated, cut, rewritten, compressed while they are followed: each line once."""

from __future__ import annotations

import io
import os

import pytest

from events.filesystem import RealFileSystem
from projections.following import Follower
from tests.support.log_folders import append, compress, segment
from tests.support.moved_clock import MovedClock


def line(number, text="x" * 40):
    return b'{"timestamp": "2026-01-01T00:00:00Z", "n": %d, "text": "%s"}\n' % (
        number,
        text.encode(),
    )


def lines(*numbers):
    return b"".join(map(line, numbers))


class Tail:
    """Follows a folder's files; the clock stands still unless a look is said to come later."""

    def __init__(self, folder):
        self.folder = folder
        self.log = folder / "app.log"
        self.clock = MovedClock()
        self.told = []
        self.follower = None

    def start(self, *paths):
        self.follower = Follower(
            [str(path) for path in paths or [self.log]],
            fs=RealFileSystem(),
            stdin=io.BytesIO(),
            clock=self.clock,
            notice=self.told.append,
            find_every=1,
        )
        return self

    def look(self, after_s=0.0):
        """The numbers of the lines that come."""
        return [number for _, number in self.named(after_s)]

    def named(self, after_s=0.0):
        """The same, each with the name of where it stands."""
        self.clock.move_s(after_s)
        return [
            (os.path.relpath(name, self.folder), int(line.split(b'"n": ')[1].partition(b",")[0]))
            for name, line in self.follower.lines()
        ]

    def settled(self):
        """Those that come until nothing is undecided."""
        return [number for _ in range(4) for number in self.look(3)]


@pytest.fixture
def tail(tmp_path):
    tail = Tail(tmp_path)
    append(tail.log, lines(1, 2, 3))
    yield tail
    tail.follower.close()


def test_what_rested_is_seen_at_the_next_look(tail):
    tail.start()
    assert [tail.look() for _ in range(30)] == [[1, 2, 3], *[[]] * 29]
    append(tail.log, lines(4))
    assert tail.look() == [4]


def test_copy_and_truncate(tail):
    tail.start()
    assert tail.look() == [1, 2, 3]
    append(tail.log, lines(4))
    append(tail.folder / "app.log.1", tail.log.read_bytes())
    tail.log.write_bytes(b"")
    append(tail.log, lines(5))
    assert sorted(tail.look() + tail.settled()) == [4, 5]


def test_copy_and_truncate_and_grow_past_the_old_size(tail):
    tail.start()
    assert tail.look() == [1, 2, 3]
    append(tail.folder / "app.log.1", tail.log.read_bytes())
    tail.log.write_bytes(lines(*range(4, 14)))
    assert tail.look() + tail.settled() == [*range(4, 14)]


@pytest.mark.parametrize("same_time", [False, True])
def test_rewritten_with_the_same_size(tail, same_time):
    tail.start()
    assert tail.look() == [1, 2, 3]
    before = tail.log.stat()
    tail.log.write_bytes(lines(4, 5, 6))
    if same_time:  # of a file system that keeps times in whole seconds
        os.utime(tail.log, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert tail.log.stat().st_size == before.st_size
    assert tail.look() + tail.settled() == [4, 5, 6]


def test_rotated_twice_between_two_looks(tail):
    tail.start()
    assert tail.look() == [1, 2, 3]
    append(tail.log, lines(4))
    tail.log.rename(tail.folder / "app.log.2")
    append(tail.folder / "app.log.1", lines(5))
    append(tail.log, lines(6))
    assert tail.named() == [("app.log", 4), ("app.log", 5), ("app.log", 6)]
    assert tail.settled() == []


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_renamed_and_compressed_between_two_looks(tail, suffix):
    tail.start()
    assert tail.look() == [1, 2, 3]
    append(tail.log, lines(4))
    rotated = tail.log.rename(tail.folder / "app.log.1")
    compress(rotated, suffix)
    append(tail.log, lines(5))
    assert sorted(tail.look() + tail.settled()) == [4, 5]
    assert tail.told == []


def test_what_was_rotated_before_is_not_shown(tail):
    append(tail.folder / "app.log.1", lines(-2))
    compress(append(tail.folder / "app.log.2", lines(-1)))
    tail.start()
    assert tail.look() + tail.settled() == [1, 2, 3]


def test_equal_first_lines_in_two_files(tail):
    other = append(tail.folder / "other.log", lines(1, 2, 4, 5))
    tail.start(tail.folder / "*.log")
    assert sorted(tail.named()) == [
        *(("app.log", number) for number in (1, 2, 3)),
        *(("other.log", number) for number in (1, 2, 4, 5)),
    ]
    append(tail.log, lines(6))
    append(other, lines(6))
    assert sorted(tail.named()) == [("app.log", 6), ("other.log", 6)]
    assert tail.told == []


def test_a_copy_is_told_and_not_shown_again(tail):
    tail.start(tail.folder / "*.log")
    assert tail.look() == [1, 2, 3]
    append(tail.folder / "copy.log", tail.log.read_bytes())
    assert tail.settled() == []
    assert [text.replace(f"{tail.folder}/", "") for text in tail.told] == [
        "copy.log holds the same as app.log and is not counted again"
    ]


def test_the_newest_lines_and_then_the_rest_of_a_rotated_file(tail):
    tail.start()
    assert [*tail.follower.newest(2)] == [line(2).rstrip(), line(3).rstrip()]
    append(tail.log, lines(4))
    tail.log.rename(tail.folder / "app.log.1")
    append(tail.log, lines(5))
    assert tail.look() == [4, 5]


def test_the_newest_lines_of_those_that_are_kept(tail):
    tail.start()
    append(other := tail.folder / "other.log", lines(7, 8, 9))
    tail.follower.close()
    tail.start(tail.log, other)
    newest = tail.follower.newest(1, keep=lambda line: b'"n": 9' not in line)
    assert newest == [line(3).rstrip(), line(8).rstrip()]
    assert tail.look() == []


def test_files_of_a_glob_that_come_later(tail):
    tail.start(tail.folder / "*.log")
    assert tail.look() == [1, 2, 3]
    append(tail.folder / "later.log", lines(4))
    assert tail.settled() == [4]
    tail.log.unlink()
    (tail.folder / "later.log").unlink()
    assert tail.look() == [], "the glob matches nothing for a while"
    append(tail.folder / "new.log", lines(5))
    assert tail.settled() == [5]


def test_a_named_file_that_is_away_keeps_no_other_from_being_found(tail):
    append(tail.folder / "a.txt", lines(4))
    tail.start(tail.log, tail.folder / "*.txt")
    assert tail.look() == [1, 2, 3, 4]
    tail.log.unlink()
    append(tail.folder / "b.txt", lines(5))
    assert tail.look() + tail.look() == [5]
    append(tail.log, lines(6))
    assert tail.look() + tail.look() == [6]


def test_the_rotated_files_of_a_glob_are_one_log_with_its_name(tail):
    append(tail.folder / "app.log.1", lines(0))
    tail.start(tail.folder / "app.log*")
    assert tail.named() == [("app.log", number) for number in range(4)]
    tail.follower.close()
    tail.log.unlink()
    tail.start(tail.folder / "app.log*")
    assert tail.named() == [("app.log.1", 0)]


def test_files_that_are_not_followed_are_read_once_as_they_are(tail):
    compress(tail.log, keep=True)
    follower = Follower(
        [str(tail.folder / "app.log*")],
        fs=RealFileSystem(),
        stdin=io.BytesIO(),
        follow=False,
        notice=tail.told.append,
    )
    tail.follower = follower
    assert follower.newest(9) == [line(n).rstrip() for n in (1, 2, 3)] * 2
    assert tail.told == []


def test_a_file_that_cannot_be_opened_is_told(tail):
    class Refusing(RealFileSystem):
        def open_read(self, path):
            raise PermissionError(13, "Permission denied", str(path))

    tail.follower = Follower(
        [str(tail.log)],
        fs=Refusing(),
        stdin=io.BytesIO(),
        clock=tail.clock,
        notice=tail.told.append,
    )
    assert tail.look() == []
    assert tail.told == [f"{tail.log} cannot be read: Permission denied; trying again"]


def test_a_segment_that_is_compressed_before_it_is_opened_is_read_once(tail):
    plain = append(segment(tail.folder), lines(4, 5))

    class Compressing(RealFileSystem):
        def open_read(self, path):
            if path == plain and plain.exists():
                compress(plain)
            return super().open_read(path)

    tail.follower = Follower(
        [str(plain)], fs=Compressing(), stdin=io.BytesIO(), clock=tail.clock, follow=False
    )
    assert [number for _, number in tail.named()] == [4, 5]
