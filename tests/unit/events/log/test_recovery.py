"""What a dead writer left is put in order: where the log goes on, with which number."""

from __future__ import annotations

import errno
import gzip
import tracemalloc

import pytest

from events.errors import EventsError, LogWriteError
from events.log.recovery import Recovered, Torn, read_outcomes, recover
from events.log.segment import segment_name
from events.log.stream import SUMMARY_NAME
from events.log.writer import StreamWriter
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.lines import event_line, outcome_line

FIRST = segment_name(0)
NESTED = b'{"x":' + b"[" * 100_000
TORN = "00000000000000000000.torn-"


@pytest.fixture
def fs():
    return FaultyFileSystem()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "s").mkdir()
    return tmp_path / "s"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def lines(*numbers):
    return b"".join(map(outcome_line, numbers))


class TestRecover:
    def test_a_new_stream(self, folder, fs):
        assert recover(folder, fs) == Recovered(0, None, None)
        assert names(folder) == []

    def test_a_stream_in_order(self, folder, fs):
        (folder / FIRST).write_bytes(lines(0, 1, 2))
        assert recover(folder, fs) == Recovered(3, (0, len(lines(0, 1, 2))), None)
        assert names(folder) == [FIRST]

    def test_what_stands_is_synced_before_it_is_believed(self, folder, fs):
        (folder / FIRST).write_bytes(lines(0) + b"to")
        recover(folder, fs)
        order = [call for call in fs.calls if call[0] != "open_read"]
        torn = TORN + str(len(lines(0)))
        assert order == [
            ("write_again", FIRST),
            ("sync_file", FIRST),
            ("write_new", torn),
            ("sync_folder", "s"),  # of the side file
            ("truncate", FIRST),
            ("sync_folder", "s"),
            ("sync_folder", folder.parent.name),
        ]

    @pytest.mark.parametrize("torn", [b"x", b'{"event":"job.suc', lines(2)[:-1], bytes(3_000_000)])
    def test_an_unfinished_line_is_set_aside_and_cut_off(self, folder, fs, torn):
        whole = lines(0, 1)
        (folder / FIRST).write_bytes(whole + torn)
        side = folder / f"{TORN}{len(whole)}"
        expected = Recovered(2, (0, len(whole)), Torn(side, len(torn)))
        assert recover(folder, fs) == expected
        assert (folder / FIRST).read_bytes() == whole
        assert side.read_bytes() == torn
        assert side.stat().st_mode & 0o777 == 0o600
        assert recover(folder, fs) == Recovered(2, (0, len(whole)), None)
        assert names(folder) == [FIRST, side.name]

    def test_a_segment_with_nothing_whole(self, folder, fs):
        (folder / segment_name(7)).write_bytes(b'{"event"')
        recovered = recover(folder, fs)
        assert (recovered.next_seq, recovered.tail) == (7, (7, 0))
        assert (folder / segment_name(7)).read_bytes() == b""

    def test_a_crash_between_copy_and_cut_costs_nothing(self, folder, fs):
        whole = lines(0)
        (folder / FIRST).write_bytes(whole + b"torn")
        broken = FaultyFileSystem(faults={("truncate", 1): errno.EIO})
        with pytest.raises(LogWriteError, match="mend the cause, then start again"):
            recover(folder, broken)
        recovered = recover(folder, fs)
        assert recovered.torn == Torn(folder / f"{TORN}{len(whole)}", 4)
        assert names(folder) == [FIRST, recovered.torn.path.name]
        assert ("sync_file", recovered.torn.path.name) in fs.calls

    def test_another_line_torn_at_the_same_place_is_kept_beside(self, folder, fs):
        whole = lines(0)
        kept = []
        for torn in (b"torn", b"half", b"half a line", b"half"):
            (folder / FIRST).write_bytes(whole + torn)
            kept.append(recover(folder, fs).torn.path.name.removeprefix(f"{TORN}{len(whole)}"))
        assert kept == ["", "-2", "-3", "-2"]
        assert (folder / f"{TORN}{len(whole)}").read_bytes() == b"torn"

    @pytest.mark.parametrize(
        "operation",
        ["write_again", "sync_file", "write_new", "sync_folder", "truncate", "open_read"],
    )
    def test_a_disk_that_refuses_is_told(self, folder, operation):
        (folder / FIRST).write_bytes(lines(0) + b"to")
        fs = FaultyFileSystem(faults={(operation, 1): errno.EIO})
        with pytest.raises(LogWriteError, match=r"cannot put the log in .* in order"):
            recover(folder, fs)

    def test_a_full_disk_loses_nothing(self, folder):
        text = lines(0) + b"torn"
        (folder / FIRST).write_bytes(text)
        with pytest.raises(LogWriteError):
            recover(folder, FaultyFileSystem(faults={("write_new", 1): errno.ENOSPC}))
        assert (folder / FIRST).read_bytes() == text

    def test_only_the_last_segment_is_looked_at(self, folder, fs):
        (folder / FIRST).write_bytes(lines(0) + b"never touched")
        (folder / segment_name(1)).write_bytes(lines(1, 2))
        assert recover(folder, fs).next_seq == 3
        assert (folder / FIRST).read_bytes().endswith(b"never touched")

    def test_an_empty_newest_segment_is_gone_on_with(self, folder, fs):
        (folder / FIRST).write_bytes(lines(0, 1))
        (folder / segment_name(2)).touch()
        assert recover(folder, fs) == Recovered(2, (2, 0), None)

    def test_numbers_that_a_segments_name_says_were_used_are_not_used_again(self, folder, fs):
        (folder / FIRST).write_bytes(lines(0) + b"damaged\n")
        (folder / segment_name(2)).touch()
        assert recover(folder, fs).next_seq == 2

    def test_a_compressed_last_segment_is_not_written_to(self, folder, fs):
        (folder / f"{FIRST}.gz").write_bytes(gzip.compress(lines(0, 1)))
        assert recover(folder, fs) == Recovered(2, None, None)

    def test_a_damaged_compressed_last_segment_is_told(self, folder, fs):
        (folder / f"{FIRST}.gz").write_bytes(gzip.compress(lines(0, 1))[:-9])
        with pytest.raises(EventsError, match="cannot be decompressed"):
            recover(folder, fs)

    @pytest.mark.parametrize(
        ("text", "next_seq"),
        [
            (lines(0, 5, 3), 6),
            (lines(0) + event_line(1), 2),
            (lines(0) + outcome_line(9, duration_ns="long"), 10),  # invalid, but takes its number
            (lines(0) + outcome_line(9, stream="other"), 1),
            (lines(0) + outcome_line(9, stream="other", duration_ns="long"), 1),
            (lines(0, 1) + outcome_line(2, data={"seq": 99}) + lines(1), 3),
            (lines(0, 8) + outcome_line(2, data={"seq": 7}), 9),
            (outcome_line(3).replace(b'"seq":3', b'"seq" :\t3') + lines(1), 4),
            (b'{"seq":' + b"9" * 5000 + b"}\n" + lines(0), 1),
            (lines(0) + b'{"event":"loose"}\n\nno json\n', 1),
            (lines(0) + b"x" * (2 << 20) + b"\n", 1),
            (b"damaged\n", 0),
        ],
    )
    def test_the_next_number_is_after_the_highest(self, folder, fs, text, next_seq):
        (folder / FIRST).write_bytes(text)
        assert recover(folder, fs).next_seq == next_seq

    @pytest.mark.parametrize("before", ["gone", "compressed", "compressed and gone"])
    def test_nothing_before_the_last_segment_is_needed(self, folder, fs, before):
        for first in (0, 3):
            if before != "gone":
                packed = gzip.compress(lines(first, first + 1, first + 2))
                (folder / f"{segment_name(first)}.gz").write_bytes(packed)
        if before == "compressed and gone":
            (folder / f"{FIRST}.gz").unlink()
        (folder / segment_name(6)).write_bytes(lines(6, 7) + b"torn")
        recovered = recover(folder, fs)
        assert (recovered.next_seq, recovered.tail) == (8, (6, len(lines(6, 7))))
        (folder / segment_name(8)).touch()
        assert recover(folder, fs) == Recovered(8, (8, 0), None)
        assert not any(name.endswith(".gz") for call, name in fs.calls if call == "open_read")
        (folder / segment_name(6)).write_bytes(b"torn and sealed")
        assert recover(folder, fs).next_seq == 8

    def test_an_empty_newest_segment_after_a_compressed_one(self, folder, fs):
        packed = gzip.compress(lines(0, 9))  # a seq beyond the next segment's name
        (folder / f"{FIRST}.gz").write_bytes(packed)
        (folder / segment_name(2)).touch()
        assert recover(folder, fs) == Recovered(10, (2, 0), None)

    def test_a_segment_that_is_compressed_after_it_was_listed(self, folder):
        (folder / FIRST).write_bytes(lines(0, 1))
        (folder / segment_name(2)).touch()

        class Compressing(FaultyFileSystem):
            def open_read(self, path):
                if path.name == FIRST and path.exists():
                    path.with_name(f"{FIRST}.gz").write_bytes(gzip.compress(path.read_bytes()))
                    path.unlink()
                return super().open_read(path)

        assert recover(folder, Compressing()).next_seq == 2
        compressing = Compressing()
        (folder / f"{FIRST}.gz").unlink()
        (folder / FIRST).write_bytes(lines(0, 1))
        assert [line.seq for line in read_outcomes(folder, 1, compressing)] == [1]

    @pytest.mark.parametrize("left", [(), (0,), (0, 3)])
    def test_a_log_that_ends_before_its_pruned_part_is_refused(self, folder, fs, left):
        """Its numbers would be given again, and pass for what was counted."""
        (folder / SUMMARY_NAME).write_text('{"schema": 1, "end": 6}')
        for first in left:
            (folder / segment_name(first)).write_bytes(lines(first))
        with pytest.raises(EventsError, match=r"ends before seq 6.*bring them back"):
            recover(folder, fs)
        (folder / segment_name(6)).touch()
        assert recover(folder, fs).next_seq == 6

    @pytest.mark.parametrize("damage", [b"", b"{}", b'{"end": "x"}', b"\xff", NESTED])
    def test_a_damaged_summary_matters_only_where_no_segment_is(self, folder, fs, damage):
        (folder / SUMMARY_NAME).write_bytes(damage)
        with pytest.raises(EventsError, match=r"summary\.json is damaged.*from a backup"):
            recover(folder, fs)
        (folder / segment_name(6)).write_bytes(lines(6))
        assert recover(folder, fs).next_seq == 7

    def test_appending_goes_on_after_it(self, folder, fs):
        (folder / FIRST).write_bytes(lines(0, 1) + b'{"torn')
        recovered = recover(folder, fs)
        writer = StreamWriter(folder, next_seq=recovered.next_seq, tail=recovered.tail, fs=fs)
        writer.append(outcome_line(2), 1)
        writer.close()
        assert (folder / FIRST).read_bytes() == lines(0, 1, 2)

    def test_links_are_not_written_through(self, folder, fs, tmp_path):
        (tmp_path / "link").symlink_to(folder)
        with pytest.raises(EventsError, match="symbolic link: it is not written to"):
            recover(tmp_path / "link", fs)
        (tmp_path / "victim").write_bytes(b"no line end")
        (folder / FIRST).symlink_to(tmp_path / "victim")
        with pytest.raises(EventsError, match="symbolic link"):
            recover(folder, fs)
        assert (tmp_path / "victim").read_bytes() == b"no line end"

    def test_memory_is_bounded(self, folder, fs):
        (folder / FIRST).write_bytes(lines(0) + bytes(40_000_000))
        tracemalloc.start()
        try:
            recover(folder, fs)
            recover(folder, fs)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 8 << 20
