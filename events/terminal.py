"""Text from a log, made harmless for a terminal."""

from __future__ import annotations

import re

# C0 and DEL and C1 are obeyed by terminals (U+009B begins a command); bidi controls show text in
# another order than it has; U+2028 and U+2029 break lines in some viewers; half a surrogate pair
# cannot be printed at all.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def safe(text: str) -> str:
    r"""Escape what a terminal would obey instead of show; anything else stays as it is.

    Line ends are escaped too: what is printed stays on its line.

    >>> safe("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return _UNSAFE.sub(_escape, text)


def safe_json(line: str) -> str:
    r"""Escape the same in a line of JSON, which stays JSON and means the same.

    Between its values only tabs and carriage returns can stand, which become blanks.

    >>> safe_json('{"a":\t"\x9b2J"}')
    '{"a": "\\u009b2J"}'
    """
    return line if line.isprintable() else _UNSAFE.sub(_escape_json, line)


def _escape_json(match: re.Match[str]) -> str:
    return " " if match[0] in "\t\r" else f"\\u{ord(match[0]):04x}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
