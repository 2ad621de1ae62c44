"""When files are searched for, and what that is told to."""

from __future__ import annotations

from tests.support.following.numbered import append, lines


def searches(follower):
    """Note when it was searched, in milliseconds since now."""
    begin = follower.clock.ns
    noted = []
    find = follower.find

    def found():
        noted.append((follower.clock.ns - begin) // 1_000_000)
        return find()

    follower.find = found
    return noted


def test_it_is_searched_every_two_seconds(follower):
    append(follower.log, lines(1, 1))
    noted = searches(follower)
    follower.start()
    for _ in range(9):
        follower.look(0.5)
    assert [at // 500 for at in noted] == [1, 5, 9]


def test_and_at_once_where_a_file_is_missing(follower):
    append(follower.log, lines(1, 1))
    noted = searches(follower)
    follower.start()
    follower.look()
    follower.log.rename(follower.folder / "app.log.1")
    append(follower.log, lines(2, 2))
    assert follower.look(0.2) == lines(2, 2)
    assert [at // 100 for at in noted] == [0, 2]


def test_one_that_failed_is_made_again_in_two_seconds(follower):
    append(follower.log, lines(1, 1))
    noted = searches(follower)
    follower.start()
    follower.unsearchable = OSError(5, "no answer")
    for _ in range(6):
        assert follower.look(0.5) == b""
    assert [at // 500 for at in noted] == [1, 5]
    follower.unsearchable = None
    assert follower.look(2) == lines(1, 1)
