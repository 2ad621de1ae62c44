"""Each line of what is followed comes once and in order: of segments, of files, of pipes."""

from __future__ import annotations

import gzip
import io
import os
import threading

import pytest

from events.filesystem import RealFileSystem
from projections.errors import SourceError
from projections.following import Follower
from tests.support.followed_paths import lines, seqs, whole
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import succeeded
from tests.support.scripted_event import ScriptedEvent


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


def test_what_lines_come_from(tmp_path):
    append(segment(tmp_path, "a", 0), lines(0))
    (tmp_path / "log").write_bytes(lines(1))
    follower = Follower(
        [str(tmp_path), str(tmp_path / "log"), "-"], fs=RealFileSystem(), stdin=io.BytesIO(lines(2))
    )
    kinds = [follower.kind(name) for name, _ in follower.lines()]
    follower.close()
    assert kinds == ["stream", "file", "pipe"]
