"""Copies that part from their originals."""

from __future__ import annotations

import shutil

import pytest

from events.follow.fingerprint import HEAD_BYTES
from tests.support.following.numbered import append


def lines(first, last):
    return b"".join(b"line %d of a log that is long enough\n" % n for n in range(first, last + 1))


LONG = lines(1, 200)
assert len(LONG) > HEAD_BYTES


@pytest.fixture
def copied(follower):
    """A log of which there is a copy, and both are known."""
    append(follower.log, LONG)
    follower.start()
    assert follower.settled() == LONG
    shutil.copyfile(follower.log, follower.folder / "other.log")
    assert follower.settled() == b""
    return follower


@pytest.mark.parametrize("restarted", [False, True])
def test_what_a_long_copy_had_in_common_counts_once(copied, restarted):
    append(copied.log, b"of the original\n")
    append(copied.folder / "other.log", b"of the copy\n")
    if restarted:
        copied.restart()
    assert sorted(copied.settled().splitlines()) == [b"of the copy", b"of the original"]
    append(copied.folder / "other.log", b"once more\n")
    assert copied.settled() == b"once more\n"


def test_a_copy_that_grew_first_is_read_on_and_so_is_its_original(copied):
    append(copied.folder / "other.log", b"of the copy\n")
    assert copied.settled() == b"of the copy\n"
    append(copied.log, b"of the original\n")
    assert copied.settled() == b"of the original\n"


def test_a_copy_that_is_written_anew_is_read_from_its_start(copied):
    anew = lines(300, 600)
    (copied.folder / "other.log").write_bytes(anew)
    assert copied.settled() == anew


def test_a_copy_ends_within_a_line_and_goes_on_with_the_whole_of_it(follower):
    append(follower.log, LONG)
    follower.start()
    assert follower.settled() == LONG
    (follower.folder / "other.log").write_bytes(LONG[:-10])
    assert follower.settled() == b""
    append(follower.folder / "other.log", b" and more\n")
    append(follower.log, b"of the original\n")
    last = LONG[:-10].splitlines()[-1] + b" and more"
    assert set(follower.settled().splitlines()) == {last, b"of the original"}


def test_few_lines_in_common_count_for_both(follower):
    append(follower.log, lines(1, 3))
    follower.start()
    assert follower.settled() == lines(1, 3)
    shutil.copyfile(follower.log, follower.folder / "other.log")
    assert follower.settled() == b""
    append(follower.folder / "other.log", b"of the copy\n")
    append(follower.log, b"of the original\n")
    found = follower.settled()
    assert sorted(found.splitlines()) == sorted(
        (lines(1, 3) + b"of the copy\nof the original\n").splitlines()
    )


def test_many_files_that_begin_alike_are_told_apart_without_being_opened_again(follower):
    opened = []

    class Counting(type(follower.fs)):
        def open_read(self, path):
            opened.append(path)
            return super().open_read(path)

    for number in range(60):
        append(follower.folder / f"other-{number}", b"the same beginning " * 5 + b"%d\n" % number)
    follower.fs = Counting()
    follower.start(max_open=8)
    assert len(follower.settled().splitlines()) == 60
    assert len(opened) < 60 * 10
