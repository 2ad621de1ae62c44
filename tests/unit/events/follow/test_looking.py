"""Places are looked at when they are due."""

from __future__ import annotations

import errno
import os

from events.filesystem import REAL, RealFileSystem
from events.follow.looking import Looker
from events.follow.open_files import OpenFiles
from events.follow.places import Place
from events.follow.roster import Roster
from tests.support.following.numbered import append, lines
from tests.support.held_clock import HeldClock


def test_a_link_that_is_switched_is_a_file_replaced(follower):
    for name in "ab":
        append(follower.folder / f"target-{name}", lines(ord(name), ord(name)))
    follower.log.symlink_to("target-a")
    follower.start()
    assert follower.look() == lines(97, 97)
    append(follower.folder / "target-a", lines(1, 1))
    follower.log.unlink()
    follower.log.symlink_to("target-b")
    assert follower.look(1) == lines(1, 1) + lines(98, 98)


def test_what_is_no_file_is_passed_over_and_told_once(follower):
    os.mkfifo(follower.folder / "other-pipe")
    (follower.folder / "other-folder").mkdir()
    append(follower.log, lines(1, 1))
    follower.start()
    assert follower.settled() == lines(1, 1)
    assert sorted(follower.told) == [
        f"{follower.folder}/other-{name} is no regular file and is passed over"
        for name in ("folder", "pipe")
    ]


class Refusing(RealFileSystem):
    refused = True

    def open_read(self, path):
        if self.refused:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return super().open_read(path)


def test_a_file_that_may_not_be_read_is_told_once_and_tried_again(follower):
    follower.fs = Refusing()
    append(follower.log, lines(1, 1))
    follower.start()
    assert follower.settled() == b""
    assert follower.told == [f"{follower.log} cannot be read: Permission denied; trying again"]
    follower.fs.refused = False
    assert follower.settled() == lines(1, 1)


class Counting(RealFileSystem):
    def __init__(self):
        self.stats = self.opens = 0

    def status(self, path):
        self.stats += 1
        return super().status(path)

    def open_read(self, path):
        self.opens += 1
        return super().open_read(path)


def test_a_file_where_nothing_happens_is_asked_for_once_a_second_and_not_opened(follower):
    follower.fs = Counting()
    for number in range(20):
        append(follower.folder / f"other-{number}", lines(number, number))
    follower.start()
    follower.settled()
    follower.look(10)
    follower.fs.stats = follower.fs.opens = 0
    waits = 0
    end = follower.clock.ns + 10_000_000_000
    while follower.clock.ns < end:
        assert follower.look(follower.watch.wait_s()) == b""
        waits += 1
    assert follower.fs.stats <= 21 * 11  # the log that is missing is one more
    assert follower.fs.opens == 0
    assert waits <= 20


class Looking:
    """A looker, and its clock."""

    def __init__(self):
        self.clock = HeldClock()
        files = OpenFiles(REAL, 4, lambda _: None, lambda _: None)
        self.looker = Looker(REAL, self.clock, Roster([], files), lambda _: None)

    def look_at(self, path):
        place = Place(str(path), str(path), ())
        self.looker.look_at([place])
        return place

    def due_ms(self):
        """When something is due within the next four seconds."""
        due = []
        while self.clock.ns < 4_000_000_000:
            self.clock.ns = self.looker.next_ns()
            due.append(self.clock.ns // 1_000_000)
            self.looker.look_at_due()
        return due


def test_a_place_is_looked_at_less_and_less_often_where_nothing_happens(tmp_path):
    looking = Looking()
    looking.look_at(tmp_path / "app.log")
    assert looking.due_ms() == [100, 200, 400, 800, 1000, 2000, 3000, 4000]


def test_places_where_nothing_happens_are_due_together(tmp_path):
    looking = Looking()
    for number in range(30):
        looking.clock.ns += 7_000_000
        looking.look_at(tmp_path / f"{number}")
    assert looking.due_ms()[-3:] == [2000, 3000, 4000]


def test_a_place_that_is_dropped_is_not_due_any_more(tmp_path):
    looking = Looking()
    looking.look_at(tmp_path / "app.log").dropped = True
    looking.clock.ns = looking.looker.next_ns()
    looking.looker.look_at_due()
    assert looking.looker.next_ns() is None
