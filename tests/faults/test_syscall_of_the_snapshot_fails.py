"""The new stats.json cannot be put in the old one's place: the old one stays, and jobs go on.

A worker renames nothing else while all is well, so strace needs no path to choose by.
"""

from __future__ import annotations

import json
from contextlib import closing

import pytest

from tests.support.site import Site
from tests.support.strace import failing

WHATS = ["ok", "flaky", "permanent", "skip"]


@pytest.mark.parametrize("error", ["ENOSPC", "EIO", "EACCES"])
def test_the_renaming_fails(tmp_path, error):
    with closing(Site(tmp_path)) as site:
        site.enqueue("ok")
        assert site.run("--drain")[0] == 0
        kept = (site.data / "stats.json").read_bytes()

        site.enqueue(*WHATS)
        status, _, err = site.run(
            "--drain", "--wait", before=failing("rename", f"error={error}", when="1+")
        )
        assert status == 0
        # What measures coverage may complain of its own files.
        (line,) = [line for line in err.splitlines() if line.startswith("syncstats: ")]
        assert "stats.json cannot be kept current" in line
        assert (site.data / "stats.json").read_bytes() == kept
        assert not list(site.data.glob("*.tmp"))
        assert not list(site.data.glob(".*.tmp"))

        assert site.run("--drain") == (0, "", "")
        stats = site.assert_whole(1 + len(WHATS))
        assert stats["jobs_processed"] > json.loads(kept)["jobs_processed"]
        site.assert_nothing_ran_unrecorded(but=0)
