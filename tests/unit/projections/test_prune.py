from __future__ import annotations

import errno
import io
import json
import os

import pytest

from events.filesystem import RealFileSystem
from events.log.sealing import HOUSEKEEPING_LOCK
from events.log.stream import LOCK_NAME
from projections.errors import ProjectionError
from projections.prune import prune
from projections.pruned import Keep
from projections.replay import replay
from projections.runner import Runner
from projections.summary import read_summary
from projections.verify import verify
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.held_clock import HeldClock
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import BEGIN_US, failed, opened, succeeded

DAY = 86_400
FS = RealFileSystem()


def at_day(day: float) -> HeldClock:
    return HeldClock(BEGIN_US + int(day * DAY * 1_000_000))


def on(day, number):
    return {"at": day * DAY + number}


def replayed(data):
    return replay([str(data)], stdin=io.BytesIO()).snapshot.to_bytes()


class Folder:
    """A data folder with a segment of ten lines for each day, of streams a and b."""

    def __init__(self, data):
        self.data = data
        self.leased: dict[str, int] = {}
        self.notices: list[str] = []
        for day in range(5):
            self.write("a", day)
        for day in range(2, 4):
            self.write("b", day)

    def write(self, stream, day):
        first = day * 10
        opening = opened(first, f"e{day}", stream)
        lines = [succeeded(first + n, stream, **on(day, n)) for n in range(1, 9)]
        return append(
            segment(self.data, stream, first),
            opening,
            *lines,
            failed(first + 9, stream, **on(day, 9)),
        )

    def prune(self, keep=None, *, day=10, fs=None, **options):
        return prune(
            self.data,
            keep,
            lease_seq=self.leased.get,
            clock=at_day(day),
            fs=fs,
            notice=self.notices.append,
            **options,
        )

    def names(self, stream="a"):
        return sorted(
            path.name for path in (self.data / "events" / stream).iterdir() if path.name != "lock"
        )

    def firsts(self, stream="a"):
        return [int(name[:20]) for name in self.names(stream) if name[0].isdigit()]

    def bytes(self):
        return sum(p.stat().st_size for p in self.data.rglob("*.jsonl*"))


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "data")


# What goes ----------------------------------------------------------------------------------------


def test_what_is_older_than_the_age_goes_and_no_number_changes(folder):
    before = replayed(folder.data)
    done = folder.prune(Keep(age_s=2.5 * DAY), day=5)
    assert folder.firsts("a") == [30, 40], "of the third day an event is not older"
    assert folder.firsts("b") == [30]
    assert (done.streams["a"].removed_segments, done.streams["a"].removed_lines) == (3, 30)
    assert (done.streams["a"].first_seq, done.streams["b"].first_seq) == (30, 30)
    assert done.streams["a"].why is None
    assert done.ok
    assert (folder.data / "stats.json").read_bytes() == before
    assert replayed(folder.data) == before
    (folder.data / "stats.json").unlink()
    Runner(folder.data).rebuild()
    assert (folder.data / "stats.json").read_bytes() == before
    assert done.bytes_after == folder.bytes()
    assert done.bytes_before - done.bytes_after == sum(
        report.removed_bytes for report in done.streams.values()
    )


def test_the_age_is_that_of_the_newest_event(folder):
    append(segment(folder.data, first=0), succeeded(3, at=4 * DAY))
    folder.prune(Keep(age_s=2.5 * DAY), day=5)
    assert folder.firsts("a") == [0, 10, 20, 30, 40], "and what follows is younger, or in its way"


def test_a_segment_without_any_time_is_not_new(folder):
    segment(folder.data, first=0).write_bytes(b"no json\n" * 3)
    folder.prune(Keep(age_s=2.5 * DAY), day=5)
    assert folder.firsts("a") == [30, 40]


@pytest.mark.parametrize(
    ("segments", "a", "b"),
    [
        (7, [0, 10, 20, 30, 40], [20, 30]),
        (6, [10, 20, 30, 40], [20, 30]),
        (5, [20, 30, 40], [20, 30]),
        (4, [30, 40], [20, 30]),  # of one age, the first by name goes first
        (3, [30, 40], [30]),
        (1, [40], [30]),
    ],
)
def test_the_oldest_of_all_streams_go_until_the_size_is_met(folder, segments, a, b):
    before = replayed(folder.data)
    size = segments * max(p.stat().st_size for p in folder.data.rglob("*.jsonl"))
    done = folder.prune(Keep(size=size))
    assert (folder.firsts("a"), folder.firsts("b")) == (a, b)
    assert done.bytes_after == folder.bytes()
    assert (folder.data / "stats.json").read_bytes() == replayed(folder.data) == before


def test_both_forms_of_a_segment_are_weighed_and_go(folder):
    compress(segment(folder.data, first=0), ".zst", keep=True)
    compress(segment(folder.data, first=10), ".gz")
    done = folder.prune(Keep(age_s=2.5 * DAY), day=5)
    assert folder.firsts("a") == [30, 40]
    assert done.bytes_after == folder.bytes()


def test_pruning_again_adds_to_the_summary(folder):
    before = replayed(folder.data)
    for day in (3, 4, 5, 6):
        folder.prune(Keep(age_s=2 * DAY), day=day)
        assert replayed(folder.data) == before
    summary = read_summary(folder.data / "events" / "a", FS)
    assert (summary.end, summary.lines) == (40, 40)
    assert not any(report.removed_segments for report in folder.prune().streams.values())


def test_stats_are_brought_up_to_date_first(folder):
    Runner(folder.data).rebuild()
    folder.write("a", 5)
    folder.write("a", 6)
    folder.prune(Keep(age_s=DAY))
    assert folder.firsts("a") == [60]
    assert json.loads((folder.data / "stats.json").read_bytes())["streams"]["a"]["position"] == {
        "epoch": "e6",
        "seq": 70,
        "segment": 60,
        "offset": segment(folder.data, first=60).stat().st_size,
    }


# What stays ---------------------------------------------------------------------------------------


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


def test_without_a_log_there_is_nothing_to_do(tmp_path):
    done = prune(tmp_path, Keep(age_s=1), lease_seq=lambda _: None)
    assert (done.streams, done.bytes_before, done.bytes_after) == ({}, 0, 0)


def test_a_segment_without_lines_at_the_start_stays_where_it_is_harmless(folder):
    segment(folder.data, "c", 0).touch()
    append(segment(folder.data, "c", 7), succeeded(7, "c", at=0))
    append(segment(folder.data, "c", 8), succeeded(8, "c", at=0))
    before = replayed(folder.data)
    done = folder.prune(Keep(age_s=DAY))
    assert done.streams["c"].why == "it holds no line"
    assert folder.firsts("c") == [0, 7, 8]
    assert replayed(folder.data) == before


# Compressing --------------------------------------------------------------------------------------


def test_all_but_the_last_segments_are_compressed(folder):
    before = replayed(folder.data)
    done = folder.prune(compress=True)
    assert folder.names("b") == [f"{20:020d}.jsonl.zst", f"{30:020d}.jsonl"]
    assert done.streams["a"].compressed_segments == 4
    assert done.streams["b"].compressed_segments == 1
    saved = sum(report.saved_bytes for report in done.streams.values())
    assert saved == done.bytes_before - done.bytes_after > 0
    assert replayed(folder.data) == (folder.data / "stats.json").read_bytes() == before
    again = folder.prune(compress=True)
    assert again.bytes_before == again.bytes_after == folder.bytes()


def test_what_compressing_saves_need_not_be_removed(folder):
    size = folder.bytes() // 2
    folder.prune(Keep(size=size), compress=True)
    assert folder.firsts("a") == [0, 10, 20, 30, 40]
    assert folder.bytes() <= size


def test_what_is_too_old_is_not_compressed_before_it_goes(folder):
    fs = FaultyFileSystem()
    folder.prune(Keep(age_s=1.5 * DAY), compress=True, day=5, fs=fs)
    written = [name for call, name in fs.calls if call == "write_new"]
    assert written == []
    assert folder.names("a") == [f"{40:020d}.jsonl", "summary.json"]


def test_an_error_while_compressing_is_told_and_the_others_go_on(folder):
    (folder.data / "events" / "a" / f"{10:020d}.jsonl.zst").mkdir()
    done = folder.prune(compress=True)
    assert done.streams["a"].error is not None
    assert not done.ok
    assert done.streams["b"].compressed_segments == 1
    assert replayed(folder.data) == (folder.data / "stats.json").read_bytes()


def test_a_backup_that_was_copied_over_compressed_segments_takes_no_line_back(folder):
    text = segment(folder.data, first=10).read_bytes()
    folder.prune(compress=True)
    before = replayed(folder.data)
    append(segment(folder.data, first=10), text[: len(text) // 2])
    assert [gap.stream for gap in verify(folder.data).gaps] == ["a", "b"]
    done = folder.prune(compress=True)
    assert done.ok
    assert done.bytes_before - done.bytes_after == done.streams["a"].saved_bytes
    assert replayed(folder.data) == (folder.data / "stats.json").read_bytes() == before
    assert [gap.stream for gap in verify(folder.data).gaps] == ["b"], "as it was made"


# Trying it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [None, Keep(age_s=2.5 * DAY), Keep(size=2000)])
@pytest.mark.parametrize("with_stats", [True, False])
def test_a_dry_run_says_what_would_be_done_and_changes_nothing(folder, keep, with_stats):
    if with_stats:
        Runner(folder.data).rebuild()
    before = {path: path.read_bytes() for path in folder.data.rglob("*") if path.is_file()}
    dry = folder.prune(keep, day=5, dry_run=True)
    assert {p: p.read_bytes() for p in folder.data.rglob("*") if p.is_file()} == before
    done = folder.prune(keep, day=5)
    assert dry == done


def test_a_dry_run_counts_what_would_be_compressed(folder):
    dry = folder.prune(Keep(age_s=2.5 * DAY), compress=True, dry_run=True, day=5)
    assert [report.compressed_segments for report in dry.streams.values()] == [1, 0]


# Two at once, and one that is killed --------------------------------------------------------------


def test_one_at_a_time(folder):
    """Another one waits: it takes the lock that is held."""
    held = []

    class Watching(RealFileSystem):
        def replace_file(self, path, data, mode=None):
            if path.name == "summary.json":
                held.append(self.try_lock(folder.data / HOUSEKEEPING_LOCK))
            super().replace_file(path, data, mode)

    folder.prune(Keep(age_s=DAY), fs=Watching())
    assert held == [None, None]
    lock = FS.try_lock(folder.data / HOUSEKEEPING_LOCK)
    assert lock is not None
    lock.release()


class Dies(BaseException):
    """The process is gone."""


class Dying(FaultyFileSystem):
    """Does nothing more from a step on, whatever the code that it runs still tries."""

    def __init__(self, step=0):
        super().__init__()
        self.step = step
        self.taken = 0

    def _before(self):
        if self.step and self.taken >= self.step:
            raise Dies
        self.taken += 1

    def replace_file(self, path, data, mode=None):
        self._before()
        super().replace_file(path, data, mode)

    def write_new(self, path, data):
        self._before()
        super().write_new(path, data)

    def rename(self, source, target):
        self._before()
        super().rename(source, target)

    def remove(self, path):
        self._before()
        super().remove(path)

    def sync_folder(self, path):
        self._before()
        super().sync_folder(path)


def steps_of(tmp_path):
    fs = Dying()
    Folder(tmp_path / "counted").prune(Keep(age_s=2.5 * DAY), day=5, compress=True, fs=fs)
    return fs.taken


def test_wherever_it_dies_no_total_changes_and_the_next_one_finishes(tmp_path):
    steps = steps_of(tmp_path)
    whole = Folder(tmp_path / "whole")
    before = replayed(whole.data)
    whole.prune(Keep(age_s=2.5 * DAY), day=5, compress=True)
    assert steps > 20
    for step in range(1, steps):
        folder = Folder(tmp_path / str(step))
        with pytest.raises(Dies):
            folder.prune(Keep(age_s=2.5 * DAY), day=5, compress=True, fs=Dying(step))
        (folder.data / "queue.db").touch()
        assert replayed(folder.data) == before, step
        assert verify(folder.data).differences == verify(folder.data).breaks == ()
        (folder.data / "stats.json").unlink(missing_ok=True)
        Runner(folder.data).rebuild()
        assert (folder.data / "stats.json").read_bytes() == before
        folder.prune(Keep(age_s=2.5 * DAY), day=5, compress=True)
        for stream in "ab":
            assert folder.names(stream) == whole.names(stream), step
        assert (folder.data / "stats.json").read_bytes() == replayed(folder.data) == before


def test_segments_that_a_killed_one_left_in_any_order_are_passed_over(folder):
    """A power cut may keep any of the removals."""
    before = replayed(folder.data)
    kept = segment(folder.data, first=10).read_bytes()
    folder.prune(Keep(age_s=2.5 * DAY), day=5)
    append(segment(folder.data, first=10), kept)
    assert replayed(folder.data) == before
    done = folder.prune(compress=True)
    assert done.streams["a"].removed_segments == 1
    assert folder.firsts("a") == [30, 40]
    assert replayed(folder.data) == before


def change_summary(folder, **changes):
    path = folder.data / "events" / "a" / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(("end", "first"), [(31, 30), (41, 30), (2**63 - 1, 30)])
def test_a_summary_that_claims_what_it_does_not_hold_removes_nothing(folder, end, first, dry_run):
    folder.prune(Keep(age_s=2.5 * DAY), day=5)
    change_summary(folder, end=end)
    done = folder.prune(Keep(age_s=DAY), dry_run=dry_run)
    assert not done.ok
    error = done.streams["a"].error
    assert str(segment(folder.data, first=first)) in error
    assert "summary.json" in error
    assert folder.firsts("a") == [30, 40]
    assert done.streams["a"].removed_segments == 0
    assert done.streams["b"].removed_segments == 0, "they are gone already"
    assert folder.firsts("b") == [30]


@pytest.mark.parametrize(
    "lines",
    [
        [opened(10, "e9")],
        [opened(12, "e1")],
        [succeeded(30)],
        [b'{"event":"job.succeeded","stream":"a","seq":11,"duration_ns":-1}\n'],
        [succeeded(12, **on(9, 0))],
    ],
    ids=["another opening", "an opening elsewhere", "a seq beyond", "a spoilt line", "a newer one"],
)
@pytest.mark.parametrize("suffix", ["", ".zst", ".gz"])
def test_a_left_over_segment_with_a_line_that_is_not_in_the_summary_stays(folder, lines, suffix):
    folder.prune(Keep(age_s=2.5 * DAY), day=5)
    append(segment(folder.data, first=0), opened(0, "e0"))
    append(segment(folder.data, first=10), opened(10, "e1"), *lines)
    if suffix:
        compress(segment(folder.data, first=10), suffix)
        append(
            segment(folder.data, first=10), opened(10, "e1")
        )  # and the file that is read is right
    done = folder.prune(compress=True)
    assert not done.ok
    assert f"{10:020d}.jsonl{suffix} " in done.streams["a"].error
    assert {0, 10, 30, 40} == set(folder.firsts("a"))


def test_a_left_over_segment_that_cannot_be_read_stays(folder):
    folder.prune(Keep(age_s=2.5 * DAY), day=5)
    packed = compress(append(segment(folder.data, first=10), opened(10, "e1")))
    packed.write_bytes(packed.read_bytes()[:-9])
    assert "cut short" in folder.prune(Keep(age_s=DAY)).streams["a"].error
    assert folder.firsts("a") == [10, 30, 40]


def test_left_over_lines_that_the_summary_holds_in_any_way_go(folder):
    """Spoilt ones, too long ones, and openings before those that are listed."""
    first = segment(folder.data, first=0)
    for n in range(70):
        append(segment(folder.data, "c", n), opened(n, f"x{n}", "c"))
    append(first, b"no json\n", b'{"event":"job.succeeded","stream":"a","seq":3,"v":9}\n', b"\n")
    append(first, b"x" * (1 << 20) + b"\n", succeeded(5, **on(0, 5)), b"torn")
    texts = {path: path.read_bytes() for path in (first, segment(folder.data, "c", 0))}
    folder.prune(Keep(age_s=2.5 * DAY), day=5)
    folder.prune(Keep(size=1), day=5)
    for path, text in texts.items():
        append(path, text)
    done = folder.prune()
    assert done.ok
    assert (folder.firsts("a"), folder.firsts("c")) == ([40], [69])


def test_the_last_segment_stays_even_if_the_summary_holds_it(folder):
    texts = {n: segment(folder.data, first=n).read_bytes() for n in (0, 10)}
    folder.prune(Keep(age_s=2.5 * DAY), day=5)
    for first in (30, 40):
        segment(folder.data, first=first).unlink()
    for first, text in texts.items():
        append(segment(folder.data, first=first), text)
    done = folder.prune(Keep(size=1))
    assert done.streams["a"].removed_segments == 1
    assert folder.firsts("a") == [10]


@pytest.mark.parametrize("suffix", [".zst", ".gz"])
@pytest.mark.parametrize("keep", [Keep(age_s=2.5 * DAY), Keep(size=1)])
def test_a_segment_whose_other_file_holds_more_is_not_pruned(folder, suffix, keep):
    text = segment(folder.data, first=10).read_bytes()
    compress(segment(folder.data, first=10), suffix)
    Runner(folder.data).rebuild()
    before = replayed(folder.data)
    append(segment(folder.data, first=10), text[: len(text) // 2])
    done = folder.prune(keep)
    assert "`syncstats prune --compress` removes such a one" in done.streams["a"].error
    assert folder.firsts("a") == [10, 10, 20, 30, 40]
    folder.prune(compress=True)
    assert folder.prune(keep).ok
    assert folder.firsts("a")[0] >= 30
    assert replayed(folder.data) == before


def test_temporary_files_of_the_dead_go_and_those_of_the_living_stay(folder):
    stream = folder.data / "events" / "a"
    (stream / ".syncstats-0123456789abcdef.tmp").touch()
    with FS.lock(stream / LOCK_NAME):
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
