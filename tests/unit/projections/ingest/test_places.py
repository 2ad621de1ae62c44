from __future__ import annotations

from pathlib import Path

from events.follow.record import FileRecord
from projections.ingest.piece import Piece
from projections.ingest.places import kept_back, places_of

START = FileRecord(log="/a", path="/a", offset=3, crc=5)


def piece(log="/a", end=8, crc=1, start=None, path=None):
    return Piece(log, Path(path or log), end, crc, start)


def file(log="/a", offset=8, crc=1, path=None, **more):
    return FileRecord(log=log, path=path or log, offset=offset, crc=crc, inode=7, **more)


def test_a_piece_is_in_the_file_that_was_read_as_far_and_holds_the_same():
    files = [file("/b"), file(), file("/a", 9), file("/a", 8, 2)]

    assert places_of([mine := piece()], files) == {mine: files[1]}
    assert places_of([other := piece("/c")], files)[other].log in {"/a", "/b"}
    assert places_of([piece("/c", 7)], files) == {}
    assert places_of([], files) == {}


def test_two_pieces_that_hold_the_same_are_in_two_files():
    files, pieces = [file("/a"), file("/b")], [piece("/b"), piece("/a")]

    assert places_of(pieces, files) == {pieces[0]: files[1], pieces[1]: files[0]}


def test_copies_and_old_files_hold_no_piece():
    assert places_of([piece()], [file(copy=True), file(old=True)]) == {}


def test_a_file_that_was_read_further_than_is_held_is_found_by_its_path():
    files = [file(path="/a.1", offset=20, crc=9), file(offset=30, crc=9)]

    assert places_of([mine := piece()], files) == {mine: files[1]}
    assert places_of([piece(end=31)], files) == {}


def test_what_is_held_is_not_counted_for_read():
    held, going_on, gone = piece(), piece("/b", start=START), piece("/c", start=START)
    files = [file(), file("/b"), file("/d"), file("/a", 8, copy=True), file("/d", 8, copy=True)]
    places = {held: files[0], going_on: files[1], piece("/d"): files[2]}

    assert [*kept_back(files, [held, going_on, gone], places)] == [
        FileRecord(log="/a", path="/a", inode=7),
        START,
        files[2],
        files[4],
        START,
    ]
