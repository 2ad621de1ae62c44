"""What a mapping says of lines, as a text that stays the same when the program grows."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from events.formats.mapping import Mapping

VERSION = 1
"""Raised when the same text would mean something else."""
_NOT_OF_LINES = frozenset({"name", "description", "detect"})


def canonical(mapping: Mapping) -> str:
    """Write down how a mapping understands a line: JSON with sorted keys.

    What has its default is left out, so that a field which is new to mappings changes no text of
    those that do not use it; and so is what does not bear on a line, such as the description.
    """
    rules = {name: rule for name, rule in _plain(mapping).items() if name not in _NOT_OF_LINES}
    return json.dumps(rules, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if not is_dataclass(value):
        return value
    found = ((each, getattr(value, each.name)) for each in fields(value))
    return {each.name: _plain(value) for each, value in found if not _is(value, each.default)}


def _is(value: Any, default: Any) -> bool:
    """Whether a value is a default; 1, 1.0 and true are three values."""
    return default is not MISSING and type(value) is type(default) and bool(value == default)
