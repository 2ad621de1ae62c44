"""Fields that a mapping names and no outcome of a log has: most often a mistyped path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.formats.companions.saving import plain_outcome
from events.formats.mapping import OF_FAILURES

if TYPE_CHECKING:
    from events.formats.mapping import Mapping
    from events.formats.outcome import Foreign

_NAMES = {"duration": "duration_ns", "wait": "wait_ns"}
"""What fields are called in an outcome, where that differs."""
_MAY_BE_MISSING = frozenset({"confidence", "warnings"})
"""Fields that outcomes have or not; that none has them shows nothing."""


class Unfound:
    """Looks at each outcome that counts.

    Args:
        mapping: What they were read with.
    """

    def __init__(self, mapping: Mapping) -> None:
        named = dict.fromkeys(name for name, _ in mapping.fields if name not in _MAY_BE_MISSING)
        self._left = {name: _NAMES.get(name, name) for name in named}
        self._seen = self._failed = False

    def take(self, outcome: Foreign) -> None:
        """Look at one outcome."""
        self._seen = True
        self._failed |= outcome.event == "job.failed"
        if self._left:
            has = plain_outcome(outcome)
            self._left = {name: key for name, key in self._left.items() if key not in has}

    def names(self) -> list[str]:
        """The fields that none of the outcomes had, as the mapping calls them, in its order."""
        if not self._seen:
            return []
        return [name for name in self._left if self._failed or name not in OF_FAILURES]
