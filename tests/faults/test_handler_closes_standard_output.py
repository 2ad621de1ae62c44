"""A handler closes descriptor 1: what is printed after that must not go into the log."""

from __future__ import annotations

import json
import os
import subprocess
import sys

HANDLER = """
import os, sys

def closes(job):
    if job.id == 1:
        os.close(1)
    try:
        os.write(1, b"progress...")
    except OSError:
        pass
"""


def test_the_log_holds_events_and_nothing_else(tmp_path):
    (tmp_path / "closer.py").write_text(HANDLER)
    program = [sys.executable, "-m", "projections.cli.main"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["", *sys.path])}
    jobs = "".join(f'{{"scene_id": {scene}}}\n' for scene in range(6))

    subprocess.run([*program, "enqueue", "-"], input=jobs, text=True, cwd=tmp_path, check=True)
    subprocess.run(
        [*program, "run", "--handler", "closer:closes", "--drain", "--batch", "2"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
    )

    (segment,) = (tmp_path / "data" / "events").glob("*/*.jsonl")
    lines = [json.loads(line) for line in segment.read_bytes().splitlines()]
    assert [line["seq"] for line in lines] == list(range(len(lines)))
    assert sum(line["event"] == "job.succeeded" for line in lines) == 6
    checked = subprocess.run([*program, "verify"], cwd=tmp_path, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout
