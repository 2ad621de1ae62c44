from __future__ import annotations

import pytest

from events.formats.lines.texts import bounded, part


@pytest.mark.parametrize(
    ("regex", "taken"),
    [
        (r"^\w+", "KeyError"),
        (r"^(\w+): (.*)", "KeyError"),
        (r"^\w+: (?P<value>.*)", "no such key"),
        (r"^(\w+): (?P<value>.*)", "no such key"),
        (r"^(x)?", None),
        ("y$", "y"),
        ("nothing", None),
    ],
)
def test_the_group_value_comes_before_the_first_group_and_that_before_all(regex, taken):
    assert part(regex, "KeyError: no such key") == taken


@pytest.mark.parametrize("length", [0, 1, 2 * 8192])
def test_a_short_text_is_seen_whole(length):
    assert bounded("x" * length) == "x" * length


def test_of_a_long_text_the_middle_is_not_seen():
    text = "a" * 8192 + "b" + "c" * 8192
    assert bounded(text) == "a" * 8192 + "\n…\n" + "c" * 8192
    assert part("b", text) is None
    assert part("c+$", text) == "c" * 8192
