"""A handler changes the current folder: the data folder was named from the first one."""

from __future__ import annotations

import pytest

from tests.support.command import syncstats

HANDLER = """
import os

def handle(job):
    os.chdir("elsewhere" if job.id == 1 else "/")
"""


@pytest.mark.parametrize("options", [[], ["--batch", "1", "--segment-bytes", "300"]])
def test_the_log_the_queue_and_the_stats_stay_where_they_were(tmp_path, options):
    (tmp_path / "mover.py").write_text(HANDLER)
    (tmp_path / "elsewhere").mkdir()
    jobs = "".join(f'{{"scene_id": {scene}}}\n' for scene in range(6))
    syncstats("enqueue", "-", cwd=tmp_path, stdin=jobs)

    ran = syncstats("run", "--handler", "mover:handle", "--drain", *options, cwd=tmp_path)

    assert (ran.status, ran.err) == (0, "")
    shown = syncstats("show", "--json", cwd=tmp_path).json
    assert (shown["jobs_succeeded"], shown["queue"]["due"], shown["queue"]["leased"]) == (6, 0, 0)
    assert syncstats("verify", cwd=tmp_path).status == 0
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert not list((tmp_path / "data").glob("stats.json.*"))
