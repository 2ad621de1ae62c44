"""Putting a worker together: queue, log, handler, and the thread that keeps stats.json."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack
from dataclasses import replace
from random import SystemRandom
from typing import TYPE_CHECKING

from events.clock import SystemClock
from events.filesystem import RealFileSystem, boot_id, is_network_filesystem
from events.log.stream import EVENTS_FOLDER
from events.redaction import Redactor
from projections.cli.errors import CommandError
from projections.cli.patterns import check_patterns
from projections.cli.stopping import stopping_signals
from projections.cli.told_by_worker import Listener, tell_what_is_left
from projections.cli.version import version
from projections.compressing import Compressor
from projections.keeper import Keeper
from projections.runner import Runner
from projections.summaries.store import NOT_WRITTEN
from projections.summaries.summariser import Summariser
from sync_queue.dlq import DeadLetterQueue
from sync_queue.queue import JobQueue
from worker.handlers.loader import load_handler
from worker.own_stream import Identity, StreamOpener
from worker.processor import SyncWorker, WorkerOptions
from worker.retry import Backoff, RetryPolicies
from worker.takeover import TakeOver

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.filesystem import FileSystem
    from projections.cli.run import RunOptions


def work(asked: RunOptions) -> int:
    """Work a data folder's queue until stopped or drained.

    Args:
        asked: What to do; the data folder is told as it was given.

    Returns:
        The exit status: 1 if jobs died and `fail_on_dead`, else 0.

    Raises:
        SyncStatsError: It cannot begin, or the log or a database cannot be written any more.
    """
    _check_place(asked)
    # The folder stays the same one, whatever a handler makes of the current folder.
    options = replace(asked, data=asked.data.absolute())
    logs_to_stderr()
    listener = Listener()
    clock, fs = SystemClock(), RealFileSystem()
    redactor = Redactor(extra_patterns=options.redact)
    check_patterns(options.redact)
    with ExitStack() as stack:
        # Before all else, so that it covers the last save of the stats too.
        signals = stack.enter_context(stopping_signals())
        handler = load_handler(
            options.handler, timeout_s=options.timeout, overwrite=options.overwrite
        )
        stack.callback(handler.close)
        queue = stack.enter_context(JobQueue(options.data, clock=clock))
        letters = stack.enter_context(
            DeadLetterQueue(options.data, clock=clock, redactor=redactor, keep_open=True)
        )
        keeper = Keeper(
            options.data,
            Runner(options.data, fs=fs, clock=clock, notice=listener.notice),
            fs=fs,
            failed=lambda error: listener.notice(
                f"stats.json cannot be kept current: {error}; it is tried again, and nothing is "
                "lost: it is made from the log"
            ),
            mended=lambda: listener.notice("stats.json is kept current again"),
            compressor=_compressor(options, fs, listener.notice),
            summariser=Summariser(
                options.data,
                fs=fs,
                compressed=options.compress,
                failed=lambda error: listener.notice(
                    f"the summaries of segments {NOT_WRITTEN}: {error}"
                ),
            ),
        )
        keeper.start()
        stack.callback(keeper.close)
        streams = StreamOpener(
            options.data,
            queue,
            letters,
            _identity(options),
            fs=fs,
            clock=clock,
            redactor=redactor,
            segment_bytes=options.segment_bytes,
            segment_age_s=options.segment_age,
            notice=listener.notice,
        )
        worker = SyncWorker(
            queue,
            letters,
            handler,
            TakeOver(options.data, queue, letters, streams, fs=fs, notice=listener.notice),
            options=worker_options(options),
            clock=clock,
            rng=SystemRandom(),
            redactor=redactor,
            listener=listener,
        )
        signals.pass_to(worker)
        listener.reader_gone = worker.stop
        report = worker.run()
    if listener.error is not None:
        raise listener.error
    if not listener.muted:
        tell_what_is_left(report, asked.data)
    return 1 if options.fail_on_dead and report.stats.jobs_to_dlq else 0


def _compressor(
    options: RunOptions, fs: FileSystem, notice: Callable[[str], None]
) -> Compressor | None:
    """What compresses the log, if that was asked for."""
    if not options.compress:
        return None
    return Compressor(
        options.data,
        fs=fs,
        failed=lambda error: notice(
            f"the log cannot be compressed: {error}; it is tried again, and nothing is lost"
        ),
    )


def worker_options(options: RunOptions) -> WorkerOptions:
    """Translate the command's options into the worker's."""
    return WorkerOptions(
        concurrency=options.concurrency,
        batch=max(options.batch, options.concurrency),
        timeout_s=options.timeout,
        grace_s=options.grace,
        drain=options.drain,
        wait=options.wait,
        summary_every=options.summary_every,
        policies=RetryPolicies(
            transient=Backoff(options.retry_base, options.retry_cap, options.retry_tries),
            not_found=Backoff(
                options.not_found_base, options.not_found_cap, options.not_found_tries
            ),
        ),
        breaker_failures=options.breaker_failures or None,
        breaker_cooldown_s=options.breaker_cooldown,
    )


def logs_to_stderr() -> None:
    """Send structlog's lines to stderr: unconfigured it prints to stdout, among our answers."""
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))


def _check_place(options: RunOptions) -> None:
    if sys.platform == "win32":
        raise CommandError(
            "`syncstats run` needs Linux or macOS: Windows has no POSIX record locks; "
            "the commands that read work here"
        )
    events = options.data / EVENTS_FOLDER
    if os.path.lexists(events) and not RealFileSystem().is_folder(events):
        raise CommandError(
            f"{events} is no folder, or a symbolic link, and nothing is written through one: put "
            "the folder itself there, or let --data name another data folder (that may be a link)"
        )
    if options.allow_network_fs:
        return
    place = options.data.absolute()
    while not place.exists():  # the folder may be yet to be made
        place = place.parent
    kind = is_network_filesystem(place)
    if kind is not None:
        raise CommandError(
            f"{options.data} is on a network file system ({kind}), where locks and SQLite's WAL "
            "are not safe: use a local folder, or --allow-network-fs at your own risk"
        )


def _identity(options: RunOptions) -> Identity:
    host = socket.gethostname()
    return Identity(
        host=options.stream_name or host,
        boot_id=boot_id(),
        opened={
            "host": host,
            "pid": os.getpid(),
            "version": version(),
        },
        context={},
    )
