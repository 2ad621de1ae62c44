"""Lines of logs whose format is not known yet: held until they show it, or given up.

They are held in pieces, one for each file's text, since a file may move to another log before it is
known what they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from events.log.reader import Block, Overlong
from projections.choosing import SAMPLE_BYTES, whole_lines
from projections.ingest.piece import Piece, bytes_of, says_anything

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

    from projections.ingest.watching import Read

MOST_BYTES = 16 << 20
"""How much is held of all logs together."""
_TRY_EACH = 1 << 16  # bytes of a log up to which it is looked at again with each read
_TOLD_AFTER_NS = 10 * 10**9


@dataclass(slots=True)
class _Log:
    """What is held of a log.

    Attributes:
        pieces: Its lines, file by file.
        size: Bytes of them, those of lines that are too long included.
        tried: Of how many bytes was seen that they show no format.
        says: Whether any line says anything.
        given_up: No more is looked at; its lines are passed over, and read by a later run.
        since_ns: When it was first asked for how long it has been held; None: it was not.
        told: It was told that its format is not known.
    """

    pieces: list[Piece] = field(default_factory=list)
    size: int = 0
    tried: int = 0
    says: bool = False
    given_up: bool = False
    since_ns: int | None = None
    told: bool = False

    @property
    def bytes(self) -> int:
        """How much room its lines take."""
        return sum(bytes_of(piece.blocks) for piece in self.pieces)


class Held:
    """What is held of all logs; beyond ``most_bytes`` the log that has most is given up.

    Args:
        most_bytes: So much.
    """

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._logs: dict[str, _Log] = {}
        self._by_text: dict[object, Piece] = {}
        self._size = 0

    def __contains__(self, log: object) -> bool:
        return log in self._logs

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._logs))

    def __len__(self) -> int:
        return len(self._logs)

    def pieces(self) -> list[Piece]:
        """All that is held, and what was read of logs that were given up."""
        return [piece for held in self._logs.values() for piece in held.pieces]

    def has(self, piece: Piece) -> bool:
        """Whether a piece is held still, or passed over."""
        return self._by_text.get(piece.text) is piece

    def is_given_up(self, log: str) -> bool:
        """Whether the log's lines are only passed over."""
        held = self._logs.get(log)
        return held is not None and held.given_up

    def says_anything(self, log: str) -> bool:
        """Whether any line of it is more than white space."""
        held = self._logs.get(log)
        return held is not None and (held.given_up or held.says)

    def continued(self, text: object) -> Piece | None:
        """The piece, of whichever log, that the next lines of a text go on with; None: none is."""
        return self._by_text.get(text)

    def add(self, read: Read) -> list[str]:
        """Hold lines; they may go on with a piece of another log that was given up.

        Returns:
            Logs that were given up for the room that all take.
        """
        block = read.block
        piece = self._by_text.get(read.text)
        if piece is None:
            start = read.before if block.offset else None
            piece = self._by_text[read.text] = Piece(read.log, read.path, read.text, start)
            self._logs.setdefault(read.log, _Log()).pieces.append(piece)
        held = self._logs[piece.log]
        piece.path = read.path
        if not held.given_up:
            piece.blocks.append(block)
            held.says = held.says or says_anything(block)
            held.size += block.end - block.offset
            self._size += bytes_of([block])
        return [*self._make_room()]

    def move(self, piece: Piece, log: str) -> None:
        """Hold a piece under the log to which its file has moved."""
        blocks = self.take_out(piece)
        held = self._logs.setdefault(log, _Log())
        piece.log = log
        held.pieces.append(piece)
        self._by_text[piece.text] = piece
        if not held.given_up:
            piece.blocks = blocks
            held.says = held.says or any(map(says_anything, blocks))
            held.size += sum(block.end - block.offset for block in blocks)
            self._size += bytes_of(blocks)

    def take_out(self, piece: Piece) -> list[Block | Overlong]:
        """Hold a piece no longer; give its lines."""
        held = self._logs[piece.log]
        held.pieces.remove(piece)
        held.size -= sum(block.end - block.offset for block in piece.blocks)
        self._size -= bytes_of(piece.blocks)
        del self._by_text[piece.text]
        if not held.pieces:
            del self._logs[piece.log]
        blocks, piece.blocks = piece.blocks, []
        return blocks

    def release(self, log: str) -> list[tuple[Path, Block | Overlong]]:
        """Hold nothing of a log any longer; give its lines."""
        held = self._logs.get(log)
        pieces = [] if held is None else [*held.pieces]
        return [(piece.path, block) for piece in pieces for block in self.take_out(piece)]

    def forget(self, known: Container[str]) -> None:
        """Hold nothing of logs but of those that are known."""
        for log in self:
            if log not in known:
                self.release(log)

    def give_up(self, log: str) -> None:
        """Only pass over the log's lines from now on."""
        held = self._logs[log]
        held.given_up = held.told = True
        for piece in held.pieces:
            self._size -= bytes_of(piece.blocks)
            piece.blocks.clear()

    def sample_to_try(self, log: str) -> bytes:
        """The log's first lines, if it is time to look at them (again); else b""."""
        held = self._logs[log]
        if held.given_up or _TRY_EACH < held.size < min(2 * held.tried, SAMPLE_BYTES):
            return b""
        held.tried = held.size
        data = b"".join(
            block.data
            for piece in held.pieces
            for block in piece.blocks
            if isinstance(block, Block)
        )
        return whole_lines(data[:SAMPLE_BYTES])

    def is_full(self, log: str) -> bool:
        """Whether as much is held of it as is ever looked at."""
        return self._logs[log].size >= SAMPLE_BYTES

    def overdue(self, now_ns: int) -> list[str]:
        """Logs that have shown no format for some seconds, each once; by the monotonic clock."""
        found = []
        for log, held in self._logs.items():
            held.since_ns = now_ns if held.since_ns is None else held.since_ns
            if held.says and not held.told and now_ns - held.since_ns >= _TOLD_AFTER_NS:
                held.told = True
                found.append(log)
        return found

    def _make_room(self) -> Iterator[str]:
        while self._size > self._most_bytes:
            most = max(self._logs, key=lambda log: self._logs[log].bytes)
            self.give_up(most)
            yield most
