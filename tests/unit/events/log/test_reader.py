from __future__ import annotations

import io
import os
import tracemalloc

import pytest

from events.limits import MAX_LINE_BYTES
from events.log.reader import BLOCK_BYTES, Block, BlockReader, Overlong


class Endless(io.RawIOBase):
    """One line of ``size`` bytes and its end, then ``rest``; held nowhere."""

    def __init__(self, size, rest):
        self.size = size
        self.rest = rest

    def readable(self):
        return True

    def readinto(self, buffer):
        if self.size:
            count = min(self.size, len(buffer))
            buffer[:count] = b"x" * count
            self.size -= count
            return count
        count = min(len(self.rest), len(buffer))
        buffer[:count], self.rest = self.rest[:count], self.rest[count:]
        return count


def read(data, **options):
    reader = BlockReader(io.BytesIO(data), **options)
    return list(reader), reader.offset, reader.incomplete


def test_whole_lines_and_the_unfinished_one():
    assert read(b"") == ([], 0, 0)
    assert read(b"\n") == ([Block(0, b"\n")], 1, 0)
    assert read(b"a\nb\n") == ([Block(0, b"a\nb\n")], 4, 0)
    assert read(b"a\nbc") == ([Block(0, b"a\n")], 2, 2)
    assert read(b"abc") == ([], 0, 3)


def test_a_line_ends_at_a_newline_and_nowhere_else():
    odd = "a\r\x0b\x0c\x1c\x85\u2028\u2029b\x00".encode()
    assert read(odd + b"\n" + odd) == ([Block(0, odd + b"\n")], len(odd) + 1, len(odd))


def test_begins_at_an_offset():
    blocks, end, _ = read(b"one\ntwo\nthree\n", offset=4, block_bytes=5)
    assert blocks[0] == Block(4, b"two\n")
    assert b"".join(block.data for block in blocks) == b"two\nthree\n"
    assert blocks[-1].end == end == 14


def test_an_offset_behind_the_end_gives_nothing():
    assert read(b"one\n", offset=99) == ([], 99, 0)


def test_an_overlong_line_is_told_and_passed_over():
    for block_bytes in range(1, 40):
        items, end, incomplete = read(
            b"ab\n" + b"x" * 10 + b"\ncd\nefghi\n" + b"y" * 6 + b"\nz\nq",
            max_line=6,
            block_bytes=block_bytes,
        )
        overlong = [item for item in items if isinstance(item, Overlong)]
        assert overlong == [Overlong(3, 11), Overlong(23, 7)]
        text = b"".join(item.data for item in items if isinstance(item, Block))
        assert text == b"ab\ncd\nefghi\nz\n"
        assert [item.offset for item in items[1:]] == [item.end for item in items[:-1]]
        assert (end, incomplete) == (32, 1)


def test_the_longest_line_counts_its_line_end():
    fits = b"x" * (MAX_LINE_BYTES - 1) + b"\n"
    for before in (b"", b"a\n", b"b" * (MAX_LINE_BYTES - 1) + b"\n"):
        items, _, _ = read(before + fits + b"x" + fits)
        assert b"".join(item.data for item in items[:-1]) == before + fits
        assert items[-1] == Overlong(len(before + fits), MAX_LINE_BYTES + 1)


def test_an_unfinished_overlong_line_is_incomplete():
    assert read(b"a\n" + b"x" * 100, max_line=10, block_bytes=7) == ([Block(0, b"a\n")], 2, 100)


def test_a_line_of_500_mb_takes_little_memory():
    size = 500 * 10**6
    reader = BlockReader(Endless(size, b"\nnext\n"))
    tracemalloc.start()
    try:
        items = list(reader)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert items == [Overlong(0, size + 1), Block(size + 1, b"next\n")]
    assert peak < 4 * BLOCK_BYTES


def test_goes_on_when_the_file_has_grown(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"one\ntw")
    with path.open("rb") as file:
        reader = BlockReader(file)
        assert list(reader) == [Block(0, b"one\n")]
        assert (reader.offset, reader.incomplete) == (4, 2)
        assert list(reader) == []
        with path.open("ab") as more:
            more.write(b"o\nthree\n")
        assert list(reader) == [Block(4, b"two\nthree\n")]
        assert (reader.offset, reader.incomplete) == (14, 0)
        with path.open("ab") as more:
            more.write(b"four\n")
        assert list(reader) == [Block(14, b"four\n")]


def test_an_unfinished_line_may_be_replaced_by_another(tmp_path):
    """As recovery does: it cuts the torn line off, and the next writer appends its own."""
    path = tmp_path / "log"
    path.write_bytes(b"one\ntorn li")
    with path.open("rb") as file:
        reader = BlockReader(file)
        assert list(reader) == [Block(0, b"one\n")]
        path.write_bytes(b"one\nanother\n")
        assert list(reader) == [Block(4, b"another\n")]
        path.write_bytes(b"one\nanother\n" + b"x" * 30)


def test_an_overlong_unfinished_line_too():
    file = io.BytesIO(b"one\n" + b"x" * 50)
    reader = BlockReader(file, max_line=10)
    list(reader)
    assert reader.incomplete == 50
    file.seek(4)
    file.truncate()
    file.write(b"two\n")
    assert list(reader) == [Block(4, b"two\n")]


@pytest.mark.parametrize("seekable", [True, False])
def test_goes_on_after_what_was_handed_out_when_left_in_the_midst(seekable):
    data = b"a\n" + b"x" * 20 + b"\nb\nc\n" + b"y" * 20 + b"\nd\n"
    file = io.BytesIO(data)
    file.seekable = lambda: seekable
    reader = BlockReader(file, max_line=10, block_bytes=100)
    items = []
    for _ in range(10):
        for item in reader:
            items.append(item)
            break
    assert [item.offset for item in items] == [0, 2, 23, 27, 48]
    assert items[-1].end == reader.offset == len(data)


def test_a_pipe_gives_its_lines_at_once_and_none_twice():
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as file, os.fdopen(write_end, "wb", buffering=0) as pipe:
        reader = BlockReader(file, offset=5)
        pipe.write(b"skip\n")
        pipe.write(b"one\ntw")
        walk = iter(reader)
        assert next(walk) == Block(5, b"one\n")
        pipe.write(b"o\n")
        assert next(walk) == Block(9, b"two\n")
        pipe.write(b"three")
        pipe.close()
        assert list(walk) == []
        assert reader.incomplete == 5
        assert list(reader) == []
        assert reader.incomplete == 5


def test_a_pipe_that_ends_before_the_offset():
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as file:
        os.write(write_end, b"abc\n")
        os.close(write_end)
        assert list(BlockReader(file, offset=9)) == []


def test_an_unbuffered_file_will_do(tmp_path):
    (tmp_path / "log").write_bytes(b"a\nb\nc")
    with (tmp_path / "log").open("rb", buffering=0) as file:
        reader = BlockReader(file, block_bytes=2)
        assert list(reader) == [Block(0, b"a\n"), Block(2, b"b\n")]


@pytest.mark.parametrize("block_bytes", [7, 64, 1 << 20])
def test_a_hole_before_a_line_belongs_to_no_line_however_long_it_is(block_bytes):
    file = io.BytesIO(b"\0" * 5000 + b"one\n" + b"two\n")
    reader = BlockReader(file, block_bytes=block_bytes, max_line=1000)
    blocks = list(reader)
    assert b"".join(block.data for block in blocks) == b"one\ntwo\n"
    assert (blocks[0].offset, blocks[-1].end, reader.incomplete) == (5000, 5008, 0)


def test_a_hole_at_the_end_is_no_line_and_may_turn_into_one():
    file = io.BytesIO(b"one\n" + bytes(3000))
    reader = BlockReader(file, block_bytes=64, max_line=1000)
    assert [block.data for block in reader] == [b"one\n"]
    assert reader.incomplete < 64
    file.seek(4)
    file.write(b"two\n")
    assert b"".join(block.data for block in reader).startswith(b"two\n")


@pytest.mark.parametrize("hole", [1, MAX_LINE_BYTES, 3 * MAX_LINE_BYTES])
@pytest.mark.parametrize("block_bytes", [BLOCK_BYTES, 4 * BLOCK_BYTES, 8 * BLOCK_BYTES])
@pytest.mark.parametrize("size", [4, MAX_LINE_BYTES, MAX_LINE_BYTES + 1])
def test_a_hole_belongs_to_no_line_however_much_is_read_at_once(hole, block_bytes, size):
    line = b"x" * (size - 1) + b"\n"
    data = b"one\n" + bytes(hole) + line + b"two\n"
    items, end, incomplete = read(data, block_bytes=block_bytes)
    assert (end, incomplete) == (len(data), 0)
    overlong = [item for item in items if isinstance(item, Overlong)]
    text = b"".join(item.data for item in items if isinstance(item, Block))
    if size > MAX_LINE_BYTES:
        assert [item.length for item in overlong] == [size]
        assert text.replace(b"\0", b"") == b"one\ntwo\n"
    else:
        assert overlong == []
        assert text.replace(b"\0", b"") == data.replace(b"\0", b"")
    for item in items:
        if isinstance(item, Block):
            assert data[item.offset : item.end] == item.data
