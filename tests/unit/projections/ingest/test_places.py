from __future__ import annotations

from pathlib import Path

from events.follow.record import FileRecord
from projections.ingest.piece import Piece
from projections.ingest.places import kept_back, places_of

START = FileRecord(log="/x", path="/x", inode=3, offset=3, crc=5)


def piece(log="/a", start=None):
    return Piece(log, Path(log), log, start)


def file(log="/a", path=None, **more):
    return FileRecord(log=log, path=path or log, offset=8, crc=1, inode=7, **more)


def test_a_piece_is_in_the_file_that_has_its_text_wherever_that_is():
    mine, gone = piece(), piece("/gone")
    moved = file("/c", "/c.1")

    assert places_of([mine, gone], [("/b", file()), ("/a", moved)]) == {mine: moved}
    assert places_of([], [("/a", file())]) == {}


def test_what_is_held_is_not_counted_for_read():
    held, going_on, gone = piece(), piece("/b", START), piece("/c", START)
    files = [file(), file("/b"), file("/d"), file("/a", 8, copy=True), file("/d", 8, copy=True)]
    places = {held: files[0], going_on: files[1], piece("/d"): files[2]}

    assert [*kept_back(files, [held, going_on, gone], places)] == [
        FileRecord(log="/a", path="/a", inode=7),
        FileRecord(log="/b", path="/b", inode=7, offset=3, crc=5),
        files[2],
        files[4],
        START,
    ]
