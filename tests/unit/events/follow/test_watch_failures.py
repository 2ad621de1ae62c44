"""The system refuses a call that concerns one file: the others are followed and saved."""

from __future__ import annotations

import errno
import gzip
import os
from contextlib import contextmanager

import pytest

from events.filesystem import RealFileSystem
from events.follow import texts
from tests.support.following.numbered import append, lines


class Failing(RealFileSystem):
    """Lets calls fail: those that `fails` says, of those that a watch makes of files."""

    def __init__(self, monkeypatch):
        self.fails = lambda *_: False
        self.code = errno.EIO
        self.active = True
        self._fstat = os.fstat
        for module, name in ((os, "fstat"), (os, "fdatasync"), (texts, "_pread")):
            monkeypatch.setattr(module, name, self._wrap(name, getattr(module, name)))

    def _wrap(self, name, call):
        def wrapped(number, *rest):
            if self.active:
                self._check(name, self._fstat(number).st_ino)
            return call(number, *rest)

        return wrapped

    def _check(self, call, inode):
        if self.fails(call, inode):
            raise OSError(self.code, os.strerror(self.code))

    def status(self, path):
        status = super().status(path)
        self._check("status", status.inode)
        return status

    def open_read(self, path):
        with self.paused():
            file = super().open_read(path)
            inode = self._fstat(file.fileno()).st_ino
        try:
            self._check("open", inode)
        except OSError:
            file.close()
            raise
        return file

    @contextmanager
    def paused(self):
        before, self.active = self.active, False
        yield
        self.active = before


@pytest.fixture
def failing(follower, monkeypatch):
    follower.fs = Failing(monkeypatch)
    return follower


def refuse(follower, path, *calls):
    inode = path.stat().st_ino
    follower.fs.fails = lambda call, each: call in calls and each == inode


def begin(follower):
    """Two logs, of which all was read."""
    other = follower.folder / "other.log"
    append(follower.log, lines(1, 2))
    append(other, lines(11, 12))
    follower.start()
    assert sorted(follower.look().splitlines()) == sorted(
        (lines(1, 2) + lines(11, 12)).splitlines()
    )
    return other


class TestSync:
    def test_one_that_cannot_be_synced_is_told_once_and_the_others_are(self, failing, monkeypatch):
        begin(failing)
        refuse(failing, failing.log, "fdatasync")
        synced = []
        refused = os.fdatasync

        def noted(number):
            refused(number)
            synced.append(os.fstat(number).st_size)

        monkeypatch.setattr(os, "fdatasync", noted)
        failing.watch.sync()
        assert synced == [len(lines(11, 12))]
        append(failing.log, lines(3, 3))
        assert failing.look(1) == lines(3, 3)
        failing.watch.sync()
        reason = os.strerror(errno.EIO)
        assert failing.told == [
            f"{failing.log} cannot be synced: {reason}; a power cut may lose what was counted of it"
        ]

    def test_it_may_be_closed_for_want_of_descriptors(self, failing):
        begin(failing)
        failing.fs.fails = lambda call, _: call == "fdatasync"
        failing.watch.close()
        failing.reads.clear()
        failing.start(max_open=2)
        for number in range(20, 25):
            append(failing.folder / f"other-{number}", lines(number, number))
        assert len(failing.settled().splitlines()) == 9
        failing.watch.sync()
        assert len(failing.told) == len({*failing.told}) == 7

    def test_it_may_have_no_name_any_more(self, failing):
        begin(failing)
        refuse(failing, failing.log, "fdatasync")
        failing.log.unlink()
        assert failing.look(1) == b""
        assert failing.look(61) == b""
        assert len(failing.told) == 1
        assert "cannot be synced" in failing.told[0]


class TestStatus:
    @pytest.mark.parametrize("call", ["fstat", "_pread", "open", "status"])
    def test_one_that_cannot_be_asked_is_told_and_read_later(self, failing, call):
        other = begin(failing)
        refuse(failing, failing.log, call)
        for number in (3, 4):
            append(failing.log, lines(number, number))
            append(other, lines(10 + number, 10 + number))
            assert failing.look(1).endswith(lines(10 + number, 10 + number))
            failing.watch.sync()
        assert len(failing.told) <= 1
        failing.fs.fails = lambda *_: False
        failing.settled()
        assert {read.block.data for read in failing.reads} >= {lines(1, 2), lines(13, 13)}
        got = b"".join(read.block.data for read in failing.reads)
        assert sorted(got.splitlines()) == sorted((lines(1, 4) + lines(11, 14)).splitlines())

    def test_one_that_is_open_only_and_stale_is_let_go(self, failing):
        """Removed on the server of a network file system."""
        other = begin(failing)
        failing.fs.code = errno.ESTALE
        refuse(failing, failing.log, "fstat", "_pread")
        failing.log.unlink()
        append(other, lines(13, 13))
        assert failing.look(1) == lines(13, 13)
        assert failing.look(1) == b""
        reason = os.strerror(errno.ESTALE)
        assert failing.told == [
            f"{failing.log} cannot be read: {reason}; it has no name, and may have had more lines"
        ]
        assert failing.watch.wait_s() > 0.1, "it is not asked again"

    def test_one_that_is_stale_where_it_is_open_is_opened_anew(self, failing):
        """As after the server of a network file system was started again."""
        begin(failing)
        append(failing.log, lines(3, 3))
        failing.fs.code = errno.ESTALE
        inode = failing.log.stat().st_ino
        opened = []
        open_read = failing.fs.open_read
        failing.fs.open_read = lambda path: opened.append(path) or open_read(path)
        failing.fs.fails = lambda call, each: call == "fstat" and each == inode and not opened
        assert failing.settled() == lines(3, 3)
        assert len(failing.told) == 1

    def test_one_that_is_not_judged_yet_and_has_no_name_is_let_go(self, failing):
        begin(failing)
        failing.look(1.5)
        short = failing.folder / "other-short"
        append(short, b"short\n")
        assert failing.look(1) == b"", "it is searched, and waits for more"
        refuse(failing, short, "fstat", "_pread")
        short.unlink()
        failing.settled()
        assert failing.watch.wait_s() > 0.1
        assert not failing.watch.settle()


def scenario(follower):
    """What programs and logrotate do; each line stands in a file that is followed, at each time."""
    other = follower.folder / "other.log"
    append(follower.log, lines(1, 5))
    append(other, lines(101, 102))
    follower.start(max_open=2)
    yield
    append(follower.log, lines(6, 6))
    follower.log.rename(follower.folder / "app.log.1")
    append(follower.log, lines(7, 8))
    append(other, lines(103, 103))
    yield
    with follower.fs.paused():
        data = gzip.compress((follower.folder / "app.log.1").read_bytes())
    (follower.folder / "app.log.1.gz").write_bytes(data)
    (follower.folder / "app.log.1").unlink()
    append(follower.log, lines(9, 9))
    yield
    follower.restart()
    follower.log.write_bytes(lines(10, 12))
    append(other, lines(104, 104))
    yield


def go_through(follower):
    for _ in scenario(follower):
        for _ in range(2):
            follower.look(1.1)
            follower.watch.sync()
            follower.watch.records()
    follower.settled()
    follower.settled()
    assert not follower.watch.settle()
    got = b"".join(read.block.data for read in follower.reads)
    return sorted(got.splitlines(keepends=True))


@pytest.mark.parametrize("call", ["fstat", "_pread", "fdatasync", "open", "status"])
def test_whichever_call_fails_once_each_line_is_handed_out_once(tmp_path, failing, call):
    wanted = sorted((lines(1, 12) + lines(101, 104)).splitlines(keepends=True))
    for which in range(500):
        failing.folder = tmp_path / f"{which}"
        failing.folder.mkdir()
        failing.log = failing.folder / "app.log"
        failing.named = [failing.log]
        failing.reads.clear()
        made = []
        failing.fs.fails = lambda each, _, made=made, which=which: (
            each == call and made.append(each) is None and len(made) == which + 1
        )
        assert go_through(failing) == wanted, f"call {which} fails"
        failing.watch.close()
        if len(made) <= which:
            break
    failing.fs.active = False  # pytest asks for the status of files, too
    assert 5 < which < 499
