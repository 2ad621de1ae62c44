"""One line to one event and back: nothing is lost, and no bytes do harm."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from events.codec import decode, encode
from events.errors import InvalidLineError
from events.limits import MAX_LINE_BYTES
from events.model import (
    MAX_COUNT,
    Failed,
    Line,
    Skipped,
    Succeeded,
    elapsed_ns,
    outcome_fields,
)
from tests.support.event_lines import (
    as_line,
    counts,
    invalid_lines,
    json_values,
    loose_outcomes,
    no_objects,
    outcomes,
    spoilings,
    streams,
    texts,
)

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject

DEFAULTS = {name: getattr(Line(), name) for name in Line.__struct_fields__}


def says(line: Line) -> dict[str, Any]:
    """What a line says, as its fields do: without what it leaves to the defaults."""
    fields = {name: getattr(line, name) for name in Line.__struct_fields__}
    return {name: value for name, value in fields.items() if value is not UNSET}


def expected(fields: dict[str, Any]) -> dict[str, Any]:
    """What a reader should make of the fields of a valid outcome."""
    known = {name: value for name, value in fields.items() if name in Line.__struct_fields__}
    for name in ("timestamp", "retry_at"):
        if name in known:
            known[name] = datetime.fromisoformat(known[name])
    if known.get("error_type") == "":
        del known["error_type"]
    defaults = {name: value for name, value in DEFAULTS.items() if value is not UNSET}
    return defaults | known


@settings(deadline=None)
@given(outcomes("a", 7) | loose_outcomes(), st.booleans())
def test_a_valid_outcome_is_read_as_it_was_written(fields, ascii_only):
    line = decode(as_line(fields, ascii_only=ascii_only))
    assert says(line) == expected(fields)
    assert 0 <= elapsed_ns(line) <= MAX_COUNT


@settings(deadline=None)
@given(outcomes("a", 7))
def test_what_we_encode_is_read_back(fields):
    line = encode(fields)
    assert json.loads(line) == fields
    assert says(decode(line)) == expected(fields)


@settings(deadline=None)
@given(outcomes("a", 7), st.sampled_from([b"\n", b"\r\n", b"", b" \t\r\n"]), st.randoms())
def test_the_order_of_keys_and_the_line_end_do_not_matter(fields, end, random):
    keys = sorted(fields)
    random.shuffle(keys)
    shuffled = {key: fields[key] for key in keys}
    assert decode(as_line(shuffled).removesuffix(b"\n") + end) == decode(as_line(fields))


@settings(deadline=None)
@given(streams())
def test_every_event_of_a_stream_is_valid_and_numbered_from_0(events):
    lines = [decode(as_line(event)) for event in events]
    assert [line.seq for line in lines] == list(range(len(events)))
    assert {line.stream for line in lines} <= {"a"}


@settings(deadline=None)
@given(invalid_lines())
def test_invalid_lines_say_why(line):
    with pytest.raises(InvalidLineError) as caught:
        decode(line)
    assert caught.value.reason
    assert "\n" not in caught.value.reason


@settings(deadline=None)
@given(no_objects())
def test_what_is_no_object_is_invalid_whatever_its_end(line):
    for end in (b"", b"\n", b"\r\n"):
        with pytest.raises(InvalidLineError):
            decode(line.removesuffix(b"\n") + end)


@settings(deadline=None)
@given(outcomes("a", 7), spoilings())
def test_an_invalid_outcome_takes_up_its_seq(fields, wrong):
    with pytest.raises(InvalidLineError) as caught:
        decode(as_line(fields | wrong))
    assert caught.value.stream == (None if "stream" in wrong else "a")
    assert caught.value.seq == (None if "seq" in wrong else 7)


@settings(deadline=None)
@given(outcomes("a", 7), spoilings())
def test_an_event_that_is_no_outcome_is_carried_without_its_wrong_fields(fields, wrong):
    fields = fields | wrong | {"event": "something.else"}
    version = fields.get("v", 1)
    if type(version) is int and version != 1:
        with pytest.raises(InvalidLineError, match="version"):
            decode(as_line(fields))
        return
    line = decode(as_line(fields))
    assert line.event == "something.else"
    (name,) = wrong
    assert getattr(line, name) == DEFAULTS[name]
    assert (line.stream is UNSET) == (line.seq is UNSET) == (name in {"stream", "seq"})


def decoded(line: bytes) -> Line | InvalidLineError:
    try:
        return decode(line)
    except InvalidLineError as error:
        return error


def harmless(line: bytes) -> None:
    """Decoding gives an event that can be used, or the one error."""
    found = decoded(line)
    if isinstance(found, InvalidLineError):
        assert found.stream is None or found.stream.encode()
        return
    assert (found.stream is UNSET) == (found.seq is UNSET)
    assert found.error_type
    for moment in (found.timestamp, found.retry_at):
        if moment is not UNSET:
            moment.astimezone().isoformat()
    assert isinstance(json.loads(line), dict)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_do_harm(line):
    harmless(line)


FRAGMENTS = [
    *b'{}[],:"\\\n\r\t -+.eE019',
    *[word.encode() for word in ("null", "true", "NaN", "\\ud800", "\\u0000", "1e999", "\u2028")],
    b"\xff",
    b"\x00",
    b'{"a":',
    b'"seq":-1,',
    b'"event":"job.failed",',
    b"[" * 300,
    b"9" * 5000,
]


@settings(deadline=None)
@given(outcomes("a", 7), st.data())
def test_no_mutation_of_a_valid_line_does_harm(fields, data: DataObject):
    line = as_line(fields)
    for _ in range(data.draw(st.integers(1, 3))):
        begin = data.draw(st.integers(0, len(line)))
        end = data.draw(st.integers(begin, min(begin + 9, len(line))))
        piece = data.draw(st.sampled_from(FRAGMENTS) | st.binary(max_size=3))
        line = line[:begin] + (bytes([piece]) if isinstance(piece, int) else piece) + line[end:]
    harmless(line)


class Unknown:
    def __repr__(self):
        raise ValueError("secret")


class Mapped(dict):
    def items(self):
        raise ValueError("secret")

    __iter__ = keys = items


LISTED: list[Any] = []
LISTED += [LISTED, LISTED]

# By name, since hypothesis shows what it draws from, and these refuse to be shown.
HOSTILE: dict[str, Any] = {
    "beyond 64 bits": 2**64,
    "below 64 bits": -(2**63) - 1,
    "very long": 10**5000,
    "nan": float("nan"),
    "infinity": float("inf"),
    "half a pair": "\ud800",
    "halves": "a\udfff" * 9,
    "long text": "x" * 3_000_000,
    "text that grows when it is escaped": "\x00" * 400_000,
    "many texts": ["\U0001f600" * 9] * 60_000,
    "long key": {"k" * 2_000_000: 1},
    "many keys": {str(number): number for number in range(60_000)},
    "keys of other types": {1: 2, None: 3, True: 4, (1,): 5, "1": 6, 2.5: 7, "\udfff": 8},  # noqa: F601 -- that is the point
    "bytes": b"\xff",
    "set": {1, 2},
    "object": object(),
    "object that raises": Unknown(),
    "mapping that raises": Mapped(a=Unknown()),
    "list in itself": LISTED,
    "type": datetime,
}


@dataclass(frozen=True)
class StandIn:
    name: str


def hostile_values() -> st.SearchStrategy[Any]:
    return st.recursive(
        st.sampled_from(sorted(HOSTILE)).map(StandIn) | json_values(),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.tuples(inner)
            | st.dictionaries(texts() | st.integers(), inner, max_size=2)
        ),
        max_leaves=3,
    )


def unmasked(value: Any) -> Any:
    if isinstance(value, StandIn):
        return HOSTILE[value.name]
    if isinstance(value, dict):
        return {key: unmasked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(unmasked(item) for item in value)
    return value


RESERVED = {
    "event": "job.failed",
    "v": 1,
    "stream": "a",
    "seq": 7,
    "timestamp": "2026-01-01T00:00:00.000000Z",
    "level": "error",
    "job_id": 3,
    "error_type": "Odd",
    "to_dlq": True,
}


@settings(deadline=None)
@given(
    hostile_values(),
    hostile_values(),
    st.dictionaries(texts().map("x-{}".format), hostile_values(), max_size=3),
    st.sampled_from(["job.failed", "worker.odd"]),
)
def test_any_values_give_one_line_that_keeps_the_reserved_fields(first, second, more, event):
    reserved = RESERVED | {"event": event}
    line = encode(reserved | unmasked({"exception": first, "confidence": second} | more))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert len(line) <= MAX_LINE_BYTES
    assert b"secret" not in line
    found = json.loads(line)
    assert {name: found[name] for name in reserved} == reserved
    assert decode(line).seq == 7


@settings(deadline=None)
@given(st.sampled_from([Succeeded, Failed, Skipped]), st.data())
def test_any_outcome_of_ours_is_valid(kind, data: DataObject):
    def drawn(*names: str, of: st.SearchStrategy[Any]) -> dict[str, Any]:
        return {name: data.draw(of, name) for name in names}

    numbers, texts = st.integers(), st.text(st.characters())
    fields = drawn("job_id", "attempt", "duration_ns", "warnings", of=numbers)
    fields |= drawn("scene_id", "wait_ns", of=st.none() | numbers)
    fields |= drawn("kind", of=texts)
    if kind is Succeeded:
        fields |= drawn("confidence", of=texts)
    elif kind is Failed:
        fields |= drawn("error_type", "error", "policy", of=texts)
        fields |= drawn("to_dlq", of=st.booleans())
        fields |= drawn("retry_at_us", of=st.none() | numbers)
    place = {"stream": "a", "seq": 0, "timestamp": "2026-01-01T00:00:00Z"}
    line = decode(encode(outcome_fields(kind(**fields)) | place))
    assert line.duration_ns == min(max(fields["duration_ns"], 0), MAX_COUNT)
    assert line.attempt == min(max(fields["attempt"], 1), MAX_COUNT)
    assert line.to_dlq is fields.get("to_dlq", False)


@settings(deadline=None)
@given(counts())
def test_seconds_and_nanoseconds_agree(duration_ns):
    seconds = duration_ns / 1e9
    assert elapsed_ns(Line(duration=seconds)) == min(round(seconds * 1e9), MAX_COUNT)
    assert elapsed_ns(Line(duration=seconds, duration_ns=duration_ns)) == duration_ns
