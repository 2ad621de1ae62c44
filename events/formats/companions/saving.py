"""What waits as JSON values, for a state that another process goes on from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from events.errors import EventsError
from events.formats.companions.kept import Remembered, Waiting
from events.formats.outcome import Foreign

if TYPE_CHECKING:
    from events.formats.companions.shelf import Shelf


class WaitingError(EventsError):
    """What a translator is to go on from is no state of one."""


class Plain(msgspec.Struct, omit_defaults=True):
    """One kept thing as it stands in a state."""

    ago: int  # lines
    size: int
    open: list[tuple[int, str]]
    outcome: dict[str, Any] | None = None
    changes: dict[str, Any] | None = None


def save(shelf: Shelf, line: int) -> object:
    """Write what is kept as JSON values; None if it is nothing.

    Args:
        shelf: Where it is kept.
        line: How many lines were counted.
    """
    kept = [
        Plain(
            line - each.line,
            each.size,
            list(each.open.items()),
            outcome=plain_outcome(each.outcome),
        )
        for each in shelf.waiting()
    ]
    kept += [
        Plain(
            line - each.line,
            each.size,
            [(place, key)],
            changes=msgspec.to_builtins(each.changes),
        )
        for place, key, each in shelf.remembered()
    ]
    return msgspec.json.decode(msgspec.json.encode(kept)) or None


def restore(shelf: Shelf, state: object, rules: int) -> None:
    """Bring back what `save` wrote, with lines counted from below 0.

    Args:
        shelf: Where it goes.
        state: What was written.
        rules: How many companions the mapping has now.

    Raises:
        WaitingError: ``state`` is none.
    """
    try:
        _restore(shelf, msgspec.convert(state, list[Plain]), rules)
    except (msgspec.ValidationError, AttributeError) as error:
        raise WaitingError(f"this is no state of waiting outcomes: {error}") from error


def _restore(shelf: Shelf, kept: list[Plain], rules: int) -> None:
    taken: set[tuple[int, str]] = set()
    for each in kept:
        if each.ago < 0 or each.size < 0 or taken.intersection(each.open):
            raise WaitingError("this is no state of waiting outcomes: no log leads to it")
        taken.update(each.open)
        waits_for = {place: key for place, key in each.open if 0 <= place < rules}
        if each.outcome is not None:
            outcome = msgspec.convert(each.outcome, Foreign)
            shelf.keep(Waiting(-each.ago, each.size, outcome, waits_for))
        elif each.changes is not None:
            changed = msgspec.convert(each.changes, Foreign)
            changes = {name: getattr(changed, name) for name in each.changes}
            for place, key in waits_for.items():
                shelf.remember(place, key, Remembered(-each.ago, each.size, changes))
    shelf.note_due()


def plain_outcome(outcome: Foreign) -> dict[str, Any]:
    """An outcome as JSON values, without what is as it is in any."""
    fields: dict[str, Any] = msgspec.to_builtins(outcome)
    return {name: value for name, value in fields.items() if _USUAL.get(name, UNSET) != value}


_USUAL: dict[str, Any] = msgspec.to_builtins(Foreign())
