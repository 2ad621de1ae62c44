"""A process forks while it saves stats, and is killed: its child holds up nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

from tests.support.project import ROOT
from worker.stats import SyncStats

SAVER = """
import os, sys
from events.filesystem import RealFileSystem
from worker.stats import SyncStats

def forks(self, path, data, mode=None):  # while the file's lock is held
    child = os.fork()
    if child == 0:
        sys.stdin.readline()  # lives on until the test ends it
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)

RealFileSystem.replace_file = forks
stats = SyncStats()
stats.record_success(1)
stats.save_to_file(sys.argv[1])
"""


def save_one_job(path):
    stats = SyncStats()
    stats.record_success(1)
    stats.save_to_file(path)


def test_the_next_saver_does_not_wait_for_the_child(tmp_path):
    path = tmp_path / "stats.json"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", SAVER, path]
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as saver:
        child = int(saver.stdout.readline())
        try:
            next_saver = threading.Thread(target=save_one_job, args=(path,), daemon=True)
            next_saver.start()
            next_saver.join(0.2)
            waited = next_saver.is_alive()
            saver.kill()
            saver.wait()
            os.kill(child, 0)  # it is still there
            next_saver.join(60)
            hangs = next_saver.is_alive()
        finally:
            saver.kill()
            os.kill(child, signal.SIGKILL)

    assert waited, "the lock was held"
    assert not hangs
    assert SyncStats.load_from_file(path).jobs_processed == 1
