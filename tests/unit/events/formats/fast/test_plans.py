"""The fast way of a mapping tells the sorts of lines apart, and knows what it cannot take."""

from __future__ import annotations

import pytest

from events.formats.fast.plans import plans_of
from events.formats.toml.mapping_file import parse_mapping

TEXT = """
name = "m"
[[outcomes]]
is = "succeeded"
when = { ok = true, ended.exists = true }
[[outcomes]]
is = "failed"
when = { ok = false }
[fields]
duration = { field = "event.ms", unit = "ms" }
"""


def plans(text=TEXT):
    return plans_of(parse_mapping(text, "m.toml"))


def test_a_mapping_with_dots_has_a_plan_for_each_form():
    nested, dotted = plans()
    assert not nested.has_other_form(b'{"ok":true,"event":{"ms":1}}')
    assert nested.has_other_form(b'{"ok":true,"event.ms":1}')
    assert dotted.has_other_form(b'{"ok":true,"event":{"ms":1}}')
    assert nested.has_other_form(b"noise")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"ok":true,"ended":1}', "succeeded"),
        (b'{"ok":true}', None),
        (b'{"ok":true,"ended":null}', None),
        (b'{"ok":false}', "failed"),
        (b"{}", None),
    ],
)
def test_the_sort_of_a_line_is_found_and_noted(line, found):
    plan = plans()[0]
    seen = plan.decode(line)
    assert plan.find(seen).decision.kind == found
    assert plan.sorts[plan.key(seen)] is plan.find(seen)


def test_a_value_that_conditions_do_not_look_for_is_unusual():
    with pytest.raises(ValueError, match="bool"):
        plans()[0].decode(b'{"ok":"yes"}')


def test_many_sorts_are_not_all_kept():
    plan = plans(TEXT.replace("ok = false", 'msg = { matches = "x" }'))[0]
    for number in range(3000):
        plan.find(plan.decode(b'{"msg":"%d"}' % number))
    assert len(plan.sorts) <= 1024
    plan.find(plan.decode(b'{"msg":"%s"}' % (b"x" * 1000)))
    assert len(plan.sorts) <= 1024
    assert all(len(str(key)) < 200 for key in plan.sorts)


def test_what_cannot_be_told_apart_has_no_plan():
    assert plans(TEXT.replace("ok = false", "ok = [0, false]")) == ()
