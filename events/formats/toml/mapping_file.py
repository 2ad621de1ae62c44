"""Mappings as TOML files, checked whole: what is wrong is told with file, line and key."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from events.errors import EventsError
from events.filesystem import REAL
from events.formats.mapping import (
    ENDINGS,
    FIELDS,
    Companion,
    Fields,
    Mapping,
    Outcome,
    Same,
    Sources,
)
from events.formats.toml.lines import KeyPath, line_of
from events.formats.toml.table import Table, WrongKeyError
from events.formats.toml.values import read_sources, read_when

if TYPE_CHECKING:
    from collections.abc import Iterator

    from events.filesystem import FileSystem, StrPath

MAX_BYTES = 1 << 20
MAX_REGEXES = 1000
"""Most regular expressions of one mapping: each is tried out, and looked for in each line."""
MAX_WITHIN_LINES = 100_000
_WITHIN_LINES = 1000
_AT = re.compile(r" \(at line (\d+), column \d+\)\Z")  # tomllib has no other way to tell
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class MappingError(EventsError):
    """A mapping cannot be used; the message says which, where in it, and what to do."""


def read_mapping(path: StrPath, fs: FileSystem = REAL) -> Mapping:
    """Read a mapping from its file.

    Args:
        path: The TOML file.
        fs: What reads it.

    Raises:
        MappingError: It cannot be read, or says something that cannot be.
    """
    return parse_mapping(read_text(path, fs), str(path))


def read_text(path: StrPath, fs: FileSystem = REAL) -> str:
    """Read a mapping's file as text.

    Raises:
        MappingError: It cannot be read, is too large or not UTF-8.
    """
    try:
        with fs.open_read(path) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise MappingError(f"{path}: the mapping cannot be read: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise MappingError(f"{path}: the file is larger than 1 MiB: it is no mapping")
    try:
        return data.decode("utf-8-sig")  # some editors put a mark at the beginning
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MappingError(f"{path}:{line}: this is no TOML: not UTF-8") from error


def parse_mapping(text: str, source: str) -> Mapping:
    """Read a mapping from TOML.

    Args:
        text: The file's content.
        source: The file's name, for messages.

    Raises:
        MappingError: It is no TOML, or says something that cannot be.
    """
    text = text.replace("\r\n", "\n")
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, what = _placed(str(error), text)
        raise MappingError(f"{source}:{line}: this is no TOML: {what}") from error
    except (ValueError, RecursionError) as error:
        deep = isinstance(error, RecursionError)
        what = "nested too deep" if deep else "a number of too many digits"
        line = _first_line(text, type(error))
        raise MappingError(f"{source}:{line}: this is no mapping: {what}") from error
    try:
        mapping = _mapping(Table(content))
    except WrongKeyError as error:
        raise wrong(text, source, error.path, str(error)) from None
    found = list(_regexes(content, ()))
    if len(found) > MAX_REGEXES:
        what = f"a mapping has at most {MAX_REGEXES:,} regular expressions, and this is one more"
        raise wrong(text, source, found[MAX_REGEXES][0], what)
    return mapping


def _placed(said: str, text: str) -> tuple[int, str]:
    """In which line the parser found something wrong, and what it says besides."""
    found = _AT.search(said)
    if found is None:  # at the end of the document
        return text.rstrip("\n").count("\n") + 1, said
    return int(found[1]), said[: found.start()]


def _first_line(text: str, kind: type[Exception]) -> int:
    """The line with which reading a text begins to end with an error that tells no place."""
    lines = text.split("\n")

    def fails(count: int) -> bool:
        try:
            tomllib.loads("\n".join(lines[:count]))
        except (ValueError, RecursionError) as error:
            return type(error) is kind
        return False

    return bisect_left(range(len(lines)), True, key=fails)


def wrong(text: str, source: str, path: KeyPath, what: str) -> MappingError:
    """Make the error that tells of a place in a mapping's file.

    Args:
        text: The file's content.
        source: Its name.
        path: The keys that lead to the place.
        what: What is wrong there.
    """
    keys = ".".join(key for key in path if isinstance(key, str))
    place = f"{source}:{line_of(text, path)}"
    return MappingError(f"{place}: {keys}: {what}")


def regexes(text: str) -> list[tuple[KeyPath, str]]:
    """List the regular expressions of a mapping's TOML, each with the keys that lead to it."""
    return list(_regexes(tomllib.loads(text), ()))


def _regexes(content: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(content, dict):
        for key, value in content.items():
            if key in {"regex", "matches"} and isinstance(value, str):
                yield (*path, key), value
            else:
                yield from _regexes(value, (*path, key))
    elif isinstance(content, list):
        for place, value in enumerate(content):
            yield from _regexes(value, (*path, place))


def _mapping(table: Table) -> Mapping:
    table.only("name", "description", "detect", "outcomes", "fields", "dimensions", "companions")
    name = table.text("name")
    if not _NAME.fullmatch(name):
        raise table.wrong("name", "a name has letters, digits, - and _, at most 64")
    outcomes = tuple(_outcome(each) for each in table.tables("outcomes"))
    if not outcomes:
        raise table.wrong("outcomes", "say in [[outcomes]] which lines tell how an attempt ended")
    return Mapping(
        name=name,
        description=table.text("description", ""),
        detect=read_when(table, "detect") if "detect" in table else (),
        outcomes=outcomes,
        fields=_fields(table.table("fields")),
        dimensions=_dimensions(table.table("dimensions")),
        companions=tuple(_companion(each) for each in table.tables("companions")),
    )


def _outcome(table: Table) -> Outcome:
    table.only("is", "when")
    return Outcome(table.one_of("is", ENDINGS), read_when(table, "when"))


def _fields(table: Table) -> Fields:
    table.only(*FIELDS, what="field")
    return tuple((name, read_sources(table, name, name)) for name in table)


def _dimensions(table: Table) -> Fields:
    return tuple((name, read_sources(table, name, "")) for name in table)


def _companion(table: Table) -> Companion:
    table.only("position", "of", "same", "when", "within_lines", "is", "fields")
    of = table.list("of")
    for kind in of:
        if kind not in ENDINGS:
            raise table.wrong("of", f"{kind!r} is no outcome; use {', '.join(ENDINGS)}")
    within = table.get("within_lines", _WITHIN_LINES)
    if type(within) is not int or not 1 <= within <= MAX_WITHIN_LINES:
        raise table.wrong("within_lines", f"give a whole number from 1 to {MAX_WITHIN_LINES:,}")
    return Companion(
        position=table.one_of("position", ("before", "after")),
        of=tuple(of),
        same=tuple(_same(table.inside("same"), place) for place in range(len(table.list("same")))),
        when=read_when(table, "when"),
        within_lines=within,
        kind=table.one_of("is", ENDINGS) if "is" in table else None,
        fields=_fields(table.table("fields")),
    )


def _same(table: Table, place: int) -> Same:
    """What is the same in both lines: given once, or apart where they differ."""
    pair = table.get(place)
    if isinstance(pair, dict) and {"outcome", "line"} & pair.keys():
        both = table.table(place)
        both.only("outcome", "line")
        return Same(_one(both, "outcome"), _one(both, "line"))
    sources = read_sources(table, place, "")
    return Same(sources, sources)


def _one(table: Table, key: str) -> Sources:
    if key not in table:
        raise table.wrong("outcome", "give both, outcome and line")
    return read_sources(table, key, "")
