from __future__ import annotations

import json

import pytest

from events.limits import MAX_LINE_BYTES
from sync_queue.companions import KnownStream
from sync_queue.jobs import LeasedJob
from tests.support.data_folders import event
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.log_folders import append, compress, segment
from worker.log_end import _PIECE_BYTES, LogEnd, Unknown, read_end, unknown_outcomes

OURS, THEIRS = "ours", "theirs"


@pytest.fixture
def fs():
    return FaultyFileSystem()


def text(*events):
    return "".join(e if isinstance(e, str) else json.dumps(e) + "\n" for e in events).encode()


def opened(seq, queue_id=OURS):
    return event(seq, "stream.opened", epoch=f"e{seq}", queue_id=queue_id)


def dead(seq, **fields):
    return event(seq, "job.failed", to_dlq=True, error_type="E", **fields)


def stopped(seq):
    return event(seq, "worker.stopped")


def write(tmp_path, *events, first=0):
    path = segment(tmp_path, first=first)
    append(path, text(*events))
    return path.parent


# The end of a log ---------------------------------------------------------------------------------


def test_an_empty_folder_and_an_empty_segment(tmp_path, fs):
    folder = segment(tmp_path).parent
    assert read_end(folder, 0, fs) == LogEnd(0, is_beyond=False)
    segment(tmp_path, first=7).touch()
    assert read_end(folder, 0, fs) == LogEnd(7, is_beyond=False)


@pytest.mark.parametrize(
    ("since", "is_beyond"), [(0, True), (1, True), (2, True), (3, False), (9, False)]
)
def test_an_outcome_beyond_is_seen_before_other_events(tmp_path, fs, since, is_beyond):
    folder = write(tmp_path, opened(0), event(1), event(2), event(3, "batch.summary"), stopped(4))
    assert read_end(folder, since, fs) == LogEnd(5, is_beyond)


def test_an_unfinished_line_is_passed_over_however_long(tmp_path, fs):
    folder = write(tmp_path, opened(0), event(1), '{"event":"job.succeeded"' + "x" * 50_000)
    assert read_end(folder, 1, fs) == LogEnd(2, is_beyond=True)
    folder = write(tmp_path, "only this", first=2)
    assert read_end(folder, 1, fs) == LogEnd(2, is_beyond=True)


@pytest.mark.parametrize("length", [0, 1, 100, _PIECE_BYTES, 3 * _PIECE_BYTES + 7])
def test_lines_are_found_across_pieces(tmp_path, fs, length):
    lines = [event(seq, "note", text="x" * length) for seq in range(2, 40)]
    folder = write(tmp_path, opened(0), event(1), *lines)
    assert read_end(folder, 1, fs) == LogEnd(40, is_beyond=True)
    assert read_end(folder, 2, fs) == LogEnd(40, is_beyond=False)


@pytest.mark.parametrize("times", [1, 3])
def test_a_line_over_the_limit_is_passed_over(tmp_path, fs, times):
    text = "y" * (times * MAX_LINE_BYTES)
    folder = write(tmp_path, opened(0), event(1), event(2, x=text), stopped(3))
    assert read_end(folder, 0, fs) == LogEnd(4, is_beyond=True)
    assert read_end(folder, 2, fs) == LogEnd(4, is_beyond=False)


def test_lines_that_are_not_the_streams_are_passed_over_and_invalid_ones_take_up_a_seq(
    tmp_path, fs
):
    folder = write(
        tmp_path,
        event(1),
        event(2, stream="other"),
        event(5, duration_ns="long"),
        "no JSON\n",
        '{"event":"note"}\n',
    )
    assert read_end(folder, 0, fs) == LogEnd(6, is_beyond=True)


def test_only_the_end_of_the_last_segment_is_read_where_that_is_enough(tmp_path, fs):
    write(tmp_path, opened(0), event(1))
    folder = write(tmp_path, event(2), event(3), stopped(4), first=2)
    assert read_end(folder, 4, fs) == LogEnd(5, is_beyond=False)
    assert fs.count("open_read") == 1


def test_earlier_segments_are_asked_where_the_last_does_not_tell(tmp_path, fs):
    write(tmp_path, opened(0), event(1))
    folder = write(tmp_path, stopped(2), first=2)
    assert read_end(folder, 1, fs) == LogEnd(3, is_beyond=True)
    assert read_end(folder, 2, fs) == LogEnd(3, is_beyond=False)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_end(tmp_path, fs, suffix):
    folder = write(tmp_path, opened(0), event(1), stopped(2))
    compress(segment(tmp_path), suffix)
    assert read_end(folder, 1, fs) == LogEnd(3, is_beyond=True)
    assert read_end(folder, 2, fs) == LogEnd(3, is_beyond=False)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_log_without_any_outcome_is_read_to_its_start(tmp_path, fs, suffix):
    notes = [event(seq, "note", text="x" * 400) for seq in range(1, 100)]
    folder = write(tmp_path, opened(0), *notes, "job.succeeded, but no JSON\n")
    if suffix:
        compress(segment(tmp_path), suffix)
    assert read_end(folder, 0, fs) == LogEnd(100, is_beyond=False)
    assert unknown(folder, fs) == Unknown()


# What a queue does not know -----------------------------------------------------------------------


def unknown(folder, fs, *, since=0, looked=0, leases=()):
    known = KnownStream("a", since, looked_seq=looked)
    return unknown_outcomes(folder, known, leases, OURS, fs)


def leased(job_id, lease_seq, attempt=1):
    return LeasedJob(job_id, "m", None, "{}", None, attempt, 0, 0, 0, 0, 0, lease_seq)


def test_outcomes_beyond_what_was_applied_are_counted(tmp_path, fs):
    folder = write(
        tmp_path, opened(0), event(1), dead(2), event(3), dead(4), event(5, job_id=70), stopped(6)
    )
    assert unknown(folder, fs) == Unknown(5, 5, 70)
    assert unknown(folder, fs, since=5) == Unknown(1, 0, 70)
    assert unknown(folder, fs, since=1, looked=4) == Unknown(2, 5, 70)
    assert unknown(folder, fs, since=6) == Unknown()


def test_those_that_a_lease_covers_are_known(tmp_path, fs):
    folder = write(tmp_path, opened(0), event(1), event(2), event(3, attempt=2))
    leases = [leased(1, 1), leased(2, 3), leased(3, 1)]
    assert unknown(folder, fs, leases=leases).outcomes == 2  # older than the lease; other attempt
    assert unknown(folder, fs, leases=[leased(1, 1), leased(2, 1), leased(3, 3, 2)]).outcomes == 0


def test_those_of_another_queue_are_not_counted(tmp_path, fs):
    folder = write(
        tmp_path, opened(0, THEIRS), event(1), opened(2), event(3), opened(4, THEIRS), event(5)
    )
    assert unknown(folder, fs).outcomes == 1
    assert unknown(folder, fs, since=4).outcomes == 0


def test_lines_that_stand_again_are_counted_once(tmp_path, fs):
    write(tmp_path, opened(0), event(1), event(2))
    folder = write(tmp_path, event(2), opened(3), event(4), first=2)
    assert unknown(folder, fs).outcomes == 3


def test_an_outcome_that_names_no_job_is_counted_too(tmp_path, fs):
    line = event(1)
    del line["job_id"]
    assert unknown(write(tmp_path, opened(0), line), fs) == Unknown(1, 0, 0)


@pytest.mark.parametrize(("queue_id", "count"), [(OURS, 2), (THEIRS, 0)])
def test_the_opening_may_stand_in_an_earlier_segment(tmp_path, fs, queue_id, count):
    write(tmp_path, opened(0, "another"), event(1), opened(2, queue_id), event(3))
    write(tmp_path, event(4), first=4)
    folder = write(tmp_path, event(5), event(6), first=5)
    assert unknown(folder, fs, since=5).outcomes == count


@pytest.mark.parametrize(("since", "count"), [(0, 0), (5, 2)])
def test_where_the_openings_were_pruned_it_counts_whether_any_outcome_was_applied(
    tmp_path, fs, since, count
):
    folder = write(tmp_path, event(5), event(6), first=5)
    assert unknown(folder, fs, since=since).outcomes == count


def test_a_compressed_log(tmp_path, fs):
    write(tmp_path, opened(0), event(1))
    folder = write(tmp_path, event(2), event(3), first=2)
    compress(segment(tmp_path))
    assert unknown(folder, fs).outcomes == 3
    assert unknown(folder, fs, since=3).outcomes == 1
