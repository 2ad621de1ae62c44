from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import os, sys
for number in map(int, sys.argv[2:]):
    os.close(number)
from events.filesystem import REAL
from events.filesystem.descriptors import open_above
path = sys.argv[1]
descriptor = open_above(path, os.O_RDWR | os.O_CREAT)
assert descriptor >= 3, descriptor
assert not os.get_inheritable(descriptor)
with REAL.open_append(path) as file:
    file.write(b"x")
for number in map(int, sys.argv[2:]):
    try:
        os.fstat(number)
    except OSError:
        continue
    raise AssertionError(f"{number} is in use")
"""


def test_no_file_gets_the_number_of_a_standard_stream(tmp_path):
    for closed in ((), (0,), (1,), (0, 1, 2)):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "f"), *map(str, closed)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (closed, done.stderr)
