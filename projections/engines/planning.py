"""What is to be replayed on an engine: found, listed, and in the order of reading."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from events.filesystem import REAL
from projections.engines.partitions import LogPiece, Piece, work_of
from projections.engines.places import find_all
from projections.fold import Fold
from projections.folders import begin, is_one_log
from projections.intake import Format
from projections.log_files import group_logs
from projections.logs import naming, refuse_streams
from projections.summary import list_kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from events.filesystem import FileSystem
    from projections.choosing import Choice
    from projections.engines.places import Place
    from projections.entry import Entry
    from projections.sources import Source
    from projections.summary import Summary


@dataclass(frozen=True)
class Plan:
    """What is to be replayed, before it is known by how many workers.

    Attributes:
        pieces: All that is to be read, in the order in which one process would read it.
        begin: What of streams was pruned, folded.
        folders: All streams' names, each with its folder's name.
        one_log: Whether each stream has a place in a log.
        sources: What was found.
    """

    pieces: tuple[Piece | LogPiece, ...]
    begin: Mapping[str, Entry]
    folders: tuple[tuple[str, str], ...]
    one_log: bool
    sources: tuple[tuple[Place, Source], ...]

    @property
    def stored(self) -> int:
        """Bytes in all files."""
        return sum(piece.stored for piece in self.pieces)

    @property
    def work(self) -> int:
        """Bytes of text in them, about."""
        return sum(piece.work for piece in self.pieces)


def plan(
    paths: Sequence[str],
    choice: Choice,
    *,
    folder: Path | None = None,
    fs: FileSystem = REAL,
) -> Plan:
    """Find what ``paths`` name, and what of it was pruned.

    Args:
        paths: See `projections.engines.places.find_all`.
        choice: In which format files are.
        folder: The folder that relative paths are in; None: the working folder.
        fs: This machine's files.

    Raises:
        SourceError: A path cannot be read, or what was pruned cannot be told apart.
        SummaryError: What was pruned of a stream cannot be believed.
    """
    found = find_all(paths, folder=folder or Path.cwd(), fs=fs)
    sources = [source for _, source in found]
    refuse_streams(sources, choice)
    native = choice.known == Format()
    pieces: list[Piece | LogPiece] = []
    summaries: list[tuple[str, Summary]] = []
    for place, source in found:
        with naming(place.shown(source.path)):
            if source.kind == "stream":
                pieces += _of_stream(place, source.path, summaries)
            elif native:
                pieces.append(Piece(place, source.path, place.fs.size(source.path)))
    if not native:
        pieces += _of_logs(found, choice)
    fold = Fold()
    begin(fold, summaries)
    folders = [(s.path.name, p.shown(s.path)) for p, s in found if s.kind == "stream"]
    return Plan(tuple(pieces), fold.entries(), tuple(folders), is_one_log(sources), tuple(found))


def _of_stream(place: Place, folder: Path, summaries: list[tuple[str, Summary]]) -> list[Piece]:
    summary, segments = list_kept(folder, place.fs)
    if summary is not None:
        summaries.append((place.shown(folder), summary))
    return [Piece(place, s.path, place.fs.size(s.path), folder.name) for s in segments]


def _of_logs(found: Sequence[tuple[Place, Source]], choice: Choice) -> list[LogPiece]:
    """Rotated files of one log are one piece: a line in one may wait for a line in the next."""
    pieces: list[LogPiece] = []
    for place in dict.fromkeys(place for place, _ in found):
        mine = [each for there, each in found if there == place and each.kind != "stream"]
        for log in group_logs(mine):
            sizes = {source.path: place.fs.size(source.path) for source in log.sources}
            work = sum(work_of(path, size) for path, size in sizes.items())
            pieces.append(LogPiece(place, log, choice, sum(sizes.values()), work))
    return pieces
