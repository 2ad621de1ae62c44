from __future__ import annotations

import gzip
import os

import pytest
import zstandard

from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.reader import BlockReader
from events.log.segment import (
    Segment,
    forms,
    list_segments,
    open_segment,
    open_source,
    parse_segment,
    segment_name,
)

FS = RealFileSystem()
LINES = b"".join(b'{"number":%d}\n' % number for number in range(50_000))


def squeeze(data, **options):
    return zstandard.ZstdCompressor(**options).compress(data)


def read(path):
    with open_source(path, FS) as file:
        return file.read()


def test_a_name_is_twenty_digits():
    assert segment_name(0) == "00000000000000000000.jsonl"
    assert segment_name(2**63 - 1) == "09223372036854775807.jsonl"


def test_segments_are_listed_by_number_and_nothing_else_is(tmp_path):
    for name in (
        segment_name(100),
        segment_name(20) + ".zst",
        segment_name(3) + ".gz",
        "00000000000000000100.torn-17",
        ".syncstats-0123.tmp",
        "lock",
        "owner",
        "100.jsonl",
        segment_name(4) + ".gz.part",
        segment_name(5) + "\n",
        segment_name(2**63),
        "9" * 20 + ".jsonl.zst",
        "\N{ARABIC-INDIC DIGIT ZERO}" * 20 + ".jsonl",
        os.fsdecode(b"\xff.jsonl"),
    ):
        (tmp_path / name).touch()
    assert list_segments(tmp_path, FS) == [
        Segment(3, tmp_path / (segment_name(3) + ".gz"), ".gz"),
        Segment(20, tmp_path / (segment_name(20) + ".zst"), ".zst"),
        Segment(100, tmp_path / segment_name(100), ""),
    ]
    (tmp_path / segment_name(2**63 - 1)).touch()
    assert list_segments(tmp_path, FS)[-1].first_seq == 2**63 - 1


@pytest.mark.parametrize("order", [("", ".zst", ".gz"), (".gz", ".zst")])
def test_of_two_files_with_one_number_the_plainer_is_taken(tmp_path, order):
    for suffix in order:
        (tmp_path / (segment_name(0) + suffix)).touch()
    assert [segment.compression for segment in list_segments(tmp_path, FS)] == [
        "" if "" in order else ".zst"
    ]


@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        ("", LINES),
        (".gz", gzip.compress(LINES)),
        (".gz", gzip.compress(LINES[:999]) + gzip.compress(LINES[999:])),
        (".GZ", gzip.compress(LINES) + bytes(512)),
        (".zst", squeeze(LINES)),
        (".zst", squeeze(LINES, write_checksum=True, write_content_size=False)),
        (".zst", squeeze(LINES[:999]) + squeeze(b"") + squeeze(LINES[999:], write_checksum=True)),
        (".zst", b"\x5f\x2a\x4d\x18\x03\0\0\0abc" + squeeze(LINES) + b"\x50\x2a\x4d\x18\0\0\0\0"),
    ],
)
def test_all_the_text_is_read_whatever_it_is_made_of(tmp_path, suffix, data):
    path = tmp_path / (segment_name(0) + suffix)
    path.write_bytes(data)
    assert read(path) == LINES
    with open_segment(Segment(0, path, suffix), FS) as file:
        assert b"".join(block.data for block in BlockReader(file)) == LINES


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_an_empty_file_holds_no_lines(tmp_path, suffix):
    (tmp_path / f"a{suffix}").touch()
    assert read(tmp_path / f"a{suffix}") == b""


def test_runs_of_one_byte_are_walked_over(tmp_path):
    """Zstandard stores them as one byte and a length."""
    text = bytes(1 << 20) + b"\n"
    (tmp_path / "a.zst").write_bytes(squeeze(text))
    assert read(tmp_path / "a.zst") == text


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_file_cut_short_gives_what_it_holds_and_then_says_so(tmp_path, suffix):
    data = squeeze(LINES) if suffix == ".zst" else gzip.compress(LINES)
    path = tmp_path / f"cut{suffix}"
    for size in (1, 5, 9, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        blocks = []
        with open_source(path, FS) as file:
            reader = BlockReader(file, block_bytes=4096)
            with pytest.raises(EventsError, match=rf"cut\{suffix} cannot be decompressed"):
                blocks.extend(reader)
        text = b"".join(block.data for block in blocks)
        assert LINES.startswith(text)
        assert size <= 9 or len(text) > 1000
    assert suffix != ".gz" or text == LINES, "only the check sum is cut"


def test_a_frame_cut_short_behind_whole_ones_is_seen(tmp_path):
    whole, next_ = squeeze(LINES[:999]), squeeze(LINES[999:], write_checksum=True)
    for size in (1, 7, 100, len(next_) - 1):
        (tmp_path / "a.zst").write_bytes(whole + next_[:size])
        with pytest.raises(EventsError, match="is damaged or was cut short"):
            read(tmp_path / "a.zst")
    (tmp_path / "a.zst").write_bytes(whole + b"\x50\x2a\x4d\x18\xff\0\0\0abc")
    with pytest.raises(EventsError, match="is damaged or was cut short"):
        read(tmp_path / "a.zst")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("data", [b"no such format\n", b"\x1f\x8b\x08\0" + bytes(60)])
def test_what_is_not_compressed_at_all_is_said(tmp_path, suffix, data):
    (tmp_path / f"a{suffix}").write_bytes(data)
    with pytest.raises(EventsError, match="cannot be decompressed"):
        read(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_flipped_byte_is_said(tmp_path, suffix):
    data = squeeze(LINES, write_checksum=True) if suffix == ".zst" else gzip.compress(LINES)
    middle = len(data) // 2
    broken = data[:middle] + bytes([data[middle] ^ 0x55]) + data[middle + 1 :]
    (tmp_path / f"a{suffix}").write_bytes(broken)
    with pytest.raises(EventsError, match="cannot be decompressed"):
        read(tmp_path / f"a{suffix}")


def test_closing_closes_the_file_beneath(tmp_path):
    for suffix, data in ((".gz", gzip.compress(LINES)), (".zst", squeeze(LINES))):
        (tmp_path / f"a{suffix}").write_bytes(data)
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counting names
        with open_source(tmp_path / f"a{suffix}", FS) as file:
            assert len(os.listdir("/proc/self/fd")) == before + 1  # noqa: PTH208 - counting names
            assert file.read(5) == LINES[:5]
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - counting names


def test_a_folder_with_a_segments_name_is_refused(tmp_path):
    (tmp_path / segment_name(0)).mkdir()
    [segment] = list_segments(tmp_path, FS)
    with pytest.raises(EventsError, match="is a folder"):
        open_segment(segment, FS)


def test_a_segment_that_is_compressed_after_it_was_listed(tmp_path):
    plain = tmp_path / segment_name(0)
    plain.write_bytes(LINES)
    [listed] = list_segments(tmp_path, FS)
    (tmp_path / (segment_name(0) + ".zst")).write_bytes(squeeze(LINES))
    plain.unlink()
    with open_segment(listed, FS) as file:
        assert file.read() == LINES


def test_a_segment_that_is_gone_after_it_was_listed(tmp_path):
    plain = tmp_path / segment_name(0)
    plain.touch()
    [listed] = list_segments(tmp_path, FS)
    plain.unlink()
    (tmp_path / segment_name(1)).touch()
    with pytest.raises(FileNotFoundError):
        open_segment(listed, FS)


def test_all_forms_of_a_segment(tmp_path):
    for name in (segment_name(0) + ".gz", segment_name(0), segment_name(1), "lock"):
        (tmp_path / name).touch()
    segment = Segment(0, tmp_path / segment_name(0), "")
    assert [form.compression for form in forms(segment, FS)] == ["", ".gz"]
    assert parse_segment(tmp_path / segment_name(0)) == segment
    assert parse_segment(tmp_path / "lock") is None


def test_a_long_listing_does_not_miss_what_is_compressed_while_it_is_made(tmp_path):
    """Its steps saw neither the new name, which came behind them, nor the old one, gone before."""
    for number in range(70):
        (tmp_path / segment_name(number)).touch()

    class InSteps(RealFileSystem):
        listings = 0

        def list_folder(self, path):
            names = super().list_folder(path)
            self.listings += 1
            if self.listings == 1:
                (tmp_path / segment_name(7)).rename(tmp_path / (segment_name(7) + ".zst"))
                names.remove(segment_name(7))
            return names

    listed = list_segments(tmp_path, InSteps())
    assert [segment.first_seq for segment in listed] == list(range(70))
    assert listed[7].compression == ".zst"
