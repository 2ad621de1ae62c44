"""Where files are looked for."""

from __future__ import annotations

import errno

import pytest

from events.filesystem import REAL
from events.follow.places import Named, Places, log_key
from tests.support.following.numbered import append, lines


def test_a_file_named_several_times_is_one(follower):
    append(follower.log, lines(1, 2))
    (follower.folder / "other-link").symlink_to(follower.log)
    (follower.folder / "other-hard").hardlink_to(follower.log)
    follower.named = [follower.log, follower.log]
    follower.start()
    assert follower.settled() == lines(1, 2)


def test_a_search_that_fails_is_told_once_and_what_is_known_is_followed(follower):
    append(follower.log, lines(1, 1))
    follower.start()
    follower.look()
    follower.unsearchable = OSError(errno.EIO, "no answer")
    append(follower.log, lines(2, 2))
    assert follower.settled() == lines(2, 2)
    assert len(follower.told) == 1
    follower.unsearchable = None
    append(follower.folder / "other.log", lines(3, 3))
    assert follower.settled() == lines(3, 3)


class Asked:
    """What is asked for, and where it is searched."""

    def __init__(self, folder):
        self.folder = folder
        self.named = []
        self.told = []
        self.places = Places(
            lambda: [Named(folder / name, rotated) for name, rotated in self.named],
            REAL,
            self.told.append,
            lambda path: "excluded" in path,
        )

    def search(self):
        """The names that are new, those that are dropped."""
        new, dropped = self.places.search()
        return [[place.path.rpartition("/")[2] for place in group] for group in (new, dropped)]


@pytest.fixture
def asked(tmp_path):
    for name in ("app.log", "app.log.1", "app.log.2.gz", "app.log.bak", "other.log.1"):
        (tmp_path / name).touch()
    return Asked(tmp_path)


def test_rotated_files_belong_to_a_log_that_stands_for_them(asked):
    asked.named = [("app.log", True)]
    assert sorted(asked.search()[0]) == ["app.log", "app.log.1", "app.log.2.gz"]
    places = sorted(asked.places.all.values(), key=lambda place: place.order)
    assert [place.path[-4:] for place in places] == ["2.gz", "og.1", ".log"], "the oldest first"
    assert [place.sibling for place in places] == [True, True, False]
    assert {place.log for place in places} == {f"{asked.folder}/app.log"} == asked.places.logs()


def test_a_file_may_be_read_alone(asked):
    asked.named = [("app.log", False)]
    assert asked.search() == [["app.log"], []]
    assert asked.places.logs() == set()


def test_what_is_not_found_any_more_is_dropped(asked):
    asked.named = [("app.log", True)]
    asked.search()
    place = asked.places.all[f"{asked.folder}/app.log.1"]
    (asked.folder / "app.log.1").unlink()
    assert asked.search() == [[], ["app.log.1"]]
    assert place.dropped
    assert asked.search() == [[], []]
    asked.named = []
    assert sorted(asked.search()[1]) == ["app.log", "app.log.2.gz"]


def test_a_rotated_file_that_is_asked_for_is_no_sibling(asked):
    asked.named = [("app.log", True), ("app.log.1", True)]
    asked.search()
    assert not asked.places.all[f"{asked.folder}/app.log.1"].sibling
    assert asked.places.logs() == {f"{asked.folder}/app.log"}


def test_rotated_files_may_be_excluded(asked):
    asked.named = [("excluded.log", True)]
    (asked.folder / "excluded.log.1").touch()
    assert asked.search() == [["excluded.log"], []]


def test_a_folder_may_be_made_later(asked):
    asked.named = [("later/app.log", True)]
    assert asked.search() == [["app.log"], []]
    (asked.folder / "later").mkdir()
    (asked.folder / "later/app.log.1").touch()
    assert asked.search() == [["app.log.1"], []]


def test_a_search_that_fails_is_told_once_and_changes_nothing(asked):
    asked.named = [("app.log/nothing", True)]
    assert asked.places.search() is None
    assert asked.places.search() is None
    assert len(asked.told) == 1
    asked.named = [("app.log", True)]
    assert len(asked.search()[0]) == 3


def test_the_key_of_a_log_is_the_whole_path_of_its_current_file(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert log_key("./a/../app-20261124.log.gz") == f"{tmp_path}/app.log"
