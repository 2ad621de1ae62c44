"""The fast way from a line to its outcome: one call into msgspec, and few steps after it.

It takes what is usual. Whatever is not raises, or is told by the shape; the line is then looked at
as `events.formats.building` does, whose answers this way must equal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import UNSET, Meta

from events.formats.columns import (
    USUAL,
    UnusualError,
    anything,
    dimensions,
    maker,
    moments,
    nothing_else,
    special,
    texts,
    times,
)
from events.formats.decisions import Decision, decide
from events.formats.mapping import (
    COUNTS,
    NS_PER_UNIT,
    OF_FAILURES,
    RFC3339,
    TEXTS,
    TIMES,
    Condition,
    Mapping,
    Source,
    Sources,
)
from events.formats.shapes import Leaf, Shape, shapes_of
from events.formats.sums import COUNTED, adder
from events.formats.values import convert, extract, text
from events.model import MAX_COUNT, Count, Int64, Moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from events.formats.columns import Check, Column, Make
    from events.formats.sums import Add

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
    conditions = list(_conditions(mapping))
    plain = dict(_plain_fields(mapping))
    leaves = {path: Leaf() for path in _paths(mapping)}
    leaves |= {source.paths[0]: _leaf(name, source) for name, source in plain.items()}
    for path in {condition.path for condition in conditions}:
        wanted = [c for c in conditions if c.path == path and c.exists is None]
        if wanted:
            if (type_ := _type_of(wanted)) is None:
                return ()
            leaves[path] = Leaf(type_)
    shapes = shapes_of(leaves)
    asked = {condition.path for condition in conditions}
    return tuple(Plan(mapping, shape, plain) for shape in shapes if asked <= shape.names.keys())


def _conditions(mapping: Mapping) -> Iterator[Condition]:
    for outcome in mapping.outcomes:
        yield from outcome.when
    for companion in mapping.companions:
        yield from companion.when


def _paths(mapping: Mapping) -> Iterator[str]:
    """All paths at which an outcome's line is looked at, with their repetitions."""
    for condition in _conditions(mapping):
        yield condition.path
    for _, sources in (*mapping.fields, *mapping.dimensions):
        yield from _paths_of(sources)


def _paths_of(sources: Sources) -> tuple[str, ...]:
    return tuple(path for source in sources for path in (*source.paths, *(source.span or ())))


def _plain_fields(mapping: Mapping) -> Iterator[tuple[str, Source]]:
    """The fields that msgspec can read as they are: at one path, which only they look at."""
    uses = Counter(_paths(mapping))
    for condition in _conditions(mapping):
        if condition.exists is not None:  # this only asks whether something is there
            uses[condition.path] -= 1
    for name, sources in mapping.fields:
        source = sources[0]
        if (
            len(sources) == 1
            and len(source.paths) == 1
            and source.regex is None
            and uses[source.paths[0]] == 1
            and (name in TEXTS or source.default is None)
            and (name != "timestamp" or source.unit in {None, RFC3339})
        ):
            yield name, source


def _leaf(name: str, source: Source) -> Leaf:
    """What msgspec is to take for a plain field; null where that is as good as nothing."""
    if name in TIMES:
        most = MAX_COUNT // NS_PER_UNIT[source.unit or "s"]
        return Leaf(Annotated[int, Meta(ge=0, le=most)] | Annotated[float, Meta(ge=0)] | None)
    types: dict[str, Any] = {
        "timestamp": Moment | None,
        "job": str | Int64 | None,
        "confidence": str | bool | Int64 | float | None,
        **dict.fromkeys(COUNTS, Count | None),
    }
    return Leaf(types.get(name, str | None))


def _type_of(conditions: list[Condition]) -> Any:
    """The values that conditions on one path tell apart; None if a dictionary could not."""
    values = [value for condition in conditions for value in condition.values]
    bools = any(isinstance(value, bool) for value in values)
    numbers = any(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values
    )
    if bools and numbers:  # True == 1
        return None
    found: Any = None
    if any(isinstance(value, str) for value in values) or any(c.matches for c in conditions):
        found = str | None
    if bools:
        found = bool | found
    if numbers:
        found = int | float | found
    return found


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
            name: _column(name, sources, shape, plain, self._check)
            for name, sources in mapping.fields
        }
        reads = [(name, _reader("", sources, shape)) for name, sources in mapping.dimensions]
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


def _column(
    name: str, sources: Sources, shape: Shape, plain: dict[str, Source], check: Check
) -> Column:
    if name not in plain:
        return special(_reader(name, sources, shape), USUAL[name], check)
    source = plain[name]
    read = attrgetter(shape.names[source.paths[0]])
    if "." not in source.paths[0]:
        check = nothing_else  # its name is the same in both forms
    if name == "timestamp":
        return moments(read, check)
    if name in TIMES:
        return times(read, NS_PER_UNIT[source.unit or "s"], check)
    if name in TEXTS:
        usual = USUAL[name] if source.default is None else text(source.default)
        return texts(read, usual, check)
    return anything(read, USUAL[name], check)


def _key(mapping: Mapping, shape: Shape) -> Read:
    """Make what gives all on which a decision stands; of some only whether they are there."""
    conditions = list(_conditions(mapping))
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


def _reader(name: str, sources: Sources, shape: Shape) -> Read:
    """Make what takes a field from what msgspec has read ("": a dimension); UNSET if missing."""
    paths = _paths_of(sources)
    getters = {path: shape.getters[path] for path in paths}
    missing = extract(name, sources, lambda _: None)
    if len(sources) == 1 and len(paths) == 1 and sources[0].regex is None:
        return _read_one(name, sources[0], getters[paths[0]], missing)

    def read(seen: Any) -> Any:
        found = {path: value for path, get in getters.items() if (value := get(seen)) is not UNSET}
        return extract(name, sources, found.get) if found else missing

    return read


def _read_one(name: str, source: Source, get: Read, missing: Any) -> Read:
    def read(seen: Any) -> Any:
        value = get(seen)
        if value is UNSET or value is None:
            return missing
        found = convert(name, value, source.unit)
        return missing if found is UNSET else found

    return read
