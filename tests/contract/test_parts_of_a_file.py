"""Whoever tallies the lines that begin in a part of a file: parts together are the file."""

from __future__ import annotations

import os
import random
from contextlib import closing

import pytest

from events.limits import MAX_LINE_BYTES
from projections.fold import Fold
from projections.parallel.helpers import Helpers
from projections.scanning import scan_part
from projections.snapshot import Snapshot
from tests.support.kernel_lines import needs_kernel, without_kernel
from tests.support.outcome_lines import failed


@pytest.fixture(params=["kernel", "plain", "helper"])
def tally(request):
    """A way: the compiled kernel, what stands in for it, and the same in another process."""
    if request.param == "kernel":
        needs_kernel()
        yield scan_part
        return
    with closing(Helpers(1, worth_bytes=1 if request.param == "helper" else 2)) as helpers:
        yield helpers.scan_part
        assert bool(helpers.pids) is (request.param == "helper")


def parts_of(tally, path, *, offset=0, part_bytes):
    found = []
    with path.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        for begin in range(offset, end, part_bytes):
            upto = min(begin + part_bytes, end)
            is_first = begin == offset
            part = tally(file.fileno(), begin, upto, None, is_first=is_first, limit=end)
            if part is None:
                break
            found.append(part)
    return found


def written(path, lines):
    path.write_bytes(b"".join(lines))
    return path


def some_lines(count):
    chance = random.Random(7)
    return [failed(n, error="x" * chance.randrange(300)) for n in range(count)]


@pytest.mark.parametrize("part_bytes", [1, 7, 100, 257, 1000, 10_000, 1 << 20])
def test_parts_are_the_whole_file_in_its_order(tally, tmp_path, part_bytes):
    lines = some_lines(60 if part_bytes > 10 else 6)
    path = written(tmp_path / "log", lines)
    data = path.read_bytes()
    found = parts_of(tally, path, part_bytes=part_bytes)
    assert [part.offset for part in found] == [0, *(part.end for part in found)][:-1]
    assert found[-1].end == len(data)
    assert sum(part.lines for part in found) == len(lines)
    fold, by_line = Fold(), Fold(scan=without_kernel)
    for part in found:
        fold.groups(part.groups, lambda begin, end, at=part.offset: data[at + begin : at + end])
    by_line.lines(data)
    assert Snapshot(fold.entries()).to_bytes() == Snapshot(by_line.entries()).to_bytes()


@pytest.mark.parametrize("cut", [1, 50, 5000])
def test_an_unfinished_last_line_is_in_no_part(tally, tmp_path, cut):
    lines = [*some_lines(20), failed(20, error="x" * 6000)[:-cut]]
    path = written(tmp_path / "log", lines)
    assert parts_of(tally, path, part_bytes=500)[-1].end == path.stat().st_size - len(lines[-1])


def test_parts_begin_where_they_are_asked_to(tally, tmp_path):
    lines = some_lines(40)
    offset = sum(map(len, lines[:7]))
    found = parts_of(tally, written(tmp_path / "log", lines), offset=offset, part_bytes=512)
    assert found[0].offset == offset
    assert sum(part.lines for part in found) == 33


@pytest.mark.parametrize("length", [50_000, 200_000])
def test_a_line_may_be_longer_than_a_part(tally, tmp_path, length):
    lines = [*some_lines(5), failed(5, error="x" * length), *some_lines(9)]
    path = written(tmp_path / "log", lines)
    found = parts_of(tally, path, part_bytes=1000)
    assert found[-1].end == path.stat().st_size
    assert sum(part.lines for part in found) == 15


def test_parts_end_before_a_line_that_is_too_long_to_be_one(tally, tmp_path):
    over = b"x" * (2 * MAX_LINE_BYTES) + b"\n"
    path = written(tmp_path / "log", [*some_lines(5), over, *some_lines(9)])
    assert parts_of(tally, path, part_bytes=1000)[-1].end <= sum(map(len, some_lines(5)))


def test_of_a_file_that_became_shorter_whole_lines_are_given(tally, tmp_path):
    path = written(tmp_path / "log", some_lines(20))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size - 100)
        part = tally(file.fileno(), 0, size, None, is_first=True, limit=size)
    assert (part.lines, part.end) == (19, size - len(some_lines(20)[-1]))
