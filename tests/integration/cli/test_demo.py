"""The demo is real, so it is run whole, and what it says is held against what it shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from projections.cli.demo_library import JOBS, SKIPPED

if TYPE_CHECKING:
    from pathlib import Path


def test_the_demo_loses_nothing_and_cleans_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "projections.cli.main", "demo", "--keep"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**_environment(), "TMPDIR": str(tmp_path)},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    told = [line for line in done.stdout.splitlines() if str(tmp_path) not in line]
    assert all(len(line) <= 80 for line in told), done.stdout
    assert "It is killed (SIGKILL) in the middle" in done.stdout
    assert "took over stream" in done.stdout
    assert "circuit breaker closed" in done.stdout
    assert "the same bytes" in done.stdout
    found = re.search(r"Of (\d+) jobs, (\d+) have exactly one end: (\d+) succeeded", done.stdout)
    assert found is not None, done.stdout
    assert [int(n) for n in found.groups()[:2]] == [JOBS, JOBS]

    data = next(tmp_path.glob("syncstats-demo-*/data"))
    stats = json.loads((data / "stats.json").read_bytes())
    assert stats["jobs_succeeded"] == int(found[3])
    assert stats["jobs_skipped"] == SKIPPED
    assert stats["jobs_succeeded"] + stats["jobs_skipped"] + stats["jobs_to_dlq"] == JOBS
    written = list(data.parent.glob("library/**/*.nfo"))
    assert len(written) == stats["jobs_succeeded"] + SKIPPED, "each success wrote its sidecar"


def test_the_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "projections.cli.main", "demo"],
        capture_output=True,
        timeout=120,
        check=False,
        env={**_environment(), "TMPDIR": str(tmp_path)},
    )

    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("SYNCSTATS_")}
