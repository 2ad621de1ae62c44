"""From a line's JSON object to its outcome, by way of the mapping: what the fast way must equal."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from events.errors import InvalidLineError
from events.formats.conditions import fits
from events.formats.mapping import OF_FAILURES, TIMES
from events.formats.outcome import Foreign
from events.formats.paths import lookup
from events.formats.values import extract
from events.model import JOB_FAILED, JOB_SKIPPED, JOB_SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.formats.mapping import Companion, Fields, Kind, Mapping

EVENTS: dict[Kind, str] = {
    "succeeded": JOB_SUCCEEDED,
    "failed": JOB_FAILED,
    "dead": JOB_FAILED,
    "skipped": JOB_SKIPPED,
}
"""What our events call each way to end."""


def kind_of(mapping: Mapping, found: dict[str, Any]) -> Kind | None:
    """How the attempt ended of which a line tells; None if it tells of none."""
    for outcome in mapping.outcomes:
        if fits(outcome.when, found):
            return outcome.kind
    return None


def build(mapping: Mapping, kind: Kind, found: dict[str, Any]) -> Foreign:
    """Make the outcome of which a line tells.

    Raises:
        InvalidLineError: A field has the wrong type or is out of range.
    """
    get = partial(lookup, found)
    fields = take(mapping.fields, get, failed=EVENTS[kind] == JOB_FAILED)
    dimensions = take(mapping.dimensions, get)
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


def complete(outcome: Foreign, companion: Companion, found: dict[str, Any]) -> Foreign:
    """Add to an outcome what its companion line tells.

    Raises:
        InvalidLineError: A field of the companion has the wrong type or is out of range.
    """
    changes = under_their_names(take(companion.fields, partial(lookup, found)))
    if companion.kind is not None:
        changes |= {"event": EVENTS[companion.kind], "to_dlq": companion.kind == "dead"}
    return msgspec.structs.replace(outcome, **changes)


def under_their_names(fields: dict[str, Any]) -> dict[str, Any]:
    """Name what was taken as outcomes do, in which times carry their unit."""
    return {f"{name}_ns" if name in TIMES else name: value for name, value in fields.items()}
