"""What is gone is remembered, but not for ever."""

from __future__ import annotations

import gzip
import os

import pytest

from events.filesystem import RealFileSystem
from events.follow import remembering
from events.follow.remembering import (
    MOST_EMPTY,
    MOST_GONE,
    MOST_GONE_OF_A_LOG,
    KnownLogs,
    to_forget,
)
from events.follow.tracked import FileState, Tracked


def gone(log, lost, state=FileState.READ, offset=10):
    file = Tracked(log, f"/logs/{log}", None)
    file.state, file.lost, file.meter.offset = state, lost, offset
    return file


class TestToForget:
    def test_of_one_log_the_files_that_went_last_are_kept(self):
        files = [gone("a", number) for number in range(MOST_GONE_OF_A_LOG + 3)]
        assert {file.lost for file in to_forget(files, 0)} == {0, 1, 2}

    def test_and_of_all_logs(self):
        files = [gone(f"log-{number}", number) for number in range(MOST_GONE + 3)]
        assert {file.lost for file in to_forget(reversed(files), 0)} == {0, 1, 2}

    def test_as_many_more_as_may_only_seem_gone(self):
        files = [gone(f"log-{number}", number) for number in range(MOST_GONE + 3)]
        assert {file.lost for file in to_forget(files, hidden=2)} == {0}

    @pytest.mark.parametrize(
        ("state", "offset"), [(FileState.NEW, 10), (FileState.COPY, 10), (FileState.READ, 0)]
    )
    def test_what_nothing_was_read_of_is_no_memory(self, state, offset):
        file = gone("a", 1, state, offset)
        assert list(to_forget([file, gone("a", 0)], 0)) == [file]


class TestKnownLogs:
    def test_those_that_went_first_are_let_go(self):
        logs = KnownLogs([])
        logs.are_there({f"{number:05}" for number in range(MOST_EMPTY + 2)})
        logs.let_go(set())
        logs.are_there({"now"})
        logs.let_go({"00000"})
        assert logs.new({"00000", "00001", "00002", "now", "other"}) == {"00001", "other"}
        logs.let_go(set())
        assert logs.new({"00000", "now"}) == {"00000"}

    def test_they_are_told_in_the_order_in_which_they_went_for_the_next_run(self):
        logs = KnownLogs([])
        for there in ({"c", "a"}, {"b", "a"}, {"a"}):
            logs.are_there(there)
        assert logs.empty(set()) == ["c", "b", "a"]
        assert KnownLogs(logs.empty({"b"})).empty(set()) == ["c", "a"]


def line(number):
    return b"a line of the log that has the number %06d\n" % number


@pytest.fixture
def little(monkeypatch, follower):
    """So that not so many files are needed."""
    monkeypatch.setattr(remembering, "MOST_GONE", 300)
    monkeypatch.setattr(remembering, "MOST_EMPTY", 20)
    follower.named = []
    follower.pattern = "*.log"
    return follower


def come_and_go(follower, first, last):
    """So many logs, half of which have lines."""
    for number in range(first, last):
        (follower.folder / f"{number}.log").write_bytes(line(number) if number % 2 else b"")
    assert len(follower.look(2.5).splitlines()) == (last - first) // 2
    for number in range(first, last):
        (follower.folder / f"{number}.log").unlink()
    assert follower.look(2.5) == b""
    assert follower.look(62) == b""


def test_thousands_of_logs_come_and_go_and_few_are_remembered(little):
    little.start()
    (little.folder / "stays.log").write_bytes(line(999_999))
    assert little.look(2.5) == line(999_999)
    for first in range(0, 3000, 500):
        come_and_go(little, first, first + 500)
        assert len(little.watch.records()) <= 300 + 20 + 1
        little.restart()
    assert sum(record.offset > 0 for record in little.watch.records()) == 301
    for number in (1501, 2501, 2999):  # the first is forgotten
        data = gzip.compress(line(number))
        (little.folder / f"stays.log.{number}.gz").write_bytes(data)
    assert little.settled() == line(1501)


class Hiding(RealFileSystem):
    hidden = False

    def status(self, path):
        if self.hidden and "stays" not in os.fspath(path):
            raise PermissionError(13, "Permission denied", str(path))
        return super().status(path)


def test_files_that_cannot_be_looked_at_are_not_forgotten(little):
    little.fs = Hiding()
    for number in range(400):
        (little.folder / f"{number}.log").write_bytes(line(number))
    (little.folder / "stays.log").write_bytes(line(999_999))
    little.start()
    assert len(little.look().splitlines()) == 401
    little.fs.hidden = True
    little.restart()
    assert little.settled() == b""
    little.fs.hidden = False
    assert little.settled() == b""


def test_nothing_is_forgotten_where_nothing_is_found(little):
    """The folder may not be mounted yet."""
    for number in range(400):
        (little.folder / f"{number}.log").write_bytes(line(number))
    little.start()
    assert len(little.look().splitlines()) == 400
    little.pattern = "nothing"
    little.restart()
    assert little.settled() == b""
    little.pattern = "*.log"
    assert little.settled() == b""
