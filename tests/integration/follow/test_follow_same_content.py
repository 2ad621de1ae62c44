"""Files that begin alike, or hold the same throughout."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from tests.support.following.site import add
from tests.support.following.ways import in_every_way

if TYPE_CHECKING:
    from tests.support.following.site import Site

HEADER = b'{"header": "' + b"-" * 300 + b'"}\n'


@in_every_way
def test_equal_first_lines_in_different_files(site: Site):
    """The first 256 bytes are the same in all; Vector 25079 reads but one of them."""
    for name in ("a.log", "b.log", "c.log"):
        add(site.path(name), HEADER + site.lines(3))
    site.follow("*.log")
    site.middle()
    add(site.path("d.log"), HEADER + site.lines(2))
    for name in ("a.log", "b.log", "c.log", "d.log"):
        site.write(site.path(name), 1)


@in_every_way
def test_files_that_begin_with_the_same_header_only(site: Site):
    """For a while one is the beginning of the other."""
    add(site.path("a.log"), HEADER + site.lines(9))
    site.follow("*.log")
    site.now()
    add(site.path("b.log"), HEADER)
    site.middle()
    site.write(site.path("b.log"), 2)
    site.now()
    site.write(site.path("b.log"), 2)


@in_every_way
def test_rotation_of_files_that_begin_with_the_same_header(site: Site):
    """Each of them has the header and a few lines when the next one begins."""
    log = site.path("app.log")
    add(log, HEADER)
    site.follow("app.log")
    for turn in range(4):
        site.write(log, turn + 1)
        if turn == 2:
            site.middle()
        for number in range(turn, 0, -1):
            site.path(f"app.log.{number}").rename(site.path(f"app.log.{number + 1}"))
        log.rename(site.path("app.log.1"))
        add(log, HEADER)


@in_every_way
def test_rotation_of_files_that_hold_the_header_only(site: Site):
    """What was read of the last one begins the next one, and nothing of that is missing."""
    log = site.path("app.log")
    add(log, HEADER)
    site.follow("app.log")
    site.now()
    site.middle()
    log.rename(site.path("app.log.1"))
    add(log, HEADER + site.lines(2))
    site.now()
    site.path("app.log.1").unlink()
    log.write_bytes(HEADER + site.lines(3))


@in_every_way
def test_equal_files_count_once(site: Site):
    data = site.write(site.path("a.log"), 4)
    site.follow("*.log")
    site.now()
    site.middle()
    add(site.path("b.log"), data)
    site.wait_told("b.log holds the same as a.log and is not counted again")


@in_every_way
def test_equal_files_at_the_first_look_count_once(site: Site):
    data = site.write(site.path("a.log"), 4)
    add(site.path("b.log"), data)
    site.follow("*.log")
    site.wait_told("holds the same as")
    site.middle()


@in_every_way
def test_native_lines_in_two_files_count_once(site: Site):
    """Their seqs tell, whatever else stands in the files."""
    lines = site.native(6).splitlines(keepends=True)
    add(site.path("a.log"), b"".join(lines))
    site.follow("*.log", format_="native")
    site.now()
    site.middle()
    add(site.path("b.log"), b"".join(reversed(lines)))
    site.duplicates = 6


@in_every_way
def test_copy_of_which_the_original_is_deleted(site: Site):
    data = site.write(site.path("app.log"), 30)
    site.follow("app.log*")
    site.now()
    add(site.path("app.log.1"), data)
    site.middle()
    site.path("app.log").unlink()
    site.write(site.path("app.log.1"), 2)
    site.now()
    site.write(site.path("app.log"), 2)


@in_every_way
def test_archive_of_an_old_file_is_brought_back(site: Site):
    """Somebody unpacks what was counted long ago."""
    log = site.path("app.log")
    data = site.write(log, 30)
    site.follow("app.log")
    site.now()
    log.rename(site.path("app.log.1"))
    site.write(log, 2)
    site.now()
    site.path("app.log.1").unlink()
    site.middle()
    with gzip.open(site.path("app.log.1.gz"), "wb") as file:
        file.write(data)
    site.write(log, 2)
    site.now()
    site.path("app.log.1.gz").unlink()
    add(site.path("app.log.1"), data)


@in_every_way
def test_copy_that_then_differs(site: Site):
    """Both go on by themselves: what they have in common counts once, if it is over 4 KiB."""
    data = site.write(site.path("a.log"), 60)
    site.follow("*.log")
    site.now()
    add(site.path("b.log"), data)
    site.wait_told("b.log holds the same as a.log")
    site.middle()
    site.write(site.path("a.log"), 2)
    site.write(site.path("b.log"), 2)
    site.now()
    site.write(site.path("a.log"), 2)
    site.write(site.path("b.log"), 2)


@in_every_way
def test_copy_that_is_ahead_of_its_original_and_then_differs(site: Site):
    """The copy is read on, and then the original, too."""
    data = site.write(site.path("a.log"), 60)
    site.follow("*.log")
    site.now()
    add(site.path("b.log"), data)
    site.write(site.path("b.log"), 3)
    site.now()
    site.middle()
    site.write(site.path("a.log"), 3)


@in_every_way
def test_two_logs_that_begin_with_the_same_few_lines(site: Site):
    """Two programs may write the same: once their logs differ, each line of both counts."""
    data = site.write(site.path("a.log"), 5)
    site.follow("*.log")
    site.now()
    add(site.path("b.log"), data)
    site.wait_told("b.log holds the same as a.log")
    site.middle()
    site.again(data)
    site.write(site.path("a.log"), 1)
    site.write(site.path("b.log"), 2)
