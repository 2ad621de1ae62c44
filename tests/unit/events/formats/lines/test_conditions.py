from __future__ import annotations

import pytest

from events.formats.lines.conditions import holds
from events.formats.mapping import Condition


@pytest.mark.parametrize(
    ("wanted", "fitting", "others"),
    [
        (1, [1, 1.0], [True, "1", None, 2, [1]]),
        (1.0, [1], ["1.0"]),
        (True, [True], [1, "true", None]),
        (False, [False], [0, None, ""]),
        ("", [""], [None, 0]),
        ("x", ["x"], ["X", "xx", ["x"]]),
    ],
)
def test_equality_is_jsons(wanted, fitting, others):
    condition = Condition("p", values=(wanted,))
    assert all(holds(condition, value) for value in fitting)
    assert not any(holds(condition, value) for value in others)


def test_one_of_several_values_is_enough():
    condition = Condition("p", values=("a", 2))
    assert [holds(condition, value) for value in ("a", 2, "2")] == [True, True, False]


def test_a_pattern_is_found_anywhere_in_a_text_and_in_nothing_else():
    condition = Condition("p", matches="7")
    assert [holds(condition, value) for value in ("a7b", "ab", 7, None)] == [
        *(True, False, False, False)
    ]


def test_whether_something_is_there():
    there, missing = Condition("p", exists=True), Condition("p", exists=False)
    for value in (0, "", False, []):
        assert (holds(there, value), holds(missing, value)) == (True, False)
    assert (holds(there, None), holds(missing, None)) == (False, True)
