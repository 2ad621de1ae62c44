from __future__ import annotations

from pathlib import Path

import pytest

from events.follow.record import FileRecord
from events.log.reader import Block, Overlong
from projections.ingest.held import Held
from projections.ingest.standard_input import Given

ONE, TWO = b'{"x":1}\n', b'{"y":22}\n'


class Lines(Held):
    """Held lines; a file's path stands for its text where no other is named."""

    def put(self, log, data, offset=0, path=None, **more):
        return self.add(a_read(log, Block(offset, data), path, **more))


def a_read(log, block, path=None, text=None, before=None):
    where = path or log
    return Given(block, log, Path(where), text or where, before)


@pytest.fixture
def held():
    return Lines()


def test_lines_of_a_file_are_one_piece_and_are_released_in_their_order(held):
    held.put("/a", ONE)
    held.put("/a", TWO, len(ONE))
    held.put("/a", TWO, path="/a.1")

    assert [piece.text for piece in held.pieces()] == ["/a", "/a.1"]
    assert held.sample_to_try("/a") == ONE + TWO + TWO
    assert [(str(path), block.data) for path, block in held.release("/a")] == [
        ("/a", ONE),
        ("/a", TWO),
        ("/a.1", TWO),
    ]
    assert not held
    assert held.continued("/a") is None


def test_a_text_goes_on_under_whatever_name_and_another_one_that_holds_the_same_does_not(held):
    held.put("/a", ONE)
    held.put("/b", ONE)

    (piece, _) = held.pieces()
    assert held.continued("/a") is piece
    assert held.continued("/c") is None
    held.move(piece, "/c")
    held.put("/c", TWO, len(ONE), path="/c.1", text="/a")
    assert set(held) == {"/b", "/c"}
    assert held.has(piece)
    assert str(piece.path) == "/c.1"
    assert held.sample_to_try("/c") == ONE + TWO


def test_what_begins_in_the_midst_goes_on_from_what_was_counted(held):
    start = FileRecord(log="/a", path="/a", offset=len(ONE))
    held.put("/a", TWO, len(ONE), before=start)
    held.put("/a", TWO, len(ONE + TWO), before=FileRecord(log="/a", path="/a", offset=99))
    held.put("/b", ONE, before=FileRecord(log="/b", path="/b"))

    assert [piece.start for piece in held.pieces()] == [start, None]


def test_a_line_that_is_too_long_fills_a_log_and_says_nothing(held):
    held.add(a_read("/a", Overlong(0, 2_000_000)))

    assert len(held.pieces()) == 1
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
