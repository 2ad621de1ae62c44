"""The disk is really full while a worker runs, and then there is room again."""

from __future__ import annotations

import signal
import sys
from contextlib import closing

import pytest

from tests.support.command import assert_complaint, syncstats
from tests.support.processes import watch_waiting
from tests.support.site import END_S, HANDLER, Site
from tests.support.small_disk import fill as fill_disk
from tests.support.small_disk import small_disk
from tests.support.workers import ends_of

JOBS = 300
DISK = "24m"
TROUBLE = "no job is taken until that is mended"
MENDED = "can be written to again"
STATS = "stats.json cannot be kept current"
ROOM = 400_000
"""Bytes that are left: enough for some jobs of the run, not for half of them."""


@pytest.fixture
def site(tmp_path):
    """A site whose data folder is a small disk of its own."""
    with closing(Site(tmp_path)) as site:
        site.data.mkdir()
        with small_disk(site.data, DISK):
            yield site
            site.close()


def fill(site, room=0):
    """Leave so many bytes on the disk."""
    return fill_disk(site.data, room)


def until_trouble(process):
    """What a worker says, up to the line that says that it waits."""
    said = []
    for line in process.stderr:
        said.append(line)
        if TROUBLE in line:
            return said
        assert STATS in line
    raise AssertionError(f"it has ended, and said {said}")


def test_the_worker_waits_until_there_is_room_and_goes_on(site):
    site.enqueue(*["ok", "low", "permanent", "flaky", "work"] * (JOBS // 5))
    ballast = fill(site, ROOM)
    process = site.begin("--drain", "--wait", "--batch", "8", "--concurrency", "2")
    said = until_trouble(process)
    fill(site)  # also what it has not used yet
    ran = len(site.truth())

    rest = watch_waiting(process.pid, 60)  # about two tries
    assert rest.cpu < 0.5
    assert rest.waits_per_s < 500
    assert len(site.truth()) <= ran + 2, "nothing begins but what was beginning"
    counts = site.counts()
    left = counts.due + counts.scheduled + counts.leased
    assert JOBS - left <= len(ends_of(site.data)), "nothing is acknowledged that is not in the log"

    ballast.unlink()
    _, err = process.communicate(timeout=END_S)
    assert process.returncode == 0
    said += err.splitlines()
    assert sum(TROUBLE in line for line in said) == sum(MENDED in line for line in said) == 1
    others = [line for line in said if TROUBLE not in line and MENDED not in line]
    assert all("stats.json" in line for line in others)
    assert len(others) <= 2, "the trouble with the stats, and its end"
    site.assert_whole(JOBS)
    site.assert_nothing_ran_unrecorded(but=0)


@pytest.mark.parametrize("room", [0, 60_000])
def test_a_worker_that_starts_on_a_full_disk_says_so_in_one_line_and_harms_nothing(site, room):
    site.enqueue(*["ok"] * 5)
    ballast = fill(site, room)
    ran = syncstats("run", "--handler", HANDLER, "--drain", "--data", "D", cwd=site.folder)
    assert_complaint(ran, str(site.data), "free")
    ballast.unlink()
    assert site.run("--drain")[::2] == (0, "")
    site.assert_whole(5)
    site.assert_nothing_ran_unrecorded(but=0)


def begin_in_trouble(site, *args, **popen):
    """A worker that has met the full disk, and what has room there to be deleted."""
    site.enqueue(*["ok"] * JOBS)
    ballast = fill(site, ROOM)
    process = site.begin("--batch", "8", *args, **popen)
    until_trouble(process)
    fill(site)
    return process, ballast


def assert_given_up(site, process, ballast):
    """Status 1, in a line that says what to do; and with room again, all is done."""
    _, err = process.communicate(timeout=END_S)
    assert process.returncode == 1, err
    line = err.splitlines()[-1]
    assert "given up after" in line
    assert "mend that, then start again" in line
    ballast.unlink()
    assert site.run("--drain", "--wait")[0] == 0
    site.assert_whole(JOBS)
    site.assert_nothing_ran_unrecorded(but=8)


def test_a_stop_meanwhile_is_obeyed_after_the_grace(site):
    process, ballast = begin_in_trouble(site, "--grace", "0.2")
    process.send_signal(signal.SIGTERM)
    assert_given_up(site, process, ballast)


def test_with_drain_the_worker_gives_up(site):
    """After a minute; here its patience is shorter, see `tests.support.hasty_command`."""
    program = (sys.executable, "-m", "tests.support.hasty_command")
    assert_given_up(site, *begin_in_trouble(site, "--drain", program=program))
