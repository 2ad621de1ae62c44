"""How deep a JSON text is nested, told without recursion, so that every machine says the same.

Parsers descend recursively and give up where the caller's stack happens to end; a line that one
machine counts and another refuses would break "a rebuild gives the same bytes".
"""

from __future__ import annotations

import re
from itertools import accumulate

from events.limits import MAX_DEPTH

# Possessive, and an unfinished string runs to the end: linear in the text, whatever it holds.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def may_be_deep(text: bytes) -> bool:
    """Tell cheaply that ``text`` could be nested deeper than `MAX_DEPTH`; mostly it cannot."""
    return len(text) > 2 * MAX_DEPTH and text.count(b"[") + text.count(b"{") > MAX_DEPTH


def depth(text: bytes) -> int:
    """Deepest nesting of a JSON text; of a malformed one, no less than a parser would descend."""
    brackets = _STRING.sub(b"", text).translate(None, _NO_BRACKETS)
    return max(accumulate(_STEPS[bracket] for bracket in brackets), default=0)


def is_too_deep(text: bytes) -> bool:
    """Tell whether ``text`` is nested deeper than `MAX_DEPTH`; its own brackets are 1."""
    return may_be_deep(text) and depth(text) > MAX_DEPTH


def flatten(text: bytes) -> bytes:
    """Replace every object and list inside the outermost one by ``null``.

    What is left can be parsed by anything, and still holds the keys and plain values of the
    outermost object.
    """
    kept: list[bytes] = []
    level = 0
    done = 0
    for token in _TOKEN.finditer(text):
        step = _STEPS.get(text[token.start()], 0)
        if step > 0 and level == 1:
            kept.append(text[done : token.start()] + b"null")
        level += step
        if step < 0 and level == 1:
            done = token.end()
    if level <= 1:
        kept.append(text[done:])
    return b"".join(kept)
