"""How much work a batch is: counted, since the wall clock says more of the machine than of us."""

from __future__ import annotations

import pytest

from events.filesystem.real import RealAppendFile
from events.model import Succeeded
from sync_queue.jobs import Ending
from tests.support.workers import Place
from worker.recorder import Ended

JOBS = 60
BATCH = 20


class Statements:
    """The statements that a queue gives SQLite."""

    def __init__(self, queue):
        self.texts = []
        queue._database._handle().connection.set_trace_callback(self.texts.append)

    def counted(self, *words):
        """How many there were; with words: that begin with one of them."""
        starts = tuple(words)
        texts = ["\n".join(t for t in text.splitlines() if t[:2] != "--") for text in self.texts]
        return sum(text.startswith(starts) for text in texts) if words else len(texts)


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.close()


def ended(jobs, seq):
    return [Ending(job.id, job.attempt, seq + number) for number, job in enumerate(jobs)]


@pytest.mark.parametrize("batch", [1, 10, 200])
def test_a_batch_is_ended_and_the_next_claimed_by_as_many_statements_as_a_job(place, batch):
    place.enqueue(2 * batch)
    jobs = place.queue.claim("s", 0, batch)
    statements = Statements(place.queue)

    claimed = place.queue.apply("s", ended(jobs, 0), claim=batch, next_seq=batch)

    assert len(claimed) == batch
    assert statements.counted("BEGIN", "COMMIT") == 2
    assert statements.counted("DELETE", "INSERT", "UPDATE") == 3
    assert statements.counted("SELECT") == 2
    assert statements.counted() <= 9  # and how long to wait for the lock, before and after


def test_a_claim_touches_the_rows_that_it_leases_and_an_ending_those_that_it_ends(place):
    place.enqueue(500)
    changed = place.queue._database._handle().connection
    before = changed.total_changes
    jobs = place.queue.claim("s", 0, 10)
    assert changed.total_changes - before == 10

    before = changed.total_changes
    place.queue.apply("s", ended(jobs, 0))
    assert changed.total_changes - before == 10 + 1  # and how far the stream was applied


def test_runs_of_several_attempts_end_by_one_statement_each(place):
    place.enqueue(3)
    place.queue.interrupt("s", [(job.id, job.attempt) for job in place.queue.claim("s", 0, 2)])
    jobs = place.queue.claim("s", 0, 3)
    assert sorted(job.attempt for job in jobs) == [1, 2, 2]
    statements = Statements(place.queue)
    place.queue.apply("s", ended(jobs, 0))
    assert statements.counted("DELETE") == 2
    assert place.queue.leases("s") == []


def test_leases_younger_than_the_oldest_outcome_end_one_by_one_and_no_other_does(place):
    place.enqueue(3)
    old, young, younger = [place.queue.claim("s", seq, 1)[0] for seq in (0, 5, 9)]
    endings = [Ending(old.id, 1, 4), Ending(young.id, 1, 6), Ending(younger.id, 1, 8)]
    place.queue.apply("s", endings)
    assert place.queue.leases("s") == [younger]


def test_a_batch_is_one_write_and_one_sync_of_the_log(place, monkeypatch):
    calls = []
    for name in ("write", "sync"):
        method = getattr(RealAppendFile, name)
        monkeypatch.setattr(
            RealAppendFile,
            name,
            lambda file, *data, name=name, method=method: (
                calls.append(name),
                method(file, *data),
            )[1],
        )
    place.enqueue(JOBS)
    own = place.start()
    jobs = place.queue.claim(own.name, own.recorder.next_seq, BATCH)
    while jobs:
        for job in jobs:
            own.recorder.add(Ended(job, Succeeded(job_id=job.id, kind="m", attempt=job.attempt)))
        jobs = own.recorder.commit(claim=BATCH)
    own.close()
    assert len(place.outcomes()) == JOBS
    assert calls == ["write", "sync"] * (JOBS // BATCH)


def test_a_worker_never_leases_more_than_a_batch_however_fast_its_handler_is(place, monkeypatch):
    place.enqueue(JOBS)
    most = []
    apply = place.queue.apply

    def watched(*args, **more):
        claimed = apply(*args, **more)
        most.append(place.queue.counts().leased)
        return claimed

    monkeypatch.setattr(place.queue, "apply", watched)
    report = place.worker(lambda _job: None, batch=7).run()
    assert report.stats.jobs_succeeded == JOBS
    assert max(most) == 7
