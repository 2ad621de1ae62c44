"""Few descriptors are enough."""

from __future__ import annotations

import pytest

from events.filesystem import REAL
from events.follow.open_files import MovedError, OpenFiles
from events.follow.places import Place
from events.follow.tracked import Tracked
from tests.support.following.numbered import append, lines


def test_few_descriptors_are_enough_for_many_files(follower):
    for number in range(40):
        append(follower.folder / f"other-{number}", lines(number, number))
    follower.start(max_open=2)
    assert len(follower.settled().splitlines()) == 40
    for number in range(40):
        append(follower.folder / f"other-{number}", lines(100 + number, 100 + number))
    assert len(follower.settled().splitlines()) == 40


class Opened:
    """Files that are opened."""

    def __init__(self, folder, most):
        self.folder = folder
        self.let_go = []
        self.files = OpenFiles(REAL, most, self.close, lambda _: None)

    def close(self, file):
        self.let_go.append(file.path)
        self.files.close(file)

    def file(self, name):
        path = self.folder / name
        path.touch()
        status = path.stat()
        file = Tracked(name, name, (status.st_dev, status.st_ino))
        file.places = [Place(str(path), name, ())]
        return file

    def opened(self, *names):
        files = [self.file(name) for name in names]
        for file in files:
            self.files.get(file)
        return files


@pytest.fixture
def two(tmp_path):
    opened = Opened(tmp_path, 2)
    yield opened
    opened.files.close_all()


def test_the_file_that_was_not_used_for_the_longest_time_is_closed(two):
    a, b = two.opened("a", "b")
    two.files.get(a)
    (c,) = two.opened("c")
    assert [file.text is not None for file in (a, b, c)] == [True, False, True]
    assert two.let_go == []


def test_not_one_that_is_pinned(two):
    a, b = two.opened("a", "b")
    two.files.pinned = a
    (c,) = two.opened("c")
    assert [file.text is not None for file in (a, b, c)] == [True, False, True]


def test_one_that_has_no_name_stays_open_as_long_as_others_can_be_closed(two):
    a, b = two.opened("a", "b")
    a.places = []
    (c,) = two.opened("c")
    assert [file.text is not None for file in (a, b, c)] == [True, False, True]
    c.places = []
    (d,) = two.opened("d")
    assert two.let_go == ["a"], "nothing can open it again"
    assert d.text is not None


def test_it_is_another_file_that_stands_there_now(two):
    a = two.file("a")
    (two.folder / "fresh").touch()
    (two.folder / "fresh").rename(two.folder / "a")
    with pytest.raises(MovedError):
        two.files.get(a)
    a.places = []
    with pytest.raises(MovedError):
        two.files.get(a)
    assert a.text is None
