"""What the compiled kernel takes, what it hands back, and what it adds up."""

from __future__ import annotations

import json
import random
from array import array
from bisect import bisect_left
from collections import Counter

import pytest

from events.kernel.tallies import PURE, Run, file_kernel, kernel
from events.limits import MAX_LINE_BYTES
from events.model import MAX_COUNT
from tests.support.kernel_lines import handed_back, needs_kernel, with_kernel
from tests.support.outcome_lines import failed, line, opened, skipped, succeeded
from worker.buckets import bounds


@pytest.fixture(autouse=True, scope="module")
def _kernel():
    needs_kernel()


def runs_of(data, folder=None):
    _, groups = with_kernel(data, folder)
    assert all(group.runs is not None for group in groups), "a line was handed back"
    return [run for group in groups for run in group.runs]


USUAL = {
    "success": succeeded(0),
    "success that is not sure": succeeded(0, confidence=None),
    "failure": failed(0, error='no "item" for /media/é/a.mkv\n', retry_at="2026-01-01T00:00:01Z"),
    "failure without a type": line("job.failed", attempt=1),
    "skipped": skipped(0, warnings=3),
    "another event": line("batch.summary", jobs=[1, {"a": None}], took=-1.5e-7, host="nas"),
    "with a traceback": failed(0, exception=[{"frames": [{"line": "x = {}"}]}]),
    "with a carriage return": succeeded(0)[:-1] + b"\r\n",
    "without blanks": succeeded(0).replace(b": ", b":").replace(b", ", b","),
    "without stream": succeeded(None, None),
    "another event without stream": line("tick", None, None),
    "blank": b"\n",
}


@pytest.mark.parametrize("usual", USUAL.values(), ids=USUAL)
def test_usual_lines_are_taken(usual):
    assert handed_back(usual) == []


ODD = {
    "no JSON": b"words\n",
    "only white space": b"  \n",
    "empty object": b"{}\n",
    "half a line": succeeded(0)[:-9] + b"\n",
    "two values": succeeded(0)[:-1] + b"1\n",
    "an opening, whose epoch counts": opened(0, "e1"),
    "another version": succeeded(0, v=2),
    "no timestamp": b'{"event":"job.succeeded","stream":"a","seq":0}\n',
    "a timestamp of zeros": succeeded(0).replace(b"2026-01-01T00:00", bytes(16)),
    "a timestamp with an offset": succeeded(0, timestamp="2026-01-01T00:00:00+01:00"),
    "no such day": succeeded(0, timestamp="2026-02-29T00:00:00Z"),
    "stream without seq": line("tick", "a", None).replace(b'"seq": null, ', b""),
    "seconds": succeeded(0, duration=0.5),
    "a fraction": succeeded(0, duration_ns=1.0),
    "below zero": succeeded(0, duration_ns=-1),
    "beyond 64 bits": succeeded(0, duration_ns=MAX_COUNT + 1),
    "null": succeeded(0, kind=None),
    "no attempt": succeeded(0, attempt=0),
    "a key twice": succeeded(0)[:-2] + b',"seq":0}\n',
    "a key with an escape": succeeded(0)[:-2] + b',"\\u0073eq":0}\n',
    "a name with an escape": failed(0, error_type='"A"'),
    "half a surrogate pair": failed(0, error="\ud800"),
    "no UTF-8": failed(0, error="x").replace(b'"x"', b'"\xff"'),
    "half a letter": failed(0, error="x").replace(b'"x"', b'"\xc3"'),
    "a control character": failed(0, error="x").replace(b'"x"', b'"\x1b"'),
    "deeply nested": succeeded(0)[:-2] + b',"x":' + b"[" * 99 + b"]" * 99 + b"}\n",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_lines_are_handed_back_between_others(odd):
    assert handed_back(succeeded(0) + odd + succeeded(1)) == [odd]


def test_a_day_of_zero_bytes_is_none_also_in_the_first_line():
    odd = succeeded(0, timestamp="D" * 10 + "T12:00:00Z").replace(b"D" * 10, bytes(10))
    assert handed_back(odd) == [odd]


def test_blanks_before_an_odd_line_are_of_that_line():
    usual = succeeded(0) + succeeded(1) + succeeded(2)
    assert handed_back(usual + b"  words\n" + succeeded(3)) == [b"  words\n"]


def test_lines_of_a_run_are_added_up():
    data = (
        succeeded(5, duration_ns=7, wait_ns=3, at=9)
        + line("tick", seq=6)
        + failed(7, duration_ns=5, at=2, to_dlq=True, warnings=1)
        + skipped(8, duration_ns=100, at=4)
        + succeeded(9, duration_ns=0, confidence="low", attempt=2, at=3)
        + failed(10, duration_ns=5, at=5)
    )
    (run,) = runs_of(data)
    assert (run.stream, run.first, run.end) == ("a", 5, 11)
    assert (run.succeeded, run.failed, run.skipped, run.to_dlq) == (2, 2, 1, 1)
    assert (run.recovered, run.high, run.with_warnings) == (1, 1, 1)
    assert run.errors == {"PlexNotFound": 2}
    assert run.latency == (
        {bisect_left(bounds(), ns): n for ns, n in ((7, 1), (5, 2), (0, 1))},
        17,
        0,
        7,
    )
    assert run.waiting == ({bisect_left(bounds(), 3): 1}, 3, 3, 3)
    assert run.newest_us - run.earliest_us == 7_000_000


def test_streams_are_kept_apart_and_a_jump_begins_another_run():
    data = succeeded(0) + succeeded(0, "b") + succeeded(1) + succeeded(3) + succeeded(1, "b")
    found = [(run.stream, run.first, run.end) for run in runs_of(data)]
    assert found == [("a", 0, 2), ("b", 0, 2), ("a", 3, 4)]


def test_many_streams_are_told_in_several_groups():
    data = b"".join(succeeded(0, f"s{n}") for n in range(120)) * 2
    found = [run.stream for run in runs_of(data)]
    assert len(found) == 240
    assert set(found) == {f"s{n}" for n in range(120)}


def test_many_error_types_are_all_counted():
    data = b"".join(failed(n, error_type=f"E{n % 20_000}") for n in range(30_000))
    counts = {}
    for run in runs_of(data):
        for name, count in run.errors.items():
            counts[name] = counts.get(name, 0) + count
    assert counts == {f"E{n}": 2 if n < 10_000 else 1 for n in range(20_000)}


def test_every_duration_is_counted_at_its_place():
    chance = random.Random(7)
    durations = [0, 1, 2, 3, MAX_COUNT, *(bounds()[-5:]), *(b + 1 for b in bounds()[-5:])]
    durations += [chance.randrange(2 ** chance.randrange(1, 64)) for _ in range(3000)]
    durations += [chance.choice(bounds()) + chance.choice([-1, 0, 1]) for _ in range(3000)]
    durations = [min(max(ns, 0), MAX_COUNT) for ns in durations]
    (run,) = runs_of(b"".join(succeeded(n, duration_ns=ns) for n, ns in enumerate(durations)))
    expected = {}
    for ns in durations:
        place = bisect_left(bounds(), ns)
        expected[place] = expected.get(place, 0) + 1
    assert run.latency == (expected, MAX_COUNT, 0, MAX_COUNT)


def test_sums_stop():
    (run,) = runs_of(b"".join(succeeded(n, duration_ns=MAX_COUNT) for n in range(3)))
    assert run.latency[1] == MAX_COUNT


def test_a_line_of_another_stream_is_odd_in_a_folder():
    assert handed_back(succeeded(0, "a") + succeeded(0, "b"), "a") == [succeeded(0, "b")]
    assert handed_back(succeeded(None, None), "a") == [succeeded(None, None)]


def test_a_line_over_the_limit_is_odd():
    over = failed(1, error="x" * MAX_LINE_BYTES)
    assert handed_back(succeeded(0) + over + succeeded(2)) == [over]


def test_lines_need_an_end():
    with pytest.raises(ValueError, match="no end"):
        with_kernel(succeeded(0)[:-1], None)


def test_there_may_be_no_lines():
    assert with_kernel(b"", None) == (0, [])


@pytest.mark.parametrize("wrong", [array("Q", [2, 1]), array("Q", []), array("B", [1, 2, 3])])
def test_bounds_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="bounds"):
        kernel()(succeeded(0), wrong, MAX_LINE_BYTES)


def test_it_can_be_kept_out(monkeypatch):
    monkeypatch.setenv(PURE, "1")
    ways = (kernel, file_kernel)
    for way in ways:
        way.cache_clear()
    try:
        assert [way() for way in ways] == [None, None]
    finally:
        monkeypatch.undo()
        for way in ways:
            way.cache_clear()


def test_a_name_outlives_the_text_it_was_read_from(tmp_path):
    lines = [failed(n, error_type=f"E{n % 700}" + "x" * (n % 90)) for n in range(4000)]
    path = tmp_path / "log"
    path.write_bytes(b"".join(lines))
    with path.open("rb") as file:
        size = path.stat().st_size
        asked = (file.fileno(), 0, size, True, size, array("Q", bounds()), MAX_LINE_BYTES)
        first, end, count, groups = file_kernel()(*asked, None, 64)
    assert (first, end, count) == (0, size, 4000)
    counts = {}
    for _, _, runs in groups:
        for name, number in Run._make(runs[0]).errors.items():
            counts[name] = counts.get(name, 0) + number
    assert counts == Counter(json.loads(each)["error_type"] for each in lines)


@pytest.mark.parametrize("part", [(5, 1, 9), (0, 9, 9), (9, 10, 3)])
def test_a_part_that_is_none_is_refused(part):
    begin, upto, limit = part
    with pytest.raises(ValueError, match="no such part"):
        file_kernel()(0, begin, upto, False, limit, array("Q", bounds()), MAX_LINE_BYTES)


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    with (tmp_path / "log").open("wb") as file, pytest.raises(OSError, match="descriptor"):
        file_kernel()(file.fileno(), 0, 9, True, 9, array("Q", bounds()), MAX_LINE_BYTES)


def test_a_file_may_have_become_shorter(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(succeeded(0) + succeeded(1)[:-5])
    with path.open("rb") as file:
        asked = (file.fileno(), 0, 10_000, True, 10_000, array("Q", bounds()), MAX_LINE_BYTES)
        assert file_kernel()(*asked)[:3] == (0, len(succeeded(0)), 1)
