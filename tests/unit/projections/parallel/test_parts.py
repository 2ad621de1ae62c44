"""A file in parts that are tallied at the same time: together they are the file."""

from __future__ import annotations

import gzip
import io
import os
import random

import pytest
import zstandard

from events.filesystem import RealFileSystem
from events.limits import MAX_LINE_BYTES
from events.log.segment import open_source
from projections.fold import Fold
from projections.parallel.parts import LARGE_BYTES, descriptor, read_parts
from projections.reading import read_file
from projections.snapshot import Snapshot
from tests.support.kernel_lines import needs_kernel, without_kernel
from tests.support.outcome_lines import failed, succeeded


@pytest.fixture(autouse=True, scope="module")
def _kernel():
    needs_kernel()


def parts_of(path, *, offset=0, part_bytes, folder=None):
    with path.open("rb") as file:
        return [
            *read_parts(
                file.fileno(),
                offset=offset,
                end=os.fstat(file.fileno()).st_size,
                folder=folder,
                part_bytes=part_bytes,
                least_bytes=1,
            )
        ]


def written(path, lines):
    path.write_bytes(b"".join(lines))
    return path


def some_lines(count, seed=7):
    chance = random.Random(seed)
    return [failed(n, error="x" * chance.randrange(300)) for n in range(count)]


def pure(data):
    fold = Fold(scan=without_kernel)
    fold.lines(data)
    return Snapshot(fold.entries()).to_bytes()


@pytest.mark.parametrize("part_bytes", [1, 7, 100, 257, 1000, 10_000, 1 << 20])
def test_parts_are_the_whole_file_in_its_order(tmp_path, part_bytes):
    lines = some_lines(60 if part_bytes > 10 else 6)
    path = written(tmp_path / "log", lines)
    data = path.read_bytes()
    found = parts_of(path, part_bytes=part_bytes)
    assert [part.offset for part in found] == [0, *(part.end for part in found)][:-1]
    assert found[-1].end == len(data)
    assert sum(part.lines for part in found) == len(lines)
    fold = Fold()
    for part in found:
        fold.groups(part.groups, lambda begin, end, at=part.offset: data[at + begin : at + end])
    assert Snapshot(fold.entries()).to_bytes() == pure(data)


@pytest.mark.parametrize("cut", [1, 50, 5000])
def test_an_unfinished_last_line_is_in_no_part(tmp_path, cut):
    lines = [*some_lines(20), failed(20, error="x" * 6000)[:-cut]]
    path = written(tmp_path / "log", lines)
    assert parts_of(path, part_bytes=500)[-1].end == path.stat().st_size - len(lines[-1])


def test_parts_begin_where_they_are_asked_to(tmp_path):
    lines = some_lines(40)
    path = written(tmp_path / "log", lines)
    offset = sum(map(len, lines[:7]))
    found = parts_of(path, offset=offset, part_bytes=512)
    assert found[0].offset == offset
    assert sum(part.lines for part in found) == 33


def test_a_line_may_be_longer_than_a_part(tmp_path):
    lines = [*some_lines(5), failed(5, error="x" * 50_000), *some_lines(9)]
    path = written(tmp_path / "log", lines)
    found = parts_of(path, part_bytes=1000)
    assert found[-1].end == path.stat().st_size
    assert sum(part.lines for part in found) == 15


def test_parts_end_before_a_line_that_is_too_long_to_be_one(tmp_path):
    over = b"x" * (2 * MAX_LINE_BYTES) + b"\n"
    path = written(tmp_path / "log", [*some_lines(5), over, *some_lines(9)])
    found = parts_of(path, part_bytes=1000)
    assert found[-1].end <= sum(map(len, some_lines(5)))


def test_only_plain_files_have_parts(tmp_path):
    plain, packed = written(tmp_path / "a.jsonl", some_lines(3)), tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    with open_source(plain, RealFileSystem()) as file:
        assert descriptor(file) == file.fileno()
    with open_source(packed, RealFileSystem()) as file:
        assert descriptor(file) is None
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert descriptor(pipe) is None


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file of several parts, with lines of all sorts."""
    chance = random.Random(3)
    filler = [failed(n, error="é" * chance.randrange(2000)) for n in range(9000)]
    odd = {4000: b"words\n", 6000: succeeded(4), 7000: b"x" * (MAX_LINE_BYTES + 9) + b"\n"}
    lines = [odd.get(n, line) for n, line in enumerate(filler)] + [b"half a line"]
    path = written(tmp_path_factory.mktemp("large") / "log.jsonl", lines)
    assert path.stat().st_size > LARGE_BYTES
    return path


@pytest.mark.parametrize("offset_line", [0, 3])
def test_a_large_file_is_read_alike_in_parts_and_in_blocks(large, offset_line):
    offset = len(b"".join(large.read_bytes().split(b"\n", offset_line)[:-1])) + offset_line

    def read(file, fold):
        problems, sizes = [], []
        tell = {"problem": problems.append, "progress": sizes.append}
        with file:
            *_, end = read_file(fold, file, "log", offset=offset, **tell)
        return Snapshot(fold.entries()).to_bytes(), problems, end, sum(sizes)

    in_parts = read(open_source(large, RealFileSystem()), Fold())
    assert in_parts == read(io.BytesIO(large.read_bytes()), Fold(scan=without_kernel))
    assert [problem.reason for problem in in_parts[1]], "nothing was reported"


@pytest.mark.parametrize("offset_line", [0, 3])
@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_compressed_file_is_read_alike_with_the_kernel_and_without(large, suffix, offset_line):
    data = large.read_bytes()
    packed = large.with_name(large.name + suffix)
    squeeze = gzip.compress if suffix == ".gz" else zstandard.compress
    packed.write_bytes(squeeze(data))
    offset = len(b"".join(data.split(b"\n", offset_line)[:-1])) + offset_line

    def read(file, fold):
        problems, sizes = [], []
        tell = {"problem": problems.append, "progress": sizes.append}
        with file:
            *_, end = read_file(fold, file, "log", offset=offset, **tell)
        return Snapshot(fold.entries()).to_bytes(), problems, end, sum(sizes)

    assert read(open_source(packed, RealFileSystem()), Fold()) == read(
        io.BytesIO(data), Fold(scan=without_kernel)
    )


@pytest.mark.parametrize("hole", [100, MAX_LINE_BYTES + 9, 3 * MAX_LINE_BYTES])
@pytest.mark.parametrize("suffix", ["", ".zst"])
def test_a_hole_is_no_text_however_it_is_read(tmp_path, suffix, hole):
    lines = [failed(n, error="x" * 2000) for n in range(6000)]
    data = b"".join(lines[:2500]) + bytes(hole) + b"".join(lines[2500:])
    assert len(data) > LARGE_BYTES
    path = tmp_path / f"log.jsonl{suffix}"
    path.write_bytes(zstandard.compress(data) if suffix else data)

    def read(file, fold):
        problems = []
        with file:
            *_, end = read_file(fold, file, "log", problem=problems.append)
        return Snapshot(fold.entries()).to_bytes(), problems, end

    found = read(open_source(path, RealFileSystem()), Fold())
    assert found[1] == []
    assert found == read(io.BytesIO(data), Fold(scan=without_kernel))
