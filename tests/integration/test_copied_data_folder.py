"""A data folder is copied, and both are worked on: their stats can be joined."""

from __future__ import annotations

import shutil
from functools import reduce

from projections.join import join
from projections.runner import Runner
from projections.snapshot import parse_snapshot
from tests.support.workers import Place
from worker.errors import PermanentError


def work(data, jobs):
    """Add jobs, run them all, every third to its death, and save the stats."""

    def handle(job):
        if job.scene_id % 3 == 0:
            raise PermanentError("no")

    place = Place(data)
    try:
        place.enqueue(jobs)
        place.worker(handle).run()
    finally:
        place.close()
    runner = Runner(data)
    runner.start()
    runner.catch_up()
    runner.save()


def snapshot(data):
    path = data / "stats.json"
    return parse_snapshot(path.read_bytes(), str(path))


def test_the_sum_holds_each_attempt_once(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    work(ours, 9)
    before = snapshot(ours)
    shutil.copytree(ours, theirs)
    work(ours, 4)
    work(theirs, 5)

    a, b = snapshot(ours), snapshot(theirs)
    joined = join(a, b)

    total = joined.total()
    counts = [one.jobs_processed for one in (before.total(), a.total(), b.total(), total)]
    assert counts == [9, 13, 14, 18]
    assert a.total().minus(before.total()).merge(b.total()) == total
    assert reduce(join, [b, a, b, a, before, joined]) == joined
