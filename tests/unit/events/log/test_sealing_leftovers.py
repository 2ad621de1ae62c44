"""What stands beside a sealed segment: an older copy of it, or what a dead one left."""

from __future__ import annotations

import gzip

import pytest
import zstandard

from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.sealing import SealingStoppedError, clear_leftovers, compress_segment
from events.log.segment import segment_name
from events.log.stream import LOCK_NAME
from tests.support.lines import outcome_line
from tests.support.sealed_segments import PACKED, PLAIN, TEXT, Steps, names, sealed, text


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / PLAIN).write_bytes(TEXT)
    (tmp_path / "s" / segment_name(2000)).write_bytes(outcome_line(2000))
    return tmp_path / "s"


def test_what_a_dead_one_left_half_written_is_begun_anew(folder):
    left = folder / f".syncstats-{0:020d}.zst.tmp"
    left.write_bytes(b"half")
    compress_segment(sealed(folder), RealFileSystem())
    assert names(folder) == [PACKED, segment_name(2000)]
    assert text(folder) == TEXT


MORE = TEXT + b" line\n" + outcome_line(2001)


class TestOlderCopy:
    """A backup was copied onto a folder whose segments have been compressed since."""

    @pytest.mark.parametrize("plain", [TEXT, TEXT[:-5], b""])
    @pytest.mark.parametrize(
        ("suffix", "pack"), [(".zst", zstandard.compress), (".gz", gzip.compress)]
    )
    def test_it_goes_and_what_holds_all_of_it_stays(self, folder, plain, suffix, pack):
        (folder / PLAIN).write_bytes(plain)
        newer = folder / (PLAIN + suffix)
        newer.write_bytes(packed := pack(MORE))
        fs = Steps()
        assert compress_segment(sealed(folder), fs) == len(plain)
        assert [call for call in fs.calls if call[0] != "open_read"] == [
            ("sync_file", newer.name),
            ("sync_folder", "s"),
            ("remove", PLAIN),
            ("sync_folder", "s"),
        ]
        assert newer.read_bytes() == packed
        assert text(folder) == MORE

    @pytest.mark.parametrize(
        "there",
        [
            zstandard.compress(b"x" + TEXT[1:]),
            zstandard.compress(TEXT[:-1] + b"x"),
            zstandard.compress(TEXT[:-1] + b"x more"),
            zstandard.compress(TEXT + TEXT) + b"damage",  # and yet more can be read of it
        ],
    )
    @pytest.mark.parametrize("other", [False, True])
    def test_where_each_may_hold_something_nothing_is_touched(self, folder, there, other):
        (folder / PACKED).write_bytes(there)
        if other:
            (folder / (PLAIN + ".gz")).write_bytes(gzip.compress(TEXT))
        before = {path: path.read_bytes() for path in folder.iterdir()}
        with pytest.raises(EventsError, match=r"move the other one out") as caught:
            compress_segment(sealed(folder), RealFileSystem())
        assert str(folder / PLAIN) in str(caught.value)
        assert str(folder / PACKED) in str(caught.value)
        assert {path: path.read_bytes() for path in folder.iterdir()} == before

    def test_one_that_would_be_hidden_by_a_third_file_is_told(self, folder):
        (folder / PACKED).write_bytes(zstandard.compress(TEXT))
        (folder / (PLAIN + ".gz")).write_bytes(gzip.compress(MORE))
        with pytest.raises(EventsError, match=r"\.gz are one segment"):
            compress_segment(sealed(folder), RealFileSystem())
        assert len(names(folder)) == 4

    def test_two_compressed_ones_with_the_plain_text(self, folder):
        (folder / PACKED).write_bytes(zstandard.compress(TEXT[:-1]))
        (folder / (PLAIN + ".gz")).write_bytes(gzip.compress(TEXT))
        compress_segment(sealed(folder), RealFileSystem())
        assert text(folder) == TEXT
        assert names(folder) == [PLAIN + ".gz", PACKED, segment_name(2000)]

    def test_one_is_broken_off_while_it_is_compared(self, folder):
        (folder / PACKED).write_bytes(zstandard.compress(MORE))
        with pytest.raises(SealingStoppedError):
            compress_segment(sealed(folder), RealFileSystem(), stopped=lambda: True)
        assert names(folder) == [PLAIN, PACKED, segment_name(2000)]


class TestLeftovers:
    OURS = f".syncstats-{7:020d}.zst.tmp"
    OTHER = ".syncstats-0123456789abcdef.tmp"

    @pytest.fixture(autouse=True)
    def _left(self, folder):
        for name in (self.OURS, self.OTHER, ".syncstats-note", "my.tmp"):
            (folder / name).touch()

    def test_they_go_where_nobody_writes(self, folder):
        clear_leftovers(folder, RealFileSystem())
        left = {".syncstats-note", "my.tmp", PLAIN, segment_name(2000), LOCK_NAME}
        assert set(names(folder)) == left
        clear_leftovers(folder, RealFileSystem())

    def test_those_of_a_living_writer_stay(self, folder):
        with RealFileSystem().lock(folder / LOCK_NAME):
            clear_leftovers(folder, RealFileSystem())
        assert self.OTHER in names(folder)
        assert self.OURS not in names(folder)

    def test_one_that_has_been_given_its_name_meanwhile(self, folder):
        class Renaming(RealFileSystem):
            def try_lock(self, path):
                (folder / TestLeftovers.OTHER).unlink(missing_ok=True)
                return super().try_lock(path)

        clear_leftovers(folder, Renaming())
        assert self.OTHER not in names(folder)
