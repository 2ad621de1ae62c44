"""A line as JSON, read slowly and with a reason for what is refused: what the fast ways must equal.

The grammar is RFC 8259's, as the standard library's parser has it, within the limits of a line.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from events.errors import InvalidLineError
from events.limits import MAX_LINE_BYTES

_BYTE_ORDER_MARK = "\ufeff".encode()
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def is_blank(line: bytes) -> bool:
    """Whether a line is nothing: what JSON takes for white space (RFC 8259, section 2), if that.

    Zero bytes before it are nothing, too, see `bare`.
    """
    return not line.lstrip(b"\0").strip(b" \t\r")


def bare(line: bytes) -> bytes:
    r"""A line without its ``\n``, and without what may stand before its text.

    Zero bytes: a writer that does not append leaves them at the start of a file that was cut.
    A byte order mark: RFC 8259, section 8.1, lets a parser ignore it, and some programs begin
    each file with one.
    """
    return line.removesuffix(b"\n").lstrip(b"\0").removeprefix(_BYTE_ORDER_MARK)


def check_length(line: bytes) -> None:
    r"""Refuse a line that is too long, its ``\n`` not counted.

    Raises:
        InvalidLineError: It is.
    """
    if len(line.removesuffix(b"\n")) >= MAX_LINE_BYTES:
        refuse(f"longer than {MAX_LINE_BYTES:,} bytes")


def parse_object(text: str) -> dict[str, Any]:
    """Read a JSON object. Numbers that Python or JSON cannot hold stay text.

    Raises:
        InvalidLineError: The text is none. Whether it holds half a surrogate pair is not looked at.
    """
    try:
        found = json.loads(
            text, parse_constant=_refuse_constant, parse_int=_to_int, parse_float=_to_float
        )
    except RecursionError:
        refuse("nested too deep for what is left of the stack")
    except json.JSONDecodeError as error:
        refuse(f"not JSON: {error.msg} (character {error.pos + 1})")
    if not isinstance(found, dict):
        refuse("JSON, but no object")
    return found


def check_unicode(text: str, found: dict[str, Any]) -> None:
    """Refuse an object that holds half a surrogate pair.

    Args:
        text: What it was read from.
        found: The object.

    Raises:
        InvalidLineError: It does.
    """
    if _SURROGATE.search(text) and not is_unicode(found):
        refuse("holds half a surrogate pair, which is no Unicode text")


def is_unicode(value: Any) -> bool:
    """Whether a JSON value can be written as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def refuse(reason: str) -> NoReturn:
    """Say what is wrong with a line.

    Raises:
        InvalidLineError: Always.
    """
    raise InvalidLineError(reason)


def _refuse_constant(name: str) -> NoReturn:
    refuse(f"not JSON: {name} is no number there")


def _to_int(digits: str) -> int | str:
    """An integer; one of so many digits that Python refuses stays text: the wrong type."""
    try:
        return int(digits)
    except ValueError:
        return digits


def _to_float(digits: str) -> float | str:
    """A float; one beyond its range, legal in JSON, stays text: the wrong type."""
    number = float(digits)
    return number if math.isfinite(number) else digits
