"""Each complete line once, whatever is done to the files: one case after the other."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import shutil

import pytest
import zstandard

from events.filesystem import RealFileSystem
from events.follow.watch import FileRecord
from events.log.reader import Overlong
from events.model import MAX_LINE_BYTES

COMPRESS = {
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def lines(first, last, pad=20):
    return b"".join(b"line %d %s\n" % (n, b"." * pad) for n in range(first, last + 1))


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


class TestOneFile:
    def test_what_is_there_then_what_is_added(self, follower):
        append(follower.log, lines(1, 2))
        follower.start()
        assert follower.look() == lines(1, 2)
        assert follower.look(1) == b""
        append(follower.log, lines(3, 3))
        assert follower.look(1) == lines(3, 3)
        assert [(read.log, read.path, read.first) for read in follower.reads] == [
            (str(follower.log), follower.log, True),
            (str(follower.log), follower.log, False),
        ]

    def test_an_unfinished_line_waits_for_its_end(self, follower):
        append(follower.log, lines(1, 1) + b"half")
        follower.start()
        assert follower.look() == lines(1, 1)
        follower.restart()
        assert follower.look(1) == b""
        append(follower.log, b" done\n")
        assert follower.look(1) == b"half done\n"

    def test_one_that_is_too_long_is_passed_over_also_while_it_grows(self, follower):
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

    def test_logs_take_turns_of_four_mib(self, follower):
        for name in ("other-a", "other-b"):
            (follower.folder / name).write_bytes(
                name.encode() * 1000 + b"\n" + lines(1, 6000, 1000)
            )
        follower.start()
        follower.look()
        order = [read.path.name for read in follower.reads]
        assert order == ["other-a"] * 4 + ["other-b"] * 4 + ["other-a"] * 2 + ["other-b"] * 2

    def test_a_record_is_advanced_before_its_lines_are_given(self, follower):
        append(follower.log, lines(1, 60_000))
        follower.start()
        for read in follower.watch.look():
            assert max(record.offset for record in follower.watch.records()) == read.block.end
        follower.watch.sync()

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

    def test_lines_that_are_in_the_archive_no_more_make_no_others_count_again(self, follower):
        rotated = self.begin(follower)
        shutil.copyfile(follower.log, rotated)
        append(follower.log, lines(7, 7))
        assert follower.look(0.2) == lines(6, 7)
        follower.log.write_bytes(lines(8, 8))
        assert follower.settled() == lines(8, 8)

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

    def test_nothing_of_an_archive_that_is_not_finished(self, follower):
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

    def test_a_log_that_is_not_there_yet_is_known_nevertheless(self, follower):
        follower.start()
        follower.look()
        follower.restart()
        append(follower.folder / "app.log.1", lines(1, 2))
        append(follower.log, lines(3, 3))
        assert follower.settled() == lines(1, 3)

    def test_a_removed_file_that_is_open_is_read_to_its_end(self, follower):
        append(follower.log, lines(1, 1))
        follower.start()
        follower.look()
        with follower.log.open("ab") as writer:
            follower.log.unlink()
            writer.write(lines(2, 2) + b"unfinished")
            writer.flush()
            assert follower.look(1) == lines(2, 2)
            follower.look(59)
            assert follower.told == []
            follower.look(2)
        assert len(follower.told) == 1
        assert "an unfinished line of 10 bytes" in follower.told[0]


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

    @pytest.mark.parametrize("size", [100, 3 << 20])
    def test_zeros_of_a_writer_that_does_not_append_are_passed_over(self, follower, size):
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

    def test_zeros_that_turn_into_text_are_waited_for(self, follower):
        """As a network file system shows what is being written."""
        append(follower.log, lines(1, 5))
        follower.start()
        follower.look()
        append(follower.log, b"\0" * len(lines(6, 6)) + lines(7, 7))
        assert follower.look(0.5) == b""
        follower.log.write_bytes(lines(1, 7))
        assert follower.look(0.5) == lines(6, 7)

    def test_zeros_here_and_there_are_waited_for_together(self, follower):
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

    def test_who_does_not_follow_waits_for_no_zeros_that_come_later(self, follower):
        follower.start(follow=False)
        follower.log.write_bytes(lines(1, 1) + b"\0")
        follower.look()
        for _ in range(10):
            if not follower.watch.settle():
                break
            append(follower.log, lines(2, 2) + b"\0")
            follower.look(2.5)
        assert not follower.watch.settle()

    def test_a_restored_copy_is_read_on(self, follower):
        append(follower.log, lines(1, 5))
        follower.start()
        follower.look()
        restored = follower.folder / "restored"
        restored.write_bytes(lines(1, 7))
        restored.rename(follower.log)
        assert follower.look(1) == lines(6, 7)
        follower.restart()
        assert follower.settled() == b""

    def test_equal_first_lines_make_no_copies(self, follower):
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

    def test_an_older_device_number_changes_nothing(self, follower):
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


class TestCopiesAndNames:
    def test_a_copy_counts_once_and_is_told(self, follower):
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

    def test_two_logs_that_are_written_alike_count_as_one(self, follower):
        first, second = follower.folder / "other-a", follower.folder / "other-b"
        follower.start()
        got = b""
        for number in range(6):
            for path in (first, second) if number % 2 else (second, first):
                append(path, lines(number, number))
                got += follower.look(2.5)
        assert got + follower.settled() == lines(0, 5)

    def test_a_copy_goes_on_where_the_original_is_gone(self, follower):
        append(follower.log, lines(1, 5))
        follower.start()
        copy = follower.folder / "other.log"
        shutil.copyfile(follower.log, copy)
        assert follower.settled() == lines(1, 5)
        follower.log.unlink()
        append(copy, lines(6, 6))
        assert follower.settled() == lines(6, 6)

    def test_a_file_named_several_times_is_one(self, follower):
        append(follower.log, lines(1, 2))
        (follower.folder / "other-link").symlink_to(follower.log)
        (follower.folder / "other-hard").hardlink_to(follower.log)
        follower.named = [follower.log, follower.log]
        follower.start()
        assert follower.settled() == lines(1, 2)

    def test_a_link_that_is_switched_is_a_file_replaced(self, follower):
        for name in "ab":
            append(follower.folder / f"target-{name}", lines(ord(name), ord(name)))
        follower.log.symlink_to("target-a")
        follower.start()
        assert follower.look() == lines(97, 97)
        append(follower.folder / "target-a", lines(1, 1))
        follower.log.unlink()
        follower.log.symlink_to("target-b")
        assert follower.look(1) == lines(1, 1) + lines(98, 98)

    def test_what_is_no_file_is_passed_over_and_told_once(self, follower):
        os.mkfifo(follower.folder / "other-pipe")
        (follower.folder / "other-folder").mkdir()
        append(follower.log, lines(1, 1))
        follower.start()
        assert follower.settled() == lines(1, 1)
        assert sorted(follower.told) == [
            f"{follower.folder}/other-{name} is no regular file and is passed over"
            for name in ("folder", "pipe")
        ]

    def test_names_that_are_no_utf_8_are_saved(self, follower):
        path = follower.folder / "other-\udcff"
        append(path, lines(1, 1))
        follower.start()
        assert follower.look() == lines(1, 1)
        follower.restart()
        append(path, lines(2, 2))
        assert follower.look(1) == lines(2, 2)


class Refusing(RealFileSystem):
    refused = True

    def open_read(self, path):
        if self.refused:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return super().open_read(path)


class TestTrouble:
    def test_a_file_that_may_not_be_read_is_told_once_and_tried_again(self, follower):
        follower.fs = Refusing()
        append(follower.log, lines(1, 1))
        follower.start()
        assert follower.settled() == b""
        assert follower.told == [f"{follower.log} cannot be read: Permission denied; trying again"]
        follower.fs.refused = False
        assert follower.settled() == lines(1, 1)

    def test_a_search_that_fails_is_told_once_and_what_is_known_is_followed(self, follower):
        append(follower.log, lines(1, 1))
        follower.start()
        follower.look()
        follower.unsearchable = OSError(errno.EIO, "no answer")
        append(follower.log, lines(2, 2))
        assert follower.settled() == lines(2, 2)
        assert len(follower.told) == 1
        follower.unsearchable = None
        append(follower.folder / "other.log", lines(3, 3))
        assert follower.settled() == lines(3, 3)

    def test_few_descriptors_are_enough_for_many_files(self, follower):
        for number in range(40):
            append(follower.folder / f"other-{number}", lines(number, number))
        follower.start(max_open=2)
        assert len(follower.settled().splitlines()) == 40
        for number in range(40):
            append(follower.folder / f"other-{number}", lines(100 + number, 100 + number))
        assert len(follower.settled().splitlines()) == 40


class TestNotFollowed:
    def test_what_is_there_and_then_it_is_settled(self, follower):
        append(follower.log, lines(1, 2))
        follower.start(follow=False)
        assert follower.look() == lines(1, 2)
        assert not follower.watch.settle()

    def test_a_young_archive_is_looked_at_again_and_a_damaged_one_is_left(self, follower):
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


class TestIdle:
    class Counting(RealFileSystem):
        def __init__(self):
            self.stats = self.opens = 0

        def status(self, path):
            self.stats += 1
            return super().status(path)

        def open_read(self, path):
            self.opens += 1
            return super().open_read(path)

    def test_a_file_where_nothing_happens_is_asked_for_once_a_second_and_not_opened(self, follower):
        follower.fs = self.Counting()
        for number in range(20):
            append(follower.folder / f"other-{number}", lines(number, number))
        follower.start()
        follower.settled()
        follower.look(10)
        follower.fs.stats = follower.fs.opens = 0
        waits = 0
        end = follower.clock.ns + 10_000_000_000
        while follower.clock.ns < end:
            assert follower.look(follower.watch.wait_s()) == b""
            waits += 1
        assert follower.fs.stats <= 21 * 11  # the log that is missing is one more
        assert follower.fs.opens == 0
        assert waits <= 20
