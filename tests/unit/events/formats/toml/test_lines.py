"""The line of each key and element of a TOML text is found."""

from __future__ import annotations

import pytest

from events.formats.toml.lines import line_of

TEXT = '''# a comment
name = "x" # another [one]
text = """
[not.a] = "table"
\\""" ""
"""
raw = \'\'\'
a = 1
\'\'\'
"quoted key" = [ # a list
  1, # of
  "two, [2]",
  { three = 3, "fo\\"ur" = [4,
     5] },
]
dotted.key.here = true
[table]
a = { b = { c = 1 }, d = "}" }
[table.inner]
e = 1979-05-27T07:32:00Z
[[array]]
f = 1
[array.sub]
g = 1
[[array]]

f = 2
[array.sub]
g = 2
[[array.deep]]
h = 1
[[array.deep]]
h = 2
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 2),
        (("text",), 3),
        (("raw",), 7),
        (("quoted key",), 10),
        (("quoted key", 0), 11),
        (("quoted key", 1), 12),
        (("quoted key", 2, "three"), 13),
        (("dotted", "key"), 16),
        (("dotted", "key", "here"), 16),
        (("table",), 17),
        (("table", "a", "b", "c"), 18),
        (("table", "a", "d"), 18),
        (("table", "inner", "e"), 20),
        (("array",), 21),
        (("array", 0, "f"), 22),
        (("array", 0, "sub", "g"), 24),
        (("array", 1), 25),
        (("array", 1, "f"), 27),
        (("array", 1, "sub", "g"), 29),
        (("array", 1, "deep", 0, "h"), 31),
        (("array", 1, "deep", 1, "h"), 33),
        (("table", "missing"), 17),
        (("missing",), 1),
        ((), 1),
    ],
)
def test_the_line_of_a_path(path, line):
    assert line_of(TEXT, path) == line
