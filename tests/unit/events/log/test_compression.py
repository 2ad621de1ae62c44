"""Text read from compressed files, whole and damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import zlib

import pytest
import zstandard

from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.compression import COMPRESSED, untouched
from events.log.segment import list_segments, open_source, parse_segment, segment_name

FS = RealFileSystem()
_RANDOM = random.Random(20261124)
LINES = b"".join(b'{"number":%d}\n' % _RANDOM.randrange(10**9) for _ in range(60_000))
SQUEEZE = {
    ".zst": lambda text: zstandard.ZstdCompressor(write_checksum=True).compress(text),
    ".gz": gzip.compress,
    ".bz2": lambda text: bz2.compress(text, 1),
    ".xz": lambda text: lzma.compress(text, preset=0),
}
BLOCK_BYTES = {".zst": 1 << 17, ".bz2": 100_000}
"""What stands in one block, of which a decompressor gives all or nothing."""


def drain(file, text) -> None:
    while block := file.read1(1 << 20):
        text += block


def read_until_damage(path) -> bytes:
    """What can be read in front of the damage, which has to be told."""
    text = bytearray()
    with open_source(path, FS) as file:
        with pytest.raises(EventsError, match=rf"{path.name} cannot be decompressed to its end"):
            drain(file, text)
        with pytest.raises(EventsError, match="is damaged or was cut short"):
            file.read1(1 << 20)  # it is told again, not taken for the end
    return bytes(text)


def test_every_form_is_tried_here():
    assert set(SQUEEZE) == set(COMPRESSED)


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("parts", [1, 2, 7])
def test_several_parts_are_one_text(tmp_path, suffix, parts):
    squeeze = SQUEEZE[suffix]
    step = len(LINES) // parts + 1
    pieces = [LINES[at : at + step] for at in range(0, len(LINES), step)]
    path = tmp_path / f"a.log{suffix.upper()}"
    path.write_bytes(b"".join(map(squeeze, [*pieces, b""])))
    with open_source(path, FS) as file:
        assert file.read() == LINES


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_zeros_between_parts_and_after_them_are_padding(tmp_path, suffix):
    squeeze = SQUEEZE[suffix]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(squeeze(LINES[:999]) + bytes(8) + squeeze(LINES[999:]) + bytes(70_000))
    with open_source(path, FS) as file:
        assert file.read() == LINES


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_an_empty_file_holds_nothing(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.touch()
    with open_source(path, FS) as file:
        assert file.read() == b""


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("kept", [1, 4, 9, 0.5, 0.9, -1])
def test_a_file_cut_short(tmp_path, suffix, kept):
    data = SQUEEZE[suffix](LINES)
    size = round(len(data) * kept) if 0 < kept < 1 else kept
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data[:size])
    text = read_until_damage(path)
    assert LINES.startswith(text)
    if kept == -1:  # only a check sum is not whole
        assert text == LINES
    elif size > 9:
        assert len(text) >= len(LINES) * kept * 0.8 - 2 * BLOCK_BYTES.get(suffix, 0)


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("damage", [b"no such format\n", b"\xff" * 50, b"\0\0\0x"])
def test_all_that_stands_before_another_part_that_is_damaged(tmp_path, suffix, damage):
    path = tmp_path / f"a{suffix}"
    for text in (b'{"number":1}\n', LINES):
        path.write_bytes(SQUEEZE[suffix](text) + damage)
        assert read_until_damage(path) == text


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_bytes_that_are_overwritten_cost_nothing_of_what_stands_before_them(tmp_path, suffix):
    data = SQUEEZE[suffix](LINES)
    path = tmp_path / f"a{suffix}"
    for place in range(len(data) // 5, len(data) - 100, len(data) // 5):
        path.write_bytes(data[:place])
        before = read_until_damage(path)
        path.write_bytes(data[:place] + bytes(50) + data[place + 50 :])
        assert read_until_damage(path).startswith(before[: -BLOCK_BYTES.get(suffix, 1)])


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_a_text_much_larger_than_its_file(tmp_path, suffix):
    text = bytes(30 << 20) + b"\n"
    path = tmp_path / f"a{suffix}"
    path.write_bytes(SQUEEZE[suffix](text))
    with open_source(path, FS) as file:
        size = 0
        while block := file.read1(1 << 20):
            size += len(block)
    assert size == len(text)


def test_a_file_that_asks_for_too_much_memory_is_refused(tmp_path):
    data = bytearray(lzma.compress(b"text"))
    at = data.index(
        b"\x21\x01"
    )  # the filter of the first block, LZMA2, and the size of its one byte
    data[at + 2] = 38  # a dictionary of 2 GiB, .xz file format 1.2.1, section 5.3.1
    end = 12 + data[12] * 4  # of the block's header, its check sum left out
    data[end : end + 4] = zlib.crc32(data[12:end]).to_bytes(4, "little")
    (tmp_path / "a.xz").write_bytes(data)
    with (
        open_source(tmp_path / "a.xz", FS) as file,
        pytest.raises(EventsError, match="Memory usage limit"),
    ):
        file.read()


@pytest.mark.parametrize("suffix", [".bz2", ".xz"])
def test_a_segment_of_our_own_log_is_never_in_a_form_that_we_do_not_write(tmp_path, suffix):
    (tmp_path / (segment_name(0) + suffix)).touch()
    assert parse_segment(tmp_path / (segment_name(0) + suffix)) is None
    assert list_segments(tmp_path, FS) == []


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("kept", [1.0, 0.7])
def test_what_decompresses_fills_a_buffer_up_to_the_damage(tmp_path, suffix, kept):
    path = tmp_path / f"a{suffix}"
    data = SQUEEZE[suffix](LINES)
    path.write_bytes(data[: round(len(data) * kept)])
    with open_source(path, FS) as file:
        raw = untouched(file)
        text, buffer = bytearray(), bytearray(len(LINES) // 3)

        def fill():
            while size := raw.readinto(buffer):
                text.extend(buffer[:size])

        if kept == 1:
            fill()
            assert text == LINES
        else:
            with pytest.raises(EventsError, match="is damaged or was cut short"):
                fill()
            assert text == read_until_damage(path)
        assert untouched(file) is None


def test_of_a_plain_file_nothing_is_decompressed(tmp_path):
    (tmp_path / "a").write_bytes(LINES)
    with open_source(tmp_path / "a", FS) as file:
        assert untouched(file) is None
