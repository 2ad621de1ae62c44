"""A system call of SQLite fails: nothing is lost, nothing is done twice, and the work goes on.

strace makes the calls fail, those on the named files alone, the n-th of each thread.
"""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.support.site import Site
from tests.support.strace import failing

WHATS = ["ok", "permanent", "flaky", "ok", "permanent", "skip", "ok", "low"]


@pytest.fixture
def site(tmp_path):
    with closing(Site(tmp_path)) as site:
        site.enqueue(*WHATS)
        yield site


def run(site, calls, what, when, *names):
    """Let a worker drain the queue while calls on these files fail; what it said."""
    before = failing(calls, what, *(site.data / name for name in names), when=when)
    status, _, err = site.run("--drain", "--wait", "--batch", "2", before=before)
    assert status == 0, err
    return err.splitlines()


def assert_exact(site):
    assert site.run("--drain") == (0, "", "")
    site.assert_whole(len(WHATS))
    site.assert_nothing_ran_unrecorded(but=0)


def assert_said_once(lines, *parts):
    assert len(lines) == 2, "\n".join(lines)
    for part in ("no job is taken until that is mended", *parts):
        assert part in lines[0]
    assert "can be written to again" in lines[1]


# What a worker does with queue.db: it opens it (a write of its own, and two syncs), then each
# batch is one commit. The places below lie in the midst of that.
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (("pwrite64", "error=ENOSPC", "20"), "the disk is full"),
        (("pwrite64", "error=EIO", "20"), "the disk answered with an error"),
        (("pwrite64", "error=EDQUOT", "21..23"), "the disk"),
        (("fdatasync", "error=EIO", "4"), "the disk answered with an error"),
        (("fdatasync", "error=ENOSPC", "3..5"), "the disk"),
    ],
)
@pytest.mark.parametrize("database", ["queue.db", "dlq.db"])
def test_a_write_or_a_sync_fails(site, database, fault, reason):
    lines = run(site, *fault, f"{database}-wal")
    assert_exact(site)
    assert_said_once(lines, database, reason)


def test_signals_that_interrupt_calls_are_not_noticed(site):
    names = ("queue.db", "queue.db-wal", "dlq.db", "dlq.db-wal")
    assert run(site, "pwrite64", "error=EINTR", "1+2", *names) == []
    assert_exact(site)
