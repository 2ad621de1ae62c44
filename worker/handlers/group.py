"""Run one command in a process group of its own: bounded in time and memory, and ended whole.

The command's process is started behind a gate: a shell that waits for one line before it becomes
the command. The line is sent when the guard knows the group, so there is no moment in which the
worker's death could leave the command running.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal, Self, cast

from worker.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from events.clock import Clock
    from worker.handlers.guard import Guard

GATE_NAME = "syncstats-exec"
"""What the shell at the gate calls itself when the command cannot be started."""

_GATE = 'read -r syncstats_gate && unset syncstats_gate && exec "$@"'
_NS_PER_S = 1_000_000_000
_CHUNK_BYTES = 65_536
_MAX_LAST_CHUNKS = 64
_WORD_END = re.compile(rb"""[\s&;,<>"']""")
# Nothing tells portably of a child's end beside its output's: we look again after these pauses.
_MIN_PAUSE_S = 0.001
_MAX_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """What a command may take.

    Attributes:
        timeout_s: Seconds until it is ended; None: no limit.
        grace_s: Seconds from SIGTERM to SIGKILL.
        tail_bytes: How much of the end of its output is kept, of each stream.
    """

    timeout_s: float | None
    grace_s: float = 2.0
    tail_bytes: int = 65_536


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended.

    Attributes:
        status: Its exit status; negative: the signal that ended it.
        stdout: The end of what it wrote to standard output.
        stderr: The end of what it wrote to standard error.
        ended: Whether it ended by ``itself``, or was ended for the ``timeout`` or a ``stop``.
    """

    status: int
    stdout: bytes
    stderr: bytes
    ended: Literal["itself", "timeout", "stop"]


def run_group(
    command: Sequence[str],
    stdin: bytes,
    *,
    limits: Limits,
    guard: Guard,
    is_stopping: Callable[[], bool],
    clock: Clock,
) -> Finished:
    """Run ``command`` and feed it ``stdin``. When it is over, so is its whole process group.

    Raises:
        OSError: It cannot be started for want of something (memory, descriptors, processes).
        TransientError: Its exit status went to somebody else.
    """
    process = subprocess.Popen(
        ["/bin/sh", "-c", _GATE, GATE_NAME, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,  # no terminal: neither its signals nor a question on it reach us
    )
    with _Pipes(process, b"\n" + stdin, limits.tail_bytes) as pipes:
        try:
            guard.watch(process.pid)
            ended = _attend(process, pipes, limits, is_stopping, clock)
        finally:
            # Nothing of an attempt outlives it: the next one would run beside its leftovers. The
            # leader is not reaped yet, so the number is still this group's.
            signal_group(process, signal.SIGKILL)
            guard.forget(process.pid)
            process.wait()
        pipes.drain()
        return Finished(process.returncode, pipes.tail("stdout"), pipes.tail("stderr"), ended)


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a whole process group; one that is gone (macOS: that only has a zombie) is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _attend(
    process: subprocess.Popen[bytes],
    pipes: _Pipes,
    limits: Limits,
    is_stopping: Callable[[], bool],
    clock: Clock,
) -> Literal["itself", "timeout", "stop"]:
    """Move bytes until the leader has exited; end it when it is time."""
    ended: Literal["itself", "timeout", "stop"] = "itself"
    begun_ns = clock.monotonic_ns()
    timeout_s = limits.timeout_s
    kill_ns: int | None = None
    pause_s = _MIN_PAUSE_S
    while True:
        pause_s = _MIN_PAUSE_S if pipes.move(pause_s) else min(2 * pause_s, _MAX_PAUSE_S)
        if _has_exited(process):
            return ended
        now_ns = clock.monotonic_ns()
        if ended == "itself":
            if timeout_s is not None and now_ns - begun_ns >= timeout_s * _NS_PER_S:
                ended = "timeout"
            elif is_stopping():
                ended = "stop"
            else:
                continue
            signal_group(process, signal.SIGTERM)
            kill_ns = now_ns + round(limits.grace_s * _NS_PER_S)
        elif kill_ns is not None and now_ns >= kill_ns:
            signal_group(process, signal.SIGKILL)
            kill_ns = None


def _has_exited(process: subprocess.Popen[bytes]) -> bool:
    """Whether the leader has exited, without reaping it where the system can tell."""
    waitid: Any = getattr(os, "waitid", None)
    if waitid is None:  # macOS before Python 3.13
        return process.poll() is not None
    try:
        found = waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        raise TransientError(
            "the exit status is lost: something in this process waits for all children, or the "
            "worker was started with SIGCHLD ignored"
        ) from None
    return found is not None


class _Pipes:
    """The three pipes of a child: writes what is to be written, keeps the end of what comes."""

    def __init__(self, process: subprocess.Popen[bytes], stdin: bytes, tail_bytes: int) -> None:
        self._pipes = {
            name: cast("IO[bytes]", getattr(process, name))
            for name in ("stdin", "stdout", "stderr")
        }
        self._to_write = memoryview(stdin)
        self._tail_bytes = tail_bytes
        self._tails = {"stdout": bytearray(), "stderr": bytearray()}
        self._came = {"stdout": 0, "stderr": 0}  # bytes in all
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        for name, pipe in self._pipes.items():
            os.set_blocking(pipe.fileno(), False)
            event = selectors.EVENT_WRITE if name == "stdin" else selectors.EVENT_READ
            self._selector.register(pipe, event, name)
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for pipe in self._pipes.values():
            pipe.close()

    def tail(self, name: str) -> bytes:
        """The end of what came through the pipe ``name``.

        Where its beginning was cut off, it begins with a whole word: half a word may be a secret
        whose name, by which it would be masked, is gone.
        """
        kept = bytes(self._tails[name][-self._tail_bytes :])
        if self._came[name] <= self._tail_bytes:
            return kept
        word_end = _WORD_END.search(kept)
        return kept[word_end.start() :] if word_end else b""

    def move(self, pause_s: float) -> bool:
        """Move what can be moved, waiting up to ``pause_s`` for it; whether anything was."""
        ready = self._selector.select(pause_s)
        for key, _ in ready:
            if key.data == "stdin":
                self._write(key.fd)
            else:
                self._read(key)
        return bool(ready)

    def drain(self) -> None:
        """Take what already lies in the pipes.

        A process that left the group may hold an end open, or write for ever: neither is waited
        for.
        """
        for key in list(self._selector.get_map().values()):
            left = _MAX_LAST_CHUNKS if key.data != "stdin" else 0
            while left and self._read(key):
                left -= 1

    def _write(self, fd: int) -> None:
        try:
            written = os.write(fd, self._to_write[:_CHUNK_BYTES])
        except BlockingIOError:
            return
        except BrokenPipeError:  # it does not want to know: that is its own affair
            written = len(self._to_write)
        self._to_write = self._to_write[written:]
        if not self._to_write:
            self._selector.unregister(fd)
            self._pipes["stdin"].close()

    def _read(self, key: selectors.SelectorKey) -> bool:
        try:
            chunk = os.read(key.fd, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self._selector.unregister(key.fileobj)
            return False
        self._came[key.data] += len(chunk)
        tail = self._tails[key.data]
        tail += chunk
        if len(tail) > 2 * self._tail_bytes:
            del tail[: -self._tail_bytes]
        return True
