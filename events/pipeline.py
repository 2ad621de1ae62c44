"""The structlog pipeline of the event log, sealed off from everybody else's.

A handler may configure structlog as it likes, bind context variables and fork: nothing here reads
structlog's configuration or context variables. The logger is built from values, filters nothing
and drops nothing.

Importing structlog takes 0.18 s, so this module is imported where it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from events.codec import encode
from events.model import HIGH, JOB_FAILED, OUTCOMES
from events.redaction import Redactor, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FREE_TEXTS = ("error_type", "error", "exception")
_NEVER_SECRET = frozenset(
    {"event", "v", "stream", "seq", "timestamp", "level"}
    # By these, forks are told from one another: a pattern of the user's must not make them alike.
    | {"epoch", "queue_id", "pid", "version"}
    # Counts, also under a name like "InvalidTokenError"; the names were redacted as the outcomes'.
    | {"errors_by_type"}
)


class LineBuffer:
    """Takes the lines of a pipeline until they are written.

    It has no length: structlog would replace a logger that is false by one of its own.
    """

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def take(self) -> list[bytes]:
        """Hand over the lines, and begin anew."""
        lines, self.lines = self.lines, []
        return lines


class EventLogger(structlog.BoundLoggerBase):
    """A bound logger with one method, which no level filters."""

    def write(self, fields: dict[str, Any]) -> None:
        """Send an event through the pipeline; ``fields`` win over the bound context."""
        # As `_process_event`, less its questions about what the last step returned: it is a line.
        said: Any = {**self._context, **fields}
        for processor in self._processors:
            said = processor(self._logger, "write", said)
        self._logger.lines.append(said)

    def with_context(self, context: Mapping[str, Any]) -> EventLogger:
        """Bind a context, whose names may be anything: `bind` would take some for its own."""
        return EventLogger(self._logger, self._processors, {**self._context, **context})


def make_logger(
    buffer: LineBuffer, redactor: Redactor | None, context: Mapping[str, Any]
) -> EventLogger:
    """Build the logger that ends in ``buffer``.

    Args:
        buffer: Takes the lines.
        redactor: Masks secrets; None for outcomes in which there are none any more.
        context: What is in each event.
    """
    logger: EventLogger = structlog.wrap_logger(
        buffer,
        processors=(_render,) if redactor is None else (_redacting(redactor), _render),
        wrapper_class=EventLogger,
        context_class=dict,
        cache_logger_on_first_use=False,
    ).bind()
    return logger.with_context(context)


def _render(_logger: Any, _method: str, fields: Any) -> Any:
    return encode(fields)


def _redacting(redactor: Redactor) -> Callable[[Any, str, Any], Any]:
    """The step that masks secrets in what others have written: of an outcome, in its texts."""

    def redact(_logger: Any, _method: str, fields: Any) -> Any:
        event = fields["event"]
        if event not in OUTCOMES:
            _mask_all(fields, redactor)
        elif event == JOB_FAILED:
            for name in _FREE_TEXTS:
                if name in fields:
                    fields[name] = guarded(redactor.value, fields[name])
        elif fields.get("confidence", HIGH) is not HIGH:
            fields["confidence"] = guarded(redactor.value, fields["confidence"])
        return fields

    return redact


def _mask_all(fields: dict[str, Any], redactor: Redactor) -> None:
    others = {name: value for name, value in fields.items() if name not in _NEVER_SECRET}
    masked = guarded(redactor.value, others)
    for name in others:
        del fields[name]
    fields.update(masked if isinstance(masked, dict) else {"fields": masked})
