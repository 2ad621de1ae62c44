"""Outcomes and the lines that complete them, brought together by what both have in common.

How long one waits for the other is counted in lines of the log and never in time, so that the same
lines always give the same outcomes, however they were cut into blocks and whenever they were read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from events.errors import EventsError
from events.formats.companions.kept import Plain, Remembered, Waiting, key_of, plain_outcome
from events.formats.lines.building import changes_by, kind_of
from events.formats.outcome import Foreign

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.formats.mapping import Mapping

MAX_KEPT_BYTES = 16 << 20
"""So long the lines are together, at most, of which something is kept; else the oldest goes."""
_NEVER = 1 << 62


class WaitingError(EventsError):
    """What a translator is to go on from is no state of one."""


class Settled(msgspec.Struct, frozen=True):
    """An outcome that is complete, or for which nothing more is waited.

    Attributes:
        outcome: As it is counted.
        line: The number of its line, from 1 since the first translator of the log.
    """

    outcome: Foreign
    line: int


class Companions:
    """What waits, of one log.

    Args:
        mapping: Which lines complete which outcomes.
        state: What `state` gave; None at a log's start.

    Attributes:
        line: How many lines were counted.
        due: The line with which the next thing is waited for too long.

    Raises:
        WaitingError: ``state`` is none.
    """

    def __init__(self, mapping: Mapping, state: object = None) -> None:
        self._rules = mapping.companions
        self._waiting: list[dict[str, Waiting]] = [{} for _ in self._rules]
        self._remembered: list[dict[str, Remembered]] = [{} for _ in self._rules]
        self._orphans: list[Waiting] = []  # their companions are in the mapping no more
        self._kept_bytes = 0
        self.line = 0
        self.due = _NEVER
        if state is not None:
            try:
                self._restore(msgspec.convert(state, list[Plain]))
            except (msgspec.ValidationError, AttributeError) as error:
                raise WaitingError(f"this is no state of waiting outcomes: {error}") from error

    def count(self) -> list[Settled]:
        """Count a line; give what was waited for too long with it."""
        self.line += 1
        return self._expire() if self.line >= self.due else []

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
        new = Waiting(self.line, size, outcome)
        for place, rule in enumerate(self._rules):
            if rule.position == "before" and kind_of(new.outcome) in rule.of:
                key = key_of(rule, get, of_outcome=True)
                known = None if key is None else self._remembered[place].pop(key, None)
                if known is not None:
                    self._kept_bytes -= known.size
                    new.outcome = msgspec.structs.replace(new.outcome, **known.changes)
        kind = kind_of(new.outcome)
        settled = []
        for place, rule in enumerate(self._rules):
            if rule.position == "after" and kind in rule.of:
                key = key_of(rule, get, of_outcome=True)
                if key is not None:
                    if key in self._waiting[place]:
                        settled.append(self._settle(self._waiting[place][key]))
                    new.open[place] = key
        if not new.open:
            return [*settled, Settled(new.outcome, new.line)]
        self._keep(new)
        return [*settled, *self._shed()]

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
        changes = [changes_by(self._rules[place], get) for place in places]
        settled = []
        for place, change in zip(places, changes, strict=True):
            key = key_of(self._rules[place], get, of_outcome=False)
            if key is None:
                continue
            if self._rules[place].position == "before":
                self._remember(place, key, Remembered(self.line, size, change))
                continue
            waiting = self._waiting[place].pop(key, None)
            if waiting is not None:
                waiting.outcome = msgspec.structs.replace(waiting.outcome, **change)
                del waiting.open[place]
                if not waiting.open:
                    settled.append(self._settle(waiting))
        settled += self._shed()
        self._note_due()
        return settled

    def waiting(self) -> list[Settled]:
        """Give what waits, in the order of its lines, as it would be counted now."""
        return [Settled(each.outcome, each.line) for each in self._in_order()]

    def state(self) -> object:
        """Write what is kept as JSON values; None if it is nothing."""
        kept = [
            Plain(
                self.line - each.line,
                each.size,
                list(each.open.items()),
                outcome=plain_outcome(each.outcome),
            )
            for each in self._in_order()
        ]
        kept += [
            Plain(
                self.line - each.line,
                each.size,
                [(place, key)],
                changes=msgspec.to_builtins(each.changes),
            )
            for place, known in enumerate(self._remembered)
            for key, each in known.items()
        ]
        return msgspec.json.decode(msgspec.json.encode(kept)) or None

    def _restore(self, kept: list[Plain]) -> None:
        """Bring back what another translator kept, with lines counted from below 0."""
        taken: set[tuple[int, str]] = set()
        for each in kept:
            if each.ago < 0 or each.size < 0 or taken.intersection(each.open):
                raise WaitingError("this is no state of waiting outcomes: no log leads to it")
            taken.update(each.open)
            rules = {place: key for place, key in each.open if 0 <= place < len(self._rules)}
            if each.outcome is not None:
                outcome = msgspec.convert(each.outcome, Foreign)
                self._keep(Waiting(-each.ago, each.size, outcome, rules))
            elif each.changes is not None:
                changed = msgspec.convert(each.changes, Foreign)
                changes = {name: getattr(changed, name) for name in each.changes}
                for place, key in rules.items():
                    self._remember(place, key, Remembered(-each.ago, each.size, changes))
        self._note_due()

    def _in_order(self) -> list[Waiting]:
        """What waits, once each, by its line."""
        found = {id(each): each for each in self._orphans}
        found |= {id(each): each for known in self._waiting for each in known.values()}
        return sorted(found.values(), key=lambda each: each.line)

    def _keep(self, waiting: Waiting) -> None:
        self._kept_bytes += waiting.size
        if not waiting.open:
            self._orphans.append(waiting)
        for place, key in waiting.open.items():
            self._waiting[place][key] = waiting
        self._note_due()

    def _remember(self, place: int, key: str, known: Remembered) -> None:
        before = self._remembered[place].pop(key, None)  # so that the newest stands last
        self._kept_bytes += known.size - (before.size if before is not None else 0)
        self._remembered[place][key] = known

    def _settle(self, waiting: Waiting) -> Settled:
        for place, key in waiting.open.items():
            del self._waiting[place][key]
        waiting.open = {}
        self._kept_bytes -= waiting.size
        return Settled(waiting.outcome, waiting.line)

    def _expire(self) -> list[Settled]:
        """Settle and forget what was waited for too long."""
        settled = [self._settle(each) for each in self._orphans]
        self._orphans = []
        for place, rule in enumerate(self._rules):
            last = self.line - rule.within_lines  # a companion of this line would come now
            for known in _older(self._remembered[place], last):
                self._kept_bytes -= self._remembered[place].pop(known).size
            for key in _older(self._waiting[place], last):
                waiting = self._waiting[place].pop(key)
                del waiting.open[place]
                if not waiting.open:
                    settled.append(self._settle(waiting))
        self._note_due()
        return sorted(settled, key=lambda each: each.line)

    def _shed(self) -> list[Settled]:
        """Settle or forget the oldest things until the rest is not too much."""
        settled = []
        while self._kept_bytes > MAX_KEPT_BYTES:
            oldest = self._oldest()
            if isinstance(oldest, Waiting):
                settled.append(self._settle(oldest))
            else:
                place, key = oldest
                self._kept_bytes -= self._remembered[place].pop(key).size
        if settled:
            self._note_due()
        return settled

    def _oldest(self) -> Waiting | tuple[int, str]:
        choices: list[tuple[int, Waiting | tuple[int, str]]] = []
        for place in range(len(self._rules)):
            for key, known in self._remembered[place].items():
                choices.append((known.line, (place, key)))
                break
            for waiting in self._waiting[place].values():
                choices.append((waiting.line, waiting))
                break
        return min(choices, key=lambda choice: choice[0])[1]

    def _note_due(self) -> None:
        due = 0 if self._orphans else _NEVER
        for place, rule in enumerate(self._rules):
            for kept in (self._waiting[place], self._remembered[place]):
                for first in kept.values():
                    due = min(due, first.line + rule.within_lines + 1)
                    break
        self.due = due


def _older(kept: dict[str, Any], last: int) -> list[str]:
    """The keys of what came before a line; what is kept stands in the order of its lines."""
    found = []
    for key, each in kept.items():
        if each.line >= last:
            break
        found.append(key)
    return found
