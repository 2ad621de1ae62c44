"""In which files lines stand that are held: a file may have moved since to another log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from events.follow.record import FileRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from projections.ingest.piece import Piece

_NOTHING = FileRecord(log="", path="")


def places_of(
    pieces: Iterable[Piece], texts: Iterable[tuple[object, FileRecord]]
) -> dict[Piece, FileRecord]:
    """Find the file of each piece.

    Args:
        pieces: They.
        texts: What a watch tells of all files, see `events.follow.watch.Watch.texts`.

    Returns:
        For each piece its file; none of a file that the watch has forgotten.
    """
    files = dict(texts)
    return {piece: files[piece.text] for piece in pieces if piece.text in files}


def kept_back(
    files: Iterable[FileRecord], pieces: Iterable[Piece], places: Mapping[Piece, FileRecord]
) -> Iterator[FileRecord]:
    """How far files were counted: what is held is not. Their logs stay known.

    Args:
        files: How far they were read.
        pieces: What is held.
        places: What `places_of` gave of these, and maybe of others.
    """
    pieces = tuple(pieces)
    held = {id(places[piece]): piece for piece in pieces if piece in places}
    logs = {piece.log for piece in pieces}
    for record in files:
        piece = held.get(id(record))
        if piece is not None:
            yield replace(  # as much of the text as was counted, in the file that has it now
                piece.start or _NOTHING,
                log=record.log,
                path=record.path,
                device=record.device,
                inode=record.inode,
            )
        elif not (record.copy and record.log in logs):  # judged again, with its original
            yield record
    for piece in pieces:
        if piece.start is not None and piece not in places:  # gone, and counted so far
            yield piece.start
