"""The permission to write is taken from a worker that runs, and given back."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.support.handlers import wait_until
from tests.support.privileges import as_permissions_say
from tests.support.processes import watch_waiting
from tests.support.site import END_S, Site

TROUBLE = "no job is taken until that is mended"
MENDED = "can be written to again"
WHATS = ["wait", *["ok", "low", "flaky", "permanent"] * 10]


@pytest.fixture
def site(tmp_path):
    with closing(Site(tmp_path)) as site:
        site.enqueue(*WHATS)
        yield site


def begin(site):
    """A worker for whom permissions hold, whoever runs it, in the midst of its first job."""
    args = ("--drain", "--wait", "--batch", "4", "--segment-bytes", "2000")
    process = site.begin(*args, preexec_fn=as_permissions_say())
    wait_until((site.folder / "began-1").exists, "the first job runs")
    return process


def assert_exact(site):
    site.assert_whole(len(WHATS))
    site.assert_nothing_ran_unrecorded(but=0)


def test_no_new_segment_can_be_made_for_a_while(site):
    process = begin(site)
    (folder,) = site.data.glob("events/*")
    folder.chmod(0o500)
    (site.folder / "go").touch()
    said = process.stderr.readline()
    assert TROUBLE in said
    assert "Permission denied" in said
    rest = watch_waiting(process.pid, 40)
    assert rest.cpu < 0.5
    assert rest.waits_per_s < 500
    folder.chmod(0o700)
    _, err = process.communicate(timeout=END_S)
    assert process.returncode == 0
    (line,) = err.splitlines()
    assert MENDED in line
    assert_exact(site)


def test_without_permission_for_the_data_folder_jobs_go_on_and_the_stats_follow_later(site):
    process = begin(site)
    site.data.chmod(0o500)  # its databases are open, and can be written
    (site.folder / "go").touch()
    _, err = process.communicate(timeout=END_S)
    site.data.chmod(0o700)
    assert process.returncode == 0, err
    (line,) = err.splitlines()
    assert "stats.json cannot be kept current" in line
    assert "Permission denied" in line
    assert site.run("--drain") == (0, "", "")
    assert_exact(site)
