from __future__ import annotations

import os

import pytest

from events.filesystem import REAL
from events.filesystem.real import RealFileSystem
from events.follow.places import Named
from projections.errors import SourceError
from projections.ingest.finding import Finder
from tests.support.ingesting import AUTO, SIDEKIQ
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import succeeded


def finder(*paths, choice=AUTO, follow=False, **options):
    return Finder([str(path) for path in paths], fs=REAL, choice=choice, follow=follow, **options)


def named(*paths, **options):
    return [(each.path.name, each.with_rotated) for each in finder(*paths, **options)()]


def test_a_file_stands_for_its_log(tmp_path):
    (tmp_path / "app.log").touch()
    (tmp_path / "app.log.1").touch()

    assert finder(tmp_path / "app.log")() == [Named(tmp_path / "app.log", with_rotated=True)]


def test_folders_and_globs_give_the_files_that_are_there(tmp_path):
    for name in ("a.jsonl", "b.jsonl.gz", "c.jsonl.xz", "d.log"):
        (tmp_path / name).touch()

    assert named(tmp_path) == [("a.jsonl", True), ("b.jsonl.gz", True), ("c.jsonl.xz", True)]
    assert named(tmp_path / "*.log") == [("d.log", True)]


def test_an_event_log_gives_its_segments_and_tells_what_was_pruned(tmp_path):
    append(segment(tmp_path / "data"), succeeded(0))
    append(segment(tmp_path / "data", first=1), succeeded(1))
    append(segment(tmp_path / "data", "b"), succeeded(0, "b"))
    (tmp_path / "data" / "events" / "b" / "summary.json").write_text("{}")
    told = []
    find = finder(tmp_path / "data", notice=told.append)
    find()

    assert [each.path.name for each in find()] == [
        f"{0:020d}.jsonl", f"{1:020d}.jsonl", f"{0:020d}.jsonl",
    ]  # fmt: skip
    assert not any(each.with_rotated for each in find()), "a segment is not renamed"
    assert len(told) == 1
    assert "events/b was pruned" in told[0]
    with pytest.raises(SourceError, match="a stream of an event log"):
        finder(tmp_path / "data", choice=SIDEKIQ)


def test_what_is_not_there_is_waited_for_or_an_error(tmp_path):
    missing, none = tmp_path / "app.log", tmp_path / "*.log"

    with pytest.raises(SourceError, match="does not exist"):
        finder(missing)
    with pytest.raises(SourceError, match="matches nothing"):
        finder(none)
    find = finder(missing, none, follow=True)
    assert find() == [Named(missing, with_rotated=True)]
    (tmp_path / "b.log").touch()
    assert [each.path.name for each in find()] == ["app.log", "b.log"]


def test_a_pipe_is_to_be_given_as_standard_input(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(SourceError, match=r"is no file.*standard input"):
        finder(tmp_path / "pipe")
    assert named("-") == []


def test_what_is_excluded_is_not_found(tmp_path):
    for name in ("a.log", "b.log", "c.log"):
        (tmp_path / name).touch()
    glob = tmp_path / "*.log"

    assert named(glob, exclude=["b.*"]) == [("a.log", True), ("c.log", True)]
    assert named(glob, exclude=[str(tmp_path / "[ab]*")]) == [("c.log", True)]


def test_old_files_are_passed_over_unless_they_are_known(tmp_path):
    for name, at_s in (("a.log", 100), ("b.log", 200), ("c.log", 100)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (at_s, at_s))
    known = [REAL.identity(tmp_path / "c.log")]
    find = finder(tmp_path / "*.log", oldest_us=150_000_000, known=known)
    assert [each.path.name for each in find()] == ["b.log", "c.log"]

    os.utime(tmp_path / "a.log", (300, 300))
    os.utime(tmp_path / "b.log", (100, 100))
    assert [each.path.name for each in find()] == ["a.log", "b.log", "c.log"]


def test_a_search_that_fails_leaves_what_was_found(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").touch()
    find = finder(tmp_path)

    def refuse(_self, _path):
        raise PermissionError(13, "no", str(tmp_path))

    monkeypatch.setattr(type(REAL), "list_folder", refuse)
    assert [each.path.name for each in find()] == ["a.jsonl"]


@pytest.mark.parametrize("follow", [False, True])
def test_a_link_that_leads_nowhere_keeps_nobody_from_the_other_files(tmp_path, follow):
    (tmp_path / "a.jsonl").touch()
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.jsonl").symlink_to("loop.jsonl")
    (tmp_path / "left.jsonl").symlink_to(tmp_path / "nothing")
    told = []

    for path in (tmp_path, tmp_path / "*.jsonl"):
        told.clear()
        find = finder(path, exclude=["left.*"], follow=follow, notice=told.append)
        find()
        assert [each.path.name for each in find()] == ["a.jsonl"]
        assert [text.partition(" cannot be looked at")[0] for text in told] == [
            str(tmp_path / "gone.jsonl"),
            str(tmp_path / "loop.jsonl"),
        ]
    (tmp_path / "nothing").touch()
    assert [each.path.name for each in find()] == ["a.jsonl", "gone.jsonl"]


def test_who_follows_is_told_of_a_folder_that_cannot_be_looked_at(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").touch()
    told = []
    with monkeypatch.context() as patch:

        def refuse(_self, _path):
            raise PermissionError(13, "no", str(tmp_path))

        patch.setattr(type(REAL), "list_folder", refuse)
        find = finder(tmp_path, follow=True, notice=told.append)
        assert find() == []
    assert told == [f"{tmp_path} cannot be read: no; trying again"]
    assert [each.path.name for each in find()] == ["a.jsonl"]


class CountingFileSystem(RealFileSystem):
    """Counts how often it is asked what single files are."""

    asked = 0

    def identity(self, path):
        self.asked += 1
        return super().identity(path)

    def status(self, path):
        self.asked += 1
        return super().status(path)


@pytest.mark.parametrize("way", ["folder", "glob", "names"])
def test_files_that_rest_cost_little(tmp_path, way):
    paths = [tmp_path / f"{number:03d}.jsonl" for number in range(100)]
    for path in paths:
        path.touch()
    asked = {"folder": [tmp_path], "glob": [tmp_path / "*.jsonl"], "names": paths}[way]
    fs = CountingFileSystem()
    find = Finder([str(path) for path in asked], fs=fs, choice=AUTO, follow=True)
    first = find()
    fs.asked = 0

    assert [find() for _ in range(10)] == [first] * 10
    assert len(first) == 100
    assert fs.asked <= (10 * 100 if way == "names" else 2 * 100 + 10 * 2)


@pytest.mark.parametrize("way", [".", "*"])
def test_another_file_under_a_known_name_is_seen_in_time(tmp_path, way):
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    find = finder(tmp_path / way, follow=True)
    assert [each.path.name for each in find()] == ["a.jsonl", "b.jsonl"]

    (tmp_path / "b.jsonl").unlink()
    (tmp_path / "b.jsonl").symlink_to("a.jsonl")
    (tmp_path / "empty" / "c.jsonl").touch()
    expected = ["a.jsonl"] if way == "." else ["a.jsonl", "c.jsonl"]
    assert any([each.path.name for each in find()] == expected for _ in range(6))


def test_a_file_that_comes_is_found_at_once(tmp_path):
    (tmp_path / "a.jsonl").touch()
    finders = [finder(tmp_path, follow=True), finder(tmp_path / "*.jsonl", follow=True)]
    for number in range(12):
        (tmp_path / f"b{number}.jsonl").touch()
        assert [len(find()) for find in finders] == [2 + number] * 2
