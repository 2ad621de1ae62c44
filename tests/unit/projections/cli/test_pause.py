from __future__ import annotations

import pytest

from sync_queue.queue import JobQueue
from tests.support.data_folders import enqueue


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    enqueue(folder)
    return folder


def paused(data):
    with JobQueue(data) as queue:
        return queue.is_paused()


def test_pause_and_resume(syncstats, data):
    ran = syncstats("pause")
    assert ran.out == "data is paused: no worker takes a job until `syncstats resume`.\n"
    assert paused(data)
    assert " already paused" in syncstats("pause").out
    assert syncstats("resume").out == "data is working again.\n"
    assert not paused(data)
    assert syncstats("resume").out == "data was not paused.\n"


@pytest.mark.usefixtures("data")
def test_json(syncstats):
    assert syncstats("pause", "--json").json == {"paused": True, "changed": True}
    assert syncstats("pause", "--json").json == {"paused": True, "changed": False}
    assert syncstats("resume", "--json").json == {"paused": False, "changed": True}


@pytest.mark.parametrize("command", ["pause", "resume"])
def test_no_folder_and_no_queue_are_refused(command, syncstats, tmp_path):
    ran = syncstats(command, "--data", "none")
    assert ran.status == 2
    assert ran.err.startswith("syncstats: no data folder none")
    (tmp_path / "empty").mkdir()
    ran = syncstats(command, "--data", "empty")
    assert ran.status == 2
    assert ran.err.startswith("syncstats: no queue in empty")
    assert list((tmp_path / "empty").iterdir()) == []
