"""Runs one command, and tells what it took: ``python -I -S launch.py SPEC``, SPEC as JSON.

A process of its own, which has loaded nothing: the kernel counts what is in memory when a child is
forked towards the child's peak, so a large parent would hide a small child.
"""

import json
import os
import sys
import time


def main() -> None:
    """Fork, wait, and print seconds, peak bytes and status."""
    spec = json.loads(sys.argv[1])
    out = os.open(spec["out"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    err = os.open(spec["err"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    begin = time.perf_counter()
    pid = os.fork()
    if not pid:
        try:
            for number, file in enumerate((null, out, err)):
                os.dup2(file, number)
            os.execvpe(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606 - there is no shell
        finally:
            os._exit(127)
    _, status, used = os.wait4(pid, 0)
    took = time.perf_counter() - begin
    unit = 1 if sys.platform == "darwin" else 1024
    found = {
        "wall_s": took,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * unit,
        "status": os.waitstatus_to_exitcode(status),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
