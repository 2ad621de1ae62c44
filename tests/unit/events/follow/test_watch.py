"""Each complete line once, whatever is done to the files: one case after the other."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil

import pytest
import zstandard

from tests.support.following.numbered import append, lines

COMPRESS = {
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


class TestOneFile:
    def test_what_is_there_then_what_is_added(self, follower):
        append(follower.log, lines(1, 2))
        follower.start()
        assert follower.look() == lines(1, 2)
        assert follower.look(1) == b""
        append(follower.log, lines(3, 3))
        assert follower.look(1) == lines(3, 3)
        assert [(read.log, read.path, read.block.offset) for read in follower.reads] == [
            (str(follower.log), follower.log, 0),
            (str(follower.log), follower.log, len(lines(1, 2))),
        ]

    def test_a_file_that_appears_later_is_read_from_its_start(self, follower):
        follower.start()
        assert follower.look() == b""
        append(follower.log, lines(1, 1))
        append(follower.folder / "other.log", lines(5, 5))
        assert sorted(follower.look(2.5).splitlines(keepends=True)) == [lines(1, 1), lines(5, 5)]


class TestRotation:
    def begin(self, follower):
        append(follower.log, lines(1, 5))
        follower.start()
        assert follower.look() == lines(1, 5)
        append(follower.log, lines(6, 6))
        return follower.folder / "app.log.1"

    @pytest.mark.parametrize("restarted", [False, True])
    def test_by_renaming_the_rest_of_the_old_file_comes_first(self, follower, restarted):
        rotated = self.begin(follower)
        follower.log.rename(rotated)
        append(follower.log, lines(7, 7))
        if restarted:
            follower.restart()
        assert follower.look(1) == lines(6, 7)
        append(rotated, lines(8, 8))  # by a writer that has it open still
        append(follower.log, lines(9, 9))
        assert follower.look(2) == lines(8, 9)

    @pytest.mark.parametrize("restarted", [False, True])
    @pytest.mark.parametrize("rewritten", [b"", lines(7, 7), lines(7, 30)])
    def test_by_copy_and_truncate(self, follower, restarted, rewritten):
        rotated = self.begin(follower)
        shutil.copyfile(follower.log, rotated)
        follower.log.write_bytes(rewritten)
        if restarted:
            follower.restart()
        assert follower.look(1) == lines(6, 6) + rewritten
        append(follower.log, lines(40, 40))
        assert follower.look(1) == lines(40, 40)
        assert follower.settled() == b""

    @pytest.mark.parametrize("suffix", COMPRESS)
    @pytest.mark.parametrize("restarted", [False, True])
    def test_into_an_archive(self, follower, suffix, restarted):
        rotated = self.begin(follower)
        archive = follower.folder / f"app.log.1{suffix}"
        follower.log.rename(rotated)
        archive.write_bytes(COMPRESS[suffix](rotated.read_bytes()))
        rotated.unlink()
        if restarted:
            follower.restart()
        got = follower.look(1) + follower.settled()
        assert got == lines(6, 6)
        archive.rename(follower.folder / f"app.log.2{suffix}")
        assert follower.settled() == b""
        follower.restart()
        assert follower.settled() == b""
        assert follower.told == []

    def test_parts_that_came_and_went_between_two_looks_are_read(self, follower):
        rotated = self.begin(follower)
        follower.log.rename(rotated)
        append(follower.log, lines(7, 7))
        rotated.rename(follower.folder / "app.log.2")
        follower.log.rename(rotated)
        append(follower.log, lines(8, 8))
        assert follower.look(1) == lines(6, 8)

    def test_what_stood_beside_the_log_at_first_is_not_read(self, follower):
        old = follower.folder / "app.log.1"
        append(old, lines(-9, 0))
        append(follower.log, lines(1, 5))
        follower.start()
        assert follower.look() == lines(1, 5)
        follower.restart()
        (follower.folder / "app.log.2.gz").write_bytes(gzip.compress(old.read_bytes()))
        old.unlink()
        follower.log.rename(old)
        append(follower.log, lines(6, 6))
        assert follower.settled() == lines(6, 6)
        assert follower.told == []


class TestOtherContentThanBefore:
    @pytest.mark.parametrize("restarted", [False, True])
    @pytest.mark.parametrize("count", [2, 5, 50], ids=["shorter", "equally long", "longer"])
    @pytest.mark.parametrize("anew", [False, True])
    def test_a_file_that_was_written_anew_is_read_from_its_start(
        self, follower, restarted, count, anew
    ):
        append(follower.log, lines(11, 15))
        follower.start()
        follower.look()
        if anew:
            follower.log.unlink()
        if restarted:
            follower.restart()
        follower.log.write_bytes(lines(51, 50 + count))
        assert follower.look(1) == lines(51, 50 + count)
        assert follower.settled() == b""


class TestNotFollowed:
    def test_what_is_there_and_then_it_is_settled(self, follower):
        append(follower.log, lines(1, 2))
        follower.start(follow=False)
        assert follower.look() == lines(1, 2)
        assert not follower.watch.settle()
