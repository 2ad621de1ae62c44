"""What must hold of a data folder at any moment, and of one that has come to rest."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from projections.replay import replay
from projections.verify import verify
from tests.support.whole.records import MAX_LOSSES, stats_of

if TYPE_CHECKING:
    from projections.snapshot import Snapshot
    from tests.support.whole.model import Folder
    from tests.support.whole.site import Site


def check(site: Site) -> None:
    """Show that the folder is what the model says, and that this is what was promised."""
    check_promises(site.model)
    check_queue(site)
    check_letters(site)
    check_log(site)
    check_stats(site)


def check_promises(model: Folder) -> None:
    """Each job that was enqueued waits, is leased, or has ended; once. No attempt ends twice."""
    left, ended, dropped = model.jobs.keys(), model.ended.keys(), model.dropped
    assert len(left) + len(ended) + len(dropped) == len(model.keys), "a job is lost, or there twice"
    assert left | ended | dropped == model.keys.keys(), "a job is lost"
    assert all(job.losses < MAX_LOSSES for job in model.jobs.values() if job.stream is None)
    ends: dict[int, int] = {}
    attempts: Counter[tuple[str, int, int]] = Counter()
    for stream, lines in model.logs.items():
        for line in lines:
            outcome = line.outcome
            if outcome is None:
                continue
            attempts[outcome.queue_id, outcome.job_id, outcome.attempt] += 1
            if outcome.era != model.era:
                continue
            job = model.jobs.get(outcome.job_id)
            if job is not None and (job.stream, job.attempt) == (stream, outcome.attempt):
                continue  # the queue has not heard of it; it hears after the dead letters
            place = (stream, line.seq)
            known = model.letters.keys() | model.deleted | model.unlettered
            assert place in known or not outcome.to_dlq, f"{place} has no letter"
            if outcome.is_end:
                assert job is None, f"job {outcome.job_id} has ended, and waits"
                assert outcome.job_id not in ends, f"job {outcome.job_id} has ended twice"
                ends[outcome.job_id] = line.uid
    assert max(attempts.values(), default=1) == 1, f"attempts with two outcomes: {attempts}"
    there = {line.uid for lines in model.logs.values() for line in lines}
    for job_id, uid in model.ended.items():
        assert uid in there or job_id in model.gone, f"nothing tells how job {job_id} ended"


def check_queue(site: Site) -> None:
    """The queue holds the model's jobs, each in its state."""
    with site.place.queue._database.read() as connection:
        rows = connection.execute(
            "SELECT id, job_key, due_at_us, attempt, failures, not_found, losses, leased_by, "
            "lease_seq FROM jobs ORDER BY id"
        ).fetchall()
    jobs = [
        (
            *(job.id, job.key, job.due, job.attempt, job.failures, job.not_found, job.losses),
            *(job.stream, job.lease_seq),
        )
        for _, job in sorted(site.model.jobs.items())
    ]
    assert rows == jobs
    assert site.place.queue.is_paused() == site.model.paused
    assert set(site.place.queue.marks()) == set(site.model.marks)


def check_letters(site: Site) -> None:
    """The dead letters are the model's."""
    letters = site.place.letters.list()
    found = {(each.stream, each.seq): each.job_id for each in letters}
    assert len(found) == len(letters)
    assert found == {place: job for place, (job, _) in site.model.letters.items()}


def check_log(site: Site) -> None:
    """The files hold the model's lines, whole and in order."""
    folders = site.data / "events"
    streams = {path.name for path in folders.iterdir()} if folders.exists() else set()
    assert streams >= {stream for stream, lines in site.model.logs.items() if lines}
    for stream in streams:
        first, found = site.lines(stream)
        lines = [line for line in site.model.logs.get(stream, []) if line.seq >= first]
        assert [line["seq"] for line in found] == [line.seq for line in lines]
        for line, known in zip(found, lines, strict=True):
            assert line["event"] == known.event
            assert known.outcome is None or known.outcome.same(line)


def check_stats(site: Site) -> None:
    """A replay counts what the model counts; and stats.json is no other fold of the log."""
    snapshot = replayed(site)
    assert_counts(snapshot, stats_of(site.model.outcomes()))
    assert (snapshot.gaps, snapshot.invalid_lines) == (0, 0)
    if (site.data / "stats.json").exists() and not site.has_lost:
        found = verify(site.data)
        assert found.ok, found
        assert found.behind >= 0


def replayed(site: Site) -> Snapshot:
    return replay([str(site.data)], stdin=io.BytesIO()).snapshot


def check_saved(site: Site) -> dict[str, Any]:
    """stats.json covers all of the log, and is what a fold of it gives, to the byte."""
    path = site.data / "stats.json"
    snapshot = replayed(site)
    if not snapshot.streams and not path.exists():
        return {}
    saved = path.read_bytes()
    assert saved == snapshot.to_bytes()
    told: dict[str, Any] = json.loads(saved)
    counted = stats_of(site.model.outcomes())
    assert {name: told[name] for name in counted} == counted
    found = verify(site.data)
    assert (found.ok, found.behind) == (True, 0), found
    return told


def assert_counts(snapshot: Snapshot, counted: dict[str, Any]) -> None:
    """A snapshot adds up to what was counted one by one."""
    total = snapshot.total().to_dict()
    assert {name: total[name] for name in counted} == counted


def check_rest(site: Site) -> None:
    """Nobody works, and nothing is left to do."""
    model = site.model
    assert not model.jobs
    dead = {
        (stream, line.seq)
        for stream, lines in model.logs.items()
        for line in lines
        if line.outcome is not None and line.outcome.to_dlq
    }
    assert dead - model.unlettered <= model.letters.keys() | model.deleted
