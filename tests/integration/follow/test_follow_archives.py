"""Compressed files: made of what was read, found at the start, not finished, damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import TYPE_CHECKING

import zstandard

from tests.support.following.site import add
from tests.support.following.ways import in_every_way

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.following.site import Site


def replace_by_archive(site: Site, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    """A file is compressed beside itself, and removed then: what gzip and zstd --rm do."""
    log = site.path("app.log")
    site.write(log, 20)
    site.follow("app.log")
    site.write(log, 4)
    log.rename(site.path("app.log.1"))
    site.write(log, 2)
    site.middle()
    rotated = site.path("app.log.1")
    add(site.path(f"app.log.1{suffix}"), compress(rotated.read_bytes()))
    rotated.unlink()
    site.write(log, 2)
    site.now()
    site.path(f"app.log.1{suffix}").rename(site.path(f"app.log.2{suffix}"))
    site.write(log, 1)


@in_every_way
def test_file_is_replaced_by_its_gz(site: Site):
    replace_by_archive(site, ".gz", gzip.compress)


@in_every_way
def test_file_is_replaced_by_its_zst(site: Site):
    replace_by_archive(site, ".zst", zstandard.ZstdCompressor().compress)


@in_every_way
def test_file_is_replaced_by_its_bz2(site: Site):
    replace_by_archive(site, ".bz2", bz2.compress)


@in_every_way
def test_file_is_replaced_by_its_xz(site: Site):
    replace_by_archive(site, ".xz", lzma.compress)


@in_every_way
def test_current_file_is_replaced_by_its_gz(site: Site):
    """Also of the file that is followed itself, among others that a glob finds."""
    log = site.path("app.log")
    site.write(log, 20)
    site.write(site.path("other.log"), 2)
    site.follow("*.log", "*.log.gz")
    site.now()
    site.middle()
    add(site.path("app.log.gz"), gzip.compress(log.read_bytes()))
    log.unlink()
    site.write(site.path("other.log"), 2)
    site.write(log, 3)


@in_every_way
def test_archives_are_counted_whole(site: Site):
    """Those that a glob finds, and one that comes later."""
    add(site.path("a.log.gz"), gzip.compress(site.lines(5)) + gzip.compress(site.lines(5)))
    add(site.path("b.log.zst"), zstandard.ZstdCompressor().compress(site.lines(5)))
    site.follow("*.log.*")
    site.middle()
    add(site.path("c.log.bz2"), bz2.compress(site.lines(5)))


@in_every_way
def test_archive_that_is_finished_later(site: Site):
    log = site.path("app.log")
    site.write(log, 2)
    site.follow("app.log")
    archive = gzip.compress(site.lines(50))
    add(site.path("app.log.1.gz"), archive[:100])
    site.wait_told("app.log.1.gz")
    site.middle()
    add(site.path("app.log.1.gz"), archive[100:])
    site.write(log, 2)


@in_every_way
def test_archive_that_is_never_finished(site: Site):
    """What it holds is not counted, and told; its original may be there still."""
    log = site.path("app.log")
    site.write(log, 20)
    site.follow("app.log")
    site.now()
    log.rename(site.path("app.log.1"))
    site.write(log, 2)
    add(site.path("app.log.1.gz"), gzip.compress(site.path("app.log.1").read_bytes())[:-20])
    site.middle()
    site.wait_told("app.log.1.gz")
    site.status = 1


@in_every_way
def test_archive_grows_by_another_member(site: Site):
    """gzip -c >> app.log.gz: the text goes on."""
    add(site.path("app.log.gz"), gzip.compress(site.lines(9)))
    site.follow("*.gz")
    site.now()
    site.middle()
    add(site.path("app.log.gz"), gzip.compress(site.lines(5)))


@in_every_way
def test_archive_of_a_file_that_nobody_saw(site: Site):
    """It came and was compressed while nobody followed."""
    log = site.path("app.log")
    site.write(log, 2)
    site.follow("app.log")
    site.now()
    with site.down():
        site.write(log, 1)
        add(site.path("app.log.2.gz"), gzip.compress(log.read_bytes()))
        log.unlink()
        add(site.path("app.log.1.gz"), gzip.compress(site.lines(3)))
        site.write(log, 1)
