"""What a mapping says of another program's lines, as values; `mapping_file` reads them from TOML.

A *path* names a value in a JSON object: ``ctx.jid`` is ``{"ctx": {"jid": …}}``, or else the key
``"ctx.jid"``; a number stands for a place in a list (``exception.0.exc_type``). ``null`` counts as
missing everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scalar = str | int | float | bool
Ending = Literal["succeeded", "failed", "dead", "skipped"]
"""How an attempt ended; a dead one failed for good."""
Position = Literal["before", "after"]

ENDINGS: tuple[Ending, ...] = ("succeeded", "failed", "dead", "skipped")
TIMES = ("duration", "wait")
"""Fields that are lengths of time; the outcome has them in nanoseconds."""
TEXTS = ("error_type", "error", "job", "kind")
COUNTS = ("attempt", "warnings")
FIELDS = ("timestamp", *TIMES, *TEXTS, "confidence", *COUNTS)
"""All that a mapping can take from a line, besides dimensions."""
OF_FAILURES = frozenset({"error_type", "error"})
"""Fields that are looked for only where the attempt failed."""

NS_PER_UNIT = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
"""Units of time, in nanoseconds."""
RFC3339 = "rfc3339"


@dataclass(frozen=True, slots=True)
class Condition:
    """What a line's value at a path must be; exactly one of the three is asked.

    Attributes:
        path: Where the value stands.
        values: It equals one of these and is of the same JSON type; 1 and 1.0 are equal.
        matches: A regular expression that is found somewhere in it; then it is a text.
        exists: Whether it is there at all.
    """

    path: str
    values: tuple[Scalar, ...] = ()
    matches: str | None = None
    exists: bool | None = None


When = tuple[Condition, ...]
"""Conditions that all must hold."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from.

    Attributes:
        paths: The first of them at which something stands.
        span: Instead of ``paths``: the value is the time from the first moment to the second.
        constant: Instead of ``paths``: the value itself.
        regex: What of a text is the value: its group ``value``, else its first group, else all
            that matches.
        unit: Of a time: a key of `NS_PER_UNIT`; of a moment also `RFC3339`.
        default: The value where nothing is there, or ``regex`` is not found.
    """

    paths: tuple[str, ...] = ()
    span: tuple[str, str] | None = None
    constant: Scalar | None = None
    regex: str | None = None
    unit: str | None = None
    default: Scalar | None = None


Sources = tuple[Source, ...]
"""Where a value comes from: the first source that has one."""
Fields = tuple[tuple[str, Sources], ...]
"""What is taken from a line, by name."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sort of line that tells how an attempt ended."""

    kind: Ending
    when: When


@dataclass(frozen=True, slots=True)
class Same:
    """A value that an outcome's line and its companion's have in common."""

    outcome: Sources
    line: Sources


@dataclass(frozen=True, slots=True)
class Companion:
    """A sort of line that completes an outcome.

    Attributes:
        position: ``after``: the outcome waits for it; ``before``: it waits for the outcome.
        of: Which outcomes it completes.
        same: What both lines have in common.
        when: How it is recognised; a line that is an outcome is no companion.
        within_lines: At most so many lines of the log one comes after the other.
        kind: What the outcome becomes, if that changes.
        fields: What is taken from it.
    """

    position: Position
    of: tuple[Ending, ...]
    same: tuple[Same, ...]
    when: When
    within_lines: int
    kind: Ending | None = None
    fields: Fields = ()


@dataclass(frozen=True, eq=False)
class Mapping:
    """How another program's lines are understood. Equal only to itself: 1 and true must not be.

    Attributes:
        name: What it is called.
        description: One line for people.
        detect: What shows that a line is of this format; () if nothing does.
        outcomes: The first one that fits a line says how the attempt ended.
        fields: What is taken from the outcome's line, by names of `FIELDS`.
        dimensions: What else is kept with the outcome.
        companions: Lines that complete outcomes.
    """

    name: str
    description: str = ""
    detect: When = ()
    outcomes: tuple[Outcome, ...] = ()
    fields: Fields = ()
    dimensions: Fields = ()
    companions: tuple[Companion, ...] = ()
