"""What is known of files, and kept between two runs."""

from __future__ import annotations

import pytest

from events.filesystem import REAL
from events.follow.open_files import OpenFiles
from events.follow.places import Place
from events.follow.record import FileRecord
from events.follow.roster import Roster
from events.follow.tracked import FileState
from tests.support.following.numbered import append, lines


def test_a_log_that_is_not_there_yet_is_known_nevertheless(follower):
    follower.start()
    follower.look()
    follower.restart()
    append(follower.folder / "app.log.1", lines(1, 2))
    append(follower.log, lines(3, 3))
    assert follower.settled() == lines(1, 3)


@pytest.fixture
def roster_of():
    files = OpenFiles(REAL, 4, lambda _: None, lambda _: None)
    yield lambda *records: Roster(records, files)
    files.close_all()


def a_record(name, inode=0, **fields):
    return FileRecord(log=name, path=name, device=1 if inode else 0, inode=inode, **fields)


def test_what_was_saved_is_saved_again(roster_of):
    records = [
        a_record("empty"),
        a_record("memory", offset=20, marks=(1,), crc=2),
        a_record("old", 3, offset=5, old=True, size=9),
        a_record("read", 4, offset=70, marks=(1, 2), ends=((5, 6),), done=True),
    ]
    assert [record for _, record in roster_of(*records).texts()] == records


def test_a_record_that_nothing_is_known_of_is_none(roster_of):
    roster = roster_of(a_record("a", 7))
    assert list(roster) == []
    assert [record for _, record in roster.texts()] == [a_record("a")], "but its log is known"


def test_the_second_file_with_an_identity_is_known_by_its_content(roster_of):
    first, second = roster_of(a_record("a", 7, offset=9), a_record("b", 7, offset=8))
    assert (first.identity, second.identity) == ((1, 7), None)


def test_an_inode_that_was_given_to_an_archive_is_of_another_file(roster_of):
    roster = roster_of(a_record("a", 7, offset=9))
    (known,) = roster
    place = Place("b.gz", "b", ())
    found = roster.at((1, 7), place)
    assert found is not known
    assert known.identity is None
    assert {*roster} == {found, known}


def test_a_file_with_two_names_is_gone_when_both_are(roster_of):
    roster = roster_of(a_record("a", 7, offset=9))
    places = Place("a", "a", ()), Place("b", "b", ())
    for place in places:
        file = roster.at((1, 7), place)
        roster.arrive(file, place)
    roster.leave(places[0])
    assert (file.gone, file.log, file.path) == (False, "b", "b")
    roster.leave(places[1])
    assert file.gone
    assert file in {*roster}, "what was read of it is remembered"


def test_what_was_read_of_a_file_that_changed_is_remembered(roster_of):
    roster = roster_of(a_record("a", 7, offset=9, crc=5))
    place = Place("a", "a", ())
    file = roster.at((1, 7), place)
    roster.arrive(file, place)
    roster.split(file)
    (memory,) = {*roster} - {file}
    assert (memory.meter.offset, memory.meter.crc, memory.gone) == (9, 5, True)
    assert (file.state, file.meter.offset) == (FileState.NEW, 0)
    assert file in roster.judged


def test_a_file_goes_on_with_what_was_read_of_another(roster_of):
    roster = roster_of(a_record("a", offset=9, crc=5))
    (memory,) = roster
    place = Place("b", "b", ())
    file = roster.at((1, 8), place)
    roster.arrive(file, place)
    roster.continue_with(file, memory)
    assert (file.state, file.meter.offset, file.meter.crc) == (FileState.READ, 9, 5)
    assert list(roster) == [file]
