"""Our outcomes as the lines of another program: a mapping, backwards.

Sources: Elastic, "ECS logging" (which fields an ECS line has, and in which order).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from msgspec import UNSET

from events.clock import format_timestamp, to_us
from events.errors import EventsError
from events.formats.export.placing import Placed, place
from events.formats.lines.decisions import decide
from events.formats.lines.paths import lookup
from events.formats.lines.values import extract
from events.formats.mapping import NS_PER_UNIT, OF_FAILURES, RFC3339, TIMES
from events.model import JOB_FAILED, JOB_SUCCEEDED, elapsed_ns

if TYPE_CHECKING:
    from events.formats.mapping import Ending, Mapping, Sources, When
    from events.model import Line

ECS = "ecs"
ECS_VERSION = "1.6.0"  # as the loggers of Elastic write it
_LONGEST = 32_768
"""Characters of a text that are written: five such, all escaped, are within the limit of a line."""
_IN_MESSAGE = 1000
_NS_PER_US = 1000
_LEVELS = {"succeeded": "info", "failed": "warning", "dead": "error", "skipped": "info"}
_ENDS = {
    "succeeded": "succeeded",
    "failed": "failed",
    "dead": "failed for good",
    "skipped": "skipped",
}


class ExportError(EventsError):
    """A format cannot be written."""


class Exporter:
    """Writes outcomes as lines that a mapping understands.

    An outcome that is dead is a failed one where the mapping knows no dead ones. A field that the
    mapping takes out of a text by a regular expression is written where the expression finds it in
    its bare value, else left out, as is one for which the mapping has no place.

    Args:
        mapping: How the lines will be understood.

    Raises:
        ExportError: No line can be made from it.
    """

    def __init__(self, mapping: Mapping) -> None:
        if mapping.companions:
            raise ExportError(
                f"lines of format {mapping.name!r} cannot be written: there it takes several lines "
                "(companions) to tell of one outcome; name another format, such as ecs"
            )
        self._mapping = mapping
        paths = {
            path for _, sources in mapping.fields for source in sources for path in source.paths
        }
        self._shows = _equalities(mapping.detect)
        self._rules: dict[Ending, Placed] = {}
        for rule in mapping.outcomes:
            if rule.kind not in self._rules:
                _check(mapping.name, rule.kind, rule.when, paths)
                self._rules[rule.kind] = _equalities(rule.when)

    def line(self, outcome: Line) -> bytes | None:
        r"""Write one outcome as its line, ``\n`` included.

        Args:
            outcome: One of `events.model.OUTCOMES`.

        Returns:
            None if the format has no way to tell of it.
        """
        kind = _kind(outcome)
        if kind == "dead" and kind not in self._rules:
            kind = "failed"
        rule = self._rules.get(kind)
        if rule is None:
            return None
        content = _ecs(outcome) if self._mapping.name == ECS else {}
        get = partial(lookup, content)
        for path, value in (*rule, *self._shows):
            place(content, path, value)
        for name, sources in self._mapping.fields:
            if name not in OF_FAILURES or outcome.event == JOB_FAILED:
                _put(content, name, sources, _value(outcome, name))
        dimensions = getattr(outcome, "dimensions", {})
        for name, sources in self._mapping.dimensions:
            _put(content, name, sources, dimensions.get(name, UNSET))
        if decide(self._mapping, get).kind != kind:
            return None
        return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


def _kind(outcome: Line) -> Ending:
    if outcome.event == JOB_FAILED:
        return "dead" if outcome.to_dlq else "failed"
    return "succeeded" if outcome.event == JOB_SUCCEEDED else "skipped"


def _equalities(when: When) -> Placed:
    """What has to stand in a line, of the conditions that say it."""
    return tuple((each.path, each.values[0]) for each in when if each.values)


def _check(name: str, kind: Ending, when: When, paths: set[str]) -> None:
    """Refuse a rule that asks for what nobody can make up.

    Raises:
        ExportError: It asks for a text of some pattern, or any value, where no field is written.
    """
    for each in when:
        if not each.values and each.exists is not False and each.path not in paths:
            asked = "something" if each.matches is None else "a text of a pattern"
            raise ExportError(
                f"lines of format {name!r} cannot be written: an outcome that is {kind} is told by "
                f"{asked} at {each.path!r}, which is no field of the mapping; ask for a value there"
            )


def _put(content: dict[str, Any], name: str, sources: Sources, value: Any) -> None:
    """Write a field at the first place from which it can be read again."""
    if value is UNSET:
        return
    for source in sources:
        for path in source.paths:
            undo = place(content, path, _in_unit(name, value, source.unit))
            if undo is None:
                continue
            try:
                if extract(name, sources, partial(lookup, content)) is not UNSET:
                    return
            except ValueError:  # something else stands at a place that is looked at before
                pass
            undo()


def _value(outcome: Line, name: str) -> Any:
    """A field of an outcome, by its name in mappings; `UNSET` if there is nothing to write."""
    if name == "duration":
        known = outcome.duration_ns is not UNSET or outcome.duration is not UNSET
        return elapsed_ns(outcome) if known else UNSET
    if name == "wait":
        return outcome.wait_ns
    if name == "job":
        return _job(outcome) or UNSET
    if name == "confidence":
        return outcome.confidence if isinstance(outcome.confidence, str) else "low"
    value = getattr(outcome, name)
    if isinstance(value, str):
        value = value[:_LONGEST]
    return value or UNSET


def _job(outcome: Line) -> str:
    own: str = getattr(outcome, "job", "")
    return own[:_LONGEST] or ("" if outcome.job_id is UNSET else str(outcome.job_id))


def _in_unit(name: str, value: Any, unit: str | None) -> Any:
    """A value as its line has it: moments and times in their unit, whole numbers where possible."""
    if name == "timestamp":
        us = to_us(value)
        if unit in {None, RFC3339}:
            return format_timestamp(us)
        value = us * _NS_PER_US
    elif name not in TIMES:
        return value
    per_unit = NS_PER_UNIT[unit or "s"]
    return value / per_unit if value % per_unit else value // per_unit


def _ecs(outcome: Line) -> dict[str, Any]:
    """The beginning of an ECS line: what Elastic's loggers write in front of all else."""
    kind = _kind(outcome)
    content: dict[str, Any] = {}
    if outcome.timestamp is not UNSET:
        content["@timestamp"] = format_timestamp(to_us(outcome.timestamp))
    content["log.level"] = outcome.level[:_IN_MESSAGE] or _LEVELS[kind]
    content["message"] = _message(outcome, _ENDS[kind])
    content["ecs.version"] = ECS_VERSION
    for name, value in (("trace.id", outcome.trace_id), ("span.id", outcome.span_id)):
        if value:
            content[name] = value[:_IN_MESSAGE]
    return content


def _message(outcome: Line, end: str) -> str:
    words = [outcome.kind[:_IN_MESSAGE], "job", _job(outcome)[:_IN_MESSAGE], end]
    text = " ".join(filter(None, words))
    if outcome.event == JOB_FAILED:
        error = outcome.error[:_IN_MESSAGE]
        text += f": {outcome.error_type[:_IN_MESSAGE]}" + (f": {error}" if error else "")
    return text
