"""Standard output is closed, full, or closed by a handler: jobs go on, and none stays leased."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.command import COMMAND, clean_env, syncstats

HANDLER = """
import os, sys

def handle(job):
    pass

def closes_the_file(job):
    if job.id == 2:
        sys.stdout.close()

def takes_it_away(job):
    if job.id == 2:
        sys.stdout = None
"""


@pytest.mark.parametrize(
    ("function", "where"),
    [
        ("handle", ">&-"),
        pytest.param(
            *("handle", ">/dev/full"),
            marks=pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no /dev/full"),
        ),
        ("handle", ">&- 2>&-"),
        ("closes_the_file", ">out"),
        ("takes_it_away", ">out"),
    ],
)
def test_jobs_go_on(tmp_path, function, where):
    (tmp_path / "work.py").write_text(HANDLER)
    jobs = "".join(f'{{"scene_id": {scene}}}\n' for scene in range(6))
    syncstats("enqueue", "-", cwd=tmp_path, stdin=jobs)
    program = f"{sys.executable} -m projections.cli.main"
    done = subprocess.run(
        f"{program} run --handler work:{function} --drain --batch 2 --summary-every 2 {where}",
        shell=True,
        cwd=tmp_path,
        env=clean_env(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if "2>&-" not in where:
        (line,) = done.stderr.splitlines()
        assert line.startswith("syncstats: summaries cannot be printed: ")
        assert "jobs go on" in line
    shown = syncstats("show", "--json", cwd=tmp_path).json
    assert (shown["jobs_succeeded"], shown["queue"]["due"], shown["queue"]["leased"]) == (6, 0, 0)


def test_when_their_reader_has_gone_it_stops_in_order(tmp_path):
    (tmp_path / "work.py").write_text(HANDLER)
    jobs = "".join(f'{{"scene_id": {scene}}}\n' for scene in range(6))
    syncstats("enqueue", "-", cwd=tmp_path, stdin=jobs)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [*COMMAND, "run", "--handler", "work:handle", "--batch", "2", "--summary-every", "2"],
            cwd=tmp_path,
            env=clean_env(),
            stdout=pipe,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")
    shown = syncstats("show", "--json", cwd=tmp_path).json
    assert shown["queue"]["leased"] == 0
    assert shown["jobs_succeeded"] + shown["queue"]["due"] == 6
    assert shown["queue"]["due"] > 0
