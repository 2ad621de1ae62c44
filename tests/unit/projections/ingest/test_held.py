from __future__ import annotations

from pathlib import Path
from zlib import crc32

import pytest

from events.follow.record import FileRecord
from events.log.reader import Block, Overlong
from projections.ingest.held import Held

ONE, TWO = b'{"x":1}\n', b'{"y":22}\n'


class Lines(Held):
    """Held lines of files whose checksums nobody tells, unless they are put into `crcs`."""

    def __init__(self, **options):
        self.crcs = {}
        super().__init__(lambda log, path, end: self.crcs.get((log, str(path), end)), **options)

    def put(self, log, data, offset=0, path=None, start=None):
        where, block = Path(path or log), Block(offset, data)
        return self.add(log, where, block, self.continued(log, where, block), start)


@pytest.fixture
def held():
    return Lines()


def test_lines_of_a_file_are_one_piece_and_are_released_in_their_order(held):
    held.put("/a", ONE)
    held.put("/a", TWO, len(ONE))
    held.put("/a", TWO, path="/a.1")

    assert [(piece.end, piece.crc) for piece in held.pieces()] == [
        (len(ONE + TWO), crc32(ONE + TWO)),
        (len(TWO), crc32(TWO)),
    ]
    assert held.sample_to_try("/a") == ONE + TWO + TWO
    assert [(str(path), block.data) for path, block in held.release("/a")] == [
        ("/a", ONE),
        ("/a", TWO),
        ("/a.1", TWO),
    ]
    assert not held
    assert held.continued("/a", Path("/a"), Block(len(ONE), TWO)) is None


def test_a_file_goes_on_under_another_name_if_it_holds_the_same(held):
    held.put("/a", ONE)
    held.put("/b", b'{"z":3}\n')
    held.crcs["/c", "/c", len(ONE + TWO)] = crc32(ONE + TWO)

    (piece, _) = held.pieces()
    assert held.continued("/c", Path("/c"), Block(len(ONE), TWO)) is piece
    assert held.continued("/c", Path("/c.1"), Block(len(ONE), TWO)) is None
    held.move(piece, "/c")
    assert set(held) == {"/b", "/c"}
    assert held.sample_to_try("/c") == ONE


def test_what_begins_in_the_midst_goes_on_from_what_was_counted(held):
    start = FileRecord(log="/a", path="/a", offset=len(ONE), crc=crc32(ONE))
    held.put("/a", TWO, len(ONE), start=start)

    (piece,) = held.pieces()
    assert (piece.start, piece.end, piece.crc) == (start, len(ONE + TWO), crc32(ONE + TWO))


def test_the_place_of_a_line_that_is_too_long_is_asked_for(held):
    held.crcs["/a", "/a", 2_000_000] = 77
    held.add("/a", Path("/a"), Overlong(0, 2_000_000), None, None)

    (piece,) = held.pieces()
    assert (piece.end, piece.crc) == (2_000_000, 77)
    assert held.is_full("/a")
    assert not held.says_anything("/a")


def test_beyond_the_bound_the_log_with_most_is_given_up_and_passed_over():
    held = Lines(most_bytes=100)
    assert held.put("/a", b"1" * 49 + b"\n") == []
    assert held.put("/b", b"1" * 39 + b"\n") == []
    assert held.put("/b", b"1" * 19 + b"\n", 40) == ["/b"]
    assert held.put("/b", b"1" * 199 + b"\n", 60) == []

    assert (held.is_given_up("/a"), held.is_given_up("/b")) == (False, True)
    assert held.says_anything("/b")
    assert [piece.end for piece in held.pieces()] == [50, 260]
    assert [len(piece.blocks) for piece in held.pieces()] == [1, 0]


def test_a_log_is_overdue_once_and_only_if_it_says_anything(held):
    held.put("/a", ONE)
    held.put("/blank", b" \n\n")
    seconds = (0, 9, 10, 11, 30)

    assert [held.overdue(each * 10**9) for each in seconds] == [[], [], ["/a"], [], []]
    held.put("/blank", ONE, 3)
    assert held.overdue(31 * 10**9) == ["/blank"]


def test_logs_that_nobody_knows_are_forgotten(held):
    held.put("/a", ONE)
    held.put("/b", ONE)
    held.forget({"/b"})

    assert set(held) == {"/b"}
    assert len(held.pieces()) == 1
