"""The disk is full, and a supervisor starts the worker again and again: no job dies of that."""

from __future__ import annotations

import errno
from contextlib import closing

import pytest

from events.errors import LogWriteError
from events.filesystem import RealFileSystem
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.workers import Place, TickingClock, ends_of, repeated_attempts


@pytest.mark.parametrize("short", [0, 100, 10_000])
@pytest.mark.parametrize("call", ["write", "sync"])
def test_the_jobs_run_when_there_is_room_again(tmp_path, call, short):
    with closing(Place(tmp_path, TickingClock())) as place:
        place.enqueue(4)
        for _ in range(4):
            place.fs = FaultyFileSystem(faults={(call, 1): errno.ENOSPC}, short=short)
            try:
                place.worker(lambda _: None).run()
            except LogWriteError:
                counts = place.queue.counts()
                assert counts.leased == 0
        place.fs = RealFileSystem()
        place.worker(lambda _: None).run()

        assert place.dead() == []
        assert ends_of(place.data) == {job: ["job.succeeded"] for job in range(1, 5)}
        assert repeated_attempts(place.data) == []
        assert len(place.streams()) == 1
