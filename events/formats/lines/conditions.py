"""Whether a line is what a mapping looks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from events.formats.lines.texts import bounded

if TYPE_CHECKING:
    from events.formats.mapping import Condition


def holds(condition: Condition, value: Any) -> bool:
    """Whether a condition holds for the value at its path (None: nothing is there)."""
    if condition.exists is not None:
        return (value is not None) is condition.exists
    if condition.matches is not None:
        # `re` keeps what it has compiled.
        return isinstance(value, str) and re.search(condition.matches, bounded(value)) is not None
    return any(_equal(value, wanted) for wanted in condition.values)


def _equal(value: Any, wanted: Any) -> bool:
    """Equality of JSON: a bool is no number, 1 and 1.0 are the same."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    same = isinstance(value, str) is isinstance(wanted, str)
    return same and bool(value == wanted)
