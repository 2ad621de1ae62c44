"""The system lets no file grow further (EFBIG): waited out, and gone on with in a new one.

The write that meets RLIMIT_FSIZE is cut short, and so leaves a part of a line in the log.
"""

from __future__ import annotations

import resource
import signal
import sys
from contextlib import closing

import pytest

from tests.support.site import END_S, Site

TROUBLE = "no job is taken until that is mended"
MENDED = "can be written to again"
JOBS = 60
MOST = 2 << 20
"""The log alone grows that large."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prlimit(2) is Linux's")


@pytest.fixture
def site(tmp_path):
    with closing(Site(tmp_path)) as site:
        site.enqueue(*["big error"] * JOBS)
        yield site


def begin(site, *args):
    """A worker whose files may not grow beyond the limit, as far as it has met it."""
    unlimited = resource.RLIM_INFINITY
    process = site.begin(
        *("--batch", "5", "--retry-base", "0.2", "--retry-cap", "0.2", "--retry-tries", "9", *args),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, unlimited)),
    )
    assert TROUBLE in process.stderr.readline()
    return process


def lift(process):
    unlimited = resource.RLIM_INFINITY
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))


def assert_exact(site):
    site.assert_whole(JOBS)
    site.assert_nothing_ran_unrecorded(but=0)


def test_the_worker_goes_on_when_the_limit_is_lifted(site):
    process = begin(site, "--drain", "--wait")
    (site.folder / "mended").touch()
    lift(process)
    _, err = process.communicate(timeout=END_S)
    assert process.returncode == 0
    assert MENDED in err
    assert TROUBLE not in err
    assert_exact(site)


def test_a_stop_meanwhile_ends_it_in_order(site):
    """What was not written goes into a file of its own, which is far from the limit."""
    process = begin(site)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=END_S)
    assert process.returncode == 0, err
    assert site.counts().leased == 0
    (site.folder / "mended").touch()
    assert site.run("--drain", "--wait")[0] == 0
    assert_exact(site)
