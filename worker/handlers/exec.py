"""``exec:COMMAND``: a job is a run of a program.

The job comes as JSON on standard input. Exit status 0 is success, 75 (``EX_TEMPFAIL`` of
sysexits.h) means try again, any other is permanent; a program that was killed by a signal is tried
again. See :mod:`worker.handlers.exec_answer` for what it may say beside that.
"""

from __future__ import annotations

import json
import shlex
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from events.clock import SystemClock, format_timestamp, to_us
from worker.errors import HandlerSpecError, HandlerStopped
from worker.handlers.exec_answer import read_answer
from worker.handlers.group import Limits, run_group
from worker.handlers.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.clock import Clock
    from worker.handlers.base import Job, Outcome

_CLOSE_SLACK_S = 5.0


class ExecHandler:
    """Runs a command for each job, each run in a process group of its own.

    Args:
        command: The program and its arguments.
        limits: What a run may take.
        clock: Measures the time of a run.
    """

    enforces_timeout = True

    def __init__(
        self, command: Sequence[str], *, limits: Limits, clock: Clock | None = None
    ) -> None:
        self._command = tuple(command)
        self._limits = limits
        self._clock = clock or SystemClock()
        self._guard = Guard()
        self._changed = threading.Condition()
        self._stopping = False
        self._running = 0

    @property
    def ending_s(self) -> float:
        """Seconds from :meth:`stop` until SIGKILL."""
        return self._limits.grace_s

    def __call__(self, job: Job) -> Outcome:
        """Run the command for one attempt.

        Raises:
            HandlerTimeout: It was ended after its time.
            HandlerStopped: It was ended, or not begun, because of :meth:`stop`.
            TransientError: It asks to be tried again, was killed, or cannot be started.
            PermanentError: It says that this job will never work.
            HandlerResultError: It succeeded, but its answer is none.
            OSError: The system cannot start it now.
        """
        data = encode_job(job)
        with self._changed:
            if self._stopping:
                raise HandlerStopped("the worker is stopping: the command was not begun")
            self._running += 1
        try:
            finished = run_group(
                self._command,
                data,
                limits=self._limits,
                guard=self._guard,
                is_stopping=lambda: self._stopping,
                clock=self._clock,
            )
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()
        return read_answer(finished, self._limits.timeout_s)

    def stop(self) -> None:
        """End what runs: SIGTERM, then SIGKILL after the grace. Does not wait; idempotent."""
        with self._changed:
            self._stopping = True

    def close(self) -> None:
        """Stop, wait until what ran has ended, and end the guard. Idempotent."""
        self.stop()
        with self._changed:
            self._changed.wait_for(
                lambda: self._running == 0, timeout=self.ending_s + _CLOSE_SLACK_S
            )
        self._guard.close()


def encode_job(job: Job) -> bytes:
    """The line that a command reads: one JSON object in ASCII.

    Lone surrogates are escaped and integers keep all their digits.
    """
    fields = {
        "id": job.id,
        "kind": job.kind,
        "scene_id": job.scene_id,
        "data": job.data,
        "attempt": job.attempt,
        "key": job.key,
        "enqueued_at": format_timestamp(to_us(job.enqueued_at)),
    }
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def load_exec(spec: str, command: str, *, timeout_s: float | None) -> ExecHandler:
    """Make the handler for a command line, split as a shell does, but run without one.

    A program with a slash in its name is looked for from the current folder, any other in
    ``PATH``.

    Raises:
        HandlerSpecError: The command line cannot be split, or names no program.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise HandlerSpecError(
            f"handler {spec!r}: the command cannot be read ({error}): mend its quotes"
        ) from error
    if not words or not words[0]:
        raise HandlerSpecError(f"handler {spec!r}: name a program, for example exec:./sync-one.sh")
    program = shutil.which(words[0])
    if program is None:
        raise HandlerSpecError(f"handler {spec!r}: {_why_not_found(words[0])}")
    # Absolute, so that it stays the same program whatever becomes of the current folder.
    return ExecHandler([str(Path.cwd() / program), *words[1:]], limits=Limits(timeout_s))


def _why_not_found(program: str) -> str:
    """Why ``program`` cannot be run, and what to do."""
    if program.startswith("~") or "$" in program or "=" in program:
        return (
            f"no program {program!r}; there is no shell that would expand it: give the whole "
            "path, or use exec:sh -c '…'"
        )
    if Path(program).is_dir():
        return f"{program} is a folder, not a program"
    if "/" in program and Path(program).exists():
        return f"{program} is not executable: chmod +x {shlex.quote(program)}"
    if "/" not in program and Path(program).exists():
        return f"no program {program!r} in PATH: for the one in this folder write ./{program}"
    place = "" if "/" in program else " in PATH"
    return f"no program {program!r}{place}: check its name"
