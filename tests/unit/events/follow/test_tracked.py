"""A file that is followed, and the memory of one."""

from __future__ import annotations

import pytest

from events.follow.record import FileRecord
from events.follow.tracked import FileState, Tracked, from_record
from tests.support.following.numbered import lines


def read(count=5):
    file = Tracked("/logs/app.log", "/logs/app.log.1", (3, 4))
    file.state = FileState.READ
    file.meter.take_lines(lines(1, count))
    file.meter.end(lines(1, count)[-256:])
    file.size, file.mtime_ns = file.meter.offset + 6, 77
    return file


@pytest.mark.parametrize("state", [FileState.READ, FileState.COPY, FileState.OLD])
def test_it_comes_back_from_its_record(state):
    file = read()
    file.state = state
    record = file.record()
    again = from_record(record)
    assert again.record() == record
    assert (again.state, again.checked, again.gone) == (state, False, True)


def test_what_stands_nowhere_has_no_identity():
    record = FileRecord(log="a", path="a", offset=3)
    assert from_record(record).identity is None
    assert from_record(record).record() == record


def test_what_was_read_becomes_a_memory_and_the_file_begins_anew():
    file = read()
    meter = file.meter
    memory = file.remember()
    assert memory.meter is meter
    assert (memory.identity, memory.log, memory.state) == (None, file.log, FileState.READ)
    assert (file.state, file.meter.offset, file.waits) == (FileState.NEW, 0, True)


def test_it_goes_on_from_a_memory_without_changing_it():
    file, memory = Tracked("a", "a", (1, 1)), read().remember()
    file.go_on_from(memory)
    file.meter.take(b"more")
    assert file.meter.offset == memory.meter.offset + 4
    assert not file.checked, "its head is compared before anything is read on"


def test_its_record_is_made_anew_when_something_changes():
    file = read()
    rests = file.record()
    assert file.record() is rests

    file.meter.take_lines(lines(6, 7))
    assert file.record().offset > rests.offset
    for name, value in (("size", 9), ("mtime_ns", 9), ("done", True), ("path", "b"), ("log", "b")):
        setattr(file, name, value)
        assert getattr(file.record(), name) == value
    file.identity = (9, 9)
    assert file.record().inode == 9
    file.state = FileState.COPY
    assert file.record().copy
    file.forget()
    assert not file.record().marks
