"""What a prune leaves: what may be needed, cannot be read, or is not its own."""

from __future__ import annotations

import errno
import os

import pytest

from events.filesystem import REAL, RealFileSystem
from events.log.stream import LOCK_NAME
from projections.errors import ProjectionError
from projections.pruned import Keep
from projections.runner import Runner
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import succeeded
from tests.support.prunable_folders import DAY, on, replayed


def test_the_last_segment_stays(folder):
    done = folder.prune(Keep(age_s=DAY))
    assert folder.firsts("a") == [40]
    assert folder.firsts("b") == [30]
    report = done.streams["a"]
    assert (report.kept_from_seq, report.why) == (40, "it is the stream's last segment")


@pytest.mark.parametrize("keep", [Keep(age_s=DAY), Keep(size=1)])
def test_what_stats_do_not_cover_stays(folder, keep):
    """The newest segment is empty: the position of the stats is in the one before."""
    segment(folder.data, first=50).touch()
    done = folder.prune(keep)
    assert folder.firsts("a") == [40, 50]
    report = done.streams["a"]
    assert (report.kept_from_seq, report.why) == (40, "it is not wholly in stats.json")


@pytest.mark.parametrize(
    ("lease_seq", "firsts"),
    [(40, [40]), (39, [30, 40]), (21, [20, 30, 40]), (20, [20, 30, 40]), (0, [0, 10, 20, 30, 40])],
)
@pytest.mark.parametrize("keep", [Keep(age_s=DAY), Keep(size=1)])
def test_what_leased_jobs_may_need_stays(folder, lease_seq, firsts, keep):
    folder.leased["a"] = lease_seq
    done = folder.prune(keep)
    assert folder.firsts("a") == firsts
    report = done.streams["a"]
    assert report.kept_from_seq == firsts[0]
    if lease_seq < 40:
        assert report.why == (f"jobs are leased since seq {lease_seq}, whose outcomes may be in it")
    assert folder.firsts("b") == [30]
    del folder.leased["a"]
    folder.prune(keep)
    assert folder.firsts("a") == [40]


def test_a_segment_that_holds_numbers_beyond_its_successor_s_name_is_judged_by_them(folder):
    """A writer whose sync failed has written its last lines again, in a new segment."""
    append(segment(folder.data, first=10), *(succeeded(20 + n, **on(2, n)) for n in range(1, 3)))
    folder.leased["a"] = 21
    folder.prune(Keep(age_s=DAY))
    assert folder.firsts("a") == [10, 20, 30, 40]


def test_a_stream_that_is_a_link_is_left_alone(folder, tmp_path):
    (folder.data / "events" / "b").rename(tmp_path / "far")
    (folder.data / "events" / "b").symlink_to(tmp_path / "far")
    done = folder.prune(Keep(age_s=DAY), compress=True)
    assert not done.ok
    assert "is a symbolic link" in done.streams["b"].error
    assert len(list((tmp_path / "far").iterdir())) == 2
    assert folder.firsts("a") == [40]


def test_a_segment_that_cannot_be_read_stays_with_what_follows(folder):
    Runner(folder.data).rebuild()
    packed = compress(segment(folder.data, first=10))
    packed.write_bytes(packed.read_bytes()[:-9])
    done = folder.prune(Keep(age_s=DAY))
    assert folder.firsts("a") == [10, 20, 30, 40]
    assert "cut short" in done.streams["a"].error
    assert done.streams["a"].kept_from_seq == 10
    assert not done.ok
    assert folder.firsts("b") == [30]
    done = folder.prune(Keep(size=1))
    assert "cut short" in done.streams["a"].error


def test_a_stream_whose_summary_is_damaged_is_left_alone(folder):
    folder.prune(Keep(age_s=3.5 * DAY), day=5)
    path = folder.data / "events" / "a" / "summary.json"
    path.write_text("{")
    before = (folder.data / "stats.json").read_bytes()
    done = folder.prune(Keep(age_s=DAY))
    assert str(path) in done.streams["a"].error
    assert folder.firsts("a") == [20, 30, 40]
    assert folder.firsts("b") == [30]
    assert path.read_text() == "{"
    assert (folder.data / "stats.json").read_bytes() == before
    dry = folder.prune(Keep(age_s=DAY), dry_run=True)
    assert str(path) in dry.streams["a"].error


def test_stats_that_say_otherwise_keep_the_log(folder):
    """Then one of them is wrong, and the log is what can tell."""
    Runner(folder.data).rebuild()
    append(segment(folder.data, first=10), succeeded(11, **on(1, 1)))
    done = folder.prune(Keep(age_s=DAY))
    assert folder.firsts("a") == [10, 20, 30, 40]
    assert done.streams["a"].kept_from_seq == 10
    assert "syncstats verify" in done.streams["a"].why


def test_stats_that_cannot_be_saved_keep_the_log(folder):
    fs = FaultyFileSystem(faults={("sync_file", 1): errno.EIO})
    with pytest.raises(ProjectionError, match="cannot be brought to disk"):
        folder.prune(Keep(age_s=DAY), fs=fs)
    assert folder.firsts("a") == [0, 10, 20, 30, 40]


def test_a_summary_that_reads_differently_than_it_was_written_removes_nothing(folder):
    class Forgetful(RealFileSystem):
        def replace_file(self, path, data, mode=None):
            if path.name == "summary.json":
                data = data.replace(b'"lines":40', b'"lines":41')
            super().replace_file(path, data, mode)

    done = folder.prune(Keep(age_s=DAY), fs=Forgetful())
    assert "does not read as it was written" in done.streams["a"].error
    assert folder.firsts("a") == [0, 10, 20, 30, 40]
    assert folder.firsts("b") == [30]


def test_a_segment_without_lines_at_the_start_stays_where_it_is_harmless(folder):
    segment(folder.data, "c", 0).touch()
    append(segment(folder.data, "c", 7), succeeded(7, "c", at=0))
    append(segment(folder.data, "c", 8), succeeded(8, "c", at=0))
    before = replayed(folder.data)
    done = folder.prune(Keep(age_s=DAY))
    assert done.streams["c"].why == "it holds no line"
    assert folder.firsts("c") == [0, 7, 8]
    assert replayed(folder.data) == before


def test_temporary_files_of_the_dead_go_and_those_of_the_living_stay(folder):
    stream = folder.data / "events" / "a"
    (stream / ".syncstats-0123456789abcdef.tmp").touch()
    with REAL.lock(stream / LOCK_NAME):
        folder.prune(compress=True)
        assert ".syncstats-0123456789abcdef.tmp" in folder.names("a")
    folder.prune(compress=True)
    assert ".syncstats-0123456789abcdef.tmp" not in folder.names("a")


def test_a_name_beyond_all_numbers_is_no_segment(folder):
    before = replayed(folder.data)
    far = append(segment(folder.data, first=10**20 - 1), b"not json\n")
    far_packed = compress(append(segment(folder.data, first=2**63), b"not json\n"))
    assert replayed(folder.data) == before
    assert folder.prune(Keep(age_s=DAY), compress=True).ok
    Runner(folder.data).rebuild()
    assert (folder.data / "stats.json").read_bytes() == replayed(folder.data) == before
    assert far.read_bytes() == b"not json\n"
    assert far_packed.exists()
    assert folder.firsts("a") == [40, 2**63, 10**20 - 1]


def test_files_of_others_stay(folder):
    stream = folder.data / "events" / "a"
    for name in ("owner", f"{0:020d}.torn-7", "note.txt"):
        (stream / name).touch()
    os.mkfifo(stream / "pipe")
    folder.prune(Keep(age_s=DAY), compress=True)
    assert {"owner", f"{0:020d}.torn-7", "note.txt", "pipe"} < set(folder.names("a"))
