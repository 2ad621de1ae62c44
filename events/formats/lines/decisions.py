"""What a line is to a mapping: an outcome, a companion of one, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from events.formats.lines.conditions import holds
from events.model import JOB_FAILED, JOB_SKIPPED, JOB_SUCCEEDED

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.formats.mapping import Ending, Mapping, When

EVENTS: dict[Ending, str] = {
    "succeeded": JOB_SUCCEEDED,
    "failed": JOB_FAILED,
    "dead": JOB_FAILED,
    "skipped": JOB_SKIPPED,
}
"""What our events call each way to end."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a line is.

    Attributes:
        kind: How the attempt ended of which it tells; None if it tells of none.
        event: The same as our events call it; "" if it tells of none.
        failed: Whether the attempt failed, for good or not.
        is_alone: No companion line could concern such an outcome.
        companions: Of which of the mapping's companions the line is one; () for an outcome.
    """

    kind: Ending | None = None
    event: str = ""
    failed: bool = False
    is_alone: bool = True
    companions: tuple[int, ...] = ()


NOTHING = Decision()
"""The line is nothing to the mapping."""


def decide(mapping: Mapping, get: Callable[[str], Any]) -> Decision:
    """Tell what a line is.

    Args:
        mapping: The first of its outcomes that fits counts; else all companions that fit.
        get: Gives the line's value at a path, None if nothing stands there.
    """
    for outcome in mapping.outcomes:
        if _fits(outcome.when, get):
            kind = outcome.kind
            event = EVENTS[kind]
            concerned = any(kind in companion.of for companion in mapping.companions)
            return Decision(kind, event, event == JOB_FAILED, not concerned)
    companions = tuple(
        place for place, companion in enumerate(mapping.companions) if _fits(companion.when, get)
    )
    return Decision(companions=companions) if companions else NOTHING


def _fits(when: When, get: Callable[[str], Any]) -> bool:
    return all(holds(condition, get(condition.path)) for condition in when)
