"""The next lines: whole ones, not too long, and no zero bytes."""

from __future__ import annotations

import pytest

from events.limits import MAX_LINE_BYTES
from events.log.reader import Overlong
from tests.support.following.numbered import append, lines


def test_an_unfinished_line_waits_for_its_end(follower):
    append(follower.log, lines(1, 1) + b"half")
    follower.start()
    assert follower.look() == lines(1, 1)
    follower.restart()
    assert follower.look(1) == b""
    append(follower.log, b" done\n")
    assert follower.look(1) == b"half done\n"


def test_one_that_is_too_long_is_passed_over_also_while_it_grows(follower):
    append(follower.log, lines(1, 1) + b"x" * MAX_LINE_BYTES)
    follower.start()
    assert follower.look() == lines(1, 1)
    append(follower.log, b"x" * 10)
    assert follower.look(1) == b""
    append(follower.log, b"\n" + lines(2, 2))
    assert follower.look(1) == lines(2, 2)
    long = follower.reads[1].block
    assert long == Overlong(len(lines(1, 1)), MAX_LINE_BYTES + 11)
    follower.restart()
    append(follower.log, lines(3, 3))
    assert follower.look(1) == lines(3, 3)


@pytest.mark.parametrize("size", [100, 3 << 20])
def test_zeros_of_a_writer_that_does_not_append_are_passed_over(follower, size):
    """It goes on at its old place in a file that was cut."""
    append(follower.log, lines(1, 5))
    follower.start()
    follower.look()
    follower.log.write_bytes(b"\0" * size + lines(6, 7))
    assert follower.look(0.5) == b""
    assert follower.settled() == lines(6, 7)
    follower.restart()
    append(follower.log, lines(8, 8))
    assert follower.settled() == lines(8, 8)


def test_zeros_that_turn_into_text_are_waited_for(follower):
    """As a network file system shows what is being written."""
    append(follower.log, lines(1, 5))
    follower.start()
    follower.look()
    append(follower.log, b"\0" * len(lines(6, 6)) + lines(7, 7))
    assert follower.look(0.5) == b""
    follower.log.write_bytes(lines(1, 7))
    assert follower.look(0.5) == lines(6, 7)


def test_zeros_here_and_there_are_waited_for_together(follower):
    """However many there are, and where nobody follows, too: else the run would end short."""
    follower.start(follow=False)
    holes = b"".join(lines(n, n) + b"\0" for n in range(1, 9))
    follower.log.write_bytes(holes + lines(9, 9))
    assert follower.look() == lines(1, 1)
    assert follower.watch.settle()
    assert follower.watch.wait_s() < 0.5
    append(follower.log, lines(10, 10))
    assert follower.look(2.5).replace(b"\0", b"") == lines(2, 10)
    assert not follower.watch.settle()


def test_who_does_not_follow_waits_for_no_zeros_that_come_later(follower):
    follower.start(follow=False)
    follower.log.write_bytes(lines(1, 1) + b"\0")
    follower.look()
    for _ in range(10):
        if not follower.watch.settle():
            break
        append(follower.log, lines(2, 2) + b"\0")
        follower.look(2.5)
    assert not follower.watch.settle()
