"""Hypothesis strategies for event lines: valid outcomes, whole streams, invalid lines.

Events are dicts as the format has them, `as_line` makes bytes of one. Numbers and moments come
from all of the range that the format allows.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from events.model import MAX_COUNT, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import DrawFn, SearchStrategy


def as_line(fields: Mapping[str, Any], *, ascii_only: bool = False) -> bytes:
    r"""The line of an event, as any program may write it, ``\n`` included."""
    return json.dumps(fields, ensure_ascii=ascii_only, allow_nan=False).encode() + b"\n"


@cache
def texts(min_size: int = 0) -> SearchStrategy[str]:
    """Text that UTF-8 can hold: also control characters, line separators, bidi controls."""
    odd = ["\x00", "\x1b[2J", "\x7f", "\x9b", "\u2028", "\u202e", "\U0001f600", '"', "\\ud800"]
    characters = st.characters(exclude_categories=["Cs"])
    return st.text(characters, min_size=min_size, max_size=8) | st.sampled_from(odd)


@cache
def counts() -> SearchStrategy[int]:
    """Counts: mostly small, also the largest."""
    return st.integers(0, 99) | st.integers(0, MAX_COUNT) | st.just(MAX_COUNT)


@cache
def json_values(max_leaves: int = 8) -> SearchStrategy[Any]:
    """Any JSON value that all parsers read alike."""
    numbers = st.integers(-(2**63), MAX_COUNT) | st.floats(allow_nan=False, allow_infinity=False)
    return st.recursive(
        st.none() | st.booleans() | numbers | texts(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
        max_leaves=max_leaves,
    )


@cache
def timestamps() -> SearchStrategy[str]:
    """RFC 3339 with any offset, in any year whose moments all have a UTC value."""
    offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    zulu = st.just("Z")
    earliest, latest = datetime(2, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001 -- naive bounds
    naive = st.datetimes(earliest, latest).map(datetime.isoformat)
    numeric = st.datetimes(earliest, latest, timezones=offsets).map(datetime.isoformat)
    return st.tuples(naive, zulu).map("".join) | numeric


@cache
def loose_outcomes() -> SearchStrategy[dict[str, Any]]:
    """Valid outcomes without ``stream`` and ``seq``, with unknown keys at times."""
    known: dict[str, SearchStrategy[Any]] = {
        "v": st.just(1),
        "level": st.sampled_from(["info", "warning", "error"]),
        "job_id": st.integers(-(2**63), MAX_COUNT),
        "kind": texts(),
        "scene_id": st.integers(0, 9),
        "attempt": st.integers(1, 3) | st.integers(1, MAX_COUNT),
        "duration_ns": counts(),
        "duration": st.floats(0, allow_infinity=False) | st.integers(0, 9),
        "wait_ns": counts(),
        "confidence": st.sampled_from(["high", "low"]) | json_values(),
        "error_type": st.sampled_from(["PlexNotFound", "WorkerLost", ""]) | texts(),
        "error": texts(),
        "to_dlq": st.booleans(),
        "retry_at": timestamps(),
        "policy": st.sampled_from(["transient", "not_found"]),
        "exception": json_values(),
        "warnings": counts(),
        "trace_id": st.just("4bf92f3577b34da6a3ce929d0e0e4736"),
        "span_id": st.just("00f067aa0ba902b7"),
    }
    required = {"event": st.sampled_from(sorted(OUTCOMES)), "timestamp": timestamps()}
    ours = st.fixed_dictionaries(required, optional=known)
    unknown = st.dictionaries(texts(1).map("x-{}".format), json_values(), max_size=2)
    return st.builds(lambda known, more: more | known, ours, unknown)


def outcomes(stream: str, seq: int) -> SearchStrategy[dict[str, Any]]:
    """Valid outcomes at a place in a stream."""
    return loose_outcomes().map(lambda fields: fields | {"stream": stream, "seq": seq})


@st.composite
def streams(draw: DrawFn, stream: str = "a", max_size: int = 12) -> list[dict[str, Any]]:
    """The events of one stream, seqs from 0 without a hole: epochs of outcomes and others."""
    events: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0, max_size))):
        seq = len(events)
        kind = draw(st.integers(0, 9)) if events else 0
        if kind == 0:
            opened = {"event": "stream.opened", "v": 1, "stream": stream, "seq": seq}
            events.append(opened | {"timestamp": draw(timestamps()), "epoch": f"epoch-{seq}"})
        elif kind == 1:
            other = {"event": "batch.summary", "v": 1, "stream": stream, "seq": seq}
            events.append(other | {"timestamp": draw(timestamps())})
        else:
            events.append(draw(loose_outcomes()) | {"stream": stream, "seq": seq})
    return events


@cache
def spoilings() -> SearchStrategy[dict[str, Any]]:
    """Fields each of which makes any outcome that gets them invalid."""
    not_an_int: list[Any] = [None, True, "1", 1.0, [], {}]
    not_a_text: list[Any] = [None, 1, False, [], {}]
    beyond = [-1, MAX_COUNT + 1, 2**64, 10**30]
    wrong: dict[str, list[Any]] = {
        "v": [0, 2, 2**70, *not_an_int],
        "stream": ["", *not_a_text],
        "seq": beyond + not_an_int,
        "timestamp": [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-02-30T00:00:00Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            1_767_225_600,
            *not_a_text,
        ],
        "level": not_a_text,
        "job_id": [2**63, *not_an_int],
        "kind": not_a_text,
        "scene_id": [-(2**63) - 1, *not_an_int],
        "attempt": [0, *beyond, *not_an_int],
        "duration_ns": beyond + not_an_int,
        "duration": [-0.5, None, True, "1", [], {}],
        "wait_ns": beyond + not_an_int,
        "error_type": not_a_text,
        "error": not_a_text,
        "to_dlq": [None, 0, 1, "true", [], {}],
        "retry_at": ["", "soon", 0, None],
        "policy": not_a_text,
        "warnings": beyond + not_an_int,
        "trace_id": not_a_text,
        "span_id": not_a_text,
    }
    pairs = [{name: value} for name, values in wrong.items() for value in values]
    return st.sampled_from(pairs)


@st.composite
def spoilt_outcomes(draw: DrawFn, stream: str = "a", seq: int = 0) -> bytes:
    """The line of an outcome with one field that is wrong."""
    return as_line(draw(outcomes(stream, seq)) | draw(spoilings()))


@cache
def no_objects() -> SearchStrategy[bytes]:
    r"""Lines that hold no JSON object, ``\n`` included; none is empty."""
    samples = [
        b"not json",
        b"[]",
        b"null",
        b"17",
        b'"text"',
        b"{",
        b"{}}",
        b'{"a":1,}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":01}',
        b"{'a':1}",
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b"{}\xef\xbb\xbf",
        b'{"a":"\x01"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"a":"\\x41"}',
        b'{"a":' + b"[" * 5_000,
        b'{"a":' + b"[" * 200 + b"]" * 200 + b"}",
    ]
    values = json_values().filter(lambda value: not isinstance(value, dict)).map(as_line)
    return st.sampled_from([sample + b"\n" for sample in samples]) | values


def invalid_lines() -> SearchStrategy[bytes]:
    r"""Any line that is invalid, ``\n`` included."""
    return no_objects() | spoilt_outcomes()
