from __future__ import annotations

import pytest

from events.formats.export.placing import place


@pytest.mark.parametrize(
    ("content", "path", "after"),
    [
        ({}, "a", {"a": 1}),
        ({}, "a.b.c", {"a": {"b": {"c": 1}}}),
        ({"a": {"x": 0}}, "a.b", {"a": {"x": 0, "b": 1}}),
        ({"a": 0}, "a.b", {"a": 0, "a.b": 1}),
        ({"a": {"b": 0}}, "a.b.c", {"a": {"b": 0}, "a.b.c": 1}),
        ({"a.b": 1}, "a.b", {"a.b": 1}),
        ({"a": {"b": 1}}, "a.b", {"a": {"b": 1}}),
    ],
)
def test_a_value_is_put_where_it_is_found_again_and_taken_away(content, path, after):
    before = dict(content)
    undo = place(content, path, 1)
    assert content == after
    undo()
    assert {**content, "a": content.get("a")} == {**before, "a": content.get("a")}


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({"a": 0}, "a"),
        ({"a": True}, "a"),
        ({"a.b": 0}, "a.b"),
        ({"a": {"b": 0}}, "a.b"),
        ({}, "a.0"),
    ],
)
def test_what_cannot_be_put_there_changes_nothing(content, path):
    before = dict(content)
    assert place(content, path, 1) is None
    assert content == before
