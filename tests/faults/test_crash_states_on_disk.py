"""A worker on the real disk, its power cut at any moment: work goes on from what is there."""

from __future__ import annotations

from contextlib import closing

import pytest

from events.clock import SystemClock
from events.filesystem import boot_id
from projections.runner import Runner
from projections.verify import verify
from sync_queue.jobs import NewJob
from sync_queue.queue import JobQueue
from tests.support import worked_jobs
from tests.support.power_cuts import (
    JOBS,
    RUN,
    SEGMENTS,
    Scene,
    assert_log_is_a_prefix,
    assert_stats_are_not_ahead,
    reboot,
    states_in_memory,
)
from tests.support.workers import Place, ends_of, events_of, repeated_attempts
from worker.retry import Backoff, RetryPolicies

TORN = b'{"event":"job.succeeded","v":1,"stream":"'
AGAIN = RetryPolicies(Backoff(0.001, 0.002, 2), Backoff(0.001, 0.002, 2))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with states_in_memory(tmp_path):
        yield tmp_path


def assert_goes_on(scene):
    """From every state: nothing lost, nothing twice, no view ahead of what it is made from.

    By turns in the place where its streams were made, and as a copy, whose worker begins its own.
    """
    states = scene.states()
    for number, state in enumerate(states):
        where = f"state {number}, after event {state.after}"
        reboot(state, scene.data, same_place=number % 2 == 0)
        assert_log_is_a_prefix(scene, state, where)
        assert_stats_are_not_ahead(scene.data, where)
        assert_work_goes_on(scene, state, where)
    return len(states)


def assert_work_goes_on(scene, state, where):
    data = scene.data
    with closing(Place(data, SystemClock(), boot_id=boot_id())) as place:
        place.worker(worked_jobs.handle, wait=True, batch=3, policies=AGAIN).run()
        counts = place.queue.counts()
        assert (counts.due, counts.scheduled, counts.leased) == (0, 0, 0), where
        letters = {(each.stream, each.seq, each.job_id) for each in place.letters.list()}
        assert len(letters) == len(list(place.letters.list())), where
    ends = ends_of(data)
    assert sorted(ends) == list(range(1, scene.jobs + 1)), where
    assert {len(each) for each in ends.values()} == {1}, (where, ends)
    assert repeated_attempts(data) == [], where
    dead = {
        (event["stream"], event["seq"], event["job_id"])
        for event in events_of(data)
        if event["event"] == "job.failed" and event["to_dlq"]
    }
    assert letters == dead, where
    notices = []
    runner = Runner(data, notice=notices.append)
    runner.start()
    runner.catch_up()
    runner.save()
    found = verify(data)
    assert (notices, found.differences, found.behind) == ([], (), 0), where
    assert (found.duplicates, found.incomplete_lines) == (0, 0), where
    if not state.has_hole:
        assert (found.gaps, found.invalid_lines) == ((), 0), where
    succeeded = sum(end == ["job.succeeded"] for end in ends.values())
    assert runner.snapshot.total().jobs_succeeded == succeeded, where


def a_worker(folder):
    """A worker drains a queue, over several segments, with dead letters."""
    data = folder / "D"
    with JobQueue(data) as queue:
        queue.enqueue_many(NewJob(7, data={"do": what}) for what in JOBS)
    scene = Scene.of(folder, data, *RUN, data, jobs=len(JOBS))
    assert len(scene.whole) > 2, "it should have begun new segments"
    assert max(len(text) for text in scene.whole.values()) > 8192, "and written over pages"
    (folder / "mended").touch()
    return scene


def a_recovery(folder):
    """A worker has died in the midst of a line, and another one comes."""
    data = folder / "D"
    with JobQueue(data) as queue:
        queue.enqueue_many(NewJob(7, data={"do": what}) for what in JOBS)
    (folder / "mended").touch()
    with closing(Place(data, SystemClock(), boot_id=boot_id())) as place:
        place.worker(worked_jobs.handle, batch=3, policies=AGAIN).run()
        place.queue.enqueue_many(NewJob(7, data={"do": "ok"}) for _ in range(4))
        place.die_with_leases(2)
    last = max(data.glob("events/*/*.jsonl"))
    with last.open("ab") as file:
        file.write(TORN)
    return Scene.of(folder, data, *RUN, data, jobs=len(JOBS) + 4)


@pytest.mark.slow
def test_a_worker_goes_on_from_whatever_a_power_cut_leaves(folder):
    assert assert_goes_on(a_worker(folder)) > 100


def test_so_does_one_that_was_putting_a_torn_log_in_order(folder):
    scene = a_recovery(folder)
    for state in scene.states():
        kept = [text for path, text in state.files.items() if path.startswith("events/")]
        assert any(text.endswith(TORN) for text in kept), "what was torn off is kept aside"
    assert assert_goes_on(scene) > 40


@pytest.mark.parametrize("left_out", [SEGMENTS, r"events/[^/]+"])
def test_without_a_sync_of_the_log_jobs_would_be_lost(folder, left_out):
    scene = a_worker(folder).without_sync_of(left_out)
    with pytest.raises(AssertionError, match="state"):
        assert_goes_on(scene)
