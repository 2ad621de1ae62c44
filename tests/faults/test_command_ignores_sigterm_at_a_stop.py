"""When a worker ends, a command that ignores SIGTERM is killed before its job goes to others."""

from __future__ import annotations

import os
import threading
from contextlib import closing, suppress

import pytest

from events.clock import SystemClock
from sync_queue.errors import QueueError
from tests.support.handlers import wait_until
from tests.support.workers import Place
from worker.handlers.exec import ExecHandler
from worker.handlers.group import Limits

STUBBORN = 'trap "" TERM; echo $$ >"$0"; while :; do sleep 0.02; done'
GRACE_S = 1.2


class Command:
    """A handler that runs a command which ends by SIGKILL alone."""

    def __init__(self, folder):
        self._file = folder / "pid"
        command = ["/bin/sh", "-c", STUBBORN, str(self._file)]
        self.as_handler = ExecHandler(command, limits=Limits(None, GRACE_S))

    def has_begun(self):
        return self._file.exists() and self._file.read_text().endswith("\n")

    def lives(self):
        with suppress(ProcessLookupError):
            os.kill(int(self._file.read_text()), 0)
            return True
        return False


class Watches:
    """A queue that notes whether the command lives when its job is released."""

    def __init__(self, queue, command):
        self._queue = queue
        self._command = command
        self.alive = []
        self.broken = False

    def __getattr__(self, name):
        return getattr(self._queue, name)

    def leased_streams(self):
        if self.broken:
            raise QueueError("the disk is full")
        return self._queue.leased_streams()

    def interrupt(self, stream, jobs):
        if jobs:
            self.alive.append(self._command.lives())
        return self._queue.interrupt(stream, jobs)


@pytest.mark.parametrize("how", ["stop", "error"])
def test_its_job_is_released_when_it_is_gone(tmp_path, how):
    command = Command(tmp_path)
    with closing(Place(tmp_path / "data", SystemClock())) as place:
        place.enqueue(1)
        queue = Watches(place.queue, command)
        worker = place.worker(
            command,
            queue=queue,
            drain=False,
            grace_s=0.0,
            concurrency=2,  # with a thread to spare it looks for dead workers now and then
        )

        def run():
            with suppress(QueueError):
                worker.run()

        thread = threading.Thread(target=run)
        thread.start()
        wait_until(command.has_begun, "it runs")
        if how == "stop":
            worker.stop()
        queue.broken = how == "error"
        thread.join(30)
        assert not thread.is_alive()
        assert queue.alive == [False]
        assert place.queue.counts().due == 1
        command.as_handler.close()
