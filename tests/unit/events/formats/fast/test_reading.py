"""Fields are taken from what msgspec has read as from the line itself."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from events.formats.fast.columns import nothing_else
from events.formats.fast.reading import column_of, reader
from events.formats.fast.shapes import Leaf, shapes_of
from events.formats.lines.values import extract
from events.formats.mapping import Source

LINES = [b"{}", b'{"a":"xy","b":7}', b'{"a":"","b":null}', b'{"b":true,"c":[1]}', b'{"a":"zz"}']


@pytest.mark.parametrize("name", ["", "job", "error"])
@pytest.mark.parametrize(
    "sources",
    [
        (Source(("a",)),),
        (Source(("a", "b")),),
        (Source(("a",), regex="^x(.)"), Source(("b",), default="none")),
        (Source(("b",), default="none"),),
        (Source(constant="always"),),
    ],
)
def test_a_reader_says_what_the_slow_way_says(name, sources):
    (shape,) = shapes_of({path: Leaf() for path in "abc"})
    read = reader(name, sources, shape)
    for line in LINES:
        seen = shape.decode(line)
        found = {path: get(seen) for path, get in shape.getters.items()}
        values = {path: value for path, value in found.items() if value is not UNSET}
        try:
            expected = extract(name, sources, values.get)
        except ValueError:
            with pytest.raises(ValueError, match="is wanted"):
                read(seen)
        else:
            assert read(seen) == expected


def test_a_plain_field_is_a_column_of_what_msgspec_has_read():
    source = Source(("ms",), unit="ms")
    (shape,) = shapes_of({"ms": Leaf(int | None)})
    column = column_of("duration", (source,), shape, {"duration": source}, nothing_else)
    seen = [shape.decode(line) for line in (b'{"ms":1}', b'{"ms":2}')]
    assert list(column(seen)) == [1_000_000, 2_000_000]
    assert list(column([shape.decode(b"{}")])) == [UNSET]


def test_any_other_field_is_looked_at_one_by_one():
    sources = (Source(("a", "b")),)
    (shape,) = shapes_of({"a": Leaf(), "b": Leaf()})
    column = column_of("job", sources, shape, {}, nothing_else)
    assert list(column([shape.decode(b'{"b":7}'), shape.decode(b"{}")])) == ["7", ""]
