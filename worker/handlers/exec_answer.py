"""What a command's exit status and last lines say about its attempt."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

from worker.errors import (
    HandlerResultError,
    HandlerStopped,
    HandlerTimeout,
    PermanentError,
    TransientError,
)
from worker.handlers.base import Outcome
from worker.handlers.group import GATE_NAME

if TYPE_CHECKING:
    from worker.handlers.group import Finished

TRY_AGAIN = 75
_NOT_STARTED = (126, 127)


def read_answer(finished: Finished, timeout_s: float | None) -> Outcome:
    """Turn the end of a command into an outcome, or into the error that it stands for.

    The last line of standard output may be a JSON object with ``confidence``, ``skipped`` and
    ``warnings`` (for a success), ``error_type`` and ``retry_after_s`` (for a failure); other keys
    are ignored, and so is a line that is no JSON object. The last line of standard error is the
    error's message. ``error_type`` names the recorded error; with status 75, ``PlexNotFound``
    also chooses that retry schedule.

    Raises:
        HandlerTimeout, HandlerStopped, TransientError, PermanentError: As the command ended.
        HandlerResultError: It succeeded, but its answer has a value of the wrong type.
    """
    said = last_line(finished.stderr)
    if finished.ended == "timeout":
        last = f"; the last line of its stderr: {said}" if said else ""
        raise HandlerTimeout(f"ended after {timeout_s:g} s, the timeout{last}")
    if finished.ended == "stop":
        raise HandlerStopped("the worker is stopping: the command was ended")
    answer = read_object(last_line(finished.stdout))
    if finished.status == 0:
        return _outcome(answer)
    hints: dict[str, Any] = {
        "error_type": _name(answer.get("error_type")),
        "retry_after_s": answer.get("retry_after_s"),
    }
    if finished.status < 0:
        killed = f"killed by {_signal_name(-finished.status)}"
        raise TransientError(f"{killed}: {said}" if said else killed, **hints)
    if finished.status in _NOT_STARTED and said.startswith(f"{GATE_NAME}:"):
        # The command was there when the worker started: not this job's fault.
        reason = said.removeprefix(f"{GATE_NAME}:").strip()
        raise TransientError(f"the command cannot be started: {reason}")
    kind = TransientError if finished.status == TRY_AGAIN else PermanentError
    raise kind(said or f"exit status {finished.status}, and nothing on stderr", **hints)


def last_line(output: bytes) -> str:
    """The last line of ``output`` that is not blank; bytes that are no UTF-8 are replaced."""
    return output.rstrip().rpartition(b"\n")[2].decode(errors="replace").strip()


def read_object(line: str) -> dict[str, Any]:
    """The JSON object that ``line`` holds; empty if it holds none. Null is as good as missing."""
    if not line.startswith("{"):
        return {}
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return {key: item for key, item in value.items() if item is not None}


def _outcome(answer: dict[str, Any]) -> Outcome:
    known = {key: answer[key] for key in ("confidence", "warnings", "skipped") if key in answer}
    try:
        return Outcome(**known)
    except HandlerResultError as error:
        raise HandlerResultError(f"the command's answer on stdout: {error}") from None


def _name(error_type: object) -> str | None:
    return error_type.strip() or None if isinstance(error_type, str) else None


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"
