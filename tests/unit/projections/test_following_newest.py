"""The newest lines first, then only what is new."""

from __future__ import annotations

import io

import pytest

from events.filesystem import RealFileSystem
from projections.following import Follower
from tests.support.followed_paths import lines, seqs
from tests.support.log_folders import append, segment


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
