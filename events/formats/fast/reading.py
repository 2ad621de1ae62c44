"""How each field of a mapping is taken from what msgspec has read of lines."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from events.formats.fast.columns import (
    USUAL,
    anything,
    moments,
    nothing_else,
    special,
    texts,
    times,
)
from events.formats.fast.leaves import paths_of
from events.formats.lines.values import convert, extract, text
from events.formats.mapping import NS_PER_UNIT, TEXTS, TIMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.formats.fast.columns import Check, Column
    from events.formats.fast.shapes import Shape
    from events.formats.mapping import Source, Sources

    Read = Callable[[Any], Any]


def reader(name: str, sources: Sources, shape: Shape) -> Read:
    """Make what takes a field from what msgspec has read ("": a dimension); UNSET if missing."""
    paths = paths_of(sources)
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


def column_of(
    name: str, sources: Sources, shape: Shape, plain: dict[str, Source], check: Check
) -> Column:
    """Make the column of a field.

    Args:
        name: The field's name.
        sources: Where its values come from.
        shape: Of the lines that are read.
        plain: The fields that msgspec reads as they are.
        check: Called for lines that lack something; raises if they have it in another form.
    """
    if name not in plain:
        return special(reader(name, sources, shape), USUAL[name], check)
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
