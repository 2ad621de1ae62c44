"""The other files, as they are now."""

from __future__ import annotations

import pytest

from events.filesystem import REAL
from events.follow.looking import Looker
from events.follow.open_files import OpenFiles
from events.follow.others import AgainError, Others
from events.follow.places import Place
from events.follow.roster import Roster
from events.follow.tracked import FileState
from tests.support.following.file_times import LONG_AGO_US, stamp
from tests.support.following.numbered import append, lines
from tests.support.held_clock import HeldClock


class Known:
    """A file of which two lines were read."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "app.log"
        append(self.path, lines(1, 2))
        self.clock = HeldClock(LONG_AGO_US)
        stamp(folder, self.clock)
        self.files = OpenFiles(REAL, 4, lambda _: None, lambda _: None)
        self.roster = Roster([], self.files)
        self.looker = Looker(REAL, self.clock, self.roster, lambda _: None)
        self.others = Others(self.roster, self.files, self.looker, self.clock)
        self.looker.look_at([Place(str(self.path), "app.log", ())])
        (self.file,) = self.roster
        self.file.state = FileState.READ
        self.file.meter.take_lines(lines(1, 2))
        self.file.meter.end(lines(1, 2))
        self.file.saw(REAL.status(self.path))


@pytest.fixture
def known(tmp_path):
    known = Known(tmp_path)
    yield known
    known.files.close_all()


def test_one_that_is_as_it_was_or_has_grown_is_still_that(known):
    known.others.refresh(known.file)
    append(known.path, lines(3, 3))
    known.others.refresh(known.file)
    assert not known.looker.search


def test_one_that_was_written_anew_is_judged_again(known):
    known.path.write_bytes(lines(7, 8))
    with pytest.raises(AgainError):
        known.others.refresh(known.file)
    assert known.file in known.roster.judged


def test_one_that_has_gone_is_searched_for(known):
    known.path.rename(known.folder / "app.log.1")
    with pytest.raises(AgainError):
        known.others.refresh(known.file)
    assert known.looker.search
    with pytest.raises(AgainError):
        known.others.confirm(known.file)
    known.roster.search += 1
    known.roster.searched = known.roster.search
    known.others.confirm(known.file)


def test_one_that_cannot_be_opened_is_none(known):
    assert known.others.opened(known.file) is not None
    known.files.close(known.file)
    known.path.unlink()
    assert known.others.opened(known.file) is None


def test_nobody_seems_to_write_to_a_file_of_two_seconds(known):
    status = REAL.status(known.path)
    assert not known.others.settled(known.file, status)
    known.clock.move_s(2)
    assert known.others.settled(known.file, status)


def test_or_to_one_that_was_seen_not_to_change_for_two_seconds(known):
    """Its time may be of another machine, whose clock is ahead."""
    known.clock.us -= 3600 * 1_000_000
    status = REAL.status(known.path)
    known.clock.ns += 1_999_999_999
    assert not known.others.settled(known.file, status)
    known.clock.ns += 1
    assert known.others.settled(known.file, status)
    assert not known.others.settled(known.file, status._replace(size=status.size + 1))
