from __future__ import annotations

import errno

import pytest

from sync_queue.jobs import NewJob
from tests.support.data_folders import enqueue

RUN = ("run", "--handler", "exec:cat", "--drain")


def test_windows_is_refused_in_one_line(syncstats, monkeypatch, tmp_path):
    monkeypatch.setattr("projections.cli.working.sys.platform", "win32")
    ran = syncstats(*RUN)
    assert (ran.status, ran.out) == (2, "")
    assert "needs Linux or macOS" in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["data", "yet/to/be/made"])
def test_a_network_file_system_is_refused_unless_allowed(folder, syncstats, monkeypatch, tmp_path):
    monkeypatch.setattr("projections.cli.working.is_network_filesystem", lambda _: "nfs4")
    ran = syncstats(*RUN, "--data", folder)
    assert (ran.status, ran.out) == (2, "")
    assert "(nfs4)" in ran.err
    assert "--allow-network-fs" in ran.err
    assert list(tmp_path.iterdir()) == []
    assert syncstats(*RUN, "--data", folder, "--allow-network-fs").status == 0


def test_stats_that_cannot_be_kept_are_told_and_jobs_go_on(syncstats, monkeypatch, tmp_path):
    def full(_runner):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("projections.runner.Runner.save", full)
    enqueue(tmp_path / "data", NewJob(1))
    ran = syncstats(*RUN)
    assert ran.status == 0
    assert "Sync summary: 1/1 succeeded" in ran.out
    assert "stats.json cannot be kept current: " in ran.err
