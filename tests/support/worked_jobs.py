"""A handler for `syncstats run`: does what a job says, and records its own truth in a file.

It is imported by the worker as any user's module is, and imports nothing of ours but the errors.
A job's data is ``{"do": …}``; the truth is one line for each attempt, appended in one write (unless
a test cuts writes short) before the attempt ends: job, attempt, what was done.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from tests.support.forking import fork
from worker.errors import PermanentError, PlexNotFound, TransientError
from worker.handlers.base import Outcome

TRUTH = "truth"
WORK_S = 0.002


def record(job: Any, what: str) -> None:
    line = f"{job.id} {job.attempt} {what}\n".encode()
    descriptor = os.open(TRUTH, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        while line:
            line = line[os.write(descriptor, line) :]
    finally:
        os.close(descriptor)


def handle(job: Any) -> Any:
    """Do what the job says."""
    do = job.data["do"]
    record(job, do)
    return _DOES[do](job)


def _work(_job: Any) -> None:
    time.sleep(WORK_S)


def _permanent(_job: Any) -> None:
    raise PermanentError("it will never work")


def _flaky(job: Any) -> None:
    if job.attempt % 2:
        raise TransientError("busy")


def _never(_job: Any) -> None:
    raise PlexNotFound("no item")


def _big_error(_job: Any) -> None:
    if not Path("mended").exists():
        raise TransientError("x" * 60_000)


def _wait(job: Any) -> None:
    Path(f"began-{job.id}").touch()
    while not Path("go").exists():
        time.sleep(0.005)


def _hang(job: Any) -> None:
    Path(f"began-{job.id}").touch()
    if job.attempt == 1:
        threading.Event().wait()


def _kill(_job: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fork(_job: Any) -> None:
    child = fork()
    if child:
        os.waitpid(child, 0)


def _configure(_job: Any) -> None:
    import structlog

    def drop(*_: Any) -> Any:
        raise structlog.DropEvent

    structlog.configure(processors=[drop])
    structlog.contextvars.bind_contextvars(to_dlq=True, seq=99, event="mine")


def _exit(_job: Any) -> None:
    raise SystemExit(3)


def _interrupt(_job: Any) -> None:
    raise KeyboardInterrupt


def _mute(_job: Any) -> None:
    class MuteError(PermanentError):
        def __str__(self) -> str:
            raise ValueError("no")

    raise MuteError


_DOES: dict[str, Any] = {
    "ok": lambda _: None,
    "work": _work,
    "low": lambda _: "low",
    "skip": lambda _: Outcome(skipped=True),
    "permanent": _permanent,
    "flaky": _flaky,
    "never": _never,
    "big error": _big_error,
    "wait": _wait,
    "hang": _hang,
    "kill": _kill,
    "fork": _fork,
    "configure": _configure,
    "exit": _exit,
    "interrupt": _interrupt,
    "mute": _mute,
}
