"""A system call on the log fails: nothing is lost, nothing is done twice, and the work goes on.

strace makes the calls fail, those on the named files alone, the n-th of each thread. Where writes
and syncs fail for long, see `test_disk_is_full.py`.
"""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.support.site import Site
from tests.support.strace import failing
from tests.support.workers import events_of

WHATS = ["ok", "low", "permanent", "flaky", "ok", "skip"]
TROUBLE = "no job is taken until that is mended"
MENDED = "can be written to again"
NEW_SEGMENTS = ("--segment-bytes", "1")


class Log:
    """A site whose log has a segment; its worker writes to that one, or begins the next."""

    def __init__(self, site):
        self.site = site
        self.folder = next(site.data.glob("events/*"))
        (self.segment,) = self.folder.glob("*.jsonl")
        self.next_seq = len(events_of(site.data))
        self.next_segment = self.folder / f"{self.next_seq:020d}.jsonl"

    def run(self, calls, what, when, *paths, args=()):
        """Let a worker drain a queue while calls on these files fail; what it said."""
        self.site.enqueue(*WHATS)
        status, _, err = self.site.run(
            *("--drain", "--wait", "--batch", "2", *args),
            before=failing(calls, what, *paths, when=when),
        )
        assert status == 0, err
        return err.splitlines()

    def assert_exact(self):
        """Every job of this site is done once, in every account of it."""
        assert self.site.run("--drain") == (0, "", "")
        self.site.assert_whole(1 + len(WHATS))
        self.site.assert_nothing_ran_unrecorded(but=0)

    def epochs(self):
        return [e["epoch"] for e in events_of(self.site.data) if e["event"] == "stream.opened"]


@pytest.fixture
def log(tmp_path):
    with closing(Site(tmp_path)) as site:
        site.enqueue("ok")
        assert site.run("--drain")[0] == 0
        yield Log(site)


def assert_said_once(lines, reason):
    assert len(lines) == 2, "\n".join(lines)
    trouble, mended = lines
    assert TROUBLE in trouble
    assert reason in trouble
    assert MENDED in mended


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("ENOSPC", "No space left"),
        ("EDQUOT", "quota exceeded"),
        ("EIO", "Input/output error"),
        ("EROFS", "Read-only file system"),
    ],
)
def test_a_write_fails(log, error, reason):
    assert_said_once(log.run("write", f"error={error}", "1", log.segment), reason)
    assert log.next_segment.exists()
    assert len(set(log.epochs())) == 3
    log.assert_exact()


@pytest.mark.parametrize(("error", "reason"), [("EIO", "Input/output"), ("ENOSPC", "No space")])
def test_a_sync_fails_and_what_it_left_is_written_again_elsewhere(log, error, reason):
    # The first sync is that of the recovery, the second that of the first outcomes.
    assert_said_once(log.run("fdatasync", f"error={error}", "2", log.segment), reason)
    unsynced = log.segment.read_bytes().splitlines()[log.next_seq :]
    again = log.next_segment.read_bytes().splitlines()
    assert again[: len(unsynced)] == unsynced  # the same lines, under the same numbers
    assert b'"stream.opened"' in again[len(unsynced)]
    assert len(set(log.epochs())) == 3
    log.assert_exact()


@pytest.mark.parametrize("error", ["EMFILE", "EACCES", "EIO"])
def test_a_new_segment_cannot_be_made(log, error):
    lines = log.run("openat", f"error={error}", "1", log.next_segment, args=NEW_SEGMENTS)
    assert_said_once(lines, str(log.folder))
    log.assert_exact()


def test_the_name_of_a_new_segment_cannot_be_synced(log):
    # The first is that of the recovery.
    lines = log.run("fsync", "error=EIO", "2", log.folder, args=NEW_SEGMENTS)
    assert_said_once(lines, "Input/output error")
    log.assert_exact()


def test_a_stream_that_cannot_be_brought_to_disk_is_not_gone_on_with(log):
    (line,) = log.run("fdatasync", "error=EIO", "1", log.segment)
    assert f"stream {log.folder.name!r} is not gone on with" in line
    assert len(list(log.folder.parent.iterdir())) == 2
    log.assert_exact()


def test_signals_that_interrupt_calls_are_not_noticed(log):
    assert log.run("write,fdatasync,fsync", "error=EINTR", "1+2", log.segment, log.folder) == []
    assert not log.next_segment.exists()
    log.assert_exact()
