"""`syncstats replay --engine dask --scheduler`: a scheduler, two workers, and a killed worker."""

from __future__ import annotations

import signal

import pytest

from projections.engines import partitions
from projections.engines.dask import PACKAGES, DaskEngine, dask_engine
from projections.engines.planning import plan
from projections.engines.replaying import replay_on
from projections.errors import EngineError, SourceError
from projections.replay import NATIVE_CHOICE
from tests.support.awkward_files import alone, awkward_files
from tests.support.command import assert_complaint, syncstats
from tests.support.dask_cluster import dask_cluster
from tests.support.tools import packages

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


@pytest.fixture
def log(tmp_path):
    return awkward_files(tmp_path / "log")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    packages(*PACKAGES)
    with dask_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def small_partitions(monkeypatch):
    monkeypatch.setattr(partitions, "LEAST_BYTES", 1 << 12)
    monkeypatch.setattr(partitions, "MOST_BYTES", 1 << 15)


@pytest.mark.usefixtures("log")
def test_the_command_prints_on_a_cluster_what_it_prints_alone(cluster, tmp_path):
    here = syncstats("replay", "log", "--json", cwd=tmp_path)
    there = syncstats(
        "replay", "log", "--json", "--engine", "dask", "--scheduler", cluster.address, cwd=tmp_path
    )
    assert there == here
    assert here.status == 0
    assert "log/2.jsonl, line 401, byte" in there.err


@pytest.mark.usefixtures("small_partitions")
def test_many_partitions_are_merged_in_a_tree_to_the_same_bytes(cluster, log):
    todo = plan([str(log)], NATIVE_CHOICE)
    told = []
    replayed, _ = replay_on(DaskEngine(cluster.client), todo, progress=told.append)

    assert replayed.snapshot.to_bytes() == alone(log)
    assert len(told) >= 8
    assert sum(told) == todo.stored


@pytest.mark.usefixtures("small_partitions")
def test_a_file_that_is_gone_ends_it_with_one_error(cluster, log):
    todo = plan([str(log)], NATIVE_CHOICE)
    (log / "5.jsonl").unlink()

    with pytest.raises(SourceError, match=r"5\.jsonl cannot be read: No such file"):
        replay_on(DaskEngine(cluster.client), todo)


@pytest.mark.usefixtures("small_partitions")
def test_a_worker_that_is_killed_midway_changes_nothing(log, tmp_path):
    packages(*PACKAGES)
    todo = plan([str(log)], NATIVE_CHOICE)
    with dask_cluster(tmp_path) as own:
        engine = DaskEngine(own.client)
        done = []

        def progress(stored):
            done.append(stored)
            if len(done) == 2:
                own.kill(0)

        replayed, _ = replay_on(engine, todo, progress=progress)
        assert replayed.snapshot.to_bytes() == alone(log)
        assert own.workers[0].returncode == -signal.SIGKILL
        assert len(own.client.nthreads()) == 1
        assert len(done) >= 8


def test_workers_that_cannot_run_it_are_told_of_in_one_line(log, tmp_path):
    packages(*PACKAGES)
    theirs = tmp_path / "theirs" / "projections"
    theirs.mkdir(parents=True)
    (theirs / "__init__.py").write_text("raise ImportError('not that')")  # somebody else's
    with dask_cluster(tmp_path, 1, PYTHONPATH=str(theirs.parent)) as own:
        call = ("replay", log, "--engine", "dask", "--scheduler", own.address)
        assert_complaint(
            syncstats(*call, cwd=tmp_path), "ImportError: not that", "the same version"
        )


@pytest.mark.usefixtures("small_partitions")
def test_a_scheduler_that_is_killed_midway_ends_it_with_one_error(log, tmp_path, capfd):
    packages(*PACKAGES)
    todo = plan([str(log)], NATIVE_CHOICE)
    with dask_cluster(tmp_path) as own, dask_engine(own.address, todo.work) as engine:
        with pytest.raises(EngineError, match="has the Dask scheduler been stopped"):
            replay_on(engine, todo, progress=lambda _: own.stop())
        assert capfd.readouterr().err == ""


def test_a_workers_address_is_no_schedulers(cluster):
    worker = next(iter(cluster.client.scheduler_info()["workers"]))
    with pytest.raises(EngineError, match="what answers there is a Worker"), dask_engine(worker, 1):
        pass


def test_a_cluster_that_has_no_worker_for_long_is_told_of(log, tmp_path, monkeypatch):
    packages(*PACKAGES)
    monkeypatch.setattr("projections.engines.dask.LOOK_S", 0.01)
    with (
        dask_cluster(tmp_path, 0) as own,
        pytest.raises(EngineError, match="has had no worker for"),
    ):
        replay_on(DaskEngine(own.client), plan([str(log)], NATIVE_CHOICE))
