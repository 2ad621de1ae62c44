"""One stats file, added to by several processes at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import worker.stats
from worker.stats import SyncStats

SAVER = """
import sys
from worker.stats import SyncStats

sys.stdin.readline()  # all begin together
for number in range(500):
    stats = SyncStats(session_start=float(sys.argv[2]) + number)
    stats.record_failure("A", 0.1) if number % 5 == 0 else stats.record_success(0.1)
    stats.save_to_file(sys.argv[1])
"""


def test_four_processes_with_500_objects_each_end_at_2000(tmp_path):
    path = tmp_path / "folder" / "stats.json"
    savers = [
        subprocess.Popen(
            [sys.executable, "-c", SAVER, str(path), str(1000 + number)],
            cwd=Path(worker.stats.__file__).parents[1],
            stdin=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for saver in savers:
        saver.stdin.write("\n")
        saver.stdin.flush()
    for saver in savers:
        saver.communicate()

    assert [saver.returncode for saver in savers] == [0, 0, 0, 0]
    stats = SyncStats.load_from_file(path)
    assert (stats.jobs_processed, stats.jobs_succeeded, stats.jobs_failed) == (2000, 1600, 400)
    assert (stats.errors_by_type, stats.total_processing_time) == ({"A": 400}, 200.0)
    assert (stats.session_start, stats.latency.count) == (1000.0, 2000)
    left = sorted(entry.name for entry in path.parent.iterdir())
    assert left == [".stats.json.lock", "stats.json"]
