"""Pieces of a log: where they are cut, and which of their lines are left to the slow way."""

from __future__ import annotations

import pytest

from events.errors import InvalidLineError
from events.formats.fast.pieces import Piece, add, content_of, decode, make, pieces_of, sorts_of
from events.formats.fast.plans import plans_of
from events.formats.fast.sums import Sums
from events.formats.toml.mapping_file import parse_mapping
from events.reporting import ignore

TEXT = """
name = "m"
[[outcomes]]
is = "failed"
when = { ok = false }
[fields]
wait = { field = "w", unit = "ns" }
error_type = { field = "e", regex = "^x(.)" }
"""
FAILED, OTHER, WRONG = b'{"ok":false,"w":5,"e":"xy"}', b'{"ok":true}', b'{"ok":false,"e":7}'


@pytest.fixture
def plan():
    return plans_of(parse_mapping(TEXT, "m.toml"))[0]


def piece(*lines, report=ignore):
    return Piece(b"\n".join([*lines, b""]), 100, [], report)


@pytest.mark.parametrize("size", [1, 1000, 70_000])
def test_pieces_are_whole_lines_and_together_all(size):
    data = b"".join(b"%d" % (n % 10) * size + b"\n" for n in range(300_000 // size))
    pieces = list(pieces_of(data))
    assert b"".join(text for _, text in pieces) == data
    assert [begin for begin, _ in pieces][1:] == [begin + len(text) for begin, text in pieces[:-1]]
    assert all(text.endswith(b"\n") for _, text in pieces)
    assert max(len(text) for _, text in pieces) <= max(1 << 16, size + 1)


def test_a_last_line_without_its_end():
    assert list(pieces_of(b"a\nb")) == [(0, b"a\n"), (2, b"b")]


@pytest.mark.parametrize(
    "odd",
    [
        b"noise",
        b"",
        b'{"ok":1}',
        b'{"x":"\xff"}',
        b'{"x":' + b"[" * 300 + b"]" * 300 + b"}",
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_odd_is_told_by_its_place(plan, odd):
    seen, places = decode(piece(FAILED, odd, OTHER), plan)
    assert (len(seen), places) == (3, {1})


def test_a_line_that_spoils_its_sort_is_odd_and_the_others_are_made(plan):
    seen, odd = decode(piece(FAILED, OTHER, WRONG, FAILED), plan)
    sorts = sorts_of(plan, seen)
    made = {sort: list(make(sort, seen, sorts, odd)) for sort in set(sorts)}
    assert odd == {2}
    failed = made[sorts[0]]
    assert [each and each.error_type for each in failed] == ["y", None, "y"]
    assert made[sorts[1]] == [None]


def test_the_same_is_added(plan):
    sums = Sums()
    seen, odd = decode(piece(FAILED, OTHER, WRONG, FAILED), plan)
    sorts = sorts_of(plan, seen)
    for sort in set(sorts):
        add(sums, sort, seen, sorts, odd)
    assert odd == {2}
    assert (sums.failed, sums.errors, sums.waiting_ns) == (2, {"y": 2}, [5, 5])


def test_an_invalid_line_is_told_where_it_begins():
    told = []
    block = piece(b"ab", b"", b"c", report=lambda at, why: told.append((at, why)))
    for place in (0, 2):
        block.refuse(place, InvalidLineError("wrong"))
    assert told == [(100, "wrong"), (104, "wrong")]


def test_a_number_beyond_floats_is_read_as_the_slow_way_does():
    assert content_of(b'{"a":1e999}') == {"a": "1e999"}
    assert content_of(b'{"a":1.5}') == {"a": 1.5}
