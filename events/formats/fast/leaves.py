"""What of a line a mapping looks at, and what msgspec is to read there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from events.formats.fast.shapes import Leaf
from events.formats.mapping import COUNTS, NS_PER_UNIT, RFC3339, TEXTS, TIMES
from events.model import MAX_COUNT, Count, Int64, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.formats.mapping import Condition, Mapping, Source, Sources


def leaves_of(mapping: Mapping, plain: dict[str, Source]) -> dict[str, Leaf] | None:
    """Tell what is known of the value at each path of a mapping.

    Args:
        mapping: The mapping.
        plain: Its fields that msgspec can read as they are.

    Returns:
        None if what conditions look for cannot be told apart by a dictionary.
    """
    conditions = list(conditions_of(mapping))
    leaves = {path: Leaf() for path in paths_of_lines(mapping)}
    leaves |= {source.paths[0]: _leaf(name, source) for name, source in plain.items()}
    for path in {condition.path for condition in conditions}:
        wanted = [c for c in conditions if c.path == path and c.exists is None]
        if wanted:
            if (type_ := _type_of(wanted)) is None:
                return None
            leaves[path] = Leaf(type_)
    return leaves


def conditions_of(mapping: Mapping) -> Iterator[Condition]:
    """All conditions that decide what a line is."""
    for outcome in mapping.outcomes:
        yield from outcome.when
    for companion in mapping.companions:
        yield from companion.when


def paths_of_lines(mapping: Mapping) -> Iterator[str]:
    """All paths at which an outcome's line is looked at, with their repetitions."""
    for condition in conditions_of(mapping):
        yield condition.path
    for _, sources in (*mapping.fields, *mapping.dimensions):
        yield from paths_of(sources)


def paths_of(sources: Sources) -> tuple[str, ...]:
    """All paths from which a value may come."""
    return tuple(path for source in sources for path in (*source.paths, *(source.span or ())))


def plain_fields(mapping: Mapping) -> Iterator[tuple[str, Source]]:
    """The fields that msgspec can read as they are: at one path, which only they look at."""
    uses = Counter(paths_of_lines(mapping))
    for condition in conditions_of(mapping):
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
