"""What is fuzzed of other programs' logs; see `tests.fuzz.targets`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from events.errors import EventsError
from events.formats.names import PRESETS, WRAPPINGS
from events.formats.presets import load_preset
from events.formats.recognition import recognise
from events.formats.toml.mapping_file import MappingError, parse_mapping
from events.formats.translator import Compiled, Translator
from events.formats.wrappings.unwrapping import Unwrapper
from projections.choosing import known_format
from projections.errors import ProjectionError
from projections.fold import Fold
from projections.ingest.state import parse_state
from projections.intake import Intake

if TYPE_CHECKING:
    from events.formats.outcome import Foreign

_MAPPINGS = [load_preset(name) for name in PRESETS]
_SLOW = [Compiled(mapping, fast=False) for mapping in _MAPPINGS]
Said = list[tuple[int, str]]


def _says(error: Exception, beginning: str = "") -> None:
    assert str(error)
    assert str(error).startswith(beginning)


def _translated(translator: Translator, lines: bytes) -> tuple[list[Foreign], Said]:
    told: Said = []
    return translator.lines(lines, 0, lambda *each: told.append(each)), told


def foreign(data: bytes) -> None:
    """Foreign lines: the fast way and the slow one agree, wherever they are cut; any unwraps."""
    lines = data.removesuffix(b"\n") + b"\n"
    half = lines.find(b"\n", len(lines) // 2) + 1 or len(lines)
    for mapping, slow in zip(_MAPPINGS, _SLOW, strict=True):
        whole = Translator(mapping)
        found, told = _translated(whole, lines)
        assert (found, told) == _translated(Translator(mapping, None, slow), lines), "ways differ"
        begun = Translator(mapping)
        apart = begun.lines(lines[:half])
        gone_on = Translator(mapping, json.loads(json.dumps(begun.state())))
        assert found == apart + gone_on.lines(lines[half:]), "cut elsewhere they differ"
        assert whole.waiting() == gone_on.waiting()
    for wrapping in WRAPPINGS:
        _unwrap(wrapping, lines, half)
    recognise(lines)


def _unwrap(wrapping: str, lines: bytes, half: int) -> None:
    told: Said = []
    whole = Unwrapper(wrapping)
    found = whole.lines(lines, 0, lambda *each: told.append(each))
    assert found.data.count(b"\n") == len(found.offsets)
    assert all(0 <= at < len(lines) for at, _ in told)
    begun = Unwrapper(wrapping)
    first = begun.lines(lines[:half])
    gone_on = Unwrapper(wrapping, json.loads(json.dumps(begun.state())))
    assert found.data == first.data + gone_on.lines(lines[half:], half).data


def mapping(data: bytes) -> None:
    """A mapping file: refused with its place, or ready to be used."""
    try:
        found = parse_mapping(data.decode(errors="replace"), "f.toml")
    except MappingError as error:
        _says(error, "f.toml")
        return
    Translator(found).lines(b'{"a":1,"msg":"done","event":{"outcome":"success"}}\n')


def state(data: bytes) -> None:
    """A state of ingest: refused in words, or written again as it is; what waits goes on."""
    try:
        found = parse_state(data, "f")
    except ProjectionError as error:
        _says(error, "f")
        return
    again = found.to_bytes()
    assert parse_state(again, "f").to_bytes() == again
    for log in found.logs.values():
        _go_on(log.format, log.wrapping, log.waiting)


def _go_on(name: str, wrapping: str | None, waiting: Any) -> None:
    if wrapping not in {None, *WRAPPINGS} or (format_ := known_format(name, wrapping)) is None:
        return
    try:
        intake = Intake(Fold(), format_, state=waiting)
    except (EventsError, ProjectionError) as error:
        _says(error)
    else:
        intake.finish()
