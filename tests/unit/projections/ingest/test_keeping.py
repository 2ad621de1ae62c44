"""Logs are looked at, and what was counted is saved, until nothing is undecided or it is ended."""

from __future__ import annotations

import io

import pytest

from events.filesystem import REAL
from projections.errors import SaveError, WatchError
from tests.support.ingesting import AUTO
from tests.support.kept_ingest import Site, Watch
from tests.unit.projections.test_intake import DONE


def test_all_that_is_there_is_read_until_nothing_is_undecided(tmp_path):
    watch = Watch(lambda w: w.put("/a", DONE), lambda w: w.put("/a", DONE), undecided=1)
    site = Site(tmp_path, watch)
    site.read_once()

    assert site.keeping.end() == []
    assert site.saved == 2
    assert not site.keeping.stopped


def test_what_is_followed_is_saved_at_most_once_a_second(tmp_path):
    seen = []

    def look(seconds):
        def give(watch):
            seen.append(site.saved)
            site.clock.move_s(seconds)
            watch.put("/a", DONE)

        return give

    site = Site(tmp_path, Watch(look(0.6), look(0.6), look(0.6), look(0.6)))
    site.follow(only_stdin=False)

    assert seen == [None, None, 2, 2]
    assert site.keeping.stopped
    site.keeping.end()
    assert site.saved == 4


def test_a_state_that_cannot_be_saved_is_told_once_and_tried_again(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(28, "No space left on device")

    def fill(watch):
        monkeypatch.setattr(type(REAL), "replace_file", refused)
        pass_time(watch)

    def empty(watch):
        monkeypatch.undo()
        pass_time(watch)

    def pass_time(watch):
        site.clock.move_s(1)
        watch.put("/a", DONE)

    site = Site(tmp_path, Watch(fill, pass_time, empty, pass_time))
    site.follow(only_stdin=False)

    assert site.said == [f"{tmp_path / 'state'} cannot be saved: No space left on device", "mended"]
    site.keeping.end()
    assert site.saved == 4


def test_who_follows_is_told_once_of_a_log_that_shows_no_format(tmp_path):
    def pass_time(_watch):
        site.clock.move_s(4)

    watch = Watch(lambda w: w.put("/a", b'{"x":1}\n'), *[pass_time] * 8)
    site = Site(tmp_path, watch, choice=AUTO)
    site.follow(only_stdin=False)
    assert len(site.told) == 1
    assert "/a: its lines are in no format that is known" in site.told[0]
    assert site.keeping.end() == ["/a"]


@pytest.mark.parametrize("follow", [False, True])
def test_logs_that_cannot_be_read_on_end_it_and_what_was_read_can_be_saved(tmp_path, follow):
    def stale(_watch):
        raise OSError(116, "Stale file handle", "/mnt/app.log")

    site = Site(tmp_path, Watch(lambda w: w.put("/a", DONE), stale, undecided=5))
    read = (lambda: site.follow(only_stdin=False)) if follow else site.read_once
    with pytest.raises(WatchError, match=r"Stale file handle \(at /mnt/app.log\)") as caught:
        read()
    assert "saved" not in str(caught.value)
    site.keeping.end()
    assert site.saved == 1


def test_logs_that_cannot_be_passed_over_are_no_trouble_of_the_state(tmp_path):
    def stale(_watch):
        raise OSError(116, "Stale file handle")

    with pytest.raises(WatchError, match="the logs cannot be read on: Stale file handle"):
        Site(tmp_path, Watch(stale)).keeping.pass_over()


def test_a_log_that_cannot_be_brought_to_the_disk_is_not_covered_by_a_state(tmp_path):
    watch = Watch(lambda w: w.put("/a", DONE))
    site = Site(tmp_path, watch)
    site.read_once()

    def refuse():
        raise OSError(5, "Input/output error")

    watch.sync, sync = refuse, watch.sync
    with pytest.raises(SaveError, match=r"is not saved, as a log .* Input/output error"):
        site.keeping.end()
    assert site.saved is None
    watch.sync = sync
    site.keeping.end()
    assert site.saved == 1


def test_formats_that_stay_unknown_are_told_at_the_end(tmp_path):
    site = Site(tmp_path, Watch(), stdin=io.BytesIO(b'{"x":1}\n'), choice=AUTO)
    site.read_once()

    assert site.keeping.end() == ["-"]


def test_what_is_there_can_be_passed_over(tmp_path):
    watch = Watch(lambda w: w.put("/a", DONE), lambda w: w.put("/a", DONE))
    site = Site(tmp_path, watch)
    site.keeping.pass_over()
    assert (site.ingestion.lines, site.store.load().files[0].offset) == (0, len(DONE))

    site.read_once()
    site.keeping.end()
    assert site.saved == 1
