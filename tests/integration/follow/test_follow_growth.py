"""Files that grow, are cut, and are not there yet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from events.limits import MAX_LINE_BYTES
from tests.support.following.site import Way, add
from tests.support.following.ways import in_every_way, in_ways

if TYPE_CHECKING:
    from tests.support.following.site import Site


@in_every_way
def test_append(site: Site):
    log = site.path("app.log")
    site.write(log, 3)
    site.follow("app.log")
    for turn in range(4):
        site.write(log, 2)
        if turn == 2:
            site.middle()


@in_every_way
def test_append_of_native_lines(site: Site):
    log = site.path("app.log")
    add(log, site.native(3))
    site.follow("app.log", format_="native")
    site.now()
    add(log, site.native(3))
    site.middle()
    add(log, site.native(3))


@in_every_way
def test_native_lines_written_again_count_once(site: Site):
    """A program that was restarted writes again what it was not sure of."""
    log = site.path("app.log")
    lines = site.native(4)
    add(log, lines)
    site.follow("app.log", format_="native")
    site.middle()
    add(log, lines + site.native(2))
    site.duplicates = 4


@in_every_way
def test_empty_lines(site: Site):
    log = site.path("app.log")
    add(log, b"\n\n" + site.lines(2) + b"\n")
    site.follow("app.log")
    site.middle()
    add(log, b"\n" * 5 + site.lines(1) + b"   \n\n" + site.lines(1))


@in_every_way
def test_partial_line_that_is_finished_later(site: Site):
    log = site.path("app.log")
    site.write(log, 2)
    site.follow("app.log")
    site.now()
    line = site.lines(1)
    add(log, line[:10])
    site.middle()
    add(log, line[10:40])
    site.middle()
    add(log, line[40:])


@in_every_way
def test_partial_last_line_that_is_never_finished(site: Site):
    log = site.path("app.log")
    add(log, site.lines(2) + site.uncounted()[:-1])
    site.follow("app.log")
    site.now()
    site.middle()
    site.write(site.path("app.log.1"), 2)  # whatever is read after it does not go on with it


@in_every_way
def test_partial_last_line_of_a_rotated_file(site: Site):
    log = site.path("app.log")
    site.write(log, 2)
    site.follow("app.log")
    add(log, site.lines(1) + site.uncounted()[:-1])
    site.middle()
    log.rename(site.path("app.log.1"))
    site.write(log, 3)


@in_every_way
def test_truncate(site: Site):
    log = site.path("app.log")
    site.write(log, 5)
    site.follow("app.log")
    site.now()
    site.middle()
    os.truncate(log, 0)
    site.write(log, 2)


@in_every_way
def test_truncate_and_write_fewer_bytes(site: Site):
    _rewrite(site, 3)


@in_every_way
def test_truncate_and_write_equally_many_bytes(site: Site):
    _rewrite(site, 5)


@in_every_way
def test_truncate_and_write_more_bytes(site: Site):
    _rewrite(site, 9)


def _rewrite(site: Site, count: int) -> None:
    log = site.path("app.log")
    log.write_bytes(site.lines(5))
    site.follow("app.log")
    site.now()
    site.middle()
    log.write_bytes(site.lines(count))
    site.now()
    site.write(log, 2)


@in_every_way
def test_truncate_and_write_with_the_same_first_line(site: Site):
    """Each time it is opened, the program writes the same header; Vector 23619."""
    log = site.path("app.log")
    header = b'{"header": "' + b"-" * 300 + b'"}\n'
    log.write_bytes(header + site.lines(3))
    site.follow("app.log")
    site.now()
    site.middle()
    log.write_bytes(header + site.lines(3))
    site.now()
    log.write_bytes(header + site.lines(2))


@in_every_way
def test_line_of_the_maximal_length_and_one_over(site: Site):
    log = site.path("app.log")
    add(log, site.sized(MAX_LINE_BYTES) + site.lines(1))
    site.follow("app.log")
    long = b"x" * MAX_LINE_BYTES + b"\n"
    add(log, long[:70_000])
    site.middle()
    add(log, long[70_000:] + site.lines(1) + site.sized(MAX_LINE_BYTES))
    site.invalid = 1


@in_every_way
def test_file_that_is_not_there_yet(site: Site):
    site.follow("app.log")
    site.middle()
    log = site.path("app.log")
    site.write(log, 2)
    site.now()
    site.write(log, 2)


@in_every_way
def test_folder_that_is_not_there_yet(site: Site):
    site.follow("deep/er/app.log", "other/*.log")
    site.middle()
    for name in ("deep/er/app.log", "other/app.log"):
        site.path(name).parent.mkdir(parents=True)
        site.write(site.path(name), 2)


@in_every_way
def test_file_that_cannot_be_read_at_first(site: Site):
    log = site.path("app.log")
    site.write(log, 2)
    log.chmod(0)
    site.follow("app.log")
    site.wait_told("app.log cannot be read")
    site.middle()
    log.chmod(0o644)
    site.now()
    site.write(log, 1)


@in_ways(Way.PLAIN)  # a file that has no name any more is gone with the process that had it open
def test_file_that_is_removed_while_it_is_written(site: Site):
    log = site.path("app.log")
    site.follow("app.log")
    with log.open("ab", buffering=0) as writer:
        writer.write(site.lines(2))
        site.now()
        log.unlink()
        writer.write(site.lines(2))
        site.now()
        site.write(log, 2)
        site.now()
        writer.write(site.lines(2))
        site.now()
