"""Two prunes at once, one that is killed, and what such a one leaves behind."""

from __future__ import annotations

import json

import pytest

from events.filesystem import REAL, RealFileSystem
from events.log.sealing import HOUSEKEEPING_LOCK
from projections.pruned import Keep
from projections.runner import Runner
from projections.verify import verify
from tests.support.log_folders import append, compress, segment
from tests.support.log_world import Dies, MortalFileSystem
from tests.support.outcome_lines import opened, succeeded
from tests.support.prunable_folders import DAY, Folder, on, replayed


def test_a_prune_holds_a_lock_so_that_another_one_waits_for_it(folder):
    held = []

    class Watching(RealFileSystem):
        def replace_file(self, path, data, mode=None):
            if path.name == "summary.json":
                held.append(self.try_lock(folder.data / HOUSEKEEPING_LOCK))
            super().replace_file(path, data, mode)

    folder.prune(Keep(age_s=DAY), fs=Watching())
    assert held == [None, None]
    lock = REAL.try_lock(folder.data / HOUSEKEEPING_LOCK)
    assert lock is not None
    lock.release()


def test_wherever_it_dies_no_total_changes_and_the_next_one_finishes(tmp_path):
    counting = MortalFileSystem()
    Folder(tmp_path / "counted").prune(Keep(age_s=2.5 * DAY), day=5, compress=True, fs=counting)
    steps = counting.changes
    whole = Folder(tmp_path / "whole")
    before = replayed(whole.data)
    whole.prune(Keep(age_s=2.5 * DAY), day=5, compress=True)
    assert steps > 20
    for step in range(1, steps):
        folder = Folder(tmp_path / str(step))
        with pytest.raises(Dies):
            folder.prune(Keep(age_s=2.5 * DAY), day=5, compress=True, fs=MortalFileSystem(step))
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
