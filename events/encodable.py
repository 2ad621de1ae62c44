"""Any Python value, brought into a form that JSON, and a reader of ours, can hold.

An event that cannot be encoded would be lost, or its exception would land in the job that wrote
it. So nothing here raises, whatever a handler puts into a value: no code of an unknown object is
run (not its ``repr``, ``str`` or iterator), and time, depth and size are bounded.
"""

from __future__ import annotations

import datetime as dt
import math
import os
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

import orjson

from events.limits import MAX_DEPTH, MAX_LINE_BYTES
from events.model import EVENT_UNENCODABLE, OUTCOMES, Line

MAX_VALUES = 50_000
"""So many values are looked at in one event; what comes after them is cut."""
MAX_PLAIN_VALUES = 10_000
"""So many values are looked at before an event is encoded as it is: more go the slower way."""

PLAIN = frozenset({str, int, float, bool, type(None)})
"""What JSON holds beside objects and lists."""

_CUT = "…(cut)"
_TOO_DEEP = "…(nested too deep)"
_LONGEST_TEXT = 1 << 18
_SHORTEST_TEXT = 256
_BY_STR = (UUID, Decimal)
_BY_ISOFORMAT = (dt.date, dt.time)  # a datetime is a date


def encode_anyhow(fields: dict[str, Any]) -> bytes:
    """Encode an event that plain encoding refused, or would have changed or made too long.

    Integers beyond 64 bits, NaN and infinities become text, lone surrogates are escaped, unknown
    objects become ``<type name>``, keys become text; what is nested too deep is cut off, and the
    longest texts are cut until the line fits.
    """
    plain, whole = _fields_to_plain(fields)
    if not whole and plain.get("event") not in OUTCOMES:
        plain = {**plain, "event": EVENT_UNENCODABLE, "name": plain.get("event", "")}
    return _fit(plain)


def is_plain(fields: dict[str, Any]) -> bool:
    """Tell whether an event holds plain JSON types only, few and not nested too deep.

    Subclasses are not plain, since they may run code of their own. That says nothing of numbers
    and texts that JSON cannot hold, nor of keys.
    """
    left = MAX_PLAIN_VALUES
    level: list[Any] = [fields]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for container in level:
            items = container.values() if type(container) is dict else container
            left -= len(items)
            if left < 0:  # it may also hold itself, many times
                return False
            for item in items:
                kind = type(item)
                if kind is dict or kind is list:
                    deeper.append(item)
                elif kind not in PLAIN:
                    return False
        if not deeper:
            return True
        level = deeper
    return False


def to_plain(value: Any) -> Any:
    """Copy a value as plain JSON types; see `encode_anyhow` for what becomes of others."""
    try:
        return _Copy().of(value, 2)
    except Exception:  # noqa: BLE001 -- foreign values may do anything; an event must not fail
        return _name_type(value)


def _fields_to_plain(fields: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The fields as plain JSON types, and whether all of them could be looked at."""
    copy = _Copy()
    plain: dict[str, Any] = {}
    whole = True
    for key, value in fields.items():
        try:
            plain[copy.key(key)] = copy.of(value, 2)
        except Exception:  # noqa: BLE001 -- each field stands for itself
            plain[copy.key(key)] = _name_type(value)
            whole = False
    return plain, whole


class _Copy:
    """One copy in the making: how many values it may still look at."""

    def __init__(self) -> None:
        self.left = MAX_VALUES

    def of(self, value: Any, depth: int) -> Any:  # noqa: PLR0911 -- a table of types
        """Copy ``value``, whose own brackets would stand at nesting ``depth``."""
        kind = type(value)
        if value is None or kind is bool:
            return value
        if issubclass(kind, str):
            return clean_text(value)
        if issubclass(kind, Enum):
            return self.of(value._value_, depth)
        if issubclass(kind, int):
            return _int(value)
        if issubclass(kind, float):
            return _float(value)
        if issubclass(kind, dict | list | tuple | set | frozenset):
            if depth > MAX_DEPTH:
                return _TOO_DEEP
            return self._container(value, depth)
        return _scalar(value)

    def key(self, key: Any) -> str:
        """The text of a key; only plain values tell theirs."""
        if isinstance(key, str):
            return clean_text(key)
        if key is None or isinstance(key, bool | int | float):
            return str(self.of(key, MAX_DEPTH))
        return str(_scalar(key))

    def _container(self, value: Any, depth: int) -> Any:
        if issubclass(type(value), dict):
            # The type's own methods: a subclass may have others, another thread may write to it.
            mapping: dict[str, Any] = {}
            for key, item in list(dict.items(value)):
                if self._is_used_up():
                    mapping[_CUT] = None
                    break
                text = self.key(key)
                if text not in mapping or isinstance(key, str):
                    mapping[text] = self.of(item, depth + 1)
            return mapping
        base = next(kind for kind in (list, tuple, set, frozenset) if issubclass(type(value), kind))
        items: list[Any] = []
        for item in list(base.__iter__(value)):
            if self._is_used_up():
                items.append(_CUT)
                break
            items.append(self.of(item, depth + 1))
        return items

    def _is_used_up(self) -> bool:
        self.left -= 1
        return self.left < 0


def clean_text(text: str) -> str:
    r"""A text that UTF-8 can hold: a lone surrogate, as in odd file names, becomes ``\udce9``."""
    text = str.__str__(text)[:MAX_LINE_BYTES]
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace").decode()
    return text


def _int(value: int) -> int | str:
    number = int.__int__(value)
    if -(2**63) <= number < 2**64:
        return number
    # Python refuses to write very long integers in decimal, since that takes quadratic time.
    return int.__repr__(number) if number.bit_length() < 10_000 else int.__format__(number, "#x")


def _float(value: float) -> float | str:
    number = float.__float__(value)
    if math.isfinite(number):
        return number
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _scalar(value: Any) -> str:
    kind = type(value)
    if issubclass(kind, bytes | bytearray):
        return bytes(value[:MAX_LINE_BYTES]).decode(errors="backslashreplace")
    try:
        if kind in _BY_STR:
            return clean_text(str(value))
        if issubclass(kind, _BY_ISOFORMAT):
            return clean_text(value.isoformat())
        if issubclass(kind, PurePath):
            return clean_text(os.fspath(value))
    except Exception:  # noqa: BLE001 -- a time zone or a path of somebody's own may raise
        return _name_type(value)
    return _name_type(value)


def _name_type(value: Any) -> str:
    return f"<{clean_text(type.__dict__['__name__'].__get__(type(value)))}>"


def _fit(plain: dict[str, Any]) -> bytes:
    """Encode plain fields, cut as far as needed for the line not to be too long."""
    line = _dump(plain)
    limit = _LONGEST_TEXT
    while len(line) > MAX_LINE_BYTES and limit >= _SHORTEST_TEXT:
        plain_shorter = _shorten(plain, limit)
        line = _dump(plain_shorter)
        limit //= 2
        if len(line) <= MAX_LINE_BYTES or limit < _SHORTEST_TEXT:
            plain = plain_shorter
    return line if len(line) <= MAX_LINE_BYTES else _dump(_drop_largest(plain))


def _dump(plain: dict[str, Any]) -> bytes:
    return orjson.dumps(plain, option=orjson.OPT_APPEND_NEWLINE)


def _shorten(value: Any, limit: int) -> Any:
    """Copy a plain value with each text (keys too) cut to ``limit`` bytes of UTF-8."""
    if isinstance(value, str):
        return cut_text(value, limit)
    if isinstance(value, dict):
        return {cut_text(key, limit): _shorten(item, limit) for key, item in value.items()}
    if isinstance(value, list):
        return [_shorten(item, limit) for item in value]
    return value


def cut_text(text: str, limit: int) -> str:
    """Cut a text to ``limit`` bytes of UTF-8, and say how many are missing."""
    if len(text) * 4 <= limit:
        return text
    data = text.encode()
    if len(data) <= limit:
        return text
    return f"{data[:limit].decode(errors='ignore')}…(cut, {len(data) - limit} bytes)"


def _drop_largest(plain: dict[str, Any]) -> dict[str, Any]:
    """Leave out the largest fields until the line fits; fields of the format keep a mark."""
    kept = dict(plain)
    sizes = {key: len(orjson.dumps(value)) + len(orjson.dumps(key)) for key, value in kept.items()}
    excess = sum(sizes.values()) + 2 * len(sizes) + 100 - MAX_LINE_BYTES
    dropped = 0
    for key in sorted(sizes, key=lambda key: -sizes[key]):
        if excess <= 0:
            break
        if key in Line.__struct_fields__:
            mark = f"…(cut, {sizes[key]} bytes)"
            kept[key] = mark
            excess -= sizes[key] - len(mark.encode()) - len(key) - 4
        else:
            del kept[key]
            dropped += 1
            excess -= sizes[key] + 2
    if dropped:
        kept["fields_left_out"] = dropped
    return kept
