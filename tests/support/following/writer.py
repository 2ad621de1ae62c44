"""A program that logs: so many lines as it is told to, and opens its log anew on SIGHUP.

    python -m tests.support.following.writer LOG NUMBER STYLE ACKS

Each line on standard input is a number of lines to write, and is answered when that is done. After
each opening it adds a byte to the file of its id in the folder ACKS.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from random import Random

MOST_AT_ONCE = 20
_OBAN = (
    '{"source":"oban","event":"job:stop","state":"success","worker":"Sync","id":%d,"attempt":1,'
    '"duration":%d}\n'
)
_NATIVE = (
    '{"event":"job.succeeded","v":1,"stream":"w%d","seq":%d,"timestamp":"2026-01-01T00:00:00Z",'
    '"job_id":%d,"attempt":1,"duration_ns":1000}\n'
)


def main() -> None:
    log, number, style = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    acks = Path(sys.argv[4]) / str(os.getpid())
    random = Random(number)
    handle = -1
    at = 0

    def reopen(*_: object) -> None:
        nonlocal handle
        before = handle
        handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        if before >= 0:
            os.close(before)
        with acks.open("ab") as file:
            file.write(b".")

    def line() -> str:
        # What the attempt took is another one in each line, so that their sum tells all of them.
        return _NATIVE % (number, at, at) if style == "native" else _OBAN % (at, 4 * at + number)

    signal.signal(signal.SIGHUP, reopen)
    reopen()
    for wanted in sys.stdin:
        left = int(wanted)
        while left:
            count = min(left, random.randint(1, MOST_AT_ONCE))
            lines = []
            for _ in range(count):
                lines.append(line())
                at += 1
            os.write(handle, "".join(lines).encode())
            left -= count
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
