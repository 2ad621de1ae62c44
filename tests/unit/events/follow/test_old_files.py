"""Rotated files that lie beside a log when it is looked at for the first time."""

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path

import pytest

from events.filesystem import RealFileSystem
from tests.support.following.file_times import LONG_AGO_US
from tests.support.following.numbered import append, lines


def age(path, seconds, clock):
    """Let a file have been written so long ago."""
    then_ns = clock.now_us() * 1000 - int(seconds * 1e9)
    os.utime(path, ns=(then_ns, then_ns))


@pytest.fixture
def globbed(follower):
    """A folder of which `*.log` is followed, and an a.log that was."""
    follower.named = []
    follower.pattern = "*.log"
    append(follower.folder / "a.log", lines(1, 2))
    follower.start()
    assert follower.look() == lines(1, 2)
    assert follower.look(10) == b""
    return follower


def rotate(follower, name="b.log", first=10):
    """A log that appears, and is rotated before anybody looked."""
    log = follower.folder / name
    append(log, lines(first, first + 1))
    log.rename(follower.folder / f"{name}.1")
    append(log, lines(first + 2, first + 2))


WAYS = pytest.mark.parametrize("way", ["in one process", "restarted", "killed"])


def go_on(follower, way):
    if way == "restarted":
        follower.restart()
    elif way == "killed":
        follower.start_again()


@WAYS
def test_one_that_came_with_its_log_since_the_last_search_is_read(globbed, way):
    globbed.save()
    rotate(globbed)
    go_on(globbed, way)
    assert globbed.look(2.5) == lines(10, 12)
    go_on(globbed, "restarted")
    assert globbed.settled() == b""


def test_what_was_not_saved_is_read_again_after_a_kill(globbed):
    globbed.save()
    rotate(globbed)
    assert globbed.look(2.5) == lines(10, 12)
    globbed.start_again()
    assert globbed.look(2.5) == lines(10, 12)


@WAYS
def test_archives_that_came_with_their_log_are_read(globbed, way):
    globbed.save()
    archive = globbed.folder / "b.log.2.gz"
    archive.write_bytes(gzip.compress(lines(8, 9)))
    rotate(globbed)
    go_on(globbed, way)
    got = globbed.look(2.5) + globbed.settled()
    assert sorted(got.splitlines(keepends=True)) == sorted(lines(8, 12).splitlines(keepends=True))


@WAYS
def test_one_that_was_last_written_before_the_last_search_is_not(globbed, way):
    rotate(globbed)
    old = globbed.folder / "b.log.1"
    age(old, 60, globbed.clock)
    globbed.save()
    go_on(globbed, way)
    assert globbed.settled() == lines(12, 12)
    old.rename(globbed.folder / "b.log.2")
    globbed.restart()
    assert globbed.settled() == b""


@pytest.mark.parametrize("resolution_ns", [1, 10_000_000, 2_000_000_000])
@WAYS
def test_file_systems_may_keep_times_in_ticks(globbed, way, resolution_ns):
    assert globbed.look(2.5) == b""  # it is searched
    globbed.save()
    rotate(globbed)
    now_ns = globbed.clock.now_us() * 1000
    then_ns = now_ns - now_ns % resolution_ns
    os.utime(globbed.folder / "b.log.1", ns=(then_ns, then_ns))
    go_on(globbed, way)
    assert globbed.look(2.5) == lines(10, 12)


def test_all_of_them_are_at_first(follower):
    follower.named = []
    follower.pattern = "*.log"
    rotate(follower)
    follower.start()
    assert follower.settled() == lines(12, 12)


def test_all_of_them_are_where_the_state_does_not_tell_when_it_was_searched(globbed):
    globbed.save()
    globbed.saved = globbed.saved[0], None
    rotate(globbed)
    globbed.start_again()
    assert globbed.settled() == lines(12, 12)
    rotate(globbed, "c.log", first=20)
    assert globbed.look(2.5) == lines(20, 22), "from then on it is known"


@pytest.mark.parametrize("seconds", [-7200, 7200])
@pytest.mark.parametrize("way", ["in one process", "restarted"])
def test_a_clock_that_is_set_loses_nothing(globbed, way, seconds):
    globbed.save()
    globbed.clock.us += seconds * 1_000_000
    rotate(globbed)
    go_on(globbed, way)
    assert globbed.look(2.5) == lines(10, 12)


def test_a_search_that_fails_is_none(globbed):
    searched_us = globbed.watch.searched_us
    globbed.unsearchable = OSError(errno.EIO, "no answer")
    rotate(globbed)
    assert globbed.look(2.5) == b""
    assert globbed.watch.searched_us == searched_us
    globbed.unsearchable = None
    assert globbed.look(2.5) == lines(10, 12)


def test_when_it_was_searched_is_told_by_the_wall_clock(follower):
    follower.start()
    assert follower.watch.searched_us is None
    follower.look(5)
    first_us = follower.watch.searched_us
    assert first_us == follower.clock.now_us() > LONG_AGO_US
    follower.look(1)
    assert follower.watch.searched_us == first_us, "it searches every two seconds"
    follower.restart()
    assert follower.watch.searched_us == first_us


class Refusing(RealFileSystem):
    refused = ""

    def open_read(self, path):
        if Path(path).name == self.refused:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return super().open_read(path)


def test_one_that_cannot_be_read_at_first_is_not_read_later(follower):
    follower.fs = Refusing()
    follower.fs.refused = "app.log.1"
    append(follower.folder / "app.log.1", lines(1, 5))
    append(follower.log, lines(6, 6))
    follower.start()
    assert follower.look() == lines(6, 6)
    follower.fs.refused = ""
    assert follower.settled() == b""
