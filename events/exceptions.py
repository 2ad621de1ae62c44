"""An exception as data: type, message and traceback, without local variables.

Nothing of the exception is trusted: its ``__str__`` may raise, its chain may run in a circle, its
message may be endless or hold a secret.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, NamedTuple

from events.encodable import clean_text, cut_text
from events.model import UNKNOWN_ERROR
from events.redaction import Redactor, guarded

MAX_MESSAGE_BYTES = 1 << 16
MAX_NAME_BYTES = 1 << 10
"""Longest name of an error, file or function that is told whole."""
MAX_FRAMES = 200
"""Most frames of one exception that are told: the outermost and the innermost ones."""
MAX_EXCEPTIONS = 10
"""Most exceptions that are told in all: causes, contexts and members of groups."""

_OUTER_FRAMES = 50
_MARGIN = 1 << 12
"""A text is cut so much later before redaction, lest half a secret go unrecognised."""


class Description(NamedTuple):
    """What an outcome says of an error.

    Attributes:
        error_type: Bare class name, as `error_name` makes it.
        message: Redacted, cut to `MAX_MESSAGE_BYTES`.
        traceback: The error, then what caused it, and so on; each a dict with ``exc_type``,
            ``exc_value``, ``is_cause`` (of the one before it: raised ``from`` this one),
            ``frames`` (``filename``, ``lineno``, ``name``), and where there are any ``exc_notes``
            and ``exceptions`` (of a group). The names are those of structlog's tracebacks.
    """

    error_type: str
    message: str
    traceback: list[dict[str, Any]]


def describe(error: BaseException, redactor: Redactor) -> Description:
    """Describe an error for an event; secrets in any of its texts are masked.

    The traceback is the error's own (``__traceback__``), whether or not it is being handled.
    """
    return Description(
        error_name(_name(error), redactor),
        _redacted(_message(error), redactor),
        _Describer(redactor).chain(error),
    )


def error_name(name: str, redactor: Redactor) -> str:
    """A name under which an error can be recorded: redacted, bounded and never empty.

    To be made once of an error, so that the log, the dead letter and the stats have the same.
    """
    return _redacted(name, redactor, MAX_NAME_BYTES) or UNKNOWN_ERROR


class _Describer:
    """One description in the making: how many exceptions it may still tell."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._told: set[int] = set()

    def chain(self, error: BaseException) -> list[dict[str, Any]]:
        """Tell an error and what led to it; one that has been told already ends the chain."""
        chain: list[dict[str, Any]] = []
        following: BaseException | None = error
        is_cause = False
        while (
            following is not None
            and id(following) not in self._told
            and len(self._told) < MAX_EXCEPTIONS
        ):
            self._told.add(id(following))
            chain.append(self._one(following, is_cause=is_cause))
            cause = _attribute(following, "__cause__")
            is_cause = isinstance(cause, BaseException)
            if not is_cause and not _attribute(following, "__suppress_context__"):
                cause = _attribute(following, "__context__")
            following = cause if isinstance(cause, BaseException) else None
        return chain

    def _one(self, error: BaseException, *, is_cause: bool) -> dict[str, Any]:
        told: dict[str, Any] = {
            "exc_type": error_name(_name(error), self._redactor),
            "exc_value": _redacted(_message(error), self._redactor),
            "is_cause": is_cause,
            "frames": _frames(_attribute(error, "__traceback__"), self._redactor),
        }
        notes = _attribute(error, "__notes__")
        if isinstance(notes, list) and notes:
            told["exc_notes"] = [
                _redacted(note, self._redactor)
                for note in notes[:MAX_EXCEPTIONS]
                if isinstance(note, str)
            ]
        if isinstance(error, BaseExceptionGroup):
            members = [self.chain(member) for member in error.exceptions[:MAX_EXCEPTIONS]]
            told["exceptions"] = [member for member in members if member]
        return told


def _frames(traceback: Any, redactor: Redactor) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    while isinstance(traceback, TracebackType):
        code = traceback.tb_frame.f_code
        frames.append(
            {
                "filename": _redacted(code.co_filename, redactor, MAX_NAME_BYTES),
                "lineno": traceback.tb_lineno,
                "name": _redacted(code.co_qualname, redactor, MAX_NAME_BYTES),
            }
        )
        traceback = traceback.tb_next
    left_out = len(frames) - MAX_FRAMES
    if left_out > 0:
        mark = {"filename": "", "lineno": 0, "name": f"…({left_out} frames left out)"}
        frames[_OUTER_FRAMES : _OUTER_FRAMES + left_out] = [mark]
    return frames


def _name(error: BaseException) -> str:
    """The bare class name, as the class was made: a metaclass may say otherwise, or raise."""
    return clean_text(type.__dict__["__name__"].__get__(type(error)))


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as failure:  # noqa: BLE001 -- SystemExit here would end the worker
        return f"(no message: {_name(failure)} in __str__)"


def _attribute(error: BaseException, name: str) -> Any:
    try:
        return getattr(error, name, None)
    except Exception:  # noqa: BLE001 -- a property of somebody's own may raise
        return None


def _redacted(text: str, redactor: Redactor, limit: int = MAX_MESSAGE_BYTES) -> str:
    text = clean_text(str.__str__(text)[: limit + _MARGIN])
    return cut_text(guarded(redactor.text, text), limit)
