"""`replay --engine dask --scheduler`, where workers cannot do it: told at once, and they live."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from projections.engines.dask import PACKAGES, DaskEngine
from projections.engines.work import Again
from projections.errors import EngineError
from tests.support.command import assert_complaint, syncstats
from tests.support.dask_cluster import dask_cluster
from tests.support.log_folders import append
from tests.support.outcome_lines import succeeded
from tests.support.tools import packages

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A cluster of which one worker can do it, and two have no syncstats."""
    packages(*PACKAGES)
    with dask_cluster(tmp_path_factory.mktemp("mixed"), 1, bare=2) as cluster:
        yield cluster


def test_workers_without_syncstats_are_told_at_once_and_live_on(mixed, tmp_path):
    append(tmp_path / "a.jsonl", succeeded(0))
    found = mixed.client.run(find_spec, "projections", on_error="return")
    bare = [worker for worker, spec in found.items() if spec is None]
    assert len(bare) == 2, "they do have it"

    call = ("replay", "a.jsonl", "--engine", "dask", "--scheduler", mixed.address)
    said = f"2 of 3 workers of {mixed.address} have no syncstats ({bare[0]}, {bare[1]}): install it"
    assert_complaint(syncstats(*call, cwd=tmp_path), f"{said} there, the same version")
    assert set(mixed.client.nthreads()) == set(found)
    assert [worker.poll() for worker in mixed.workers] == [None] * 3


def test_what_a_worker_fails_at_is_told_in_one_line(tmp_path):
    packages(*PACKAGES)
    with dask_cluster(tmp_path, 1) as own:
        no_piece = Again(frozenset(), {}, (None,))
        with pytest.raises(EngineError, match="a worker cannot do it: AttributeError"):
            DaskEngine(own.client).again([no_piece])
