"""Outcomes and the lines that complete them, brought together by what both have in common.

How long one waits for the other is counted in lines of the log and never in time, so that the same
lines always give the same outcomes, however they were cut into blocks and whenever they were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from events.formats.companions.kept import Remembered, Settled, Waiting, key_of
from events.formats.companions.saving import restore, save
from events.formats.companions.shelf import Shelf
from events.formats.lines.building import changes_by, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from events.formats.mapping import Mapping
    from events.formats.outcome import Foreign


class Companions:
    """What waits, of one log.

    Args:
        mapping: Which lines complete which outcomes.
        state: What `state` gave; None at a log's start.

    Attributes:
        line: How many lines were counted.

    Raises:
        WaitingError: ``state`` is none.
    """

    def __init__(self, mapping: Mapping, state: object = None) -> None:
        self._rules = mapping.companions
        self._shelf = Shelf(self._rules)
        self.line = 0
        if state is not None:
            restore(self._shelf, state, len(self._rules))

    def count(self) -> list[Settled]:
        """Count a line; give what was waited for too long with it."""
        self.line += 1
        return self._shelf.expire(self.line) if self.line >= self._shelf.due else []

    def take(self, outcome: Foreign, get: Callable[[str], Any], size: int) -> list[Settled]:
        """Take an outcome.

        Args:
            outcome: What its line says.
            get: Gives the line's value at a path, None if nothing stands there.
            size: The line's length in bytes.

        Returns:
            What is settled by it: earlier ones in whose place it stands, and it itself unless it
            waits.
        """
        shelf = self._shelf
        new = Waiting(self.line, size, outcome)
        for place, rule in enumerate(self._rules):
            if rule.position == "before" and kind_of(new.outcome) in rule.of:
                key = key_of(rule, get, of_outcome=True)
                known = None if key is None else shelf.recall(place, key)
                if known is not None:
                    new.outcome = msgspec.structs.replace(new.outcome, **known.changes)
        kind = kind_of(new.outcome)
        settled = []
        for place, rule in enumerate(self._rules):
            if rule.position == "after" and kind in rule.of:
                key = key_of(rule, get, of_outcome=True)
                if key is not None:
                    earlier = shelf.find(place, key)
                    if earlier is not None:
                        settled.append(shelf.settle(earlier))
                    new.open[place] = key
        if not new.open:
            return [*settled, Settled(new.outcome, new.line)]
        shelf.keep(new)
        return [*settled, *shelf.shed()]

    def complete(
        self, places: tuple[int, ...], get: Callable[[str], Any], size: int
    ) -> list[Settled]:
        """Take a line that is a companion.

        Args:
            places: Of which of the mapping's companions.
            get: Gives the line's value at a path, None if nothing stands there.
            size: The line's length in bytes.

        Raises:
            InvalidLineError: A field of the line has the wrong type; nothing was done with it.
        """
        shelf = self._shelf
        changes = [changes_by(self._rules[place], get) for place in places]
        settled = []
        for place, change in zip(places, changes, strict=True):
            key = key_of(self._rules[place], get, of_outcome=False)
            if key is None:
                continue
            if self._rules[place].position == "before":
                shelf.remember(place, key, Remembered(self.line, size, change))
                continue
            waiting = shelf.find(place, key)
            if waiting is not None:
                waiting.outcome = msgspec.structs.replace(waiting.outcome, **change)
                settled += shelf.answer(waiting, place)
        settled += shelf.shed()
        shelf.note_due()
        return settled

    def waiting(self) -> list[Settled]:
        """Give what waits, in the order of its lines, as it would be counted now."""
        return [Settled(each.outcome, each.line) for each in self._shelf.waiting()]

    def state(self) -> object:
        """Write what is kept as JSON values; None if it is nothing."""
        return save(self._shelf, self.line)
