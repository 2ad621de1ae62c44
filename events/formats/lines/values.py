"""Values of other programs' lines, brought into the types and units of our outcomes."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
from msgspec import UNSET

from events.clock import EPOCH, to_us
from events.examination import is_representable
from events.formats.lines.texts import part
from events.formats.mapping import COUNTS, NS_PER_UNIT, RFC3339, TEXTS, TIMES
from events.model import FIRST_US, LAST_US, MAX_COUNT, Count, Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.formats.mapping import Source, Sources

_LEAP_SECOND = re.compile(r"(?<=:\d\d:)60(?:\.\d+)?(?=[Zz+-])", re.ASCII)
_NS_PER_US = 1000
_LARGEST_BITS = 63


def extract(name: str, sources: Sources, get: Callable[[str], Any]) -> Any:
    """Take a field or a dimension from a line.

    Args:
        name: The field's name, see `events.formats.mapping.FIELDS`; any other is a dimension's.
        sources: Where it comes from.
        get: Gives the value at a path, None if nothing stands there.

    Returns:
        The value as our outcomes have it (moments as datetimes, times in nanoseconds);
        `msgspec.UNSET` if there is none.

    Raises:
        ValueError: What stands there is of the wrong type or out of range; the message says so.
    """
    for source in sources:
        value = _from(name, source, get)
        if value is UNSET and source.default is not None:
            value = convert(name, source.default, source.unit)
        if value is not UNSET:
            return value
    return UNSET


def _from(name: str, source: Source, get: Callable[[str], Any]) -> Any:
    if source.span is not None:
        return _elapsed_ns(source.span, source.unit or RFC3339, get)
    if source.constant is not None:
        return convert(name, source.constant, source.unit)
    for path in source.paths:
        value = get(path)
        if value is None or (value == "" and name in TEXTS):
            continue
        if source.regex is not None:
            if not isinstance(value, str):
                _wrong(path, "a text", value)
            value = part(source.regex, value)
            if value is None:
                return UNSET
        try:
            return convert(name, value, source.unit)
        except ValueError as error:
            raise ValueError(f"{path}: {error}" if path != name else str(error)) from None
    return UNSET


def _wrong(path: str, wanted: str, value: Any) -> NoReturn:
    raise ValueError(f"{path}: {wanted} is wanted, not {shown(value)}")


def convert(name: str, value: Any, unit: str | None) -> Any:
    """Bring a value into a field's type; `UNSET` for an empty text.

    Raises:
        ValueError: It is of the wrong type or out of range.
    """
    if name in TEXTS:
        return text(value) or UNSET
    if name in TIMES:
        return nanoseconds(value, NS_PER_UNIT[unit or "s"])
    if name in COUNTS:
        return _count(value)
    if name == "timestamp":
        return moment(value, unit or RFC3339)
    return scalar(value)


def scalar(value: Any) -> Any:
    """A value that may be anything, as one that every JSON library writes; else as its text."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
        return str(value)
    return value


def text(value: Any) -> str:
    """A text, or a whole number as text.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"a text is wanted, not {shown(value)}")


def nanoseconds(value: Any, ns_per_unit: int) -> int:
    """A time in whole nanoseconds, at most `MAX_COUNT`.

    A float is rounded as `events.model.elapsed_ns` does.

    Raises:
        ValueError: It is no number, or below 0.
    """
    if not _is_number(value):
        raise ValueError(f"a number is wanted, not {shown(value)}")
    if value < 0:
        raise ValueError(f"a time is not below 0, as {shown(value)} is")
    if isinstance(value, int):
        return min(value * ns_per_unit, MAX_COUNT)
    ns = value * ns_per_unit
    return round(ns) if ns < MAX_COUNT else MAX_COUNT


def _count(value: Any) -> int:
    try:
        count: int = msgspec.convert(value, Count)
    except msgspec.ValidationError:
        raise ValueError(f"a whole number >= 0 is wanted, not {shown(value)}") from None
    return count


def moment(value: Any, unit: str) -> datetime:
    """A point of time.

    Args:
        value: RFC 3339 with an offset, or a number since 1970.
        unit: `RFC3339`, or the number's unit.

    Raises:
        ValueError: It is none, or not within the years 1 to 9999 in UTC.
    """
    if unit != RFC3339:
        us = _since_1970_ns(value, unit) // _NS_PER_US
        if not FIRST_US <= us <= LAST_US:
            raise ValueError(f"{shown(value)} is not within the years 1 to 9999")
        return EPOCH + timedelta(microseconds=us)
    try:
        # A leap second is RFC 3339; it ends the second before it.
        found = msgspec.convert(_LEAP_SECOND.sub("59.999999", text(value), count=1), Moment)
    except msgspec.ValidationError:
        raise ValueError(f"{shown(value)} is no time with an offset as RFC 3339 has it") from None
    if not is_representable(found):
        raise ValueError("before the year 1 or after 9999 in UTC")
    return found


def _elapsed_ns(span: tuple[str, str], unit: str, get: Callable[[str], Any]) -> Any:
    ends = [get(path) for path in span]
    if None in ends:
        return UNSET
    moments_ns = []
    for path, value in zip(span, ends, strict=True):
        try:
            if unit == RFC3339:
                moments_ns.append(to_us(moment(value, unit)) * _NS_PER_US)
            else:
                moments_ns.append(_since_1970_ns(value, unit))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    begin, end = moments_ns
    if end < begin:
        raise ValueError(f"{span[1]} is before {span[0]}")
    return min(end - begin, MAX_COUNT)


def _since_1970_ns(value: Any, unit: str) -> int:
    """Nanoseconds since 1970, of a float as whole microseconds: it knows no more of our time."""
    if not _is_number(value):
        raise ValueError(f"a number is wanted, not {shown(value)}")
    if isinstance(value, int):
        return value * NS_PER_UNIT[unit]
    us: float = value * NS_PER_UNIT[unit] / _NS_PER_US
    if not abs(us) <= 2 * LAST_US:
        raise ValueError(f"{shown(value)} is not within the years 1 to 9999")
    return round(us) * _NS_PER_US


def _is_number(value: Any) -> bool:
    """Whether a JSON value is a number; NaN and infinities are none, and in no JSON text."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """A short word for a wrong value: never its whole content, which may be huge."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value[:40]!r}{'…' if len(value) > 40 else ''}"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of more than 64 bits"
    if isinstance(value, (int, float)):
        return repr(value)
    return "a list" if isinstance(value, list) else "an object"
