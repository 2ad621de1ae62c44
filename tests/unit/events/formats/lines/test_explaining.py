"""Who writes a mapping is told of each line what becomes of it."""

from __future__ import annotations

from events.formats.lines.explaining import Place, explain
from events.formats.presets import load_preset
from events.formats.toml.mapping_file import parse_mapping
from tests.support.sidekiq_lines import line, warn


def told(mapping, *lines):
    return [
        (each.place.line, each.what, each.reason, each.of and each.of.line)
        for each in explain(
            mapping, ((Place(number), line) for number, line in enumerate(lines, 1))
        )
    ]


def test_what_becomes_of_each_line():
    mapping = load_preset("sidekiq")
    found = told(
        mapping,
        line("done"),
        b"\n",
        b" \t\r\n",
        b"noise\n",
        line("fail", "a"),
        line("fail", "b"),
        warn("E: x", "a"),
        line("fail", "b"),
        line("start"),
    )
    assert found == [
        (1, "outcome", "", None),
        (4, "invalid", "not JSON: Expecting value (character 1)", None),
        (5, "waits", "", None),
        (6, "waits", "", None),
        (7, "completes", "", 5),
        (6, "settled", "line 8 took its place", None),
        (8, "waits", "", None),
        (9, "ignored", 'no outcome fits (msg is "start")', None),
        (8, "settled", "the line that completes it does not come any more", None),
    ]


def test_several_lines_may_be_wrapped_in_one():
    mapping = load_preset("sidekiq")
    first, second, third = Place(7, 1), Place(7, 2), Place(7, 3)
    lines = [(first, line("fail", "a")), (second, line("fail", "a")), (third, warn("E: x", "a"))]
    assert [(each.place, each.what, each.reason, each.of) for each in explain(mapping, lines)] == [
        (first, "waits", "", None),
        (first, "settled", "line 7.2 took its place", None),
        (second, "waits", "", None),
        (third, "completes", "", second),
    ]
    assert [str(each) for each in (first, second, Place(8))] == ["7", "7.2", "8"]


def test_of_a_line_that_is_ignored_some_values_are_shown():
    mapping = parse_mapping(
        """
        name = "m"
        [[outcomes]]
        is = "failed"
        when = { a = 1, b = 2, c = 3, d = 4, e = { exists = true } }
        """,
        "m.toml",
    )
    assert told(mapping, b'{"a":"%s","b":null,"c":[1]}' % (b"x" * 99)) == [
        (1, "ignored", f'no outcome fits (a is "{"x" * 39}…, b is missing, c is [1], …)', None)
    ]
