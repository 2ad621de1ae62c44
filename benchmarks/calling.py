"""Calls of these programs: options whose defaults are told, and how they end."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130  # 128 + SIGINT, as shells tell it


def count(text: str) -> int:
    """A number of things, 1 or more.

    Raises:
        ValueError: It is none.
    """
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def seconds(text: str) -> float:
    """A time, above 0, and finite.

    Raises:
        ValueError: It is none.
    """
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time above 0 seconds")
    return number


def folder(text: str) -> Path:
    """A folder that is there.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder: name one that is there")
    return Path(text)


def add(
    parser: argparse.ArgumentParser,
    name: str,
    default: Any,
    text: str,
    kind: Callable[[str], Any] = count,
    **more: Any,
) -> None:
    """Add an option with its default at the end of its help.

    Args:
        parser: To which.
        name: The option, as ``--lines``.
        default: What is taken where it is not given; several for an option that takes several.
        text: What it is.
        kind: What its text is turned into.
        more: What `argparse` takes.
    """
    several = isinstance(default, tuple | list)
    shown = " ".join(map(str, default)) if several else str(default)
    options: dict[str, Any] = {"nargs": "+"} if several else {}
    parser.add_argument(
        name,
        type=kind,
        default=default,
        metavar="S" if kind is seconds else "N" if kind in {count, int} else "DIR",
        help=f"{text}  [default: {shown}]",
        **options,
        **more,
    )


def ended(program: str, main: Callable[[], int]) -> int:
    """Call a program; an interruption, and what the system refuses, end it in one line at most.

    Args:
        program: Its name.
        main: What it does; gives its exit status.
    """
    try:
        return main()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        sys.stderr.write(f"{program}: {where}{error.strerror or error}\n")
        return 2
