"""In which line of a TOML text something stands: `tomllib` does not tell."""

from __future__ import annotations

import re

KeyPath = tuple[str | int, ...]
"""Keys and places in lists, from the outside in."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*""")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r"""|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]*")


def line_of(text: str, path: KeyPath) -> int:
    """The line, from 1, at which a value is given.

    Args:
        text: TOML that `tomllib` takes.
        path: The value's place; if it is not there, that of the nearest table around it counts.
    """
    found = _Scanner(text).positions()
    while path and path not in found:
        path = path[:-1]
    return text.count("\n", 0, found.get(path, 0)) + 1


class _Scanner:
    """Goes through a text once, and notes where each key and each element of a list begins."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._found: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}  # how many tables of an array came before this one

    def positions(self) -> dict[KeyPath, int]:
        base: KeyPath = ()
        while self._skip() < len(self._text):
            begin = self._at
            if self._text[begin] == "[":
                base = self._header()
                self._found.setdefault(base, begin)
            else:
                self._pair(base)
        return self._found

    def _skip(self) -> int:
        self._at = _end(_BLANK, self._text, self._at)
        return self._at

    def _header(self) -> KeyPath:
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        path: KeyPath = ()
        keys = self._key()
        for depth, key in enumerate(keys, 1):
            path = (*path, key)
            if is_array and depth == len(keys):
                self._found.setdefault(path, self._at)
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
        self._at += 2 if is_array else 1
        return path

    def _key(self) -> list[str]:
        keys = []
        while match := _KEY.match(self._text, self._at):
            self._at = match.end()
            keys.append(next(group for group in match.groups() if group is not None))
            if self._text[self._at : self._at + 1] != ".":
                break
            self._at += 1
        return keys

    def _pair(self, base: KeyPath) -> None:
        begin = self._at
        path = base
        for key in self._key():
            path = (*path, key)
            self._found.setdefault(path, begin)
        self._at += 1  # the equals sign
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        first = self._text[self._skip() : self._at + 1]
        if first == "{":
            self._members("}", path)
        elif first == "[":
            self._members("]", path)
        else:
            pattern = _STRING if first in {'"', "'"} else _PLAIN
            self._at = max(_end(pattern, self._text, self._at), self._at + 1)

    def _members(self, close: str, path: KeyPath) -> None:
        self._at += 1
        place = 0
        while self._skip() < len(self._text) and self._text[self._at] != close:
            if self._text[self._at] == ",":
                self._at += 1
            elif close == "}":
                self._pair(path)
            else:
                self._found[(*path, place)] = self._at
                self._value((*path, place))
                place += 1
        self._at += 1


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()
