"""A view of a log folds what was appended, once, and finds out what was lost."""

from __future__ import annotations

import errno

import pytest

from projections.log_view import LogView
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import opened, succeeded
from tests.support.watched_logs import CountingFileSystem, Watched


@pytest.fixture
def watched(tmp_path):
    return Watched(tmp_path)


def test_without_a_log_there_is_nothing(watched):
    assert not watched.catch_up()
    assert watched.view.snapshot.streams == {}


def test_what_is_appended_is_folded_once(watched, tmp_path):
    append(segment(tmp_path), opened(0, "e"), succeeded(1))
    assert watched.catch_up()
    assert not watched.catch_up()
    append(segment(tmp_path), succeeded(2), succeeded(3)[:-4])
    append(segment(tmp_path, "b"), opened(0, "x", "b"))
    assert watched.catch_up()
    append(segment(tmp_path), succeeded(3)[-4:])
    append(segment(tmp_path, first=4), succeeded(4))
    assert watched.catch_up()

    assert watched.entry().seen == ((0, 5),)
    assert watched.entry().duplicates == 0
    assert watched.entry("b").seen == ((0, 1),)
    assert watched.problems == watched.notices == []


def test_invalid_lines_are_told_and_unfinished_ones_waited_for(watched, tmp_path):
    append(segment(tmp_path), b"bad\n", b"unfin")
    watched.catch_up()
    watched.catch_up()

    assert len(watched.problems) == 1


def test_an_idle_look_opens_nothing_and_looks_once_at_each_stream(watched, tmp_path):
    for stream in "abc":
        append(segment(tmp_path, stream), succeeded(0, stream))
        append(segment(tmp_path, stream, first=1), succeeded(1, stream))
    compress(append(segment(tmp_path, "d"), succeeded(0, "d")))
    watched.catch_up()
    watched.fs.calls.clear()
    assert not watched.catch_up()

    assert watched.fs.count("list_folder") == 1 + 4
    assert watched.fs.count("size") == 3
    assert watched.fs.count("open_read") == 0


def test_a_look_reads_only_what_has_grown(watched, tmp_path):
    for stream in "abc":
        append(segment(tmp_path, stream), succeeded(0, stream))
    watched.catch_up()
    watched.fs.calls.clear()
    append(segment(tmp_path, "b"), succeeded(1, "b"))
    assert watched.catch_up()

    assert watched.fs.count("open_read") == 1
    assert watched.fs.count("list_folder") == 1 + 3


def test_only_streams_that_changed_are_encoded_again(watched, tmp_path):
    for stream in "abc":
        append(segment(tmp_path, stream), succeeded(0, stream))
    watched.catch_up()
    before = watched.view.to_bytes()
    known = dict(watched.view.snapshot.streams)
    append(segment(tmp_path, "b"), succeeded(1, "b"))
    watched.catch_up()
    after = watched.view.snapshot.streams

    assert [name for name in after if after[name] is not known[name]] == ["b"]
    assert watched.view.to_bytes() == watched.view.snapshot.to_bytes() != before
    assert watched.view.to_bytes() is watched.view.to_bytes(), "nothing has changed"


def test_an_empty_newer_segment_changes_nothing(watched, tmp_path):
    append(segment(tmp_path), succeeded(0))
    watched.catch_up()
    segment(tmp_path, first=1).touch()

    assert not watched.catch_up()
    assert watched.entry().position.segment == 0
    watched.fs.calls.clear()
    watched.catch_up()
    assert watched.fs.count("open_read") == 0


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_segment_that_is_sealed_and_compressed_at_the_end_is_read_to_its_end(
    watched, tmp_path, suffix
):
    path = append(segment(tmp_path), succeeded(0))
    watched.catch_up()
    append(path, succeeded(1))
    compress(path, suffix)

    assert watched.catch_up()
    assert not watched.catch_up()
    assert watched.entry().seen == ((0, 2),)
    assert watched.entry().duplicates == 0


def test_a_segment_that_is_compressed_between_two_looks_at_it(tmp_path):
    path = append(segment(tmp_path), succeeded(0))

    class Compressing(CountingFileSystem):
        def size(self, path):
            size = super().size(path)
            if path.exists() and watched.fs.count("size") == 2:
                compress(path)
                return super().size(path)
            return size

    watched = Watched(tmp_path)
    watched.fs = Compressing()
    watched.view = LogView(tmp_path, fs=watched.fs, notice=watched.notices.append)
    watched.catch_up()
    append(path, succeeded(1))
    assert watched.catch_up()

    assert watched.entry().seen == ((0, 2),)
    assert watched.notices == []


@pytest.mark.parametrize("cut", ["shorter", "segment gone", "all gone"])
def test_a_log_that_lost_lines_is_folded_again(watched, tmp_path, cut):
    append(segment(tmp_path), succeeded(0), succeeded(1))
    append(segment(tmp_path, first=2), succeeded(2), succeeded(3))
    append(segment(tmp_path, "b"), succeeded(0, "b"))
    watched.catch_up()
    if cut == "shorter":
        segment(tmp_path, first=2).write_bytes(succeeded(2))
    else:
        segment(tmp_path, first=2).unlink()
    if cut == "all gone":
        segment(tmp_path).unlink()

    assert watched.catch_up()
    assert not watched.catch_up()
    assert watched.view.lost
    assert [n for n in watched.notices if "'a' became shorter" in n] == watched.notices
    assert len(watched.notices) == 1
    streams = watched.view.snapshot.streams
    assert {name: entry.seen for name, entry in streams.items()} == {
        "shorter": {"a": ((0, 3),), "b": ((0, 1),)},
        "segment gone": {"a": ((0, 2),), "b": ((0, 1),)},
        "all gone": {"b": ((0, 1),)},
    }[cut]


def test_a_stream_that_is_gone_leaves_the_stats(watched, tmp_path):
    append(segment(tmp_path), succeeded(0))
    compress(append(segment(tmp_path, "b"), succeeded(0, "b")))
    watched.catch_up()
    segment(tmp_path, "b", suffix=".gz").unlink()
    (tmp_path / "events" / "b").rmdir()

    assert watched.catch_up()
    assert set(watched.view.snapshot.streams) == {"a"}
    assert watched.notices == ["the log of stream 'b' is gone; the stats follow it"]
    append(segment(tmp_path, "b"), succeeded(0, "b"))
    compress(segment(tmp_path, "b"))
    assert watched.catch_up()
    assert watched.entry("b").seen == ((0, 1),)


def test_a_stream_that_cannot_be_read_does_not_stop_the_others(watched, tmp_path):
    packed = compress(append(segment(tmp_path), *(succeeded(n) for n in range(9999))))
    whole = packed.read_bytes()
    packed.write_bytes(whole[:-50])
    append(segment(tmp_path, "b"), succeeded(0, "b"))
    watched.catch_up()
    watched.catch_up()

    assert watched.entry("b").seen == ((0, 1),)
    assert list(watched.view.unreadable) == ["a"]
    assert len(watched.notices) == 1
    assert "cut short" in watched.notices[0]
    packed.write_bytes(whole)
    watched.catch_up()
    assert watched.view.unreadable == {}
    assert watched.entry().seen == ((0, 9999),)
    assert watched.entry().duplicates == 0


def test_an_error_of_the_moment_is_told_and_passes(tmp_path):
    append(segment(tmp_path), succeeded(0))
    watched = Watched(tmp_path, faults={("open_read", 1): errno.EMFILE})

    assert not watched.catch_up()
    assert "Too many open files" in watched.notices[0]
    assert watched.catch_up()
    assert watched.entry().seen == ((0, 1),)
