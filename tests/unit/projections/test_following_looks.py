"""How often it is looked, and how little a look asks for that rests, also of many."""

from __future__ import annotations

import gzip
import io
import os

import pytest

from events.filesystem import RealFileSystem
from projections.following import FIND_EVERY, Follower
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.followed_paths import Listing, Told, lines, seqs, whole
from tests.support.log_folders import append, segment
from tests.support.scripted_event import ScriptedEvent


def test_nothing_is_opened_while_nothing_is_new(tmp_path, follow):
    append(segment(tmp_path), lines(0))
    append(segment(tmp_path, "b", suffix=".gz"), gzip.compress(lines(0, stream="b")))
    fs = FaultyFileSystem()
    got = follow(tmp_path, fs=fs, steps=[int, int, int])

    assert len(got) == 2
    assert fs.count("open_read") == 2
    assert follow(tmp_path, fs=fs, newest=0, steps=[int, int]) == []
    assert fs.count("open_read") == 4


def test_new_streams_are_searched_for_at_some_looks_only(tmp_path, follow):
    for name in "abc":
        append(segment(tmp_path, name), lines(0, stream=name))
    fs = Listing()
    steps = [lambda: append(segment(tmp_path, "d"), lines(0, stream="d")), *[int] * 8]
    got = follow(tmp_path, fs=fs, find_every=10, steps=steps)

    assert seqs(got) == [(name, 0) for name in "abcd"]
    assert fs.listed.count("events") == 2, "at the start and at the tenth look"


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def streams(tmp_path, clock, told):
    """Follow so many streams, each of one line; looks that give nothing are over."""
    opened = []

    def start(count):
        for number in range(count):
            append(segment(tmp_path, f"s{number}"), lines(0, stream=f"s{number}"))
        fs = Listing()
        follower = Follower(
            [str(tmp_path)], fs=fs, stdin=io.BytesIO(), clock=clock, hints=lambda: told
        )
        opened.append(follower)
        follower.newest(0)
        list(follower.lines())
        clock.move_s(2)
        list(follower.lines())
        return follower, fs

    yield start
    for follower in opened:
        follower.close()


def test_a_stream_that_rests_is_not_listed(tmp_path, streams):
    follower, fs = streams(1)
    fs.listed.clear()
    for number in range(1, 9):
        append(segment(tmp_path, "s0"), lines(number, stream="s0"))
        assert seqs(follower.lines()) == [("s0", number)]
    assert fs.listed == []
    for _ in range(2 * FIND_EVERY):
        list(follower.lines())
    assert fs.listed.count("s0") == 2 * 2, "by each search, and by the look after it"


def test_a_segment_that_is_begun_is_seen_at_the_next_look(tmp_path, streams):
    follower, fs = streams(1)
    fs.listed.clear()
    append(segment(tmp_path, "s0", first=1), lines(1, stream="s0"))
    assert seqs(follower.lines()) == [("s0", 1)]
    assert fs.listed == ["s0"]


def test_a_segment_is_seen_also_where_the_folder_keeps_its_time(tmp_path, streams):
    follower, _ = streams(1)
    folder = segment(tmp_path, "s0").parent
    before = folder.stat()
    append(segment(tmp_path, "s0", first=1), lines(1, stream="s0"))
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    got = [line for _ in range(FIND_EVERY) for line in follower.lines()]
    assert seqs(got) == [("s0", 1)]


def test_a_line_in_two_halves_is_seen_at_the_look_after_its_end(tmp_path, streams):
    follower, _ = streams(1)
    line = lines(1, stream="s0")
    append(segment(tmp_path, "s0"), line[:30])
    assert list(follower.lines()) == []
    append(segment(tmp_path, "s0"), line[30:])
    assert seqs(follower.lines()) == [("s0", 1)]


def test_looks_at_many_streams_cost_as_much_as_at_few(tmp_path, streams):
    follower, fs = streams(110)
    gave = segment(tmp_path, "s105")
    append(gave, lines(1, stream="s105"))
    assert seqs(whole(follower.lines() for _ in range(13))) == [("s105", 1)], "in turn"
    fs.asked.clear()
    for number in range(2, 12):
        append(gave, lines(number, stream="s105"))
        assert seqs(follower.lines()) == [("s105", number)], "each time, as it gave something"
    assert len(fs.asked) <= 10 * 10 * 2, "the folder and its last segment"


def test_a_hint_makes_it_a_streams_turn(tmp_path, streams, told):
    follower, _ = streams(110)
    assert told.folders == {str(tmp_path / "events" / f"s{number}") for number in range(110)}
    for stream in ("s100", "s40"):
        append(segment(tmp_path, stream), lines(1, stream=stream))
        told.paths = {str(segment(tmp_path, stream))}
        assert seqs(follower.lines()) == [(stream, 1)]


def test_a_hint_makes_it_a_files_turn(tmp_path, clock, told):
    for number in range(300):
        append(tmp_path / f"{number}.log", lines(number))
    fs, paths = Listing(), [str(tmp_path / "*.log")]
    of_each = iter([Told(), told])
    follower = Follower(paths, fs=fs, stdin=io.BytesIO(), clock=clock, hints=of_each.__next__)
    assert len(list(follower.lines())) == 300
    clock.move_s(0.9)
    list(follower.lines())
    assert told.folders == {str(tmp_path)}
    fs.asked.clear()
    append(tmp_path / "250.log", lines(999))
    told.paths = {str(tmp_path / "250.log"), str(tmp_path / "of nobody")}
    assert len(list(follower.lines())) == 1
    assert len(fs.asked) < 9, "one status, by the hint, and what reading it takes"
    follower.close()


def test_many_files_that_one_was_rotated_to_are_not_looked_at_each_time(tmp_path, clock, told):
    log = tmp_path / "app.log"
    append(log, lines(0))
    for number in range(1, 200):
        append(tmp_path / f"app.log.{number}", lines(number))
    fs, of_each = Listing(), iter([Told(), told])
    follower = Follower([str(log)], fs=fs, stdin=io.BytesIO(), clock=clock, hints=of_each.__next__)
    list(follower.lines())
    list(follower.lines())
    assert told.folders == {str(tmp_path)}
    fs.asked.clear()
    append(log, lines(999))
    told.paths = {str(log)}
    assert len(list(follower.lines())) == 1
    assert len(fs.asked) < 9
    follower.close()


def test_of_few_nothing_is_asked_of_the_kernel(streams, told):
    streams(9)
    assert told.folders == set()


def test_only_with_a_pipe_may_a_look_wait_for_more(streams):
    follower, _ = streams(1)
    assert not follower.waits
    follower = Follower(["-"], fs=RealFileSystem(), stdin=io.BytesIO())
    assert follower.waits


def test_it_is_looked_often_enough_for_an_outcome_to_show_within_a_tenth_of_a_second(tmp_path):
    append(tmp_path / "x.jsonl", b"1\n")
    paths = [str(tmp_path / "x.jsonl")]
    stop = ScriptedEvent(int, int)
    follower = Follower(paths, fs=RealFileSystem(), stdin=io.BytesIO())
    whole(follower.follow(stop))
    assert stop.waits == [0.075] * 3
    assert stop.waits[0] * FIND_EVERY == pytest.approx(2, rel=0.05), "seconds between two searches"
    follower.close()
