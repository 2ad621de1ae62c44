"""Which files are one log, by their names, and which of them is older.

The forms are those of logrotate (numbers, ``dateext``), Python's rotating handlers, logback,
lumberjack and savelog: a number or a date at the end or before the extension, compressed or not.
Only names are looked at: whether a file is what its name says is a question to its content.
"""

from __future__ import annotations

import re
from typing import NamedTuple

ARCHIVES = (".gz", ".zst", ".bz2", ".xz")
_Part = tuple[int, str, int]
_BASE: _Part = (2, "", 0)
_MOST_PEELED = 3  # "app-20261124.log.1.gz" has two

_MONTH = r"(?:0[1-9]|1[0-2])"
_DATE = r"(?:0[1-9]|[12]\d|3[01])"
_DAY = rf"(?:19|20)\d\d(?:-?{_MONTH}-?{_DATE}|_{_MONTH}_{_DATE})"
_TIME = r"(?:[-_.T]?[0-2]\d(?:[-:_.]?[0-5]\d(?:[-:_.]?[0-5]\d(?:[.,]\d{1,9})?)?)?Z?)"
_MOMENT = rf"(?P<moment>{_DAY}{_TIME}??|1\d{{9}})"
_DATED = rf"[-_.]{_MOMENT}(?:[-_.](?P<seq>\d{{1,5}}))?"
_NUMBERED = r"\.(?P<number>\d{1,5})"
_LAST = re.compile(rf"(?P<stem>.*?[^-_.])(?:{_DATED}|{_NUMBERED})")
_BEFORE = re.compile(rf"(?P<stem>.*?[^-_.])(?:{_DATED}|{_NUMBERED})(?P<extension>\.[A-Za-z][\w]*)")


class Rotated(NamedTuple):
    """What a file name says.

    Attributes:
        base: The name of the log's current file.
        order: Of the files of one log the oldest has the least; that of ``base`` is the greatest.
        compressed: Whether it is an archive.
    """

    base: str
    order: tuple[_Part, ...]
    compressed: bool


def parse_name(name: str) -> Rotated:
    """Take a file's name apart.

    >>> parse_name("app.log.2.gz").base, parse_name("app-20261124.log").base
    ('app.log', 'app.log')
    >>> sorted(["app.log", "app.log.1", "app.log.2.gz"], key=lambda name: parse_name(name).order)
    ['app.log.2.gz', 'app.log.1', 'app.log']
    """
    stem, compressed = _uncompressed(name)
    parts: list[_Part] = []
    while len(parts) < _MOST_PEELED and (peeled := _peel(stem)) is not None:
        stem, part = peeled
        parts.insert(0, part)
    if compressed and not parts:
        parts.append((1, "", 0))  # app.log.gz: older than app.log, newer than app.log.1
    return Rotated(stem, (*parts, _BASE), compressed)


def bases_of(name: str) -> list[str]:
    """The names of the logs that a file of this name may be an older file of.

    >>> bases_of("app-20261124.log.1.gz")
    ['app-20261124.log.1', 'app-20261124.log', 'app.log']
    """
    stem, compressed = _uncompressed(name)
    found = [stem] if compressed else []
    for _ in range(_MOST_PEELED):
        peeled = _peel(stem)
        if peeled is None:
            break
        stem = peeled[0]
        found.append(stem)
    return found


def is_archive(name: str) -> bool:
    """Whether the name is that of a compressed file."""
    return name.lower().endswith(ARCHIVES)


def _uncompressed(name: str) -> tuple[str, bool]:
    lower = name.lower()
    for suffix in ARCHIVES:
        if lower.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)], True
    return name, False


def _peel(name: str) -> tuple[str, _Part] | None:
    """Take off the last number or date."""
    match = _LAST.fullmatch(name) or _BEFORE.fullmatch(name)
    if match is None:
        return None
    found = match.groupdict()
    stem = found["stem"] + (found.get("extension") or "")
    if found["number"] is not None:
        return stem, (1, "", -int(found["number"]))  # the highest number is the oldest
    digits = re.sub(r"\D", "", found["moment"])
    return stem, (0, digits, int(found["seq"] or 0))
