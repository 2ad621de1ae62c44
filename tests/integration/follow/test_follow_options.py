"""What --ignore-older and --from-end leave out, and what they do not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.support.following.site import add
from tests.support.following.ways import in_every_way

if TYPE_CHECKING:
    from tests.support.following.site import Site

TWO_DAYS_S = 2 * 24 * 3600


@in_every_way
def test_ignore_older(site: Site):
    """What is old at first is read from its start once it is written to."""
    old = site.path("old.log")
    log = site.path("new.log")
    add(old, site.uncounted(3))
    at = old.stat().st_mtime - TWO_DAYS_S
    os.utime(old, (at, at))
    site.write(log, 3)
    site.follow("*.log", "--ignore-older", "1d")
    site.now()
    site.middle()
    at = log.stat().st_mtime - TWO_DAYS_S
    os.utime(log, (at, at))  # it is known, and followed however old it becomes
    site.write(site.path("another.log"), 2)
    site.now()
    site.write(log, 2)


@in_every_way
def test_ignored_file_is_written_to_again(site: Site):
    """It is not old any more, and read from its start."""
    old = site.path("old.log")
    site.write(site.path("new.log"), 2)
    site.follow("*.log", "--ignore-older", "1d")
    site.now()
    data = site.lines(3)
    add(site.path("fresh"), data)
    at = old.parent.stat().st_mtime - TWO_DAYS_S
    os.utime(site.path("fresh"), (at, at))
    site.path("fresh").rename(old)
    site.middle()
    site.write(old, 2)


@in_every_way
def test_from_end(site: Site):
    """What is there at the first run is passed over, and nothing else, after a restart neither."""
    log = site.path("app.log")
    add(log, site.uncounted(5))
    site.follow("*.log", "--from-end")
    site.write(log, 2)
    site.middle()
    site.write(log, 2)
    site.write(site.path("later.log"), 2)


@in_every_way
def test_from_end_and_rotation(site: Site):
    log = site.path("app.log")
    add(log, site.uncounted(50))
    site.follow("app.log", "--from-end")
    site.write(log, 2)
    log.rename(site.path("app.log.1"))
    site.middle()
    site.write(log, 2)
