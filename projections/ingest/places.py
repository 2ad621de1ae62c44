"""In which files lines stand that are held: a file may have moved since to another log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.follow.record import FileRecord, path_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from projections.ingest.piece import Piece


# What a piece and its file have in common, the surest first.
_KEYS: tuple[tuple[Callable[[Piece], object], Callable[[FileRecord], object]], ...] = (
    (
        lambda piece: (piece.end, piece.crc, piece.log),
        lambda file: (file.offset, file.crc, file.log),
    ),
    (lambda piece: (piece.end, piece.crc), lambda file: (file.offset, file.crc)),
    (lambda piece: (piece.log, path_text(piece.path)), lambda file: (file.log, file.path)),
)


def places_of(pieces: Sequence[Piece], files: Iterable[FileRecord]) -> dict[Piece, FileRecord]:
    """Find the file of each piece.

    Args:
        pieces: They.
        files: What a watch tells of all files.

    Returns:
        For each piece its file: one that was read as far and holds the same, of its log before
        others; else one of its log of which more was passed over (zero bytes). None of a file that
        the watch has forgotten.
    """
    found: dict[Piece, FileRecord] = {}
    free = [record for record in files if record.offset and not (record.old or record.copy)]
    if not pieces:
        return found
    for of_piece, of_record in _KEYS:
        known: dict[object, list[FileRecord]] = {}
        for record in free:
            known.setdefault(of_record(record), []).append(record)
        for piece in pieces:
            fitting = known.get(of_piece(piece))
            if fitting and piece not in found and fitting[-1].offset >= piece.end:
                found[piece] = fitting.pop()
        taken = {id(record) for record in found.values()}
        free = [record for record in free if id(record) not in taken]
    return found


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
            yield piece.start or FileRecord(
                log=record.log, path=record.path, device=record.device, inode=record.inode
            )
        elif not (record.copy and record.log in logs):  # judged again, with its original
            yield record
    for piece in pieces:
        if piece.start is not None and piece not in places:  # gone, and counted so far
            yield piece.start
