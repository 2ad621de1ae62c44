"""What the real logrotate does, by its directives."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.support.following.logrotate import logrotate
from tests.support.following.ways import in_every_way

if TYPE_CHECKING:
    from tests.support.following.site import Site

COMPRESS = "import lzma, sys; sys.stdout.buffer.write(lzma.compress(sys.stdin.buffer.read()))"


def rotations(site: Site, *directives: str, name: str = "app.log", calm: bool = False) -> None:
    """Write and rotate, three times and once more.

    Args:
        site: Where.
        directives: What logrotate is told; TURN is which rotation it is: dates repeat here.
        name: The log.
        calm: Whether all is counted before each rotation: what is not is lost with it.
    """
    log = site.path(name)
    site.write(log, 5)
    site.follow(name)
    for turn in range(4):
        site.write(log, 4)
        if calm:
            site.now()
        if turn == 1:
            site.middle()
        logrotate(log, *(said.replace("TURN", str(turn)) for said in directives))
        site.write(log, 3)


@in_every_way
def test_create(site: Site):
    rotations(site, "create")


@in_every_way
def test_create_and_compress(site: Site):
    rotations(site, "create", "compress")


@in_every_way
def test_create_compress_and_delaycompress(site: Site):
    rotations(site, "create", "compress", "delaycompress")


@in_every_way
def test_nocreate(site: Site):
    rotations(site, "nocreate")


@in_every_way
def test_copytruncate(site: Site):
    rotations(site, "copytruncate")


@in_every_way
def test_copytruncate_and_compress(site: Site):
    """The archive is not read again; Vector 7990."""
    rotations(site, "copytruncate", "compress")


@in_every_way
def test_copytruncate_compress_and_delaycompress(site: Site):
    rotations(site, "copytruncate", "compress", "delaycompress")


@in_every_way
def test_copy_without_truncate(site: Site):
    """Of a log that is never cut there is one more copy each time."""
    site.write(site.path("app.log"), 40)
    rotations(site, "copy")


@in_every_way
def test_dateext_of_seconds(site: Site):
    """Seconds since 1970 after the date, as ``dateformat -%Y%m%d-%s`` gives them."""
    rotations(site, "create", "dateext", "dateformat -%Y%m%d-179557072TURN")


@in_every_way
def test_dateext(site: Site):
    rotations(site, "create", "dateext", "dateformat -%Y%m%d.TURN")


@in_every_way
def test_dateext_and_compress(site: Site):
    rotations(site, "create", "compress", "dateext", "dateformat .%Y-%m-%d-12000TURN")


@in_every_way
def test_extension(site: Site):
    """app.1.log stands beside app.log."""
    rotations(site, "create", "extension .log")


@in_every_way
def test_extension_and_compress(site: Site):
    rotations(site, "create", "extension .log", "compress")


@in_every_way
def test_compressext_and_compresscmd(site: Site):
    """Another program than gzip."""
    program = site.logs.parent / "compress"
    program.write_text(f"#!{sys.executable}\n{COMPRESS}")
    program.chmod(0o755)
    rotations(site, "create", "compress", f"compresscmd {program}", "compressext .xz")


@in_every_way
def test_rotated_files_are_deleted(site: Site):
    log = site.path("app.log")
    site.write(log, 5)
    site.follow("app.log")
    for turn in range(4):
        site.write(log, 4)
        site.now()
        if turn == 1:
            site.middle()
        logrotate(log, "create", keep=1)
        site.write(log, 3)
        site.now()


@in_every_way
def test_no_rotated_file_is_kept(site: Site):
    """``rotate 0``: what was counted is deleted at once."""
    log = site.path("app.log")
    site.write(log, 5)
    site.follow("app.log")
    for turn in range(3):
        site.now()
        if turn == 1:
            site.middle()
        logrotate(log, "create", keep=0)
        site.write(log, 3)


@in_every_way
def test_olddir(site: Site):
    """The rotated files go to another folder, which is named, too."""
    site.path("old").mkdir(mode=0o755)
    log = site.path("app.log")
    site.write(log, 5)
    site.follow("app.log", "old/app.log*")
    for turn in range(3):
        site.write(log, 4)
        if turn == 1:
            site.middle()
        logrotate(log, "create", "olddir old", "compress", "delaycompress")
        site.write(log, 3)


@in_every_way
def test_several_rotations_while_nobody_follows(site: Site):
    """Rotated files that nobody has seen under their first name are counted."""
    log = site.path("app.log")
    site.write(log, 5)
    site.follow("app.log")
    site.now()
    with site.down():
        for _ in range(4):
            site.write(log, 4)
            logrotate(log, "create", "compress", "delaycompress")
        site.write(log, 1)


@in_every_way
def test_several_copytruncates_while_nobody_follows(site: Site):
    log = site.path("app.log")
    site.write(log, 5)
    site.follow("app.log")
    site.now()
    with site.down():
        for _ in range(4):
            site.write(log, 4)
            logrotate(log, "copytruncate", "compress")
        site.write(log, 1)


@in_every_way
def test_start_again_without_rotation(site: Site):
    log = site.path("app.log")
    site.write(log, 5)
    site.follow("app.log")
    for _ in range(3):
        with site.down():
            site.write(log, 2)
        site.write(log, 1)


@in_every_way
def test_rotated_files_of_before_the_first_run(site: Site):
    """What was rotated away before anybody looked is not counted, also not when it moves on."""
    log = site.path("app.log")
    for _ in range(3):
        log.write_bytes(site.uncounted(30))
        logrotate(log, "nocreate")
    site.write(log, 2)
    site.follow("app.log")
    site.now()
    for turn in range(3):
        site.write(log, 2)
        if turn == 1:
            site.middle()
        logrotate(log, "create", "compress", "delaycompress")
        site.write(log, 1)
