"""What must hold of a data folder at any moment, and of one that has come to rest."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from projections.replay import replay
from projections.verify import verify
from tests.support.whole.model import MAX_LOSSES, Folder, stats_of

if TYPE_CHECKING:
    from projections.snapshot import Snapshot
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
    ours = [each for each in model.outcomes() if each.queue_id == model.queue_id]
    ends = Counter(each.job_id for each in ours if each.is_end)
    assert max(ends.values(), default=1) == 1, f"jobs ended twice: {ends}"
    for job_id in model.ids:
        job = model.jobs.get(job_id)
        if job is None:
            assert ends[job_id] == (job_id not in model.dropped), f"job {job_id} is lost"
        elif job.stream is None:
            assert not ends[job_id], f"job {job_id} has ended, and waits"
            assert job.losses < MAX_LOSSES
    attempts = Counter((each.queue_id, each.job_id, each.attempt) for each in model.outcomes())
    assert max(attempts.values(), default=1) == 1, f"attempts with two outcomes: {attempts}"
    held = {(job.id, job.attempt) for job in model.jobs.values() if job.stream is not None}
    for stream, lines in model.logs.items():
        for line in lines:
            outcome = line.outcome
            if outcome is None or not outcome.to_dlq or outcome.queue_id != model.queue_id:
                continue
            if (outcome.job_id, outcome.attempt) in held:
                continue  # the queue has not heard of it, and hears of it after the dead letters
            place = (stream, line.seq)
            assert place in model.letters or place in model.deleted, f"{place} has no letter"


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
        found = site.lines(stream)
        first = site.pruned.get(stream, 0)
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
    if (site.data / "stats.json").exists():
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
    assert dead == model.letters.keys() | model.deleted
