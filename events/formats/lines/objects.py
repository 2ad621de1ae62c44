"""A line as a JSON object, read slowly and with a reason where it is none.

The grammar is RFC 8259's, within the limits that native lines have too.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from events.errors import InvalidLineError
from events.limits import MAX_DEPTH
from events.model import MAX_LINE_BYTES
from events.nesting import is_too_deep

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_object(line: bytes) -> dict[str, Any]:
    r"""Read the JSON object in a line, with or without its ``\n``.

    Numbers that Python or JSON cannot hold stay text.

    Raises:
        InvalidLineError: It is none, or not UTF-8, holds a lone surrogate, is nested too deep or
            too long. Nothing else is raised, whatever the bytes.
    """
    if len(line.removesuffix(b"\n")) >= MAX_LINE_BYTES:
        _refuse(f"longer than {MAX_LINE_BYTES:,} bytes")
    if is_too_deep(line):
        _refuse(f"nested deeper than {MAX_DEPTH}")
    try:
        text = line.decode()
        found = json.loads(
            text, parse_constant=_refuse_constant, parse_int=_to_int, parse_float=_to_float
        )
    except UnicodeDecodeError as error:
        _refuse(f"not UTF-8 at byte {error.start}")
    except RecursionError:
        _refuse("nested too deep for what is left of the stack")
    except json.JSONDecodeError as error:
        _refuse(f"not JSON: {error.msg} (character {error.pos + 1})")
    if _SURROGATE.search(text) and not _is_unicode(found):
        _refuse("holds half a surrogate pair, which is no Unicode text")
    if not isinstance(found, dict):
        _refuse("JSON, but no object")
    return found


def _refuse(reason: str) -> NoReturn:
    raise InvalidLineError(reason)


def _refuse_constant(name: str) -> NoReturn:
    _refuse(f"not JSON: {name} is no number there")


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


def _is_unicode(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
