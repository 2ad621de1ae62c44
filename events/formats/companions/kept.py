"""What is kept of lines until those come that belong to them, and by what it is found."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from events.formats.lines.values import extract
from events.formats.outcome import Foreign  # noqa: TC001  # msgspec resolves the annotations

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.formats.mapping import Companion, Sources

_LONGEST_KEY = 200


@dataclass(slots=True, eq=False)
class Waiting:
    """An outcome and for which companions it waits, each with what both have in common."""

    line: int
    size: int
    outcome: Foreign
    open: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Remembered:
    """What a line changes in an outcome that is still to come."""

    line: int
    size: int
    changes: dict[str, Any]


class Settled(msgspec.Struct, frozen=True):
    """An outcome that is complete, or for which nothing more is waited.

    Attributes:
        outcome: As it is counted.
        line: The number of its line, from 1 since the first translator of the log.
    """

    outcome: Foreign
    line: int


def key_of(rule: Companion, get: Callable[[str], Any], *, of_outcome: bool) -> str | None:
    """What a line has in common with its counterpart; None if it lacks some of it."""
    values = []
    for same in rule.same:
        value = _common(same.outcome if of_outcome else same.line, get)
        if value is UNSET:
            return None
        values.append(value)
    key = json.dumps(values)
    return key if len(key) <= _LONGEST_KEY else blake2b(key.encode(), digest_size=16).hexdigest()


def _common(sources: Sources, get: Callable[[str], Any]) -> Any:
    try:
        value = extract("", sources, get)
    except ValueError:  # a regular expression, and no text
        return UNSET
    # 1 and 1.0 are the same number in JSON.
    return int(value) if isinstance(value, float) and value.is_integer() else value
