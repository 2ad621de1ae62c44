"""How the command speaks: one JSON value, or lines and tables for people, on stdout."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from events.clock import format_timestamp
from events.terminal import safe
from projections.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

PIPED_WIDTH = 80  # columns, where no terminal tells its own
_UNSQUEEZED = 24  # columns: ids, times and names are kept whole beside a long message
_GUTTER = 2  # columns between two columns of a table
_FRAME = 4  # columns that may stand between the others on a terminal
_LEAST = 10  # columns that a message gets in the narrowest terminal


def print_json(value: Any) -> None:
    """Print one JSON value on a line of its own: with `--json`, all that goes to stdout.

    It is ASCII, so that no terminal obeys it and no encoding breaks it.

    Raises:
        ValueError: The value holds NaN or an infinity, which JSON cannot.
    """
    say(json.dumps(value, ensure_ascii=True, allow_nan=False), escaped=True)


def say(text: str = "", *, escaped: bool = False) -> None:
    """Print one line for people.

    Args:
        text: The line; what a terminal would obey is shown as an escape.
        escaped: Whether that has been done.

    Raises:
        CommandError: Standard output is closed.
    """
    stdout().write((text if escaped else safe(text)) + "\n")


def note(text: str) -> None:
    """Print one line on stderr: about the run, not its result. Where that cannot be, nowhere.

    So a reader of messages that has gone, or their full disk, is not taken for a log's.
    """
    if sys.stderr is None:  # print would take standard output
        return
    try:
        print(safe(text), file=sys.stderr, flush=True)
    except OSError:
        _let_go(sys.stderr)


@contextmanager
def answering(done: str) -> Iterator[None]:
    """Answer for what has been done and cannot be undone: a failure to print does not undo it.

    Whoever takes the exit status for the answer must not do it again: so the status stays 0, and
    a line on stderr says that it was done.

    Args:
        done: What has been done, as a sentence's beginning.
    """
    try:
        yield
        stdout().flush()
    except (OSError, CommandError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        note(f"syncstats: {done}, but the answer could not be printed: {reason}")
        if sys.stdout is not None:
            _let_go(sys.stdout)


def _let_go(stream: IO[str]) -> None:
    """Leave nothing to be flushed where it can go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        title: Its heading.
        right: Whether its values stand at the right, as numbers do.
        cut: Whether what does not fit is cut with an ellipsis; else it goes on in the next line.
            At most one column of a table.
    """

    title: str
    right: bool = False
    cut: bool = False


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: ruled and coloured on a terminal, bare and 80 columns wide in a pipe."""
    from rich.box import SIMPLE_HEAD
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    console = console_for(stdout())
    grid = Table(
        box=SIMPLE_HEAD if console.is_terminal else None,
        pad_edge=False,
        show_edge=False,  # a blank line above and one below
        header_style="bold",
        padding=(0, _GUTTER, 0, 0),
    )
    cells = [[safe(cell) for cell in row] for row in rows]
    widths = [
        max(cell_len(text) for text in (column.title, *(row[place] for row in cells)))
        for place, column in enumerate(columns)
    ]
    kept = [min(width, _UNSQUEEZED) for width in widths]
    # rich shares a lack of room among all columns: here the one that may be cut bears it
    others = sum(
        width + _GUTTER for width, column in zip(kept, columns, strict=True) if not column.cut
    )
    frame = _FRAME if console.is_terminal else 0
    room = max(console.width - others - _GUTTER - frame, _LEAST)
    for column, width in zip(columns, kept, strict=True):
        grid.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            no_wrap=column.cut or column.right,
            overflow="ellipsis" if column.cut else "fold",
            min_width=None if column.cut else width,
            max_width=room if column.cut else None,
        )
    for row in cells:
        grid.add_row(*map(Text, row))
    _print_rich(console, grid)


def _print_rich(console: Console, renderable: Any) -> None:
    if console.is_terminal:
        console.print(renderable)
        return
    # rich fills each line of a bare table with blanks up to the width: noise in a pipe
    with console.capture() as capture:
        console.print(renderable)
    for line in capture.get().splitlines():
        say(line.rstrip(), escaped=True)


def console_for(stream: IO[str]) -> Console:
    """Make rich's console for a stream; without colours where it is no terminal or NO_COLOR is set.

    Args:
        stream: Where it prints.
    """
    from rich.console import Console

    class Reporting(Console):
        """One that tells of a reader that has gone, as any other write does."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    terminal = is_terminal(stream)
    return Reporting(
        file=stream,
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        width=None if terminal else PIPED_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person reads the stream on a terminal."""
    return not stream.closed and stream.isatty()


def stdout() -> IO[str]:
    """Give standard output.

    Raises:
        CommandError: It is closed.
    """
    if sys.stdout is None:  # started with `>&-`
        raise CommandError("standard output is closed, so there is nowhere to print to")
    return sys.stdout


def count(number: int) -> str:
    """Write a number with its thousands apart.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{number:,}"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """Write how many of something.

    >>> plural(1, "job"), plural(1200, "job"), plural(2, "entry", "entries")
    ('1 job', '1,200 jobs', '2 entries')
    """
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"


def percent(value: float) -> str:
    """Write a rate between 0 and 100.

    >>> percent(80.0)
    '80.0%'
    """
    return f"{value:.1f}%"


def duration(seconds: float) -> str:
    """Write a time span for people, in its two largest units.

    Args:
        seconds: The span, finite and >= 0.

    >>> [duration(s) for s in (0, 0.00123, 0.15, 2.34, 80, 3_900, 266_400)]
    ['0ms', '1.2ms', '150ms', '2.3s', '1m 20s', '1h 5m', '3d 2h']
    """
    ms = seconds * 1000
    if ms < 9.95:
        return f"{ms:.1f}ms" if ms >= 0.05 else "0ms" if ms == 0 else "<0.1ms"
    if ms < 999.5:
        return f"{ms:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for size, unit, smaller, smaller_unit in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "m"),
        (60, "m", 1, "s"),
    ):
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // smaller}{smaller_unit}"
    raise AssertionError(whole)


def moment(us: int) -> str:
    """Write a point of time to the second, in UTC.

    Args:
        us: Microseconds since 1970-01-01 UTC.

    >>> moment(1_764_000_000_123_456)
    '2025-11-24 16:00:00Z'
    """
    return format_timestamp(us)[:19].replace("T", " ") + "Z"
