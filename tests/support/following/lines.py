"""Lines that say which one they are: each is a failure with an error of its own name.

So the stats' table of errors tells of each line how often it was counted, and a line that is lost
cannot be made up for by another one that is counted twice.
"""

from __future__ import annotations

import json
import re

from tests.support import outcome_lines


def oban(name: str, text: str = "") -> bytes:
    """A line of Oban's logger, without anything that could show that it was read before."""
    record = {
        "source": "oban",
        "event": "job:exception",
        "state": "failure",
        "worker": "Sync",
        "attempt": 1,
        "duration": 1000,
        "error": f"** ({name}) {text}",
    }
    return json.dumps(record).encode() + b"\n"


def native(name: str, seq: int) -> bytes:
    """A line of our own, with its stream and seq."""
    return outcome_lines.failed(seq, error_type=name)


def sized(name: str, size: int) -> bytes:
    """A line of Oban's of exactly so many bytes, its end included."""
    line = oban(name, "x" * (size - len(oban(name))))
    assert len(line) == size
    return line


def names(data: bytes) -> list[str]:
    """The names of lines of Oban's."""
    return [name.decode() for name in re.findall(rb"\*\* \((\w+)\)", data)]
