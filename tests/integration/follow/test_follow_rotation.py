"""Rotation as programs do it themselves: renaming, copying, deleting, with slow writers."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.following.site import Way, add
from tests.support.following.ways import in_every_way, in_ways

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.following.site import Site


def shift(log: Path) -> None:
    """Rename what there is, the oldest first: app.log.1 to app.log.2, app.log to app.log.1."""
    for number in range(8, 0, -1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.rename(log.with_name(f"{log.name}.{number + 1}"))
    log.rename(log.with_name(f"{log.name}.1"))


@in_every_way
def test_rename_and_create(site: Site):
    log = site.path("app.log")
    site.write(log, 3)
    site.follow("app.log")
    for turn in range(4):
        site.write(log, 2)
        if turn == 1:
            site.middle()
        shift(log)
        site.write(log, 2)


@in_every_way
def test_rename_and_create_of_native_lines(site: Site):
    log = site.path("app.log")
    site.follow("app.log", format_="native")
    for turn in range(4):
        add(log, site.native(3))
        if turn == 1:
            site.middle()
        shift(log)
        add(log, site.native(1))


@in_every_way
def test_writer_that_is_slow_to_reopen(site: Site):
    """It goes on writing to the renamed file, while there is no other one yet."""
    log = site.path("app.log")
    site.write(log, 2)
    site.follow("app.log")
    with log.open("ab", buffering=0) as writer:
        for turn in range(3):
            writer.write(site.lines(1))
            if turn == 0:
                shift(log)
            if turn == 1:
                site.middle()
    site.now()
    site.write(log, 2)


@in_every_way
def test_rotated_file_gets_more_lines_after_rotation(site: Site):
    """Another process of the same program still writes to it."""
    log = site.path("app.log")
    site.write(log, 2)
    site.follow("app.log")
    site.now()
    with log.open("ab", buffering=0) as writer:
        shift(log)
        site.write(log, 2)
        site.now()
        writer.write(site.lines(2))
        site.middle()
        writer.write(site.lines(1))
        shift(log)
        writer.write(site.lines(1))
        site.write(log, 1)


@in_ways(Way.PLAIN)  # a file that no name leads to is lost with the process that has it open
def test_rename_to_a_name_that_is_not_followed(site: Site):
    """It is read as long as it is written; Toolong loses it."""
    log = site.path("app.log")
    site.follow("app.log")
    with log.open("ab", buffering=0) as writer:
        writer.write(site.lines(2))
        site.now()
        log.rename(site.path("moved.txt"))
        writer.write(site.lines(2))
        site.write(log, 2)
        site.now()
        writer.write(site.lines(2))


@in_every_way
def test_rename_to_a_name_that_is_not_followed_and_back(site: Site):
    log = site.path("app.log")
    site.write(log, 3)
    site.follow("app.log")
    site.now()
    log.rename(site.path("moved.txt"))
    site.middle()
    site.path("moved.txt").rename(log)
    site.write(log, 2)


@in_every_way
def test_delete_and_recreate(site: Site):
    log = site.path("app.log")
    for turn in range(4):
        site.write(log, 4)
        if turn == 0:
            site.follow("app.log")
        site.now()
        if turn == 2:
            site.middle()
        log.unlink()
    site.write(log, 4)


@in_every_way
def test_delete_and_recreate_with_the_same_inode(site: Site):
    """Filebeat 1341 goes on in the middle of another file."""
    log = site.path("app.log")
    site.write(log, 4)
    site.follow("app.log")
    for _ in range(20):
        site.now()
        inode = log.stat().st_ino
        with site.down():
            log.unlink()
            site.write(log, 6)
        if log.stat().st_ino == inode:
            return
    pytest.skip("this file system does not give an inode again, or others take it")


@in_every_way
def test_another_file_in_the_same_inode_while_the_old_one_lives_on(site: Site):
    """What was in the inode is copied elsewhere, and another text stands in it."""
    log = site.path("app.log")
    site.write(log, 4)
    site.follow("app.log")
    site.now()
    site.middle()
    shutil.copy(log, site.path("app.log.1"))
    log.write_bytes(site.lines(6))


@in_every_way
def test_copy_and_truncate(site: Site):
    log = site.path("app.log")
    site.write(log, 3)
    site.follow("app.log")
    for turn in range(4):
        site.write(log, 2)
        if turn == 2:
            site.middle()
        if site.path("app.log.1").exists():
            site.path("app.log.1").rename(site.path(f"app.log.{turn + 1}"))
        shutil.copy(log, site.path("app.log.1"))
        os.truncate(log, 0)
        site.write(log, turn + 1)


@in_every_way
def test_copy_and_truncate_and_grow_past_the_old_size(site: Site):
    """GoAccess takes it for the file that it knows, and goes on in its middle."""
    log = site.path("app.log")
    site.write(log, 3)
    site.follow("app.log")
    site.now()
    site.middle()
    shutil.copy(log, site.path("app.log.1"))
    os.truncate(log, 0)
    site.write(log, 8)
    site.now()
    site.write(log, 1)


@in_every_way
def test_copy_and_truncate_with_a_line_lost_between_that_was_read(site: Site):
    """The archive has fewer lines than were read, and none is counted again for that."""
    log = site.path("app.log")
    site.write(log, 40)
    site.follow("app.log")
    site.now()
    copy = log.read_bytes()
    site.write(log, 1)
    site.now()
    site.middle()
    site.path("app.log.1").write_bytes(copy)
    os.truncate(log, 0)
    site.write(log, 2)


@in_every_way
def test_copy_that_is_made_slowly(site: Site):
    """The archive stands there in part, while its original is read on and cut at last."""
    log = site.path("app.log")
    data = site.write(log, 60)
    site.follow("app.log")
    site.now()
    copy = site.path("app.log.1")
    add(copy, data[:200])
    site.write(site.path("app.log"), 0)
    add(copy, data[200:5000])
    site.middle()
    add(copy, data[5000:])
    os.truncate(log, 0)
    site.write(log, 2)


@in_every_way
def test_copy_and_truncate_of_a_file_whose_writer_does_not_append(site: Site):
    """It goes on at its old place, and zero bytes stand before that; they are no line."""
    log = site.path("app.log")
    with log.open("wb", buffering=0) as writer:
        writer.write(site.lines(9))
        site.follow("app.log")
        site.now()
        site.middle()
        shutil.copy(log, site.path("app.log.1"))
        os.truncate(log, 0)
        writer.write(site.lines(2))
        site.now()
        writer.write(site.lines(2))
