"""From a line's JSON object to its outcome, by way of the mapping: what the fast way must equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from events.errors import InvalidLineError
from events.formats.lines.decisions import EVENTS
from events.formats.lines.values import extract
from events.formats.mapping import OF_FAILURES, TIMES
from events.formats.outcome import Foreign
from events.model import JOB_FAILED, JOB_SKIPPED, JOB_SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.formats.mapping import Companion, Ending, Fields, Mapping


def build(mapping: Mapping, kind: Ending, get: Callable[[str], Any]) -> Foreign:
    """Make the outcome of which a line tells.

    Args:
        mapping: Where its fields come from.
        kind: How the attempt ended.
        get: Gives the line's value at a path, None if nothing stands there.

    Raises:
        InvalidLineError: A field has the wrong type or is out of range.
    """
    fields = take(mapping.fields, get, failed=EVENTS[kind] == JOB_FAILED)
    dimensions = _dimensions(mapping.dimensions, get)
    return Foreign(
        event=EVENTS[kind],
        to_dlq=kind == "dead",
        dimensions=dimensions,
        **under_their_names(fields),
    )


def take(fields: Fields, get: Callable[[str], Any], *, failed: bool = True) -> dict[str, Any]:
    """Take fields from a line, those that are there.

    Args:
        fields: Which, and where they come from.
        get: Gives the value at a path, None if nothing stands there.
        failed: Whether the attempt failed; else what is told of errors is not looked at.

    Raises:
        InvalidLineError: One has the wrong type or is out of range.
    """
    taken = {}
    for name, sources in fields:
        if name in OF_FAILURES and not failed:
            continue
        try:
            value = extract(name, sources, get)
        except ValueError as error:
            raise InvalidLineError(f"{name}: {error}") from None
        if value is not UNSET:
            taken[name] = value
    return taken


def _dimensions(fields: Fields, get: Callable[[str], Any]) -> dict[str, Any]:
    """Take what is kept beside the fields; of any type, whatever its name."""
    taken = {}
    for name, sources in fields:
        try:
            value = extract("", sources, get)
        except ValueError as error:
            raise InvalidLineError(f"{name}: {error}") from None
        if value is not UNSET:
            taken[name] = value
    return taken


def changes_by(companion: Companion, get: Callable[[str], Any]) -> dict[str, Any]:
    """What a companion line changes in its outcome, by names of `Foreign`'s fields.

    Raises:
        InvalidLineError: A field of the companion has the wrong type or is out of range.
    """
    changes = under_their_names(take(companion.fields, get))
    if companion.kind is not None:
        changes |= {"event": EVENTS[companion.kind], "to_dlq": companion.kind == "dead"}
    return changes


def kind_of(outcome: Foreign) -> Ending:
    """How an attempt ended."""
    if outcome.to_dlq:
        return "dead"
    kinds: dict[str, Ending] = {JOB_SUCCEEDED: "succeeded", JOB_SKIPPED: "skipped"}
    return kinds.get(outcome.event, "failed")


def under_their_names(fields: dict[str, Any]) -> dict[str, Any]:
    """Name what was taken as outcomes do, in which times carry their unit."""
    return {f"{name}_ns" if name in TIMES else name: value for name, value in fields.items()}
