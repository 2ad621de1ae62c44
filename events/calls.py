"""A call of the command, as a message suggests it to who works on a certain data folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA_VARIABLE = "SYNCSTATS_DATA"
"""The environment variable that names the data folder where `--data` does not."""
DEFAULT_DATA = "data"
"""The data folder where nothing names one."""


def call(command: str, data: Path, environ: Mapping[str, str] = os.environ) -> str:
    """Write a call in backticks, with `--data` where it would take another folder without it.

    >>> call("rebuild", Path("data"), {}), call("rebuild", Path("my data"), {})
    ('`syncstats rebuild`', "`syncstats rebuild --data 'my data'`")

    Args:
        command: What comes after the program's name.
        data: The data folder that is meant.
        environ: The environment in which it will be called.
    """
    if _is_one(data, Path(environ.get(DATA_VARIABLE) or DEFAULT_DATA)):
        return f"`syncstats {command}`"
    import shlex

    return f"`syncstats {command} --data {shlex.quote(str(data))}`"


def _is_one(folder: Path, other: Path) -> bool:
    try:
        return folder.absolute() == other.absolute()
    except OSError:  # the current folder is gone
        return folder == other
