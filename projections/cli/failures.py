"""From an exception to one line on stderr and an exit status; never a traceback unasked."""

from __future__ import annotations

import errno
import os

import click

from events.errors import SyncStatsError
from projections.errors import StrictError
from worker.errors import StorageError

FOUND = 1  # a problem that the command was asked to look for
USAGE = 2  # wrong usage, or input that cannot be used
INTERRUPTED = 130  # 128 + SIGINT, as shells tell it
PIPE_CLOSED = 141  # 128 + SIGPIPE: whoever read our output has gone

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def explain(error: BaseException) -> tuple[str | None, int]:
    """Say what went wrong in one line, and with which status to end.

    Returns:
        The line, without the program's name (None: nothing is to be said), and the status.
    """
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return None, INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return None, PIPE_CLOSED
    if isinstance(error, StrictError | StorageError):
        return one_line(str(error)), FOUND
    return one_line(_message(error)), USAGE


def _message(error: BaseException) -> str:
    if isinstance(error, click.UsageError):
        return _usage(error)
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, SyncStatsError):
        return str(error)
    if isinstance(error, OSError):
        return _os_error(error)
    return (
        f"unexpected {type(error).__name__}: {_text(error)} "
        "(a defect of syncstats; SYNCSTATS_DEBUG=1 shows the traceback)"
    )


def one_line(text: str) -> str:
    """Put a message on one line, with no secret in it, and nothing that a terminal would obey."""
    from events.redaction import Redactor
    from events.terminal import safe

    return safe(Redactor().text(" ".join(text.split())))


def _usage(error: click.UsageError) -> str:
    text = error.format_message()
    ctx = error.ctx
    if ctx is None:
        return text
    if isinstance(error, click.BadParameter) and (variable := _variable(ctx, error.param)):
        text = f"{text.rstrip('.')} (from the environment variable {variable})"
    return f"{text} (see `{ctx.command_path} --help`)"


def _variable(ctx: click.Context, param: click.Parameter | None) -> str | None:
    """Name the environment variable that gave the parameter its value, if one did."""
    if param is None or param.name is None:
        return None
    if ctx.get_parameter_source(param.name) is not click.core.ParameterSource.ENVIRONMENT:
        return None
    names = [param.envvar] if isinstance(param.envvar, str) else param.envvar or []
    return next((name for name in names if os.environ.get(name)), None)


def _os_error(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    what = error.filename
    if what is None:
        what = "a file, or standard output, cannot be written to or read"
    advice = "; free some space and try again" if error.errno in _NO_ROOM else ""
    return f"{what}: {reason}{advice}"


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a broken __str__ must not hide the error's type
        return "(its message cannot be shown)"
