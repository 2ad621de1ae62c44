"""Where outcomes and lines wait for each other, for so many lines and in so much memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from events.formats.companions.kept import Settled, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.formats.companions.kept import Remembered
    from events.formats.mapping import Companion

MAX_KEPT_BYTES = 16 << 20
"""So long the lines are together, at most, of which something is kept; else the oldest goes."""
_NEVER = 1 << 62


class Shelf:
    """What waits, of one log, by the place of the companion in the mapping and by key.

    Args:
        rules: The mapping's companions.

    Attributes:
        due: The line with which the next thing is waited for too long.
    """

    def __init__(self, rules: tuple[Companion, ...]) -> None:
        self._rules = rules
        self._waiting: list[dict[str, Waiting]] = [{} for _ in rules]
        self._remembered: list[dict[str, Remembered]] = [{} for _ in rules]
        self._orphans: list[Waiting] = []  # their companions are in the mapping no more
        self._kept_bytes = 0
        self.due = _NEVER

    def waiting(self) -> list[Waiting]:
        """What waits, once each, by its line."""
        found = {id(each): each for each in self._orphans}
        found |= {id(each): each for known in self._waiting for each in known.values()}
        return sorted(found.values(), key=lambda each: each.line)

    def remembered(self) -> Iterator[tuple[int, str, Remembered]]:
        """What is known of outcomes to come, with the place and the key of each."""
        for place, known in enumerate(self._remembered):
            for key, each in known.items():
                yield place, key, each

    def keep(self, waiting: Waiting) -> None:
        """Let an outcome wait for what it is open for."""
        self._kept_bytes += waiting.size
        if not waiting.open:
            self._orphans.append(waiting)
        for place, key in waiting.open.items():
            self._waiting[place][key] = waiting
        self.note_due()

    def remember(self, place: int, key: str, known: Remembered) -> None:
        """Keep what a line says of an outcome to come; `note_due` is to be called then."""
        before = self._remembered[place].pop(key, None)  # so that the newest stands last
        self._kept_bytes += known.size - (before.size if before is not None else 0)
        self._remembered[place][key] = known

    def recall(self, place: int, key: str) -> Remembered | None:
        """Take away what is known of an outcome that has come."""
        known = self._remembered[place].pop(key, None)
        if known is not None:
            self._kept_bytes -= known.size
        return known

    def find(self, place: int, key: str) -> Waiting | None:
        """The outcome that waits there."""
        return self._waiting[place].get(key)

    def answer(self, waiting: Waiting, place: int) -> list[Settled]:
        """Let an outcome wait no more for one companion; give it if that was the last one."""
        del self._waiting[place][waiting.open.pop(place)]
        return [] if waiting.open else [self.settle(waiting)]

    def settle(self, waiting: Waiting) -> Settled:
        """Let an outcome wait no more; `note_due` is to be called then."""
        for place, key in waiting.open.items():
            del self._waiting[place][key]
        waiting.open = {}
        self._kept_bytes -= waiting.size
        return Settled(waiting.outcome, waiting.line)

    def expire(self, line: int) -> list[Settled]:
        """Settle and forget what was waited for too long when a line comes."""
        settled = [self.settle(each) for each in self._orphans]
        self._orphans = []
        for place, rule in enumerate(self._rules):
            last = line - rule.within_lines  # a companion of this line would come now
            for key in _older(self._remembered[place], last):
                self.recall(place, key)
            for key in _older(self._waiting[place], last):
                settled += self.answer(self._waiting[place][key], place)
        self.note_due()
        return sorted(settled, key=lambda each: each.line)

    def shed(self) -> list[Settled]:
        """Settle or forget the oldest things until the rest is not too much."""
        settled = []
        while self._kept_bytes > MAX_KEPT_BYTES:
            oldest = self._oldest()
            if isinstance(oldest, Waiting):
                settled.append(self.settle(oldest))
            else:
                self.recall(*oldest)
        if settled:
            self.note_due()
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

    def note_due(self) -> None:
        """Find out when the next thing is waited for too long."""
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
