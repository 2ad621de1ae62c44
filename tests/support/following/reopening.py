"""What logrotate calls after a rotation: the writers open their log anew, and it is waited for.

python -m tests.support.following.reopening ACKS PID...
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from pathlib import Path

from tests.support.handlers import wait_until


def has_grown(path: Path, size: int) -> bool:
    return path.stat().st_size > size


def main() -> None:
    folder = Path(sys.argv[1])
    for pid in map(int, sys.argv[2:]):
        acks = folder / str(pid)
        before = acks.stat().st_size
        os.kill(pid, signal.SIGHUP)
        wait_until(partial(has_grown, acks, before), f"{pid} opens its log", 60)


if __name__ == "__main__":
    main()
