"""`syncstats replay`: reading here, or on a cluster."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from projections.cli.errors import CommandError
from projections.cli.no_outcome import counts_nothing, why_none
from projections.cli.options import standard_input
from projections.cli.output import note
from projections.cli.progress import reading
from projections.cli.writing import refuse_read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from events.filesystem import FileSystem
    from projections.choosing import Choice
    from projections.cli.formats import LogNotes
    from projections.cli.problems import Problems
    from projections.parallel.head_start import HeadStart
    from projections.replay import Replayed
    from projections.sources import Source

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True)
class Asked:
    """What is to be replayed.

    Attributes:
        paths: What was named.
        choice: What was said of the format.
        strict: Whether the first invalid line ends it.
        out: Where the result will be written.
        fs: This machine's files.
        problems: Takes invalid lines.
        told: Takes what is said of formats.
    """

    paths: Sequence[str]
    choice: Choice
    strict: bool
    out: Path | None
    fs: FileSystem
    problems: Problems
    told: LogNotes


def replay_here(asked: Asked, begun: HeadStart | None = None) -> Replayed:
    """Fold all in this process; what was begun is taken up.

    Raises:
        CommandError: A URL is named, which is not for this process to read.
    """
    from projections.replay import replay
    from projections.sources import STDIN, find_sources, total_bytes

    for text in asked.paths:
        if _URL.match(text) and not asked.fs.exists(Path(text)):
            raise CommandError(f"{text} is a URL: add --engine dask")
    sources = find_sources(asked.paths, asked.fs)
    if asked.out is not None:
        refuse_read(asked.out, sources, asked.fs)
    read = 0

    def counted(more: int) -> None:
        nonlocal read
        read += more
        progress(more)

    with reading(lambda: total_bytes(sources, asked.fs)) as progress:
        replayed = replay(
            asked.paths,
            stdin=standard_input() if STDIN in asked.paths else BytesIO(),
            choice=asked.choice,
            strict=asked.strict,
            fs=asked.fs,
            problem=asked.problems,
            progress=counted,
            told=asked.told,
            begun=begun,
        )
    _finish(asked, sources, replayed, read)
    return replayed


def replay_on_dask(asked: Asked, scheduler: str | None) -> Replayed:
    """Fold all on a cluster.

    Raises:
        CommandError: Dask is not installed.
    """
    from projections.cli.stopping import ended_in_order
    from projections.engines.dask import is_installed
    from projections.engines.local import processes

    if not is_installed():
        raise CommandError(
            "--engine dask needs Dask: in a checkout `pipx install --force '.[dask]'`, `uv tool "
            "install --force '.[dask]'` or `pip install '.[dask]'`"
        )
    with ended_in_order(), processes() if scheduler is None else nullcontext():
        return _replay_on_dask(asked, scheduler)


def _replay_on_dask(asked: Asked, scheduler: str | None) -> Replayed:
    from projections.engines.dask import dask_engine
    from projections.engines.planning import plan
    from projections.engines.replaying import replay_on

    todo = plan(asked.paths, asked.choice, fs=asked.fs)
    here = [source for place, source in todo.sources if place.fs is asked.fs]
    if asked.out is not None:
        refuse_read(asked.out, here, asked.fs)
    with reading(lambda: todo.stored) as progress, dask_engine(scheduler, todo.work) as engine:
        replayed, read = replay_on(
            engine,
            todo,
            strict=asked.strict,
            problem=asked.problems,
            unsaid=asked.problems.pass_over,
            progress=progress,
            told=asked.told,
        )
    _finish(asked, here, replayed, read)
    return replayed


def _finish(asked: Asked, sources: Sequence[Source], replayed: Replayed, read: int) -> None:
    """Say what is left to be said of the reading."""
    from projections.choosing import unrecognised
    from projections.cli.formats import LogNotes

    asked.told.finish()
    asked.problems.finish()
    unknown = LogNotes()
    for log in replayed.unknown:
        unknown(f"{unrecognised(log)}; nothing of it was counted")
    unknown.finish()
    if read and counts_nothing(replayed.snapshot):
        why = why_none(sources, asked.choice, asked.fs)
        if why is not None:
            note(f"syncstats: {why}")
