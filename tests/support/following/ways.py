"""A test that is gone through in several ways at the same time, each in a folder of its own.

Most of the time is waiting: for the next look at a file, for the next save. So the ways share it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.support.following.site import Site, Way

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.following.nursery import Nursery

EVERY_WAY = (Way.PLAIN, Way.KILLED, Way.AWAY)


def in_every_way(scenario: Callable[[Site], None]) -> Callable[[Nursery, Path], None]:
    """Make a test of a scenario: plain, killed and started at once, killed and started late."""
    return in_ways(*EVERY_WAY)(scenario)


def in_ways(
    *ways: Way, most_open: int = 0
) -> Callable[[Callable[[Site], None]], Callable[[Nursery, Path], None]]:
    """Make a test of a scenario that is gone through in these ways.

    Args:
        ways: The ways.
        most_open: How many descriptors the process that follows may have; 0: as many as usual.
    """

    def decorate(scenario: Callable[[Site], None]) -> Callable[[Nursery, Path], None]:
        def go(nursery: Nursery, folder: Path, way: Way) -> None:
            site = Site(nursery, folder / way.value, way, most_open=most_open)
            try:
                scenario(site)
                site.finish()
            except Exception as error:
                error.add_note(f"This is the way: {way.value}")
                raise
            finally:
                site.close()

        def test(nursery: Nursery, tmp_path: Path) -> None:
            with ThreadPoolExecutor(len(ways)) as pool:
                runs = [pool.submit(go, nursery, tmp_path, way) for way in ways]
            errors = [error for run in runs if (error := run.exception()) is not None]
            if errors:
                raise errors[0]

        test.__name__ = scenario.__name__
        test.__doc__ = scenario.__doc__
        test.__module__ = scenario.__module__
        return test

    return decorate
