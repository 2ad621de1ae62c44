from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from events.filesystem import REAL
from projections.engines.partitions import (
    LEAST_BYTES,
    MOST_BYTES,
    TIMES_COMPRESSED,
    LogPiece,
    Piece,
    cut,
)
from projections.engines.places import Place
from projections.log_files import Log
from projections.names import LOCAL_NAMES
from projections.replay import NATIVE_CHOICE

PLACE = Place(REAL, LOCAL_NAMES, Path("/here"))
MIB = 1 << 20


def piece(name: str, size: int) -> Piece:
    return Piece(PLACE, Path(name), size)


def covered(partitions, name):
    """The parts of a file in the order of partitions; they have to follow one another."""
    parts = [p for each in partitions for p in each.pieces if p.path == Path(name)]
    spans = [(0, p.size) if p.span is None else (p.span.begin, p.span.end) for p in parts]
    assert all(a[1] == b[0] for a, b in pairwise(spans))
    assert {p.span.size for p in parts if p.span is not None} <= {parts[0].size}
    return spans[0][0], spans[-1][1]


def test_plain_files_are_cut_so_that_partitions_are_of_one_size():
    partitions = cut([piece("a.jsonl", 37 * MIB), piece("b.jsonl", 43 * MIB)], workers=2)

    assert [p.number for p in partitions] == [*range(8)]
    assert {p.stored for p in partitions} == {10 * MIB}
    assert covered(partitions, "a.jsonl") == (0, 37 * MIB)
    assert covered(partitions, "b.jsonl") == (0, 43 * MIB)


def test_compressed_files_and_logs_are_not_cut():
    log = LogPiece(PLACE, Log("app.log", ()), NATIVE_CHOICE, 40 * MIB, 40 * MIB)
    pieces = [piece("a.jsonl.zst", 30 * MIB), log, piece("b.jsonl.GZ", 2 * MIB)]

    partitions = cut(pieces, workers=4)
    assert [each for p in partitions for each in p.pieces] == pieces
    assert len(partitions) == 3


def test_a_compressed_byte_is_taken_for_several():
    small = [piece(f"{n}.jsonl.zst", 1 * MIB) for n in range(10)]
    big = piece("a.jsonl", 10 * TIMES_COMPRESSED * MIB)
    partitions = cut([big, *small], workers=2)

    assert {each.path for p in partitions[:4] for each in p.pieces} == {big.path}
    assert [each for p in partitions[4:] for each in p.pieces] == small


def test_small_files_are_put_together_in_their_order():
    pieces = [piece(f"{n:03d}.jsonl", 1000) for n in range(500)]
    (only,) = cut(pieces, workers=16)

    assert only.pieces == tuple(pieces)


@pytest.mark.parametrize("size", [0, 1, LEAST_BYTES, 3 * LEAST_BYTES + 1, 9 * MOST_BYTES + 7])
@pytest.mark.parametrize("workers", [1, 3, 1000])
def test_all_bytes_are_in_one_partition_and_none_is_too_small_or_large(size, workers):
    partitions = cut([piece("a.jsonl", size), piece("b.jsonl", size // 3)], workers)

    assert covered(partitions, "a.jsonl") == (0, size)
    assert covered(partitions, "b.jsonl") == (0, size // 3)
    assert all(p.stored <= MOST_BYTES + LEAST_BYTES for p in partitions)
    assert all(p.stored >= LEAST_BYTES // 2 for p in partitions[:-1])


def test_nothing_makes_no_partition():
    assert cut([], workers=2) == []
