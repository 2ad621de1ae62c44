"""What may be wrong where not one outcome was found: most often the format was not named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.formats.names import AUTO, NATIVE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from events.filesystem import FileSystem
    from projections.choosing import Choice
    from projections.snapshot import Snapshot
    from projections.sources import Source

_STATS = b'"jobs_processed"'
_BEGINNING = 4096
"""Within so many bytes a file of stats says that it is one."""


def holds_stats(path: Path) -> bool:
    """Whether it is a file of stats: a stats.json, a state of ingest, or what --out wrote."""
    try:
        with path.open("rb") as file:
            return _is_stats(file.read(_BEGINNING))
    except OSError:
        return False


def counts_nothing(snapshot: Snapshot) -> bool:
    """Whether no outcome is in it."""
    stats = snapshot.total()
    return not (stats.jobs_processed or stats.jobs_skipped)


def why_none(sources: Iterable[Source], choice: Choice, fs: FileSystem) -> str | None:
    """Look again at what was read without finding an outcome.

    Args:
        sources: What was read. Only files are looked at: a pipe is empty now, and the lines of an
            event log are our own.
        choice: In which format it was read.
        fs: Where the files are.

    Returns:
        One sentence for people, of the first file that tells something; None where it is as it
        should be: the lines are in the format that was said, or there are none.
    """
    for source in sources:
        if source.kind == "stdin":
            return _of_a_pipe(choice)
        if source.kind == "file":
            found = _of_a_file(source, choice, fs)
            if found is not None:
                return found
    return None


def _of_a_pipe(choice: Choice) -> str | None:
    if choice.name == AUTO:
        return None
    return f"no outcome in standard input, read as {choice.name} lines: --format auto tells others"


def _of_a_file(source: Source, choice: Choice, fs: FileSystem) -> str | None:
    from projections.choosing import whole_lines

    head = _head(source, fs)
    if _is_stats(head):
        return f"{source.path} holds stats, not lines: `syncstats merge {source.path}` prints them"
    sample = whole_lines(head)
    return _of_lines(source.path, sample, choice) if sample and choice.name != AUTO else None


def _head(source: Source, fs: FileSystem) -> bytes:
    from events.errors import EventsError
    from events.log.segment import open_source
    from projections.choosing import read_head

    try:
        with open_source(source.path, fs) as file:
            return read_head(file).data
    except (OSError, EventsError):  # it could be read a moment ago; there is nothing to be told
        return b""


def _of_lines(path: Path, sample: bytes, choice: Choice) -> str | None:
    from events.formats.recognition import recognise

    found = recognise(sample)
    if found is not None:
        known = choice.known
        if found.format == choice.name and (known is None or known.wrapping == found.wrapping):
            return None
        options = f"--format {found.format}"
        kind = f"{found.format} lines"
        if found.wrapping is not None:
            options += f" --wrapped {found.wrapping}"
            kind += f" in {found.wrapping}'s wrapping"
        return f"no outcome in {path}: its lines look like {kind}; say {options}"
    if not any(line.lstrip().startswith(b"{") for line in sample.split(b"\n")):
        return f"no line of {path} is a JSON object: other lines tell of no outcome"
    if choice.name == NATIVE:
        return (
            f"no outcome in {path}: if another program wrote it, describe its lines with --mapping "
            "FILE (`syncstats mapping --help`)"
        )
    return (
        f"no line of {path} is an outcome of format {choice.name}: `syncstats mapping check` says "
        "why, of each line"
    )


def _is_stats(head: bytes) -> bool:
    beginning = head[:_BEGINNING].lstrip()
    return beginning.startswith(b"{") and _STATS in beginning[: beginning.find(b",") + 1]
