"""Values in a JSON object, by their dotted paths."""

from __future__ import annotations

from typing import Any


def lookup(found: Any, path: str) -> Any:
    """The value at a path, nested or under the key with the dots in it; None if there is none.

    >>> lookup({"ctx": {"jid": 1}, "ctx.jid": 2}, "ctx.jid"), lookup({"a.b": 2}, "a.b")
    (1, 2)
    >>> lookup({"frames": [{"name": "f"}]}, "frames.0.name")
    'f'
    """
    value = _nested(found, path)
    if value is None and "." in path and isinstance(found, dict):
        value = found.get(path)
    return value


def _nested(value: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit():
            place = int(step) if len(step) < 10 else len(value)
            value = value[place] if place < len(value) else None
        else:
            return None
    return value
