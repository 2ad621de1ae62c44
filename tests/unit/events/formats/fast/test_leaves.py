"""What of a line a mapping looks at, and of which type msgspec is to take it."""

from __future__ import annotations

import msgspec
import pytest

from events.formats.fast.leaves import leaves_of, paths_of, paths_of_lines, plain_fields
from events.formats.mapping import Condition, Mapping, Outcome, Source

MSG = (Condition("msg", values=("x",)),)


def mapping(*fields, when=MSG):
    return Mapping("m", outcomes=(Outcome("failed", when),), fields=fields)


def plain(*fields, **options):
    return dict(plain_fields(mapping(*fields, **options)))


def takes(leaf, *values):
    decode = msgspec.json.Decoder(leaf.type).decode
    taken = []
    for value in values:
        try:
            decode(value)
        except msgspec.ValidationError:
            continue
        taken.append(value)
    return taken


def test_a_field_at_a_path_of_its_own_is_plain():
    assert plain(("job", (Source(("id",)),))).keys() == {"job"}


@pytest.mark.parametrize(
    "source",
    [
        Source(("id", "job")),
        Source(("id",), regex="x"),
        Source(("msg",)),  # a condition looks at it
        Source(constant="x"),
    ],
)
def test_other_fields_are_not(source):
    assert plain(("job", (source,))) == {}


def test_two_fields_at_one_path_are_not():
    assert plain(("job", (Source(("id",)),)), ("kind", (Source(("id",)),))) == {}


def test_whether_something_is_there_may_be_asked_of_a_plain_field():
    exists = (Condition("ms", exists=True),)
    fields = ("duration", (Source(("ms",), unit="ms"),))
    assert plain(fields, when=exists).keys() == {"duration"}


def test_moments_since_1970_are_read_slowly():
    assert plain(("timestamp", (Source(("t",), unit="s"),))) == {}
    assert plain(("timestamp", (Source(("t",)),))).keys() == {"timestamp"}


def test_what_msgspec_takes_is_what_the_field_takes():
    fields = (
        ("duration", (Source(("ms",), unit="ms"),)),
        ("job", (Source(("id",)),)),
        ("attempt", (Source(("n",)),)),
    )
    made = mapping(*fields)
    leaves = leaves_of(made, dict(plain_fields(made)))
    values = (b"1", b"-1", b"1.5", b'"x"', b"null", b"true")
    assert takes(leaves["ms"], *values) == [b"1", b"1.5", b"null"]
    assert takes(leaves["id"], *values) == [b"1", b"-1", b'"x"', b"null"]
    assert takes(leaves["n"], *values) == [b"1", b"null"]
    assert takes(leaves["msg"], *values) == [b'"x"', b"null"]


def test_numbers_and_bools_that_a_dictionary_takes_for_one_have_no_fast_way():
    assert leaves_of(mapping(when=(Condition("ok", values=(1, True)),)), {}) is None
    assert leaves_of(mapping(when=(Condition("ok", values=(1, 2.5, "x")),)), {}) is not None


def test_all_paths():
    source = Source(("a", "b")), Source(span=("c", "d")), Source(constant=1)
    assert paths_of(source) == ("a", "b", "c", "d")
    assert list(paths_of_lines(mapping(("job", source)))) == ["msg", "a", "b", "c", "d"]
