"""Conditions and sources as a mapping's file has them; what is wrong: see `test_mapping_file`."""

from __future__ import annotations

import tomllib

import pytest

from events.formats.mapping import Condition, Source
from events.formats.toml.table import Table, WrongKeyError
from events.formats.toml.values import MAX_STEPS, read_sources, read_when


def when(text):
    return read_when(Table(tomllib.loads(f"when = {text}")), "when")


def sources(text, name=""):
    return read_sources(Table(tomllib.loads(f"x = {text}")), "x", name)


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("{ a = 1 }", (Condition("a", values=(1,)),)),
        ('{ a.b = ["x", true] }', (Condition("a.b", values=("x", True)),)),
        ('{ "a.b" = 1.5 }', (Condition("a.b", values=(1.5,)),)),
        ('{ a = { b = { matches = "^x" } } }', (Condition("a.b", matches="^x"),)),
        (
            "{ a.exists = false, b = 1 }",
            (Condition("a", exists=False), Condition("b", values=(1,))),
        ),
    ],
)
def test_conditions(text, conditions):
    assert when(text) == conditions


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{}", "without a condition every line would fit"),
        ("{ a = [] }", "an empty list fits nothing"),
        ("{ a = {} }", "an empty table is no condition"),
        ("{ a = nan }", "give a text, a number, true or false"),
        ("{ a = { exists = 1 } }", "exists is true or false"),
        ('{ a = { matches = "(" } }', "no regular expression"),
        (f"{{ {'.'.join('a' * (MAX_STEPS + 1))} = 1 }}", f"at most {MAX_STEPS} steps"),
    ],
)
def test_what_is_no_condition(text, what):
    with pytest.raises(WrongKeyError) as caught:
        when(text)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ('"a.b"', "job", (Source(("a.b",)),)),
        ('{ field = ["a", "b"] }', "job", (Source(("a", "b")),)),
        (
            '[{ field = "a", regex = "x" }, "b"]',
            "error",
            (Source(("a",), regex="x"), Source(("b",))),
        ),
        ("{ value = false }", "", (Source(constant=False),)),
        (
            '{ field = "a", unit = "ms", default = 5 }',
            "wait",
            (Source(("a",), unit="ms", default=5),),
        ),
        ('{ from = "a", to = "b" }', "duration", (Source(span=("a", "b")),)),
    ],
)
def test_sources(text, name, found):
    assert sources(text, name) == found
