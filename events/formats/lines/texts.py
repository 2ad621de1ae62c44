"""Regular expressions on other programs' texts, within a bound."""

from __future__ import annotations

import re

_HALF = 8192
_SEAM = "\n…\n"


def bounded(text: str) -> str:
    """What a regular expression gets to see of a text: if it is long, its start and its end.

    The time that a search takes may grow with the square of the text.
    """
    return text if len(text) <= 2 * _HALF else text[:_HALF] + _SEAM + text[-_HALF:]


def part(regex: str, text: str) -> str | None:
    r"""What a regular expression takes from a text: group ``value``, else group 1, else all of it.

    >>> part(r"^(\w+): ", "KeyError: x"), part("[0-9]+", "job 17"), part("x", "y")
    ('KeyError', '17', None)
    """
    found = re.search(regex, bounded(text))
    if found is None:
        return None
    named = found.re.groupindex
    taken: str | None = found["value" if "value" in named else 1 if found.re.groups else 0]
    return taken
