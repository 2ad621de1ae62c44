"""A line of another program as a JSON object, read slowly: what the fast way must equal."""

from __future__ import annotations

from typing import Any

from events.json_text import bare, check_length, check_unicode, parse_object, refuse
from events.limits import MAX_DEPTH
from events.nesting import is_too_deep


def read_object(line: bytes) -> dict[str, Any]:
    r"""Read the JSON object in a line, with or without its ``\n``.

    Numbers that Python or JSON cannot hold stay text.

    Raises:
        InvalidLineError: It is none, or not UTF-8, holds a lone surrogate, is nested too deep or
            too long. Nothing else is raised, whatever the bytes.
    """
    check_length(line)
    line = bare(line)
    if is_too_deep(line):
        refuse(f"nested deeper than {MAX_DEPTH}")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        refuse(f"not UTF-8 at byte {error.start}")
    found = parse_object(text)
    check_unicode(text, found)
    return found
