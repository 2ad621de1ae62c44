"""Values put into a JSON object at their dotted paths, as `lines.paths` looks them up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Placed = tuple[tuple[str, Any], ...]
"""Paths, and what stands there."""


def place(content: dict[str, Any], path: str, value: Any) -> Callable[[], None] | None:
    """Put a value at a path, in nested objects; where that is barred, under the key with the dots.

    Args:
        content: The object; it is changed.
        path: Where; a path through a list is never made.
        value: What.

    Returns:
        What takes the value away again; None if it could not be put there: something else stands
        there, or it is a path through a list. If the very same stands there already, all is well.

    >>> content = {"log.level": "info", "event": {"outcome": "success"}}
    >>> undo = place(content, "event.duration", 5)
    >>> content["event"]
    {'outcome': 'success', 'duration': 5}
    """
    steps = path.split(".")
    if any(step.isdigit() for step in steps):
        return None
    if path in content:  # a lookup would find this one
        return _nothing if _same(content[path], value) else None
    inner = content
    for depth, step in enumerate(steps):
        if step not in inner:
            for deeper in reversed(steps[depth + 1 :]):
                value = {deeper: value}
            return _put(inner, step, value)
        if depth == len(steps) - 1:
            return _nothing if _same(inner[step], value) else None
        if not isinstance(inner[step], dict):
            break
        inner = inner[step]
    return _put(content, path, value)


def _put(inner: dict[str, Any], key: str, value: Any) -> Callable[[], None]:
    def undo() -> None:
        del inner[key]

    inner[key] = value
    return undo


def _nothing() -> None:
    """Take nothing away: the value stood there before."""


def _same(value: Any, wanted: Any) -> bool:
    return type(value) is type(wanted) and bool(value == wanted)
