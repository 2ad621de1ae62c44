"""Conditions and sources as a mapping's file has them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from events.formats.lines.values import convert
from events.formats.mapping import (
    NS_PER_UNIT,
    RFC3339,
    TIMES,
    Condition,
    Scalar,
    Source,
    Sources,
    When,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.formats.toml.table import Table

MAX_STEPS = 20
"""Most steps of a path."""
_WAYS = ("field", "from", "to", "value")
_KEYS = (*_WAYS, "unit", "regex", "default")


def read_when(table: Table, key: str) -> When:
    """Read the conditions that a table holds under ``key``.

    Raises:
        WrongKeyError: They cannot be, or there are none.
    """
    if key not in table:
        raise table.wrong(key, "this key is missing: say which lines are meant")
    found = tuple(_conditions(table.table(key), ""))
    if not found:
        raise table.wrong(key, "without a condition every line would fit")
    return found


def _conditions(table: Table, prefix: str) -> Iterator[Condition]:
    for name in table:
        path = f"{prefix}{name}"
        if len(path.split(".")) > MAX_STEPS:
            raise table.wrong(name, f"a path has at most {MAX_STEPS} steps")
        value = table.get(name)
        if not isinstance(value, dict):
            yield Condition(path, values=_wanted(table, name, value))
        elif value.keys() == {"matches"}:
            yield Condition(path, matches=_regex(table.table(name), "matches"))
        elif value.keys() == {"exists"}:
            if not isinstance(value["exists"], bool):
                raise table.wrong(name, "exists is true or false")
            yield Condition(path, exists=value["exists"])
        elif not value:
            raise table.wrong(name, "an empty table is no condition")
        else:  # event.outcome = "success", which TOML takes for tables in one another
            yield from _conditions(table.table(name), f"{path}.")


def _wanted(table: Table, name: str, value: Any) -> tuple[Scalar, ...]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise table.wrong(name, "an empty list fits nothing")
    for each in values:
        if not _is_scalar(each):
            raise table.wrong(
                name,
                "give a text, a number, true or false, a list of them, "
                '{ matches = "regex" } or { exists = true }',
            )
    return tuple(values)


def _is_scalar(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int)


def _regex(table: Table, key: str) -> str:
    regex = table.text(key)
    try:
        re.compile(regex)
    except (re.error, OverflowError, RecursionError) as error:
        raise table.wrong(key, f"this is no regular expression: {error}") from None
    return regex


def read_sources(table: Table, key: str | int, name: str) -> Sources:
    """Read where a field comes from: a path, a table, or a list of either.

    Args:
        table: What holds it.
        key: Under which key, or at which place of a list.
        name: The field's name, which says what type it has; "" for any.

    Raises:
        WrongKeyError: It cannot be.
    """
    value = table.get(key)
    if isinstance(value, list):
        inner = table.inside(key)
        return tuple(_source(inner, place, name) for place in range(len(value)))
    return (_source(table, key, name),)


def _source(table: Table, key: str | int, name: str) -> Source:
    value = table.get(key)
    if isinstance(value, str):
        source = Source(paths=(_path(table, key, value),))
        _check_unit(table, key, name, None)
        return source
    if not isinstance(value, dict):
        raise table.wrong(key, 'give a path in quotes, or { field = "…" }')
    own = table.table(key)
    own.only(*_KEYS)
    ways = [way for way in _WAYS if way in own]
    if ways not in (["field"], ["value"], ["from", "to"]):
        raise table.wrong(key, "give one of: field; value; from and to")
    if ways == ["from", "to"] and name not in TIMES:
        raise own.wrong("from", f"a time between two moments is no {name or 'value'}")
    unit = own.text("unit") if "unit" in own else None
    _check_unit(own, "unit", name, unit, of_moments=ways == ["from", "to"])
    source = Source(
        paths=tuple(_paths(own)) if ways == ["field"] else (),
        span=(_path(own, "from"), _path(own, "to")) if ways == ["from", "to"] else None,
        constant=_constant(own, "value", name, unit),
        regex=_regex(own, "regex") if "regex" in own else None,
        unit=unit,
        default=_constant(
            own, "default", name, "ns" if unit == RFC3339 and name in TIMES else unit
        ),
    )
    if source.regex is not None and ways != ["field"]:
        raise own.wrong("regex", "this goes with field only")
    return source


def _paths(table: Table) -> Iterator[str]:
    value = table.get("field")
    if isinstance(value, list):
        inner = table.inside("field")
        for place, path in enumerate(value):
            yield _path(inner, place, path)
    else:
        yield _path(table, "field", value)


def _path(table: Table, key: str | int, value: Any = None) -> str:
    path = table.get(key) if value is None else value
    if not isinstance(path, str) or not path:
        raise table.wrong(key, 'give a path in quotes, such as "ctx.jid"')
    if len(path.split(".")) > MAX_STEPS:
        raise table.wrong(key, f"a path has at most {MAX_STEPS} steps")
    return path


def _check_unit(
    table: Table, key: str | int, name: str, unit: str | None, *, of_moments: bool = False
) -> None:
    if name in TIMES and not of_moments:
        known: tuple[str, ...] = tuple(NS_PER_UNIT)
    elif name in TIMES or name == "timestamp":
        known = (RFC3339, *NS_PER_UNIT)
    else:
        known = ()
    *first, last = known or ("",)
    if unit is None:
        if name in TIMES and not of_moments:
            raise table.wrong(key, f"say the unit: {', '.join(first)} or {last}")
    elif not known:
        raise table.wrong(key, "this field has no unit")
    elif unit not in known:
        raise table.wrong(key, f"{unit!r} is no unit; use {', '.join(first)} or {last}")


def _constant(table: Table, key: str, name: str, unit: str | None) -> Scalar | None:
    if key not in table:
        return None
    value = table.get(key)
    if not _is_scalar(value):
        raise table.wrong(key, "give a text, a number, true or false")
    try:
        convert(name, value, unit)
    except ValueError as error:
        raise table.wrong(key, str(error)) from None
    constant: Scalar = value
    return constant
