"""What a file is, by its content."""

from __future__ import annotations

import shutil

import pytest

from events.follow.watch import FileRecord
from tests.support.following.numbered import append, lines


def test_lines_that_are_in_the_archive_no_more_make_no_others_count_again(follower):
    append(follower.log, lines(1, 5))
    follower.start()
    assert follower.look() == lines(1, 5)
    append(follower.log, lines(6, 6))
    rotated = follower.folder / "app.log.1"
    shutil.copyfile(follower.log, rotated)
    append(follower.log, lines(7, 7))
    assert follower.look(0.2) == lines(6, 7)
    follower.log.write_bytes(lines(8, 8))
    assert follower.settled() == lines(8, 8)


def test_a_restored_copy_is_read_on(follower):
    append(follower.log, lines(1, 5))
    follower.start()
    follower.look()
    restored = follower.folder / "restored"
    restored.write_bytes(lines(1, 7))
    restored.rename(follower.log)
    assert follower.look(1) == lines(6, 7)
    follower.restart()
    assert follower.settled() == b""


def test_equal_first_lines_make_no_copies(follower):
    for name in ("a", "b", "c"):
        append(follower.folder / f"other-{name}", b"the same head in each file\n")
    follower.start()
    got = follower.settled()
    for number, name in enumerate("abc"):
        append(follower.folder / f"other-{name}", lines(number, number))
    got += follower.settled()
    assert sorted(got.splitlines(keepends=True)) == [
        *[lines(number, number) for number in range(3)],
        *[b"the same head in each file\n"] * 3,
    ]


def test_an_older_device_number_changes_nothing(follower):
    append(follower.log, lines(1, 5))
    follower.start()
    follower.look()
    records = [
        FileRecord(**{**{f: getattr(r, f) for f in r.__struct_fields__}, "device": 7})
        for r in follower.watch.records()
    ]
    follower.watch.close()
    append(follower.log, lines(6, 6))
    follower.start(records)
    assert follower.settled() == lines(6, 6)


def test_two_logs_that_are_written_alike_count_as_one(follower):
    first, second = follower.folder / "other-a", follower.folder / "other-b"
    follower.start()
    got = b""
    for number in range(6):
        for path in (first, second) if number % 2 else (second, first):
            append(path, lines(number, number))
            got += follower.look(2.5)
    assert got + follower.settled() == lines(0, 5)


def test_a_few_bytes_wait_for_more_until_nobody_seems_to_write_them(follower):
    follower.start()
    follower.look(1.5)
    append(follower.log, b"short\n")
    assert follower.look(1) == b"", "a file of less than 16 bytes may become anything"
    assert follower.watch.settle()
    assert follower.look(1.5) == b"short\n"


def test_it_is_a_file_of_its_own_where_it_differs_in_its_last_byte(follower):
    append(follower.log, lines(1, 500))
    append(follower.folder / "other.log", lines(1, 500)[:-1] + b"!\n")
    follower.start()
    got = follower.settled()
    assert len(got.splitlines()) == 1000


@pytest.fixture
def gone(follower):
    """A log of 400 lines that was read and is gone, and not open any more."""
    append(follower.log, lines(1, 400))
    follower.start()
    assert follower.look() == lines(1, 400)
    follower.log.unlink()
    follower.look(1)
    assert follower.look(62) == b""
    return follower


@pytest.mark.parametrize("last", [200, 300, 399])
def test_the_first_part_of_a_file_that_is_gone_is_a_copy_of_it(gone, last):
    """Of that file only marks are left: they cover at least half of any text."""
    append(gone.folder / "other.log", lines(1, last))
    assert gone.settled() == b""


def test_what_begins_like_it_and_goes_on_differently_is_not(gone):
    text = lines(1, 100) + lines(900, 1100)
    append(gone.folder / "other.log", text)
    assert gone.settled() == text


def test_all_of_it_and_more_goes_on_with_it(gone):
    append(gone.folder / "other.log", lines(1, 403))
    assert gone.settled() == lines(401, 403)
