from __future__ import annotations

import gzip
import io
import os
import threading
from pathlib import Path

import pytest

from events.filesystem import RealFileSystem
from projections.errors import SourceError
from projections.following import FIND_EVERY, Follower
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.log_folders import append, segment
from tests.support.moved_clock import MovedClock
from tests.support.outcome_lines import succeeded
from tests.support.scripted_event import ScriptedEvent


@pytest.fixture
def clock():
    """By it no file has just been written, so that short ones need not be waited for."""
    clock = MovedClock()
    clock.move_s(3)
    return clock


@pytest.fixture
def follow(clock):
    """Follow paths; between two looks do what is given, then stop."""
    opened = []

    def run(*paths, steps=(), stdin=b"", newest=None, fs=None, find_every=1, notice=str):
        follower = Follower(
            [str(path) for path in paths],
            fs=fs or RealFileSystem(),
            stdin=io.BytesIO(stdin),
            clock=clock,
            notice=notice,
            find_every=find_every,
        )
        opened.append(follower)
        if newest is not None:
            follower.newest(newest, pipes=False)
        moving = [lambda step=step: (step(), clock.move_s(3)) for step in steps]
        return whole(follower.follow(ScriptedEvent(*moving), poll_s=3.0))

    yield run
    for follower in opened:
        follower.close()
        follower.close()


def whole(looks):
    return [item for look in looks for item in look]


def seqs(got):
    return [(name, int(line.rpartition(b'"seq": ')[2].partition(b",")[0])) for name, line in got]


def lines(*numbers, stream="a"):
    return b"".join(succeeded(n, stream) for n in numbers)


def test_each_line_comes_once_and_in_order_over_segments(tmp_path, follow):
    append(segment(tmp_path), lines(0, 1))
    got = follow(
        tmp_path,
        steps=[
            lambda: append(segment(tmp_path), lines(2), lines(3)[:-5]),
            lambda: append(segment(tmp_path), lines(3)[-5:]),
            lambda: (
                append(segment(tmp_path), lines(4)),
                append(segment(tmp_path, first=5), lines(5, 6)),
            ),
            lambda: append(segment(tmp_path, first=7), lines(7)),
        ],
    )

    assert seqs(got) == [("a", n) for n in range(8)]
    assert got[0][1] == succeeded(0).rstrip(b"\n")


def test_only_what_is_new(tmp_path, follow):
    append(segment(tmp_path), lines(0, 1))
    append(segment(tmp_path, first=2), lines(2), b'{"unfin')
    append(tmp_path / "x.jsonl", b"old\n", b"y" * 200_000)
    (tmp_path / "events" / "none").mkdir()
    got = follow(
        tmp_path,
        tmp_path / "x.jsonl",
        newest=0,
        steps=[
            lambda: append(segment(tmp_path, first=2), b'ished"}\n'),
            lambda: append(tmp_path / "x.jsonl", b"\n\n \nz\n"),
        ],
    )

    assert [line for _, line in got] == [b'{"unfinished"}', b"y" * 200_000, b"z"]


def test_a_stream_whose_only_line_is_unfinished(tmp_path, follow):
    append(segment(tmp_path), lines(0)[:-5])
    got = follow(tmp_path, newest=0, steps=[lambda: append(segment(tmp_path), lines(0)[-5:])])

    assert seqs(got) == [("a", 0)]


def test_streams_that_begin_meanwhile_are_read_from_their_start(tmp_path, follow):
    append(segment(tmp_path), lines(0))
    got = follow(
        tmp_path,
        newest=0,
        steps=[lambda: append(segment(tmp_path, "b"), lines(0, 1, stream="b"))],
    )

    assert seqs(got) == [("b", 0), ("b", 1)]


def test_a_segment_that_is_compressed_meanwhile_goes_on_at_its_place(tmp_path, follow):
    append(segment(tmp_path), lines(0, 1))

    def compress():
        segment(tmp_path, suffix=".gz").write_bytes(gzip.compress(lines(0, 1, 2)))
        segment(tmp_path).unlink()

    got = follow(tmp_path, steps=[compress, lambda: append(segment(tmp_path, first=3), lines(3))])

    assert seqs(got) == [("a", n) for n in range(4)]


def test_a_segment_that_is_compressed_between_listing_and_opening(tmp_path, follow):
    append(segment(tmp_path), lines(0))

    class Compressing(RealFileSystem):
        """Compresses when the plain segment is looked at after it was read."""

        def status(self, path):
            if path == segment(tmp_path) and path.exists():
                segment(tmp_path, suffix=".gz").write_bytes(gzip.compress(lines(0, 1)))
                segment(tmp_path).unlink()
            return super().status(path)

    assert seqs(follow(tmp_path, fs=Compressing(), steps=[int])) == [("a", 0), ("a", 1)]


def test_nothing_is_opened_while_nothing_is_new(tmp_path, follow):
    append(segment(tmp_path), lines(0))
    append(segment(tmp_path, "b", suffix=".gz"), gzip.compress(lines(0, stream="b")))
    fs = FaultyFileSystem()
    got = follow(tmp_path, fs=fs, steps=[int, int, int])

    assert len(got) == 2
    assert fs.count("open_read") == 2
    assert follow(tmp_path, fs=fs, newest=0, steps=[int, int]) == []
    assert fs.count("open_read") == 4


def test_a_file_that_is_rotated_is_read_to_its_end_first(tmp_path, follow):
    log = tmp_path / "x.jsonl"
    append(log, b"1\n")

    def rotate():
        append(log, b"2\n")
        log.rename(tmp_path / "x.1")

    got = follow(
        log,
        steps=[
            rotate,
            lambda: append(log, b"3\n"),
            lambda: log.write_bytes(b""),  # cut
            lambda: append(log, b"4\n"),
        ],
    )

    assert got == [(str(log), line) for line in (b"1", b"2", b"3", b"4")]


def test_compressed_files_and_pipes_are_read_once(tmp_path, follow):
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"1\n2\n"))

    assert [line for _, line in follow(tmp_path / "x.gz", "-", stdin=b"3\n", steps=[int])] == [
        *(b"1", b"2", b"3"),
    ]
    assert follow(tmp_path / "x.gz", "-", stdin=b"3\n", newest=0, steps=[int]) == [
        ("standard input", b"3")
    ]


def test_a_named_pipe_is_read_to_its_end(tmp_path, follow):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"1\n2\n"))
    writer.start()
    got = follow(pipe, steps=[int])
    writer.join()

    assert got == [(str(pipe), b"1"), (str(pipe), b"2")]


def test_overlong_lines_are_passed_over(tmp_path, follow):
    append(tmp_path / "x.jsonl", b"1\n", b"x" * 1_100_000 + b"\n", b"2\n")
    append(segment(tmp_path), b"x" * 1_100_000 + b"\n", lines(1))

    assert len(follow(tmp_path / "x.jsonl", tmp_path)) == 3


def test_it_waits_between_looks_and_gives_what_is_there_when_it_is_stopped(tmp_path, clock):
    append(tmp_path / "x.jsonl", b"1\n")
    follower = Follower(
        [str(tmp_path / "x.jsonl")], fs=RealFileSystem(), stdin=io.BytesIO(), clock=clock
    )

    def end():
        append(tmp_path / "x.jsonl", b"2\n")
        stop.set()

    stop = ScriptedEvent(int, end)

    assert [line for _, line in whole(follower.follow(stop, poll_s=7.5))] == [b"1", b"2"]
    assert stop.waits == [7.5, 7.5]
    follower.close()


class Listing(RealFileSystem):
    """Remembers which folders were listed, and what was asked for its status."""

    def __init__(self):
        self.listed = []
        self.asked = []

    def status(self, path):
        self.asked.append(Path(path).name)
        return super().status(path)

    def list_folder(self, path):
        self.listed.append(Path(path).name)
        return super().list_folder(path)


def test_new_streams_are_searched_for_at_some_looks_only(tmp_path, follow):
    for name in "abc":
        append(segment(tmp_path, name), lines(0, stream=name))
    fs = Listing()
    steps = [lambda: append(segment(tmp_path, "d"), lines(0, stream="d")), *[int] * 8]
    got = follow(tmp_path, fs=fs, find_every=10, steps=steps)

    assert seqs(got) == [(name, 0) for name in "abcd"]
    assert fs.listed.count("events") == 2, "at the start and at the tenth look"


class Told:
    """Hints that are given by hand."""

    def __init__(self):
        self.paths = set()
        self.folders = set()

    def watch(self, folders):
        self.folders = set(folders)

    def changed(self):
        paths, self.paths = self.paths, set()
        return paths

    def close(self):
        pass


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


def test_what_is_not_there_is_told_at_once(tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        Follower([str(tmp_path / "x")], fs=RealFileSystem(), stdin=io.BytesIO(), follow=False)


def test_what_is_not_there_yet_is_waited_for(tmp_path, follow):
    file, globbed, data = tmp_path / "a.log", tmp_path / "*.jsonl", tmp_path / "data"
    append(tmp_path / "there.log", lines(9))
    told = []
    steps = [
        lambda: append(file, lines(0)),
        lambda: append(tmp_path / "b.jsonl", lines(1)),
        lambda: append(segment(data), lines(2)),
        lambda: (file.rename(tmp_path / "a.log.1"), append(tmp_path / "a.log.1", lines(3))),
        lambda: append(file, lines(4)),
    ]
    paths = [file, globbed, data, tmp_path / "there.log"]
    got = follow(*paths, steps=[*steps, int, int], notice=told.append)
    assert sorted(seq for _, seq in seqs(got)) == [0, 1, 2, 3, 4, 9]
    assert told == [f"{path} is not there yet; it is waited for" for path in paths[:3]]


def test_a_file_of_a_glob_is_read_on_where_the_glob_does_not_match_its_new_name(tmp_path, follow):
    log = tmp_path / "a.log"
    append(log, lines(0))

    def rotate():
        append(log, lines(1))
        log.rename(tmp_path / "a.log.1")
        append(log, lines(2))

    got = follow(tmp_path / "*.log", steps=[rotate, int, int])
    assert sorted(seq for _, seq in seqs(got)) == [0, 1, 2]


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 9])
def test_lines_that_are_kept_are_looked_for_in_older_segments_too(tmp_path, limit):
    for first in range(0, 12, 2):
        append(segment(tmp_path, first=first), lines(first, first + 1))
    follower = Follower([str(tmp_path)], fs=RealFileSystem(), stdin=io.BytesIO())
    even = [n for n in range(12) if n % 4 == 0 or n == 10]

    newest = follower.newest(limit, keep=lambda line: line + b"\n" in {*map(lines, even)})

    assert newest == lines(*even[-limit:]).splitlines() if limit else newest == []
    append(segment(tmp_path, first=10), lines(12))
    assert [line for _, line in follower.lines()] == lines(12).splitlines(), "once, and all"


def test_the_newest_lines_of_each_source_and_then_what_comes(tmp_path, clock):
    append(segment(tmp_path), lines(0, 1))
    append(segment(tmp_path, first=2), lines(2))
    append(segment(tmp_path, first=3), lines(3))
    append(tmp_path / "x.jsonl", b"old\nnew\n")
    paths = [str(tmp_path), str(tmp_path / "x.jsonl"), "-"]
    follower = Follower(paths, fs=RealFileSystem(), stdin=io.BytesIO(b"piped\n"), clock=clock)

    newest = follower.newest(3, pipes=False)
    append(segment(tmp_path, first=3), lines(4))

    assert newest == [*lines(2, 3).splitlines(), b"old", b"new"], "of the last two segments"
    assert [line for _, line in follower.lines()] == [*lines(4).splitlines(), b"piped"]
    assert not follower.can_end
    follower.close()


def test_standard_input_alone_can_end():
    follower = Follower(["-"], fs=RealFileSystem(), stdin=io.BytesIO(b"1\n2\n3\n"))

    assert follower.can_end
    assert follower.newest(2) == [b"2", b"3"]
    assert list(follower.lines()) == []
    follower.close()


def test_what_lines_come_from(tmp_path):
    append(segment(tmp_path, "a", 0), lines(0))
    (tmp_path / "log").write_bytes(lines(1))
    follower = Follower(
        [str(tmp_path), str(tmp_path / "log"), "-"], fs=RealFileSystem(), stdin=io.BytesIO(lines(2))
    )
    kinds = [follower.kind(name) for name, _ in follower.lines()]
    follower.close()
    assert kinds == ["stream", "file", "pipe"]
