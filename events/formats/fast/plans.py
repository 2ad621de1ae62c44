"""The fast way from a line to its outcome: one call into msgspec, and few steps after it.

It takes what is usual. Whatever is not raises, or is told by the shape; the line is then looked at
as `events.formats.lines.building` does, whose answers this way must equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from events.formats.fast.columns import UnusualError, dimensions, maker, nothing_else
from events.formats.fast.leaves import conditions_of, leaves_of, plain_fields
from events.formats.fast.reading import column_of, reader
from events.formats.fast.shapes import shapes_of
from events.formats.fast.sums import COUNTED, adder
from events.formats.lines.decisions import Decision, decide
from events.formats.mapping import OF_FAILURES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from events.formats.fast.columns import Check, Make
    from events.formats.fast.shapes import Shape
    from events.formats.fast.sums import Add
    from events.formats.mapping import Mapping, Source

    Read = Callable[[Any], Any]

_REMEMBERED = 1024
_LONGEST_REMEMBERED = 100


@dataclass(frozen=True, eq=False)
class Sort:
    """A sort of lines.

    Attributes:
        decision: What they are to the mapping.
        make: Makes their outcomes; None if they are none, or companions concern them.
        add: Adds them to sums; None likewise.
        check: They lack something; raises `UnusualError` if one has it in the other form.
    """

    decision: Decision
    make: Make | None = None
    add: Add | None = None
    check: Check = nothing_else


def plans_of(mapping: Mapping) -> tuple[Plan, ...]:
    """Make the fast ways of a mapping, one for each form of its lines; () if there is none."""
    plain = dict(plain_fields(mapping))
    leaves = leaves_of(mapping, plain)
    if leaves is None:
        return ()
    asked = {condition.path for condition in conditions_of(mapping)}
    shapes = shapes_of(leaves)
    return tuple(Plan(mapping, shape, plain) for shape in shapes if asked <= shape.names.keys())


class Plan:
    """How outcomes are made of lines of one shape.

    Attributes:
        decode: Reads a line; raises a ValueError for one that is unusual, or no JSON.
        blank: What it reads of an empty object.
        key: Gives what decides what a line is.
        sorts: The sort of a line with this key.
    """

    def __init__(self, mapping: Mapping, shape: Shape, plain: dict[str, Source]) -> None:
        self.decode = shape.decode
        self.blank = shape.decode(b"{}")
        self.key = _key(mapping, shape)
        self.sorts: dict[Any, Sort] = {}
        self._mapping = mapping
        self._shape = shape
        self._plain = plain
        self._check = nothing_else if shape.others is None else _check(shape.others, shape.nothing)
        self._columns = {
            name: column_of(name, sources, shape, plain, self._check)
            for name, sources in mapping.fields
        }
        reads = [(name, reader("", sources, shape)) for name, sources in mapping.dimensions]
        self._beside = dimensions(reads, self._check) if reads else None
        self._by_decision: dict[tuple[Decision, bool], Sort] = {}

    def has_other_form(self, line: bytes) -> bool:
        """Whether a line has something that this plan does not look at."""
        try:
            self._check([self.decode(line)])
        except (ValueError, RecursionError, UnusualError):
            return True
        return False

    def find(self, seen: Any) -> Sort:
        """Find the sort of a line whose key is not known, and note it."""
        decision = decide(self._mapping, partial(self._value, seen))
        key = self.key(seen)
        lacks_some = _lacks_some(key)
        sort = self._by_decision.get((decision, lacks_some))
        if sort is None:
            check = self._check if lacks_some else nothing_else
            sort = self._by_decision[decision, lacks_some] = self._sort(decision, check)
        if not _is_long(key):
            if len(self.sorts) >= _REMEMBERED:
                self.sorts.clear()
            self.sorts[key] = sort
        return sort

    def _sort(self, decision: Decision, check: Check) -> Sort:
        kind = decision.kind
        if kind is None or not decision.is_alone:
            return Sort(decision, check=check)
        judged = [
            self._columns[name]
            for name, _ in self._mapping.fields
            if name not in self._plain
            and name not in COUNTED
            and (decision.failed or name not in OF_FAILURES)
        ]
        if self._beside is not None and any(
            source.regex is not None or source.span is not None
            for _, sources in self._mapping.dimensions
            for source in sources
        ):
            judged.append(self._beside)
        return Sort(
            decision,
            maker(kind, self._columns, self._beside),
            adder(kind, self._columns, judged),
            check,
        )

    def _value(self, seen: Any, path: str) -> Any:
        value = self._shape.getters[path](seen)
        return None if value is UNSET else value


def _check(others: Read, nothing: Any) -> Check:
    """Make what refuses lines that have something of the other form."""

    def check(seen: Sequence[Any]) -> None:
        for each in map(others, seen):
            if each != nothing:
                raise UnusualError

    return check


def _key(mapping: Mapping, shape: Shape) -> Read:
    """Make what gives all on which a decision stands; of some only whether they are there."""
    conditions = list(conditions_of(mapping))
    values = dict.fromkeys(c.path for c in conditions if c.exists is None)
    present = [
        shape.getters[path]
        for path in dict.fromkeys(c.path for c in conditions if c.exists is not None)
        if path not in values
    ]
    direct = attrgetter(*(shape.names[path] for path in values)) if values else None
    if direct is not None and not present:
        return direct

    def key(seen: Any) -> Any:
        there = [(value := get(seen)) is not UNSET and value is not None for get in present]
        return (None if direct is None else direct(seen), *there)

    return key


def _lacks_some(key: Any) -> bool:
    if isinstance(key, tuple):
        return any(map(_lacks_some, key))
    return key is UNSET or key is None or key is False


def _is_long(key: Any) -> bool:
    if isinstance(key, tuple):
        return any(map(_is_long, key))
    return isinstance(key, str) and len(key) > _LONGEST_REMEMBERED
