"""Which files are followed: links, globs, folders, and what is passed over."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.following.site import Way, add
from tests.support.following.ways import in_every_way, in_ways

if TYPE_CHECKING:
    from tests.support.following.site import Site

LONG_AGO = 1_000_000_000


@in_every_way
def test_symbolic_link_is_switched(site: Site):
    """current.log leads to the file of the day."""
    current = site.path("current.log")
    for day in ("mon.txt", "tue.txt", "wed.txt"):
        site.write(site.path(day), 3)
        fresh = site.path("fresh")
        fresh.symlink_to(day)
        fresh.rename(current)
        if day == "mon.txt":
            site.follow("current.log")
        site.now()
        if day == "tue.txt":
            site.middle()
        site.write(site.path(day), 2)
        site.now()


@in_every_way
def test_symbolic_link_and_its_target_are_both_named(site: Site):
    log = site.path("app.log")
    site.write(log, 3)
    site.path("link.log").symlink_to("app.log")
    site.follow("link.log", "app.log")
    site.middle()
    site.write(log, 2)
    site.now()
    log.rename(site.path("app.log.1"))
    site.write(log, 2)


@in_every_way
def test_hard_links_count_once(site: Site):
    log = site.path("app.log")
    site.write(log, 3)
    os.link(log, site.path("same.log"))
    site.follow("*.log")
    site.middle()
    os.link(log, site.path("third.log"))
    site.write(log, 2)
    site.now()
    log.unlink()
    site.write(site.path("same.log"), 1)


@in_every_way
def test_file_that_is_named_twice(site: Site):
    log = site.path("app.log")
    site.write(log, 3)
    site.follow("app.log", "./app.log", log, "../logs/app.log")
    site.middle()
    site.write(log, 2)
    site.now()
    log.rename(site.path("app.log.1"))
    site.write(log, 2)


@in_every_way
def test_overlapping_globs(site: Site):
    for name in ("a1.log", "a2.log", "b1.log"):
        site.write(site.path(name), 3)
    site.follow("a*.log", "*1.log", "a1.log", "*.log*")
    site.middle()
    for name in ("a1.log", "a2.log", "b1.log"):
        site.write(site.path(name), 2)
    site.path("a1.log").rename(site.path("a1.log.1"))
    site.write(site.path("a1.log"), 2)


@in_every_way
def test_glob_whose_files_come_later(site: Site):
    site.follow("*.log")
    for turn, name in enumerate(("a.log", "b.log", "c.log")):
        site.write(site.path(name), 3)
        if turn == 1:
            site.middle()
    site.now()
    site.write(site.path("a.log"), 1)


@in_every_way
def test_log_of_a_glob_that_is_rotated_before_it_was_seen(site: Site):
    """A log that came is rotated between two searches, or while nobody follows."""
    site.write(site.path("a.log"), 2)
    site.follow("*.log")
    site.now()
    site.middle()
    log = site.path("b.log")
    for number in (3, 2, 1):
        site.write(log, 2)
        log.rename(site.path(f"b.log.{number}"))
    site.write(log, 1)
    site.now()
    add(site.path("c.log.1"), site.uncounted(2))
    os.utime(site.path("c.log.1"), (LONG_AGO, LONG_AGO))  # it was moved here, not rotated
    site.write(site.path("c.log"), 1)


@in_ways(Way.KILLED, Way.AWAY)
def test_log_of_a_glob_that_is_rotated_and_the_follower_is_killed(site: Site):
    """What was read of it may not be saved yet; what is saved is not read again."""
    site.write(site.path("a.log"), 2)
    site.follow("*.log")
    site.now()
    log = site.path("b.log")
    site.write(log, 2)
    log.rename(site.path("b.log.1"))
    site.write(log, 1)
    site.middle()
    site.path("b.log.1").rename(site.path("b.log.2"))
    log.rename(site.path("b.log.1"))
    site.write(log, 1)
    site.now()
    site.middle()
    site.write(site.path("a.log"), 1)


@in_every_way
def test_glob_of_nested_folders(site: Site):
    site.path("one/two").mkdir(parents=True)
    site.write(site.path("top.log"), 1)
    site.write(site.path("one/app.log"), 1)
    site.write(site.path("one/two/app.log"), 1)
    add(site.path("one/two/app.txt"), site.uncounted(1))
    site.follow("**/*.log")
    site.middle()
    site.path("one/three/four").mkdir(parents=True)
    site.write(site.path("one/three/four/app.log"), 2)
    site.write(site.path("one/two/app.log"), 2)


@in_every_way
def test_exclude(site: Site):
    site.path("sub").mkdir()
    site.write(site.path("app.log"), 2)
    add(site.path("debug.log"), site.uncounted(2))
    add(site.path("sub/app.log"), site.uncounted(2))
    site.follow("**/*.log", "--exclude", "debug*", "--exclude", "sub/*")
    site.middle()
    add(site.path("debug.log"), site.uncounted(2))
    add(site.path("debug2.log"), site.uncounted(2))
    site.write(site.path("app.log"), 2)


@in_every_way
def test_folder(site: Site):
    """Its .jsonl files are followed, and such as come."""
    folder = site.path("lines")
    folder.mkdir()
    site.write(folder / "a.jsonl", 2)
    add(folder / "readme.txt", site.uncounted(2))
    site.follow("lines")
    site.middle()
    site.write(folder / "b.jsonl", 2)
    site.write(folder / "a.jsonl", 2)


@in_every_way
def test_rotation_within_a_glob(site: Site):
    """The pattern leads to the rotated files, too."""
    for name in ("a.log", "b.log"):
        site.write(site.path(name), 3)
    site.follow("*.log*")
    for turn in range(3):
        if turn == 1:
            site.middle()
        for name in ("a.log", "b.log"):
            site.write(site.path(name), 2)
            site.path(name).rename(site.path(f"{name}.{9 - turn}"))
            site.write(site.path(name), 1)


@in_every_way
def test_pipe_among_the_files_of_a_glob(site: Site):
    """It would block who opens it."""
    site.write(site.path("a.log"), 2)
    os.mkfifo(site.path("b.log"))
    site.path("c.log").mkdir()
    site.follow("*.log")
    site.middle()
    os.mkfifo(site.path("d.log"))
    site.write(site.path("e.log"), 2)


@in_every_way
def test_names_of_any_bytes(site: Site):
    names = ["ä ö.log", "-.log", "new\nline.log", os.fsdecode(b"\xff.log")]
    try:
        for name in names:
            site.write(site.path(name), 2)
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    site.follow("*.log")
    site.now()
    site.middle()
    for name in names:
        site.write(site.path(name), 2)
