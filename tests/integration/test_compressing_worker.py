"""A real worker compresses its log while it works, and one is pruned beside it."""

from __future__ import annotations

import json
import time

import pytest

from tests.support.command import syncstats
from tests.support.site import Site

END_S = 60


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.close()


def wait_for(condition):
    end = time.monotonic() + END_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.slow
def test_a_worker_compresses_and_is_pruned_while_it_works(site):
    site.enqueue(*["ok"] * 300, "wait")
    worker = site.begin("--drain", "--compress", "--segment-bytes", "20KiB", "--concurrency", "2")
    wait_for(lambda: len(list(site.data.glob("events/*/*.zst"))) >= 2)
    ran = syncstats("prune", "--keep", "1s", "--compress", "--json", "--data", "D", cwd=site.folder)
    assert ran.status == 0, ran
    (report,) = ran.json["streams"].values()
    kept_back = report["why"] or ""
    assert report["removed_segments"] > 0 or kept_back.startswith("jobs are leased")
    (site.folder / "go").touch()
    assert worker.wait(END_S) == 0
    assert worker.communicate()[1] == ""

    verified = syncstats("verify", "--json", "--data", "D", cwd=site.folder).json
    assert verified["ok"]
    assert verified["attempts"] == 301
    before = (site.data / "stats.json").read_bytes()
    assert json.loads(before)["jobs_succeeded"] == 301
    assert syncstats("prune", "--keep", "1s", "--data", "D", cwd=site.folder).status == 0
    assert len(list(site.data.glob("events/*/*.jsonl*"))) == 1
    assert syncstats("rebuild", "--data", "D", cwd=site.folder).status == 0
    assert (site.data / "stats.json").read_bytes() == before
    site.enqueue(*["ok"] * 5)
    assert site.run("--drain")[0] == 0
    assert json.loads((site.data / "stats.json").read_bytes())["jobs_succeeded"] == 306
    assert len(list((site.data / "events").iterdir())) == 1, "the next worker goes on with it"
