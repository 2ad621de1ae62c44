"""Writes put less into a file than they were asked to, to the log and SQLite's files alike.

libfiu stands between the program and its C library (``fiu-run``) and cuts writes, by chance.
"""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.support import tools
from tests.support.site import Site

WHATS = ["ok", "permanent", "flaky", "low", "skip", "big error"] * 4


@pytest.fixture
def site(tmp_path):
    with closing(Site(tmp_path)) as site:
        site.enqueue(*WHATS)
        yield site


def run(site, *names):
    """Let a worker drain the queue while calls are cut short; what it said, and how often."""
    faults = [
        part
        for name in names
        for part in ("-c", f"enable_random name=posix/io/rw/{name}/reduce,probability=0.7")
    ]
    fiu = (tools.tool("fiu-run", "fiu-utils"), "-f", "", "-x", *faults)
    status, _, err = site.run("--drain", "--wait", "--batch", "3", before=fiu)
    assert status == 0, err
    return err


def test_a_short_write_is_gone_on_with(site):
    assert run(site, "write", "pwrite") == ""
    assert site.run("--drain", "--wait") == (0, "", "")
    site.assert_whole(len(WHATS))
    site.assert_nothing_ran_unrecorded(but=0)
