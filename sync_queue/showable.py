"""What can be shown of a job that JSON cannot hold, so that its dead letter is not lost."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any, Final

MAX_DEPTH: Final = 100
MAX_VALUES: Final = 100_000
MAX_TEXT: Final = 2_000
"""Characters kept of the text that stands for a foreign object."""
MAX_NOTES: Final = 50
MAX_INTEGER_BITS: Final = 8_192
"""Larger integers are shown in base 16: Python writes no more than 4,300 decimal digits."""

NOTES_KEY: Final = "(not stored as it was)"
"""Key in a stored job that lists what was replaced; such a job is shown, but not retried."""


def showable_job(job: dict[str, Any]) -> dict[str, Any]:
    """Copy a job into values that JSON holds, with a list of what was replaced under `NOTES_KEY`.

    Args:
        job: A job dict that `json` refused. It is not changed.

    Returns:
        A dict that always encodes: foreign objects as their `repr`, NaN and infinities as text,
        sets as lists, what is nested too deep (or in itself) as a few words.
    """
    copier = _Copier()
    try:
        shown = copier.copy_dict(job, "", 0)
        json.dumps(shown)
    except RecursionError:  # called with hardly any stack left
        shown = {key: value for key, value in job.items() if _is_small_number(value)}
        copier.notes[:] = ["everything but numbers: too little stack was left"]
    return {**shown, NOTES_KEY: copier.notes}


@dataclass
class _Copier:
    notes: list[str] = field(default_factory=list)
    seen: int = 0

    def copy(self, value: Any, path: str, depth: int) -> Any:
        self.seen += 1
        if self.seen > MAX_VALUES:
            return self._replaced("…", path, "too many values")
        if isinstance(value, dict | list | tuple | set | frozenset):
            if depth > MAX_DEPTH:
                return self._replaced("…", path, "nested too deep")
            return self._copy_container(value, path, depth)
        shown, replaced = _scalar(value)
        return self._replaced(shown, path, replaced) if replaced else shown

    def copy_dict(self, value: dict[Any, Any], path: str, depth: int) -> dict[str, Any]:
        copied: dict[str, Any] = {}
        for key, item in value.items():
            name = self._name(key, path)
            while name in copied:  # 1 and "1" are two keys here and would be one in JSON
                name += "~"
            copied[name] = self.copy(item, f"{path}.{name}" if path else name, depth + 1)
        return copied

    def _copy_container(self, value: Any, path: str, depth: int) -> Any:
        if isinstance(value, dict):
            return self.copy_dict(value, path, depth)
        if isinstance(value, set | frozenset):
            self._replaced(None, path, type(value).__name__)
        return [self.copy(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]

    def _name(self, key: Any, path: str) -> str:
        if isinstance(key, str):
            return key
        if key is None or isinstance(key, bool):
            return json.dumps(key)
        if isinstance(key, int | float):
            return str(_scalar(key)[0])
        return str(self._replaced(_repr(key), path or "the job", f"key of {type(key).__name__}"))

    def _replaced(self, stand_in: Any, path: str, what: str) -> Any:
        if len(self.notes) < MAX_NOTES:
            self.notes.append(f"{_cut(path)}: {what}")
        elif len(self.notes) == MAX_NOTES:
            self.notes.append("… and more")
        return stand_in


def _scalar(value: Any) -> tuple[Any, str | None]:
    """A value without parts, as JSON holds it, and what it was if that is not the same."""
    if value is None or isinstance(value, bool | str):
        return value, None
    if isinstance(value, int):
        if value.bit_length() <= MAX_INTEGER_BITS:
            return value, None
        return _cut(hex(value)), "integer too long"
    if isinstance(value, float):
        return (value, None) if math.isfinite(value) else (str(value), "float")
    return _repr(value), type(value).__name__


def _is_small_number(value: Any) -> bool:
    return isinstance(value, int) and value.bit_length() <= MAX_INTEGER_BITS


def _repr(value: Any) -> str:
    try:
        return _cut(repr(value))
    except Exception:  # noqa: BLE001 - a repr may raise anything, and the letter must be kept
        return f"<{type(value).__name__}>"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…(cut, {len(text)} characters)"
