"""The handler of the killed workers: does what a job says, and records its own truth.

A run is told by one line as it begins and one as it ends, each appended in one write:
``B|E scene job attempt process what``. What it says at the end is how the attempt must be
recorded.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from worker.errors import PermanentError, PlexNotFound, TransientError
from worker.handlers.base import Outcome

TRUTH = "truth"
PROCESS = "SYNCSTATS_HARNESS_PROCESS"
"""Environment variable with the process's name in the plan."""
SPEC = "tests.faults.harness.handler:handle"
TRIES = 3
"""Failures after which a job is dead."""
KILLED = "killed"

HIGH = "succeeded/high"
LOW = "succeeded/low"
SKIPPED = "skipped"
TRANSIENT = "failed/TransientError"
MISSING = "failed/PlexNotFound"
PERMANENT = "failed/PermanentError"
WORK_S = 0.002


def handle(job: Any) -> Any:
    """Do what the job says."""
    _note("B", job, job.data["do"])
    how = _decide(job.data["do"], job.attempt)
    _note("E", job, how)
    if how == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    answer = _ANSWERS[how]
    if isinstance(answer, type):
        raise answer("as the job says")
    return answer


def _decide(do: str, attempt: int) -> str:
    if do == "work":
        time.sleep(WORK_S)
    if do == "kill" or (do == "kill-once" and attempt == 1):
        return KILLED
    if do in {"flaky", "missing"} and attempt % 2:
        return TRANSIENT if do == "flaky" else MISSING
    return _ALWAYS.get(do, HIGH)


def _note(what: str, job: Any, more: str) -> None:
    line = f"{what} {job.scene_id} {job.id} {job.attempt} {os.environ[PROCESS]} {more}\n".encode()
    descriptor = os.open(TRUTH, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        assert os.write(descriptor, line) == len(line)
    finally:
        os.close(descriptor)


_ALWAYS = {"low": LOW, "skip": SKIPPED, "never": TRANSIENT, "permanent": PERMANENT}
_ANSWERS: dict[str, Any] = {
    HIGH: None,
    LOW: Outcome("low", warnings=1),
    SKIPPED: Outcome(skipped=True),
    TRANSIENT: TransientError,
    MISSING: PlexNotFound,
    PERMANENT: PermanentError,
}
