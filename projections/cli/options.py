"""Options that several commands share, and the kinds of values that click does not know."""

from __future__ import annotations

import re
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from events.calls import DATA_VARIABLE, DEFAULT_DATA, call
from projections.cli.errors import CommandError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
    SecondsType = click.ParamType[float]
    SizeType = click.ParamType[int]
    PatternType = click.ParamType[str]
else:  # click's older versions know no type arguments
    SecondsType = SizeType = PatternType = click.ParamType

_SIZE = re.compile(r"(\d{1,15})\s*(|[KMGT]i?B?)", re.IGNORECASE | re.ASCII)
_SHIFTS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


class DataFolder(click.Path):
    """A folder that is a data folder, or may become one.

    Where a file of stats is named, the command that it is for is told; where the log of a data
    folder is, that folder.
    """

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Check that it is no file, and no part of a log; anything else is a usage error."""
        path = Path(value)
        if path.is_file():
            from projections.cli.misplaced import lead_to_merge
            from projections.cli.no_outcome import holds_stats

            if holds_stats(path):
                self.fail(lead_to_merge(path), param, ctx)
        found = super().convert(value, param, ctx)
        with suppress(OSError):  # it cannot be looked into: the command will say so
            if path.is_dir() and not (path / "events").is_dir():  # else nothing more is loaded
                from projections.cli.misplaced import part_of_a_log

                if (why := part_of_a_log(path)) is not None:
                    self.fail(why, param, ctx)
        return found


def data_option() -> Decorator:
    """Make the option `--data DIR`."""
    return click.option(
        "--data",
        metavar="DIR",
        envvar=DATA_VARIABLE,
        type=DataFolder(file_okay=False, path_type=Path),
        default=Path(DEFAULT_DATA),
        help="The data folder.  [default: $SYNCSTATS_DATA, else ./data]",
    )


def json_option() -> Decorator:
    """Make the option `--json`."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON value, nothing else."
    )


def existing(data: Path) -> Path:
    """Check that the data folder is there, for commands that must not make one.

    Raises:
        CommandError: There is none.
    """
    if not data.is_dir():
        raise CommandError(
            f"no data folder {data}: name an existing one with --data or {DATA_VARIABLE}, "
            f"or make it by adding jobs ({call('enqueue FILE', data)})"
        )
    return data


def standard_input() -> BinaryIO:
    """Give standard input as bytes.

    Raises:
        CommandError: It is closed.
    """
    if sys.stdin is None:  # started with `<&-`
        raise CommandError("standard input is closed, so there is nothing to read from it")
    return sys.stdin.buffer


MAX_SECONDS = 366 * 86_400.0
_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhdw])", re.ASCII)
_SPAN_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def span_s(text: str) -> float | None:
    """A time span with its unit, as `15m`, `24h`, `7d` or `1.5w`, in seconds; None if it is none.

    Lower case only: `10M` is a size.
    """
    match = _SPAN.fullmatch(text.strip())
    return None if match is None else float(match[1]) * _SPAN_UNITS[match[2]]


class Seconds(SecondsType):
    """A time span, up to a year: seconds as in `30` or `0.5`, or `15m`, `24h`, `7d`, `2w`.

    Args:
        zero: Whether 0 is allowed.
    """

    name = "seconds"

    def __init__(self, *, zero: bool = False) -> None:
        self.zero = zero

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Turn text into seconds; anything else is a usage error."""
        try:
            span = span_s(str(value))
            seconds = float(value) if span is None else span
        except ValueError:
            self.fail(
                f"'{value}' is no number of seconds, nor a time like 15m, 24h or 7d", param, ctx
            )
        if not 0 <= seconds <= MAX_SECONDS or (seconds == 0 and not self.zero):
            least = "0 or more" if self.zero else "more than 0"
            self.fail(
                f"'{value}' is out of range: seconds are finite and {least}, a year at most",
                param,
                ctx,
            )
        return seconds


class Size(SizeType):
    """A size in bytes: `1048576`, or `64MiB` (KiB, MiB, GiB, TiB; powers of 1024)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Turn text into bytes; anything else is a usage error."""
        match = _SIZE.fullmatch(str(value).strip())
        if match is None or int(match[1]) == 0:
            self.fail(f"'{value}' is no size: give bytes, or for example 64MiB", param, ctx)
        return int(match[1]) << _SHIFTS[match[2][:1].upper()]


class Pattern(PatternType):
    """A regular expression. It is in no message: it may be a secret, and come from a file."""

    name = "pattern"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Pass a regular expression through; anything else is a usage error."""
        try:
            with warnings.catch_warnings(action="ignore"):  # of what a later Python may read anew
                re.compile(str(value))
        except (re.error, OverflowError, RecursionError) as error:
            place = getattr(error, "pos", None)
            where = "" if place is None else f" (look at character {place + 1})"
            self.fail(f"it is no regular expression{where}", param, ctx)
        return str(value)
