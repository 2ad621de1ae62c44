"""The process may open no more files: said in one line at the start, waited out while it works."""

from __future__ import annotations

import resource
import sys
from contextlib import closing
from functools import partial

import pytest

from tests.support.handlers import wait_until
from tests.support.site import END_S, Site

TROUBLE = "no job is taken until that is mended"
MENDED = "can be written to again"
STATS = "stats.json"


@pytest.fixture
def site(tmp_path):
    with closing(Site(tmp_path)) as site:
        site.enqueue("ok")
        yield site


def test_too_few_at_the_start(site):
    """From as many as Python needs for itself, up to as many as a worker needs."""
    failed = 0
    for most in range(6, 40):
        limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (most, most))
        status, out, err = site.run("--drain", preexec_fn=limit)
        if status == 0:
            break
        failed += 1
        assert (status, out) == (2, "")
        *before, line = err.splitlines()
        assert "open files" in line or "open more files" in line, line
        assert all(f"{STATS} cannot be kept current" in each for each in before)
        assert len(before) <= 1
    assert failed > 1
    site.assert_whole(1)
    site.assert_nothing_ran_unrecorded(but=0)


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit(2) is Linux's")
def test_none_is_left_while_it_works(site):
    assert site.run("--drain")[0] == 0
    site.enqueue("wait")
    process = site.begin("--drain", "--segment-bytes", "1")
    wait_until((site.folder / "began-2").exists, "the job runs")
    soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (3, hard))
    (site.folder / "go").touch()
    for line in process.stderr:
        assert "Too many open files" in line
        if TROUBLE in line:
            break
        assert STATS in line
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (soft, hard))
    _, err = process.communicate(timeout=END_S)
    assert process.returncode == 0
    assert sum(MENDED in line for line in err.splitlines()) == 1
    assert all(MENDED in line or STATS in line for line in err.splitlines())
    site.assert_whole(2)
    site.assert_nothing_ran_unrecorded(but=0)
