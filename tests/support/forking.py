"""Forking in tests, and running a function in a forked child."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def fork() -> int:
    """Fork without the tracer of a coverage run, as ``os.fork``.

    Its lock may be held by another thread at that moment. The child has no such thread, and would
    wait for it for ever.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    child = os.fork()
    if child:
        sys.settrace(tracer)
    return child


def in_forked_child(function: Callable[[], object]) -> str:
    """What ``function`` returned in a child, as text, or ``"Type: message"`` of what it raised."""
    read_end, write_end = os.pipe()
    child = fork()
    if child == 0:
        try:
            answer = str(function())
        except BaseException as error:  # noqa: BLE001 - told to the parent, the child ends here
            answer = f"{type(error).__name__}: {error}"
        os.write(write_end, answer.encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        answer = pipe.read().decode()
    os.waitpid(child, 0)
    return answer
