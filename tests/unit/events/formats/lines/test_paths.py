from __future__ import annotations

import pytest

from events.formats.lines.paths import lookup

LINE = {
    "a": {"b": {"c": 1}, "none": None},
    "a.x": 2,
    "a.b": 3,
    "list": [{"name": "f"}, [7]],
    "0": "zero",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b.c", 1),
        ("a.b", {"c": 1}),  # the nested one comes first
        ("a.x", 2),
        ("a.none", None),
        ("a.b.c.d", None),
        ("list.0.name", "f"),
        ("list.1.0", 7),
        ("list.2", None),
        ("list.-1", None),
        ("list.99999999999999999999", None),
        ("list.²", None),
        ("0", "zero"),
        ("", None),
        ("a..b", None),
    ],
)
def test_what_stands_at_a_path(path, value):
    assert lookup(LINE, path) == value


@pytest.mark.parametrize("found", [None, 1, "text", [1]])
def test_what_is_no_object_has_nothing(found):
    assert lookup(found, "a.b") is None
