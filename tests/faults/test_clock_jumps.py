"""The wall clock is set back by a day, ahead by ten years, before 1970: nothing breaks."""

from __future__ import annotations

import sys
from contextlib import closing

import pytest

from tests.support.handlers import wait_until
from tests.support.jumping_command import FILE
from tests.support.site import END_S, Site
from tests.support.workers import events_of

PROGRAM = (sys.executable, "-m", "tests.support.jumping_command")
DAY = 86_400
JUMPS = {"a day back": -DAY, "ten years ahead": 3_653 * DAY, "before 1970": -80 * 365 * DAY}
WHATS = ["wait", "ok", "flaky", "permanent", "never", "ok"]


@pytest.fixture
def site(tmp_path):
    with closing(Site(tmp_path)) as site:
        set_clock(site, 0)
        yield site


@pytest.fixture(params=JUMPS.values(), ids=JUMPS)
def jump(request):
    return request.param


def set_clock(site, by_s):
    """Make the clock wrong by so many seconds, from now on."""
    (site.folder / "new").write_text(str(by_s))
    (site.folder / "new").replace(site.folder / FILE)


def assert_in_order(site):
    """Events are numbered without a hole, and last as long as they did, whatever the clock says."""
    events = events_of(site.data)
    assert [each["seq"] for each in events] == list(range(len(events)))
    for each in site.outcomes():
        assert 0 <= each["duration_ns"] < END_S * 1e9
        assert each["wait_ns"] >= 0


def assert_said(err, jump):
    """Nothing, or that it was set back."""
    for line in err.splitlines():
        assert jump < 0
        assert "the clock was set back" in line


def test_while_a_worker_runs(site, jump):
    site.enqueue(*WHATS)
    process = site.begin("--drain", "--wait", program=PROGRAM)
    wait_until((site.folder / "began-1").exists, "the first job runs")
    set_clock(site, jump)
    (site.folder / "go").touch()
    out, err = process.communicate(timeout=END_S)
    assert process.returncode == 0, out
    assert_said(err, jump)
    assert_in_order(site)
    site.assert_whole(len(WHATS))
    site.assert_nothing_ran_unrecorded(but=0)


def test_between_two_workers(site, jump):
    site.enqueue(*WHATS[1:])
    assert site.run("--drain", "--wait", program=PROGRAM)[0] == 0
    set_clock(site, jump)
    site.enqueue(*WHATS[1:])
    status, _, err = site.run("--drain", "--wait", program=PROGRAM)
    assert status == 0
    assert_said(err, jump)
    assert_in_order(site)
    site.assert_whole(2 * len(WHATS[1:]))


def test_a_worker_that_died_is_taken_over(site, jump):
    site.enqueue(*WHATS)
    process = site.begin(program=PROGRAM)
    wait_until((site.folder / "began-1").exists, "the first job runs")
    process.kill()
    process.wait(END_S)
    set_clock(site, jump)
    (site.folder / "go").touch()
    status, _, err = site.run("--drain", "--wait", program=PROGRAM)
    assert status == 0
    assert "took over stream" in err
    assert_in_order(site)
    site.assert_whole(len(WHATS))
