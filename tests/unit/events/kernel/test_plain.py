"""What stands in for the compiled kernel: what it takes, what it hands back, what it adds up."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter

import pytest

from events.kernel.plain import PIECE_BYTES
from events.limits import MAX_LINE_BYTES
from events.model import MAX_COUNT
from projections.scanning import scan_plainly
from tests.support.kernel_lines import handed_back
from tests.support.outcome_lines import failed, line, opened, skipped, succeeded
from worker.buckets import bounds

USUAL = {
    "success": succeeded(50),
    "success that is not sure": succeeded(50, confidence=None),
    "failure": failed(50, error='no "item" for /media/é/a.mkv\n', retry_at="2026-01-01T00:00:01Z"),
    "failure without a type": line("job.failed", seq=50, attempt=1),
    "skipped": skipped(50, warnings=3),
    "another event": line("batch.summary", seq=50, jobs=[1, {"a": None}], took=-1.5e-7, host=1),
    "with a traceback": failed(50, exception=[{"frames": [{"line": "x = {}"}], "n": 1e99}]),
    "with a carriage return": succeeded(50)[:-1] + b"\r\n",
    "a timestamp with an offset": succeeded(50, timestamp="2026-01-01T00:00:00+01:00"),
    "seconds": line("job.succeeded", seq=50, duration=0.5),
    "a key twice": succeeded(50)[:-2] + b',"seq":50}\n',
    "an escape": failed(50, error_type='"A"'),
    "no UTF-8 trouble": failed(50, error="é").replace(b"\\u00e9", "é".encode()),
    "much text": failed(50, error="x[{" * 4000),
    "fields of other events": succeeded(50, host=None, pid="x"),
}
BEFORE = [succeeded(seq) for seq in range(50)]
AFTER = [succeeded(seq) for seq in range(51, 101)]


def taken_back(data, folder=None, **options):
    return handed_back(data, folder, lambda data, folder: scan_plainly(data, folder, **options))


def runs_of(data, folder=None, **options):
    _, groups = scan_plainly(data, folder, **options)
    assert all(group.runs is not None for group in groups), "something was handed back"
    return [run for group in groups for run in group.runs]


@pytest.mark.parametrize("usual", USUAL.values(), ids=USUAL)
def test_usual_lines_are_taken(usual):
    (run,) = runs_of(b"".join([*BEFORE, usual, *AFTER]))
    assert (run.stream, run.first, run.end) == ("a", 0, 101)


ODD = {
    "no JSON": b"words\n",
    "blank": b"\n",
    "half a line": succeeded(50)[:-9] + b"\n",
    "two values": succeeded(50)[:-1] + b"{}\n",
    "zero bytes before it": b"\0\0" + succeeded(50),
    "a mark before it": b"\xef\xbb\xbf" + succeeded(50),
    "an opening, whose epoch counts": opened(50, "e1"),
    "another version": succeeded(50, v=2),
    "no timestamp": b'{"event":"job.succeeded","stream":"a","seq":50}\n',
    "a timestamp beyond all years": succeeded(50, timestamp="9999-12-31T23:59:59-01:00"),
    "a leap second": succeeded(50, timestamp="2016-12-31T23:59:60Z"),
    "a try beyond all years": failed(50, retry_at="0001-01-01T00:00:00+01:00"),
    "an error without a name": failed(50, error_type=""),
    "stream without seq": line("job.succeeded", "a", 50).replace(b'"seq": 50, ', b""),
    "below zero": succeeded(50, duration_ns=-1),
    "null": succeeded(50, kind=None),
    "half a surrogate pair": failed(50, error="\ud800"),
    "no UTF-8": failed(50, note="x").replace(b'"x"', b'"\xff"'),
    "deeply nested": succeeded(50)[:-2] + b',"x":' + b"[" * 200 + b"]" * 200 + b"}\n",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_line_alone_is_handed_back(odd):
    """Of a hundred lines, one goes the slow way."""
    assert taken_back(b"".join([*BEFORE, odd, *AFTER])) == [odd]


def test_a_piece_with_many_odd_lines_is_handed_back_whole():
    lines = [opened(n, "e") if n % 8 == 0 else succeeded(n) for n in range(400)]
    data = b"".join(lines)
    assert b"".join(taken_back(data, piece_bytes=8000)) == data
    assert len(taken_back(data, piece_bytes=8000)) == -(-len(data) // 8000)


def test_lines_out_of_order_are_handed_back():
    lines = [succeeded(n) for n in range(200)]
    random.Random(1).shuffle(lines)
    assert b"".join(taken_back(b"".join(lines))) == b"".join(lines)


def test_a_jump_begins_another_run():
    seqs = [*range(50), *range(100, 150), *range(20)]
    found = [(run.first, run.end) for run in runs_of(b"".join(map(succeeded, seqs)))]
    assert found == [(0, 50), (100, 150), (0, 20)]


@pytest.mark.parametrize("piece_bytes", [8000, PIECE_BYTES])
def test_streams_are_kept_apart(piece_bytes):
    data = b"".join(succeeded(n, name) for n in range(100) for name in "abc")
    found = [(run.stream, run.first, run.end) for run in runs_of(data, piece_bytes=piece_bytes)]
    assert found == [("a", 0, 100), ("b", 0, 100), ("c", 0, 100)]


def test_lines_of_very_many_streams_are_handed_back():
    data = b"".join(succeeded(0, f"s{n}") for n in range(200))
    assert b"".join(taken_back(data)) == data


def test_many_runs_are_told_in_several_groups():
    seqs = [start + n for start in range(0, 40_000, 200) for n in range(20)]
    lines, groups = scan_plainly(b"".join(map(succeeded, seqs)), None)
    assert lines == len(seqs)
    assert len(groups) > 1
    assert max(len(group.runs) for group in groups) < 200
    assert [
        seq for group in groups for run in group.runs for seq in range(run.first, run.end)
    ] == seqs


def test_lines_without_a_stream_are_added_up_where_they_may_stand():
    data = b"".join([succeeded(None, None), line("tick", None, None)] * 20)
    (run,) = runs_of(data)
    assert (run.stream, run.first, run.end, run.succeeded) == (None, 0, 0, 20)
    assert b"".join(taken_back(data, "a")) == data
    assert runs_of(line("tick", None, None) * 20, "a") == []


def test_a_line_of_another_stream_is_odd_in_a_folder():
    other = succeeded(0, "b")
    assert taken_back(b"".join([*BEFORE, other, succeeded(50)]), "a") == [other]


def test_a_line_over_the_limit_or_longer_than_a_piece_is_odd():
    long, over = failed(1, error="x" * PIECE_BYTES), failed(2, error="x" * MAX_LINE_BYTES)
    assert taken_back(succeeded(0) + long + over + succeeded(3)) == [long, over]


def test_lines_of_a_run_are_added_up():
    data = (
        succeeded(5, duration_ns=7, wait_ns=3, at=9)
        + line("tick", seq=6, at=99)
        + failed(7, duration_ns=5, at=2, to_dlq=True, warnings=1)
        + skipped(8, duration_ns=100, wait_ns=1, warnings=2, at=4)
        + succeeded(9, duration_ns=0, confidence="low", attempt=2, at=3)
        + failed(10, duration_ns=5, at=5, error_type="OSError")
        + line("job.succeeded", seq=11, at=6)
    )
    (run,) = runs_of(data)
    assert (run.stream, run.first, run.end) == ("a", 5, 12)
    assert (run.succeeded, run.failed, run.skipped, run.to_dlq) == (3, 2, 1, 1)
    assert (run.recovered, run.high, run.with_warnings) == (1, 2, 2)
    assert run.errors == {"PlexNotFound": 1, "OSError": 1}
    places = {bisect_left(bounds(), ns): n for ns, n in ((7, 1), (5, 2), (0, 2))}
    assert run.latency == (places, 17, 0, 7)
    assert run.waiting == ({bisect_left(bounds(), 3): 1}, 3, 3, 3)
    assert run.newest_us - run.earliest_us == 7_000_000


@pytest.mark.parametrize("longest_ns", [MAX_COUNT, 2**53 - 1])
def test_every_duration_is_counted_at_its_place(longest_ns):
    chance = random.Random(7)
    durations = [0, 1, 2, 3, longest_ns, *(bounds()[-5:]), *(b + 1 for b in bounds()[-5:])]
    durations += [chance.randrange(2 ** chance.randrange(1, 64)) for _ in range(3000)]
    durations += [chance.choice(bounds()) + chance.choice([-1, 0, 1]) for _ in range(3000)]
    durations = [min(max(ns, 0), longest_ns) for ns in durations]
    (run,) = runs_of(b"".join(succeeded(n, duration_ns=ns) for n, ns in enumerate(durations)))
    expected = Counter(bisect_left(bounds(), ns) for ns in durations)
    assert run.latency == (expected, min(sum(durations), MAX_COUNT), 0, longest_ns)


def test_lines_need_an_end():
    with pytest.raises(ValueError, match="no end"):
        scan_plainly(succeeded(0)[:-1], None)


def test_there_may_be_no_lines():
    assert scan_plainly(b"", None) == (0, [])
