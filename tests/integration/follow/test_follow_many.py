"""Many files at once, also with few descriptors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.following.site import Way
from tests.support.following.ways import in_ways

if TYPE_CHECKING:
    from tests.support.following.site import Site


@pytest.mark.slow
@in_ways(Way.PLAIN, Way.KILLED)
def test_a_thousand_files(site: Site):
    for number in range(700):
        site.write(site.path(f"{number}.log"), 1)
    site.follow("*.log")
    site.middle()
    for number in range(700, 1000):
        site.write(site.path(f"{number}.log"), 1)


@in_ways(Way.PLAIN, Way.KILLED, most_open=64)
def test_many_files_with_few_descriptors(site: Site):
    for number in range(300):
        site.write(site.path(f"{number}.log"), 1)
    site.follow("*.log")
    site.now()
    for number in range(0, 300, 3):
        site.write(site.path(f"{number}.log"), 1)
    site.middle()
    for number in range(0, 300, 3):
        site.path(f"{number}.log").rename(site.path(f"{number}.old.log"))
        site.write(site.path(f"{number}.log"), 1)
        site.write(site.path(f"{number}.old.log"), 1)
