"""Process groups that end with the worker, even when it is killed.

Linux can signal a child when its parent dies (``PR_SET_PDEATHSIG``), but it means the parent
*thread*, reaches only the child itself and not what that started, and macOS has nothing like it.
So one small process reads a pipe whose other end is the worker's: the kernel closes that end
however the worker dies, and then the groups that are still named are killed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from pathlib import Path

_SCRIPT = Path(__file__).with_name("guard_process.py")


class Guard:
    """Tells the guard process which groups run. Thread-safe; starts it when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, group: int) -> None:
        """From now on, ``group`` ends with this process.

        Raises:
            OSError: The guard process cannot be started.
        """
        with self._lock:
            self._groups.add(group)
            if not self._tell(b"+%d\n" % group):
                self._start()

    def forget(self, group: int) -> None:
        """Note that ``group`` is over.

        Call this while its leader is not reaped: until then no other process has its number.
        """
        with self._lock:
            self._groups.discard(group)
            self._tell(b"-%d\n" % group)

    def close(self) -> None:
        """End the guard process, and with it every group that is still named. Idempotent."""
        with self._lock:
            self._drop()
            self._groups.clear()

    def _tell(self, line: bytes) -> bool:
        """Write one line (a pipe takes so short a one whole); False if nobody listens."""
        if self._process is None or self._process.stdin is None:
            return False
        try:
            self._process.stdin.write(line)
        except BrokenPipeError:
            self._drop()
            return False
        return True

    def _start(self) -> None:
        """Start a guard process that knows every group."""
        # -I and -S: nothing of the environment or of installed packages is loaded.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd="/",
            start_new_session=True,
        )
        for group in self._groups:
            if not self._tell(b"+%d\n" % group):
                raise BrokenPipeError("the process that ends jobs with the worker does not run")

    def _drop(self) -> None:
        """Close the pipe and wait for the guard process's end."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.wait()
