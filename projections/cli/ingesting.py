"""Putting an ingestion together: the state and its lock, the watch, the loop, what is said."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from events.follow.watch import Watch
from projections.choosing import unrecognised
from projections.cli.errors import CommandError
from projections.cli.failures import FOUND, INTERRUPTED
from projections.cli.formats import LogNotes
from projections.cli.no_outcome import counts_nothing, why_none
from projections.cli.output import is_terminal, note, plural, print_json, say, stdout
from projections.cli.problems import Problems
from projections.cli.stats_view import print_stats
from projections.cli.stopping import stopping_signals
from projections.cli.writing import refuse_own, refuse_read
from projections.errors import SaveError, SourceError, StateError, WatchError
from projections.ingest.finding import Finder
from projections.ingest.ingestion import Ingestion
from projections.ingest.keeping import Keeping
from projections.ingest.names import LogNames
from projections.ingest.remembered import check_waiting
from projections.ingest.state import State
from projections.ingest.store import StateStore
from projections.sources import STDIN, find_sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from events.clock import Clock
    from events.filesystem import FileSystem, Lock
    from projections.choosing import Choice

_US = 1_000_000


@dataclass(frozen=True)
class Asked:
    """What `syncstats ingest` was asked to do; see its options.

    Attributes:
        paths: What is to be read.
        state: The state file.
        choice: In which format it is.
        follow: Go on with what comes.
        exclude: Globs of what is not to be read.
        ignore_older_s: New files that were last written so long ago are not read; None: they are.
        from_end: What is there at the first run is not read.
        new_state: A damaged state is kept aside, and another one begun.
        as_json: Print JSON, nothing else.
    """

    paths: tuple[str, ...]
    state: Path
    choice: Choice
    follow: bool = False
    exclude: tuple[str, ...] = ()
    ignore_older_s: float | None = None
    from_end: bool = False
    new_state: bool = False
    as_json: bool = False


def run(
    asked: Asked,
    *,
    stdin: BinaryIO | None,
    fs: FileSystem,
    clock: Clock,
    ids: Callable[[], str] = lambda: secrets.token_hex(8),
) -> int:
    """Ingest.

    Args:
        asked: What.
        stdin: Standard input, if it is among the paths.
        fs: Where all files are.
        clock: For the pace of saving, and the age of files.
        ids: Makes random names.

    Returns:
        The exit status: 1 if the state could not be saved, the format of a log is not known, or a
        file was left out; 130 if it was interrupted before all that was there was read.

    Raises:
        SyncStatsError: It cannot begin, or nothing that it found is in a known format.
    """
    refuse_own(asked.state)
    with suppress(SourceError):  # what is not there yet is no state either
        refuse_read(asked.state, find_sources(asked.paths, fs), fs)
    problems, told, name = Problems(), LogNotes(), LogNames(asked.paths)
    with ExitStack() as stack:
        signals = stack.enter_context(stopping_signals(b""))
        store = StateStore(asked.state, fs=fs, clock=clock)
        stack.enter_context(_lock(store))
        before = _load(store, asked)
        state = State(f"ingest-{ids()}") if before is None else before
        finder = Finder(
            asked.paths,
            fs=fs,
            choice=asked.choice,
            exclude=asked.exclude,
            oldest_us=None
            if asked.ignore_older_s is None
            else clock.now_us() - round(asked.ignore_older_s * _US),
            known=[(record.device, record.inode) for record in state.files],
            follow=asked.follow,
            notice=_notice,
        )
        watch = Watch(
            finder,
            fs=fs,
            clock=clock,
            records=state.files,
            follow=asked.follow,
            notice=_notice,
            exclude=finder.is_excluded,
            searched_us=state.searched_us,
        )
        stack.callback(watch.close)
        name = LogNames(asked.paths)
        ingestion = Ingestion(
            watch, store, state, asked.choice, epoch=ids(), told=told, problem=problems, name=name
        )
        keeping = Keeping(
            ingestion,
            watch,
            clock=clock,
            stdin=stdin,
            failed=lambda error: _notice(f"{error}; it is tried again"),
            mended=lambda: _notice(f"{asked.state} is saved again"),
            problem=problems,
        )
        signals.pass_to(keeping)
        _greet(asked)
        try:
            if asked.from_end and before is None:
                keeping.pass_over()
            _keep(keeping, asked)
            unknown = [name(log) for log in keeping.end()]
        except SaveError as error:
            _notice(f"{error}; the next run reads those lines again")
            return FOUND
    told.finish()
    problems.finish()
    if ingestion.lines and counts_nothing(ingestion.snapshot()):
        _tell_why_none(asked, fs)
    unread = bool(unknown or watch.left_out())
    status = _tell(asked, ingestion, unknown, interrupted=keeping.stopped and not asked.follow)
    return status or (FOUND if unread and not asked.follow else 0)


def _keep(keeping: Keeping, asked: Asked) -> None:
    """Read what was asked for.

    Raises:
        SourceError: Standard input cannot be read any longer; what was read is saved if it can be.
        WatchError: The files cannot; likewise.
    """
    try:
        if asked.follow:
            keeping.follow(only_stdin=set(asked.paths) == {STDIN})
        else:
            keeping.read_once()
    except (SourceError, WatchError):
        try:
            keeping.end()
        except SaveError as error:
            _notice(str(error))
        raise


def _tell(asked: Asked, ingestion: Ingestion, unknown: list[str], *, interrupted: bool) -> int:
    """Say what came of it; give the exit status."""
    if unknown and not asked.follow and not ingestion.recognised:
        raise unrecognised(unknown[0])
    for log in unknown:
        note(f"syncstats: {unrecognised(log)}; nothing of it was counted")
    snapshot = ingestion.snapshot()
    if asked.as_json:
        print_json(snapshot.to_dict())
    elif asked.follow:
        stats = snapshot.total()
        say(
            f"{plural(ingestion.lines, 'line')} added; {asked.state} holds "
            f"{plural(stats.jobs_processed, 'attempt')}: {stats.jobs_succeeded:,} succeeded, "
            f"{stats.jobs_failed:,} failed, {stats.jobs_skipped:,} skipped."
        )
    else:
        print_stats(snapshot)
    if interrupted:
        note("syncstats: interrupted before all was read; the next run goes on from there")
        return INTERRUPTED
    return 0


def _tell_why_none(asked: Asked, fs: FileSystem) -> None:
    """Say why none of the lines that were read counted; they are not read again."""
    with suppress(SourceError):  # what was read is gone by now
        why = why_none(find_sources(asked.paths, fs), asked.choice, fs)
        if why is not None:
            _notice(f"{why}. {asked.state} has read these lines: name another --state then")


def _greet(asked: Asked) -> None:
    """Say what is going on to who looks at it."""
    if asked.follow and not asked.as_json and is_terminal(stdout()):
        say(f"Following {', '.join(asked.paths)}; the stats are kept in {asked.state}.")
        stdout().flush()


def _lock(store: StateStore) -> Lock:
    try:
        return store.lock()
    except FileNotFoundError as error:
        raise CommandError(
            f"the folder {store.path.parent} does not exist: make it, or name another file with "
            "--state"
        ) from error


def _load(store: StateStore, asked: Asked) -> State | None:
    """Read the state; keep a damaged one aside if that was asked for.

    Raises:
        StateError: It cannot be used, and nobody said that another one may be begun.
    """
    try:
        state = store.load()
        if state is not None:
            check_waiting(state, asked.choice, str(asked.state), LogNames(asked.paths))
    except StateError as error:
        if not asked.new_state:
            raise
        aside = store.set_aside()
        _notice(f"{error.args[0]} - it is kept as {aside}, and {asked.state} begins anew")
        return None
    return state


def _notice(text: str) -> None:
    note(f"syncstats: {text}")
