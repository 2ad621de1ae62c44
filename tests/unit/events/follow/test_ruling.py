"""What is done with a file once it is known what it is."""

from __future__ import annotations

import gzip
import os
import shutil

from tests.support.following.numbered import append, lines


def test_nothing_of_an_archive_that_is_not_finished(follower):
    append(follower.log, lines(1, 1))
    follower.start()
    follower.look()
    archive = follower.folder / "app.log.1.gz"
    data = gzip.compress(os.urandom(500).hex().encode() + b"\n" + lines(2, 90))
    archive.write_bytes(data[:300])
    assert follower.look(2.5) == b""
    assert follower.settled() == b""
    assert len(follower.told) == 1
    assert "cannot be decompressed to its end" in follower.told[0]
    assert follower.told[0].endswith("; waiting")
    append(archive, data[300:])
    assert follower.settled().endswith(lines(2, 90))


def test_a_copy_counts_once_and_is_told(follower):
    append(follower.log, lines(1, 5))
    shutil.copyfile(follower.log, follower.folder / "other.log")
    follower.start()
    assert follower.settled() == lines(1, 5)
    assert len(follower.told) == 1
    assert "is not counted again" in follower.told[0]
    append(follower.log, lines(6, 6))
    assert follower.settled() == lines(6, 6)
    follower.restart()
    assert follower.settled() == b""


def test_a_copy_goes_on_where_the_original_is_gone(follower):
    append(follower.log, lines(1, 5))
    follower.start()
    copy = follower.folder / "other.log"
    shutil.copyfile(follower.log, copy)
    assert follower.settled() == lines(1, 5)
    follower.log.unlink()
    append(copy, lines(6, 6))
    assert follower.settled() == lines(6, 6)


def test_a_young_archive_is_looked_at_again_and_a_damaged_one_is_left(follower):
    whole = follower.folder / "other-whole.gz"
    whole.write_bytes(gzip.compress(lines(1, 2)))
    (follower.folder / "other-cut.gz").write_bytes(gzip.compress(lines(3, 400))[:-9])
    follower.start(follow=False)
    got, looks = follower.look(), 1
    while follower.watch.settle():
        got += follower.look(follower.watch.wait_s() or 0.1)
        looks += 1
    assert got == lines(1, 2)
    assert 1 < looks < 30
    assert len(follower.told) == 1
    assert follower.told[0].endswith("; it is left out")


def test_an_empty_file_is_known_once_there_is_something_in_it(follower):
    follower.log.touch()
    follower.start()
    assert follower.settled() == b""
    assert follower.watch.records()[0].inode == 0, "nothing is saved but that the log is known"
    append(follower.log, lines(1, 2))
    assert follower.settled() == lines(1, 2)


def test_an_archive_is_not_decompressed_while_it_grows(follower):
    data = gzip.compress(os.urandom(5000).hex().encode() + b"\n" + lines(1, 1))
    archive = follower.folder / "other.gz"
    follower.start()
    follower.look()
    for begin in range(0, len(data), 1000):
        assert follower.look(1) == b""
        append(archive, data[begin : begin + 1000])
    assert follower.told == []
    assert follower.settled().endswith(lines(1, 1))
    assert follower.told == []
