"""What msgspec reads of a line, nested or under keys with dots."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET

from events.formats.fast.shapes import Leaf, shapes_of


def leaves(*paths, **known):
    return {path: Leaf() for path in paths} | known


def test_nested_values_and_such_under_keys_with_dots():
    nested, dotted = shapes_of(leaves("a.b", "c"))
    inside, outside = b'{"a":{"b":1,"x":[2]},"c":3}', b'{"a.b":1,"c":3}'
    assert [get(nested.decode(inside)) for get in nested.getters.values()] == [1, 3]
    assert [get(dotted.decode(outside)) for get in dotted.getters.values()] == [1, 3]
    assert nested.getters["a.b"](nested.decode(outside)) is UNSET


def test_each_form_sees_what_a_line_has_of_the_other():
    nested, dotted = shapes_of(leaves("a.b", "c"))
    inside, outside = b'{"a":{"b":1}}', b'{"a.b":1}'
    assert nested.others(nested.decode(inside)) == nested.nothing
    assert nested.others(nested.decode(outside)) != nested.nothing
    assert dotted.others(dotted.decode(outside)) == dotted.nothing
    assert dotted.others(dotted.decode(inside)) != dotted.nothing


def test_paths_without_dots_have_one_form():
    (shape,) = shapes_of(leaves("a", "b"))
    assert shape.others is None
    assert set(shape.names) == {"a", "b"}


def test_a_place_in_a_list_is_looked_up_in_the_whole():
    nested, _ = shapes_of(leaves("e.0.type", "e.1"))
    seen = nested.decode(b'{"e":[{"type":"x"},7]}')
    assert [nested.getters[path](seen) for path in ("e.0.type", "e.1")] == ["x", 7]
    assert nested.getters["e.1"](nested.decode(b'{"e":[1]}')) is UNSET
    assert nested.names == {}


def test_a_path_within_another_is_read_with_it():
    (shape,) = shapes_of(leaves("a", "a.b"))
    seen = shape.decode(b'{"a":{"b":1}}')
    assert [shape.getters[path](seen) for path in ("a", "a.b")] == [{"b": 1}, 1]


def test_a_value_of_another_type_makes_the_line_unusual():
    (shape,) = shapes_of({"a": Leaf(int, 7)})
    assert shape.getters["a"](shape.decode(b"{}")) == 7
    with pytest.raises(msgspec.ValidationError):
        shape.decode(b'{"a":"x"}')
