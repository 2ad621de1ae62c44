"""A whole worker (`processor` and `loop`) in this process, on a clock that the test moves."""

from __future__ import annotations

import itertools
import os
import threading
import time

import pytest
import structlog

from sync_queue.errors import QueueError
from sync_queue.jobs import NewJob
from tests.support.forking import fork
from tests.support.handlers import wait_until
from tests.support.workers import Place, TickingClock, ends_of, repeated_attempts
from worker.errors import HandlerStopped, PermanentError, PlexNotFound, TransientError
from worker.handlers.base import Outcome
from worker.listener import WorkerListener
from worker.retry import Backoff, RetryPolicies

LONG_S = 30
AT_ONCE = RetryPolicies(Backoff(0, 0, 3), Backoff(0, 0, 4))


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path / "data", TickingClock())
    yield place
    place.close()


class Gate:
    """A handler that waits for the test."""

    def __init__(self):
        self.gate = threading.Event()
        self.began = threading.Semaphore(0)

    def __call__(self, _job):
        self.began.release()
        assert self.gate.wait(LONG_S)

    def wait_begun(self, count=1):
        for _ in range(count):
            assert self.began.acquire(timeout=LONG_S)


class Running:
    """A worker that runs in a thread."""

    def __init__(self, worker):
        self.worker = worker
        self.report = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        self.report = self.worker.run()

    def join(self):
        self.thread.join(LONG_S)
        assert not self.thread.is_alive()
        return self.report


def test_it_works_the_queue_and_ends_when_it_is_drained(place):
    place.enqueue(25)
    report = place.worker(lambda job: "low" if job.id % 5 == 0 else None, concurrency=2).run()
    assert (report.stats.jobs_succeeded, report.stats.low_confidence_matches) == (25, 5)
    assert (report.stopped, report.interrupted, report.left.due) == (False, 0, 0)
    assert sorted(ends_of(place.data)) == list(range(1, 26))
    log = place.log(report.stream)
    assert [event["seq"] for event in log] == list(range(len(log)))
    assert [log[0]["event"], log[1]["event"]] == ["stream.opened", "worker.started"]
    assert [log[-2]["event"], log[-1]["event"]] == ["batch.summary", "worker.stopped"]
    assert log[-1]["reason"] == "drained"


def test_nothing_to_do_leaves_no_trace(place):
    report = place.worker(print).run()
    assert report.stats.jobs_processed == 0
    assert place.log() == []
    assert place.told.summaries == []


def test_outcomes_carry_what_the_handler_said(place):
    answers = [Outcome("guess", warnings=2), Outcome(skipped=True), None]
    place.enqueue(3)
    report = place.worker(lambda job: answers[job.id - 1]).run()
    first, second, third = place.outcomes()
    assert (first["confidence"], first["warnings"]) == ("guess", 2)
    assert second["event"] == "job.skipped"
    assert third["confidence"] == "high"
    assert (report.stats.jobs_skipped, report.stats.jobs_succeeded) == (1, 2)
    assert (third["job_id"], third["scene_id"], third["attempt"]) == (3, 3, 1)
    assert third["duration_ns"] > 0
    assert third["wait_ns"] > 0


def test_a_transient_failure_is_tried_again_until_it_has_no_tries_left(place):
    place.enqueue(2)

    def handler(job):
        if job.id == 1 or job.attempt < 3:
            raise TransientError("busy")

    report = place.worker(handler, wait=True, breaker_failures=99).run()
    first = [event for event in place.outcomes() if event["job_id"] == 1]
    assert [event["attempt"] for event in first] == [1, 2, 3, 4, 5]
    assert [event["to_dlq"] for event in first] == [False] * 4 + [True]
    assert all(
        before["retry_at"] <= after["timestamp"] for before, after in itertools.pairwise(first)
    )
    (letter,) = place.dead()
    assert (letter.job_id, letter.retry_count, letter.error_type) == (1, 5, "TransientError")
    assert report.stats.jobs_recovered == 1
    assert ends_of(place.data) == {1: ["job.failed"], 2: ["job.succeeded"]}


def test_a_permanent_failure_is_dead_at_once(place):
    place.enqueue(1)

    def handler(_job):
        raise PermanentError("never")

    report = place.worker(handler).run()
    (event,) = place.outcomes()
    assert (event["to_dlq"], event["error_type"], event["level"]) == (
        True,
        "PermanentError",
        "error",
    )
    assert "retry_at" not in event
    assert event["exception"][0]["exc_value"] == "never"
    assert report.stats.jobs_to_dlq == 1
    assert place.letters.get_by_id(1)["update_type"] == "metadata"


def test_what_is_not_found_has_a_schedule_of_its_own_and_opens_no_breaker(place):
    place.enqueue(1)

    def handler(_job):
        raise PlexNotFound("no item")

    place.clock.step_s = 20
    place.worker(handler, wait=True, breaker_failures=2).run()
    outcomes = place.outcomes()
    assert len(outcomes) == 12
    assert {event["policy"] for event in outcomes[:-1]} == {"not_found"}
    assert outcomes[-1]["to_dlq"]
    assert [event for event in place.log() if event["event"].startswith("breaker")] == []


def test_drain_leaves_what_is_scheduled_and_says_when_it_is_due(place):
    place.queue.enqueue(NewJob(1, due_at_us=place.clock.us + 3_600_000_000))
    report = place.worker(print).run()
    assert (report.left.scheduled, report.left.due) == (1, 0)
    assert report.left.next_due_at_us is not None
    place.clock.step_s = 60
    assert place.worker(lambda _: None, wait=True).run().stats.jobs_succeeded == 1


def test_data_that_is_damaged_is_a_dead_letter_with_the_text_that_is_there(place):
    place.queue.enqueue(NewJob(1, data={"a": 1}))
    with place.queue._database.transaction() as connection:
        connection.execute("UPDATE jobs SET data = '{\"a\":'")
    place.worker(lambda _: pytest.fail("called")).run()
    assert place.outcomes()[0]["error_type"] == "InvalidJobError"
    assert place.letters.get_by_id(1)["data"] == '{"a":'


def test_secrets_are_masked_in_the_log_and_the_dead_letters(place):
    place.enqueue(1)

    def handler(_job):
        raise PermanentError("GET http://plex/x?X-Plex-Token=hunter2hunter2")

    place.worker(handler).run()
    assert "hunter2" not in str(place.log())
    assert "hunter2" not in str(place.letters.get(1))


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_an_error_that_would_end_a_program_ends_only_its_attempt(place, error):
    place.enqueue(2)

    def handler(job):
        if job.id == 1:
            raise error

    place.worker(handler, policies=AT_ONCE, wait=True).run()
    assert ends_of(place.data) == {1: ["job.failed"], 2: ["job.succeeded"]}
    assert place.dead()[0].error_type == error.__name__


def test_an_error_without_a_message_is_recorded(place):
    class Mute(PermanentError):  # noqa: N818 -- a handler names its errors as it likes
        def __init__(self):
            pass

        def __str__(self):
            raise ValueError("no")

    def handler(_job):
        raise Mute

    place.enqueue(1)
    place.worker(handler).run()
    assert place.dead()[0].error_type == "Mute"


def test_a_handler_that_configures_structlog_changes_no_outcome(place):
    def handler(_job):
        structlog.configure(processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
        structlog.contextvars.bind_contextvars(event="x", to_dlq=True, seq=99)

    place.enqueue(3)
    try:
        place.worker(handler).run()
    finally:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
    assert [event["seq"] for event in place.log()] == list(range(7))
    assert all("to_dlq" not in event for event in place.outcomes())
    assert len(ends_of(place.data)) == 3


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_the_handler_forks_and_leaves_does_no_harm(place):
    children = []

    def handler(_job):
        child = fork()
        if child:
            children.append(child)

    place.enqueue(5)
    report = place.worker(handler).run()
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert report.stats.jobs_succeeded == len(children) == 5
    assert repeated_attempts(place.data) == []


# The breaker


def test_the_breaker_opens_gives_back_what_has_not_begun_and_closes_after_a_trial(place):
    place.enqueue(10)
    failing = [True]

    def handler(_job):
        if failing[0]:
            raise TransientError("502")

    def notice(text):
        place.told.notices.append(text)
        failing[0] = False  # the server is back before the trial

    place.told.notice = notice
    report = place.worker(
        handler, wait=True, breaker_failures=3, policies=RetryPolicies(Backoff(0, 0, 9))
    ).run()
    opened, closed = (e for e in place.log() if e["event"].startswith("breaker"))
    assert (opened["event"], opened["level"]) == ("breaker.opened", "warning")
    assert (opened["cause"], opened["failures"]) == ("TransientError: 502", 3)
    assert (closed["event"], closed["cause"]) == ("breaker.closed", "the trial succeeded")
    assert closed["open_s"] >= 60
    assert (
        "circuit breaker opened after 3 failures in a row (TransientError: 502)"
        in (place.told.notices[0])
    )
    assert "circuit breaker closed" in place.told.notices[1]
    attempts = {}
    for event in place.outcomes():
        attempts.setdefault(event["job_id"], []).append(event["attempt"])
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in attempts.values())
    assert max(map(len, attempts.values())) == 2  # nothing was tried while it was open
    assert report.stats.jobs_succeeded == 10
    # No outcome but that of the trial lies between the two.
    log = place.log()
    assert (
        closed["seq"] - opened["seq"]
        <= 1 + sum(e["event"] == "job.failed" for e in log[opened["seq"] :]) + 1
    )


def test_a_trial_that_fails_opens_the_breaker_again(place):
    place.enqueue(3)
    tries = []

    def handler(job):
        tries.append(job.id)
        if len(tries) <= 3:
            raise TransientError("502")

    policies = RetryPolicies(Backoff(0, 0, 9))
    place.worker(handler, wait=True, batch=1, breaker_failures=2, policies=policies).run()
    events = [e["event"] for e in place.log() if e["event"].startswith("breaker")]
    assert events == ["breaker.opened", "breaker.opened", "breaker.closed"]
    assert sorted(ends_of(place.data)) == [1, 2, 3]


# Time


def test_a_handler_that_hangs_is_recorded_as_a_timeout_and_its_late_result_discarded(place):
    gate = Gate()
    place.enqueue(2)

    def handler(job):
        if job.id == 1 and job.attempt == 1:
            gate(job)
            return "late"
        return None

    report = place.worker(handler, timeout_s=30, wait=True, policies=AT_ONCE).run()
    gate.gate.set()
    assert report.stats.jobs_succeeded == 2
    assert report.stats.errors_by_type == {"HandlerTimeout": 1}
    late = next(event for event in place.outcomes() if event["event"] == "job.failed")
    assert (late["job_id"], late["attempt"]) == (1, 1)
    assert late["duration_ns"] >= 30_000_000_000
    assert repeated_attempts(place.data) == []


def test_a_handler_that_watches_its_own_time_is_not_watched(place):
    class OwnTime:
        enforces_timeout = True
        ending_s = None

        def __call__(self, _job):
            place.clock.move_s(3600)

        def stop(self):
            pass

    place.enqueue(1)

    def handler(job):
        return handler.as_handler(job)

    handler.as_handler = OwnTime()
    assert place.worker(handler, timeout_s=1).run().stats.jobs_succeeded == 1


# Stopping


def test_a_stop_before_the_run_ends_it_at_once_without_a_stream(place):
    place.enqueue(1)
    worker = place.worker(lambda _: pytest.fail("called"), drain=False)
    worker.stop()
    with place.fs.lock(place.data / "takeover.lock"):
        report = worker.run()
    assert (report.stream, report.stopped, report.left.due) == (None, True, 1)
    assert not (place.data / "events").exists()


def test_a_stop_records_what_runs_and_gives_the_rest_back_unused(tmp_path):
    place = Place(tmp_path)  # the clock stands: the grace is not over before the test wants it
    gate = Gate()
    place.enqueue(5)
    running = Running(place.worker(gate, drain=False))
    gate.wait_begun()
    running.worker.stop()
    wait_until(lambda: place.queue.counts().due == 4, "what has not begun is given back")
    gate.gate.set()
    report = running.join()
    assert (report.stopped, report.interrupted) == (True, 0)
    assert [event["job_id"] for event in place.outcomes()] == [1]
    assert place.log()[-1]["reason"] == "stopped"
    assert place.queue.counts().due == 4
    assert {job.attempt for job in place.queue.claim("other", 0, 9)} == {1}
    place.close()


def test_what_does_not_end_within_the_grace_is_released_with_its_attempt_used(place):
    gate = Gate()
    place.enqueue(3)
    running = Running(place.worker(gate, drain=False, grace_s=0.05, concurrency=2))
    gate.wait_begun(2)
    running.worker.stop()
    report = running.join()
    gate.gate.set()
    assert report.interrupted == 2
    assert place.outcomes() == []
    jobs = place.queue.claim("other", 0, 9)
    assert [(job.id, job.attempt, job.losses) for job in jobs] == [(1, 2, 0), (2, 2, 0), (3, 1, 0)]


def test_a_stop_at_once_does_not_wait(tmp_path):
    place = Place(tmp_path)  # a clock that stands: no grace would ever end
    gate = Gate()
    place.enqueue(1)
    running = Running(place.worker(gate, drain=False, grace_s=3600))
    gate.wait_begun()
    running.worker.stop()
    running.worker.stop(at_once=True)
    assert running.join().interrupted == 1
    gate.gate.set()
    assert place.queue.counts().due == 1
    place.close()


class Ending:
    """A handler that ends what it runs when it is told to stop, as `exec` does."""

    enforces_timeout = True
    ending_s = 0.0

    def __init__(self, error):
        self.began = threading.Event()
        self.stopped = threading.Event()
        self.error = error

    def __call__(self, _job):
        self.began.set()
        assert self.stopped.wait(LONG_S)
        if self.error:
            raise self.error

    def stop(self):
        self.stopped.set()


@pytest.mark.parametrize(
    ("error", "recorded"), [(HandlerStopped("ended"), 0), (None, 1), (PermanentError("x"), 1)]
)
def test_a_handler_that_can_end_what_runs_is_waited_for(tmp_path, error, recorded):
    place = Place(tmp_path)
    ending = Ending(error)
    place.enqueue(1)

    def handler(job):
        return ending(job)

    handler.as_handler = ending
    running = Running(place.worker(handler, drain=False, grace_s=0))
    assert ending.began.wait(LONG_S)
    running.worker.stop()
    report = running.join()
    assert report.interrupted == 1 - recorded
    assert len(place.outcomes()) == recorded
    assert len(place.dead()) == isinstance(error, PermanentError)
    place.close()


def test_a_handler_that_says_stopped_while_nobody_stops_it_has_failed(place):
    def handler(_job):
        raise HandlerStopped("of its own")

    place.enqueue(1)
    place.worker(handler, wait=True, policies=AT_ONCE).run()
    assert place.dead()[0].error_type == "HandlerStopped"


# Several workers


def test_a_drain_waits_for_what_other_workers_hold(tmp_path):
    place = Place(tmp_path)
    place.enqueue(1)
    other = place.start()
    (job,) = place.queue.claim(other.name, other.recorder.next_seq, 1)
    running = Running(place.worker(lambda _: None))
    wait_until(lambda: len(place.streams()) == 2, "the worker has a stream")
    place.queue.interrupt(other.name, [(job.id, job.attempt)])
    place.clock.move_s(1)
    assert running.thread.is_alive() or running.report.stats.jobs_succeeded == 1
    wait_until(lambda: bool(_moved(place) and not running.thread.is_alive()), "it has drained")
    assert running.join().stats.jobs_succeeded == 1
    other.close()
    place.close()


def _moved(place):
    place.clock.move_s(1)
    return True


def test_an_idle_worker_takes_over_what_a_dead_one_held(tmp_path):
    place = Place(tmp_path, TickingClock())
    place.enqueue(1)
    other = place.start()
    place.queue.claim(other.name, other.recorder.next_seq, 1)
    running = Running(place.worker(lambda _: None))
    wait_until(lambda: len(place.streams()) == 2, "the worker has a stream")
    other.close()  # dead: its lock is free, its lease is there
    assert running.join().stats.jobs_succeeded == 1
    assert any(f"took over stream '{other.name}'" in notice for notice in place.told.notices)
    place.close()


def test_a_worker_with_a_thread_to_spare_takes_over_while_another_job_runs(tmp_path):
    place = Place(tmp_path, TickingClock())
    gate = Gate()
    place.enqueue(2)
    other = place.start()
    place.queue.claim(other.name, other.recorder.next_seq, 1)
    running = Running(place.worker(gate, concurrency=2, timeout_s=None))
    gate.wait_begun()
    other.close()
    # Job 1 runs alone because it was lost, so it waits for job 2; but it is released meanwhile.
    wait_until(lambda: place.queue.leased_streams() != [other.name], "released")
    wait_until(lambda: other.name not in place.queue.leased_streams(), "released")
    gate.gate.set()
    assert running.join().stats.jobs_succeeded == 2
    place.close()


def test_a_drain_of_a_paused_queue_ends(place):
    place.enqueue(2)
    place.queue.pause()
    report = place.worker(lambda _: pytest.fail("called"), wait=True).run()
    assert (report.left.due, report.left.paused) == (2, True)


def test_a_pause_lets_what_is_leased_be_done(place):
    place.enqueue(20)

    def handler(job):
        if job.id == 1:
            place.queue.pause()

    report = place.worker(handler, batch=4).run()
    assert report.stats.jobs_succeeded == 4
    assert report.left.due == 16


def test_a_retry_whose_key_waits_again_is_replaced_by_the_newer_job(place):
    place.queue.enqueue(NewJob(1, job_key="k"))

    def handler(job):
        if job.scene_id == 1:
            place.queue.enqueue(NewJob(2, job_key="k"))
            raise TransientError("busy")

    report = place.worker(handler, wait=True).run()
    assert [(e["scene_id"], e["event"]) for e in place.outcomes()] == [
        (1, "job.failed"),
        (2, "job.succeeded"),
    ]
    assert (report.left.due, report.left.scheduled, report.left.leased) == (0, 0, 0)


def test_jobs_that_died_with_workers_are_counted_in_the_run_that_tells_of_them(place):
    place.enqueue(1)
    for _ in range(3):
        place.die_with_leases(1)
    report = place.worker(print).run()
    assert (report.stats.jobs_to_dlq, report.stats.errors_by_type) == (1, {"WorkerLost": 1})
    assert place.told.summaries[0][1] == "DLQ contains 1 item: 1 WorkerLost"


# Summaries


def test_a_summary_counts_failures_and_tells_what_is_on_the_disk(place):
    place.enqueue(6)
    seen = []

    class Looks(WorkerListener):
        def summary(self, lines):
            seen.append((lines, len(place.outcomes()), len(place.dead())))

    place.told = Looks()
    place.told.notices = []

    def handler(job):
        if job.id % 2:
            raise PermanentError("x")

    place.worker(handler, summary_every=2, batch=1, breaker_failures=9).run()
    assert [count for _, count, _ in seen] == [2, 4, 6]
    assert [dead for *_, dead in seen] == [1, 2, 3]
    assert seen[-1][0][0].startswith("Sync summary: 3/6 succeeded (50.0%)")
    assert seen[-1][0][1] == "DLQ contains 3 items: 3 PermanentError"
    summaries = [event for event in place.log() if event["event"] == "batch.summary"]
    assert [event["jobs_processed"] for event in summaries] == [2, 4, 6]


def test_without_an_interval_there_is_one_summary_at_the_end(place):
    place.enqueue(5)
    place.worker(lambda _: None, summary_every=0).run()
    assert len(place.told.summaries) == 1


# Errors


class Through:
    """A queue or dead letters that pass all calls on, but for what a subclass says."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)


def test_a_queue_that_cannot_be_written_ends_the_run_and_nothing_is_lost(place):
    place.enqueue(3)

    class Full(Through):
        def apply(self, stream, endings, **more):
            if endings:
                raise QueueError("the disk is full")
            return self._inner.apply(stream, endings, **more)

    worker = place.worker(lambda _: None, queue=Full(place.queue))
    with pytest.raises(QueueError, match="disk is full"):
        worker.run()
    # What may be in the log is left to the next start, the rest is free.
    recorded = [event["job_id"] for event in place.outcomes()]
    (stream,) = place.queue.leased_streams()
    assert recorded == [job.id for job in place.queue.leases(stream)]
    assert "not all jobs were released" in place.told.notices[-1]
    place.worker(lambda _: None).run()
    assert sorted(ends_of(place.data)) == [1, 2, 3]
    assert repeated_attempts(place.data) == []


def test_an_error_charges_no_job_neither_those_that_run_nor_those_that_wait(tmp_path):
    place = Place(tmp_path)
    gate = Gate()
    second_began = threading.Event()

    class FullOnce(Through):
        full = True

        def apply(self, stream, endings, **more):
            if endings and self.full:
                self.full = False
                raise QueueError("the disk is full")
            return self._inner.apply(stream, endings, **more)

    def handler(job):
        if job.id == 1:
            assert second_began.wait(LONG_S)
            return
        second_began.set()
        gate(job)

    place.enqueue(4)
    worker = place.worker(handler, queue=FullOnce(place.queue), concurrency=2)
    with pytest.raises(QueueError, match="disk is full"):
        worker.run()
    gate.gate.set()
    jobs = {job.id: job for job in place.queue.claim("other", 0, 9)}
    assert 1 not in jobs  # its outcome was in the log, and is applied
    assert {job.losses for job in jobs.values()} == {0}
    assert (jobs[2].attempt, jobs[4].attempt) == (2, 1)
    place.close()


def test_an_error_that_a_job_may_have_brought_about_counts_as_a_death(place):
    class Defect(Through):
        def apply(self, stream, endings, **more):
            assert not endings, "a defect"
            return self._inner.apply(stream, endings, **more)

    place.enqueue(1)
    for _ in range(3):
        with pytest.raises(AssertionError, match="a defect"):
            place.worker(lambda _: time.sleep(0), queue=Defect(place.queue)).run()
        for path in (place.data / "events").glob("*/*.jsonl"):
            path.unlink()  # whatever was wrong, nothing came into the log
    place.worker(lambda _: pytest.fail("called")).run()
    assert [letter.error_type for letter in place.dead()] == ["WorkerLost"]


def test_no_lease_names_a_seq_that_is_not_in_the_log(place):
    place.enqueue(9)
    ahead = []

    class Looks(Through):
        def _note(self, stream, next_seq):
            lines = len(place.log(stream))
            ahead.append(next_seq - lines)

        def claim(self, stream, next_seq, limit):
            self._note(stream, next_seq)
            return self._inner.claim(stream, next_seq, limit)

        def apply(self, stream, endings, *, claim=0, next_seq=0):
            self._note(stream, next_seq)
            return self._inner.apply(stream, endings, claim=claim, next_seq=next_seq)

    for _ in range(3):
        place.die_with_leases(1)  # so that the first outcome is there before the first claim
    place.worker(lambda _: None, queue=Looks(place.queue), batch=2, summary_every=2).run()
    assert set(ahead) == {0}


def test_when_the_breaker_opens_the_log_is_written_before_the_queue(place):
    recorded = []

    class Looks(Through):
        def give_back(self, stream, jobs):
            recorded.append(([number for number, _ in jobs], len(place.outcomes())))
            return self._inner.give_back(stream, jobs)

    def handler(_job):
        raise TransientError("502")

    place.enqueue(10)
    queue = Looks(place.queue)
    place.worker(handler, queue=queue, breaker_failures=3, breaker_cooldown_s=0).run()
    assert recorded[0] == ([4, 5, 6, 7, 8, 9, 10], 3)


def test_dead_letters_that_cannot_be_read_for_a_summary_end_no_run(place):
    class Locked(Through):
        def get_error_summary(self):
            raise QueueError("dlq.db is locked")

    place.enqueue(6)
    place.letters = Locked(place.letters)
    report = place.worker(lambda _: None, summary_every=2, batch=3).run()
    assert report.stats.jobs_succeeded == 6
    assert place.told.summaries[-1] == [place.told.summaries[-1][0]]
    assert "dlq.db is locked" in place.told.notices[0]
