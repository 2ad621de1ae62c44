"""Who takes over alone: locks are waited for, let go after an error, and a stop ends the wait."""

from __future__ import annotations

import pytest

from sync_queue.errors import QueueError
from worker.stopping import StopRequest


def test_an_idle_worker_mends_nothing_while_another_takes_over(place):
    place.enqueue(1)
    place.start().close()
    dead = place.start()
    other = place.start()
    place.queue.claim(dead.name, dead.recorder.next_seq, 1)
    dead.close()
    with place.fs.lock(place.data / "takeover.lock"):
        assert place.take_over().mend_dead(other, StopRequest()) == 0
    assert place.take_over().mend_dead(other, StopRequest()) == 1
    other.close()


def test_a_stop_ends_the_wait_for_the_take_over_lock(place):
    stop = StopRequest()
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            stop.ask()

    with place.fs.lock(place.data / "takeover.lock"):
        assert place.take_over(sleep=sleep).start(stop) is None
    assert len(pauses) == 3
    assert not (place.data / "events").exists()


def test_a_start_waits_for_the_take_over_lock(place):
    lock = place.fs.lock(place.data / "takeover.lock")
    own = place.take_over(sleep=lambda _: lock.release()).start(StopRequest())
    assert own is not None
    own.close()


def test_a_stop_ends_a_take_over_between_two_streams(place):
    place.enqueue(2)
    owns = [place.start() for _ in range(2)]
    for own in owns:
        place.queue.claim(own.name, own.recorder.next_seq, 1)
    third = place.start()
    for own in owns:
        own.close()
    stop = StopRequest()
    place.told.notice = lambda _: stop.ask()
    take_over = place.take_over()
    assert take_over.mend_dead(third, stop) == 1
    assert len(place.queue.leased_streams()) == 1
    third.close()


def test_an_error_in_a_take_over_lets_all_locks_go(place):
    place.enqueue(1)
    place.die_with_leases(1)

    class NoApply:
        def __getattr__(self, name):
            if name == "release_lost":
                raise QueueError("the disk is full")
            return getattr(place.queue, name)

    with pytest.raises(QueueError):
        place.start(NoApply())
    own = place.start()
    own.close()
    assert place.queue.counts().due == 1
